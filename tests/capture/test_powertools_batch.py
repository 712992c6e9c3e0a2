"""Powertools' batch processors, with the real package and no change in the user's code."""

import asyncio
import copy
import json
import sys
from traceback import extract_tb

import pytest

import lumitrace
from lumitrace import traced

batch = pytest.importorskip("aws_lambda_powertools.utilities.batch")

ARN = "arn:aws:sqs:eu-west-1:123456789012:ushop_shipping"


def sqs_event(group=None):
    """Return three messages, each from a trace of its own."""
    records = []
    for number in (1, 2, 3):
        traceparent = f"00-{number:032x}-{number:016x}-01"
        records.append(
            {
                "messageId": f"m{number}",
                "body": json.dumps({"n": number}),
                "attributes": {"MessageGroupId": group} if group else {},
                "messageAttributes": {
                    "traceparent": {"stringValue": traceparent, "dataType": "String"}
                },
                "eventSource": "aws:sqs",
                "eventSourceARN": ARN,
            }
        )
    return {"Records": records}


def failing(seen, key=lambda record: record.message_id, bad="m2"):
    """Return a record handler that fails at *bad*."""

    def handle(record):
        seen.append((key(record), lumitrace.trace_id()))
        if key(record) == bad:
            raise ValueError(bad)

    return handle


def run(processor, event, record_handler, context, process=batch.process_partial_response):
    """Run *processor* in a traced handler; the event stays as it was."""
    before = copy.deepcopy(event)

    @traced
    def handler(event, context):
        return process(
            event=event, record_handler=record_handler, processor=processor, context=context
        )

    result = handler(event, context)
    assert event == before
    return result


def test_each_record_is_in_its_own_transaction(captured, context):
    """And the one that failed is told with its exception, which Powertools keeps to itself."""
    seen = []

    result = run(
        batch.BatchProcessor(event_type=batch.EventType.SQS), sqs_event(), failing(seen), context
    )

    assert seen == [(f"m{number}", f"{number:032x}") for number in (1, 2, 3)]
    assert result == {"batchItemFailures": [{"itemIdentifier": "m2"}]}
    end = captured.one("invocation")
    assert end["failedRecords"] == ["m2"]
    assert [entry[3] for entry in end["records"]] == ["m1", "m3"]
    line = captured.one("span")
    assert (line["recordId"], line["error"]["type"]) == ("m2", "ValueError")


def test_async_records_are_each_in_their_own(captured, context):
    """They run at once, as tasks."""
    seen = []

    async def handle(record):
        await asyncio.sleep(0)
        seen.append((record.message_id, lumitrace.trace_id()))
        if record.message_id == "m3":
            raise KeyError

    processor = batch.AsyncBatchProcessor(event_type=batch.EventType.SQS)

    result = run(processor, sqs_event(), handle, context, batch.async_process_partial_response)

    assert sorted(seen) == [(f"m{number}", f"{number:032x}") for number in (1, 2, 3)]
    assert result == {"batchItemFailures": [{"itemIdentifier": "m3"}]}
    assert captured.one("invocation")["failedRecords"] == ["m3"]


def test_fifo_gives_back_what_comes_after_a_failure(captured, context):
    """Those were not tried: they failed, and the exception is the first one's alone."""
    seen = []

    run(batch.SqsFifoPartialProcessor(), sqs_event("g"), failing(seen), context)

    assert [name for name, _ in seen] == ["m1", "m2"]
    assert captured.one("invocation")["failedRecords"] == ["m2", "m3"]


@pytest.mark.parametrize(
    ("kind", "records"),
    [
        ("KinesisDataStreams", "kinesis"),
        ("DynamoDBStreams", "dynamodb"),
    ],
)
def test_streams(captured, context, kind, records):
    """Records of streams have a trace each and fail by sequence number."""
    name = "SequenceNumber" if records == "dynamodb" else "sequenceNumber"
    event = {
        "Records": [
            {
                "eventID": f"shardId-0:{number}",
                "eventName": "INSERT",
                "eventSource": f"aws:{records}",
                "eventSourceARN": f"arn:aws:{records}:eu-west-1:123456789012:table/t/stream/x",
                records: {name: str(number), "data": "e30=", "partitionKey": "a"},
            }
            for number in (1, 2)
        ]
    }
    seen = []

    def handle(record):
        seen.append(lumitrace.trace_id())
        if len(seen) == 2:
            raise ValueError

    processor = batch.BatchProcessor(event_type=batch.EventType[kind])
    result = run(processor, event, handle, context)

    assert len({*seen, captured.one("start")["traceId"]}) == 3
    assert result == {"batchItemFailures": [{"itemIdentifier": "2"}]}
    assert captured.all("span")[-1]["error"]["type"] == "ValueError"


def test_a_batch_that_fails_whole_raises_what_it_would(captured, context):
    """The exception of Powertools passes, with no frame of ours."""

    def handle(record):
        raise ValueError(record.message_id)

    with pytest.raises(batch.exceptions.BatchProcessingError) as caught:
        run(batch.BatchProcessor(event_type=batch.EventType.SQS), sqs_event(), handle, context)

    frames = [frame for frame in caught.traceback if "lumitrace/capture" in str(frame.path)]
    assert len(frames) <= 1  # one on Python 3.10, under the name that the runtime drops
    for _, error, traceback in caught.value.child_exceptions:
        assert isinstance(error, ValueError)
        assert "powertools" in traceback.tb_frame.f_code.co_filename
    assert captured.one("invocation")["failedRecords"] == ["m1", "m2", "m3"]


def test_outside_an_invocation_powertools_is_itself(captured, context):
    """No record is told, and the result is the same."""
    processor = batch.BatchProcessor(event_type=batch.EventType.SQS)

    result = batch.process_partial_response(sqs_event(), failing([]), processor, context)

    assert result == {"batchItemFailures": [{"itemIdentifier": "m2"}]}
    assert captured.writes == []


@pytest.mark.parametrize("is_async", [False, True])
def test_what_a_failure_handler_raises_has_no_frame_of_ours(is_async, captured, context):
    """A processor of one's own may call the library's with what it does not take."""
    kind = batch.AsyncBatchProcessor if is_async else batch.BatchProcessor
    process = batch.async_process_partial_response if is_async else batch.process_partial_response
    handle = failing([])

    async def later(record):
        handle(record)

    class Own(kind):
        def failure_handler(self, record, exception):
            return super().failure_handler(record, None)

    def attempt(call):
        processor = Own(event_type=batch.EventType.SQS)
        with pytest.raises(TypeError) as caught:
            call(processor, sqs_event(), later if is_async else handle, context, process)
        names = [frame.name for frame in extract_tb(caught.value.__traceback__)]
        return str(caught.value), names[names.index(process.__name__) :]

    def plain(processor, event, record_handler, context, process):
        return process(
            event=event, record_handler=record_handler, processor=processor, context=context
        )

    told, names = attempt(plain)
    ours = attempt(run)

    assert ours[0] == told
    if sys.version_info >= (3, 11):  # before, one frame stays where something stands outside ours
        assert ours[1] == names


def test_a_failure_handler_of_ones_own_may_hand_on_by_place(captured, context):
    """What went wrong is told, however the library's own method is called."""

    class Own(batch.BatchProcessor):
        def failure_handler(self, record, exception):
            return super().failure_handler(record, exception)

    run(Own(event_type=batch.EventType.SQS), sqs_event(), failing([]), context)

    assert captured.one("span")["error"]["type"] == "ValueError"
