"""Records of a batch: entered again, in threads and tasks, failed, and sent on together."""

import asyncio
import copy
import gc
import threading
import time

import pytest

import lumitrace
from lumitrace import traced


def queue_event(count):
    """Return *count* messages, each from a trace of its own."""
    return {"Records": [message(number) for number in range(1, count + 1)]}


def message(number):
    """Return a message of the trace *number*."""
    traceparent = f"00-{number:032x}-{number:016x}-01"
    return {
        "messageId": f"m{number}",
        "body": "{}",
        "attributes": {"ApproximateReceiveCount": "1"},
        "messageAttributes": {"traceparent": {"stringValue": traceparent, "dataType": "String"}},
        "eventSource": "aws:sqs",
        "eventSourceARN": "arn:aws:sqs:eu-west-1:123456789012:ushop_shipping",
    }


def run(handler, event, context):
    """Run *handler* traced; the event stays as it was."""
    before = copy.deepcopy(event)
    result = traced(handler)(event, context)
    assert event == before
    return result


def entries(captured):
    """Return the folded records by their ids."""
    lines = [line for line in captured.lines if line["record"] != "start"]
    return {entry[3]: entry for line in lines for entry in line.get("records", ())}


def test_a_record_entered_again_is_one_span(captured, context):
    """From the first enter to the last exit, with one span id, and what is called in it is its."""
    seen = []

    def handler(event, context):
        for _ in lumitrace.records(event):
            seen.append(lumitrace.trace_id())
        for record in event["Records"]:
            with lumitrace.record(copy.deepcopy(record)):
                seen.append(lumitrace.trace_id())

    run(handler, queue_event(2), context)

    assert seen == [f"{1:032x}", f"{2:032x}"] * 2
    told = captured.one("invocation")["records"]
    assert [entry[3] for entry in told] == ["m1", "m2"]
    assert told[0][5] > told[1][4] - told[0][4]  # the first lasted beyond the second's beginning


def test_a_record_entered_again_after_it_was_told_is_told_at_the_end(captured, context, clock):
    """The later line bears the same span id and the whole time."""

    def handler(event, context):
        with lumitrace.record(event["Records"][0]):
            clock.us += 30_000
        clock.us += 30_000
        with lumitrace.record(event["Records"][0]):
            lumitrace.tag(again=True)

    run(handler, queue_event(1), context)

    entry, [line] = entries(captured)["m1"], captured.all("span")
    assert (line["spanId"], line["traceId"]) == (entry[0], entry[1])
    assert line["durationUs"] > entry[5] + 30_000
    assert line["tags"] == {"again": True}


def test_what_waits_is_written_when_a_record_ends(captured, context, clock):
    """25 ms after the last write: a kill in the next record hides nothing of this one."""
    written = []

    def handler(event, context):
        for record in event["Records"]:
            with lumitrace.record(record):
                clock.us += 13_000
            written.append(list(entries(captured)))

    run(handler, queue_event(3), context)

    assert written == [[], ["m1", "m2"], ["m1", "m2"]]


def test_a_record_received_again_says_so(captured, context):
    """How often stands with the record, where it was more than once."""
    event = queue_event(2)
    event["Records"][1]["attributes"]["ApproximateReceiveCount"] = "3"

    run(lambda event, context: list(lumitrace.records(event)), event, context)

    told = entries(captured)
    assert told["m1"][7:] == []
    assert told["m2"][7:] == [{"receiveCount": 3}]


def test_two_threads_in_two_records_at_once(captured, context):
    """Each thread is in its own record, also where both share one scope."""
    seen, both = {}, threading.Barrier(2)

    def work(record):
        with lumitrace.record(record), lumitrace.span(f"step {record['messageId']}"):
            both.wait(60)
            seen[record["messageId"]] = lumitrace.trace_id()
            both.wait(60)

    def handler(event, context):
        threads = [threading.Thread(target=work, args=(one,)) for one in event["Records"]]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)

    run(handler, queue_event(2), context)

    assert seen == {"m1": f"{1:032x}", "m2": f"{2:032x}"}
    spans = {line["name"]: line for line in captured.all("span")}
    assert spans["step m1"]["traceId"] == f"{1:032x}"
    assert spans["step m2"]["traceId"] == f"{2:032x}"


def test_one_scope_shared_by_two_threads(captured, context):
    """The record ends when the last thread has left it, and both are back where they were."""
    both = threading.Barrier(2)

    def handler(event, context):
        scope = lumitrace.record(event["Records"][0])

        def work():
            with scope:
                both.wait(60)
                assert lumitrace.trace_id() == f"{1:032x}"
                both.wait(60)

        other = threading.Thread(target=work)
        other.start()
        work()
        other.join(60)
        return lumitrace.trace_id()

    assert run(handler, queue_event(2), context) == captured.one("start")["traceId"]
    assert len(entries(captured)) == 1


def test_tasks_in_records_at_once(captured, context):
    """asyncio.gather over records: every task is in its own, steps inside too."""

    async def work(record):
        async with lumitrace.record(record):
            await asyncio.sleep(0)
            with lumitrace.span("step", of=record["messageId"]):
                await asyncio.sleep(0)
            return lumitrace.trace_id()

    def handler(event, context):
        async def all_of_them():
            return await asyncio.gather(*(work(one) for one in event["Records"]))

        return asyncio.run(all_of_them())

    traces = run(handler, queue_event(5), context)

    assert traces == [f"{number:032x}" for number in range(1, 6)]
    steps = [line for line in captured.all("span") if line["name"] == "step"]
    assert [int(line["traceId"], 16) for line in steps] == [1, 2, 3, 4, 5]


def test_a_loop_left_early_and_a_handler_that_ends_well(captured, context):
    """A record left by ``break`` did not fail."""

    def handler(event, context):
        for _ in lumitrace.records(event):
            break
        return lumitrace.trace_id()

    assert run(handler, queue_event(3), context) == captured.one("start")["traceId"]
    assert list(entries(captured)) == ["m1"]
    assert "failedRecords" not in captured.one("invocation")


def test_an_exception_in_the_middle_fails_the_record_in_force(captured, context):
    """The others were well, and the exception is the very one."""
    error = ValueError("bad record")

    def handler(event, context):
        for record in lumitrace.records(event):
            if record["messageId"] == "m2":
                raise error

    with pytest.raises(ValueError, match="bad record") as caught:
        run(handler, queue_event(3), context)

    assert caught.value is error
    assert caught.value.__context__ is None
    assert captured.one("invocation")["failedRecords"] == ["m2"]
    assert captured.one("span")["error"]["type"] == "ValueError"


def test_a_record_open_in_another_thread_is_not_blamed(captured, context):
    """What the handler raises is not the failure of what runs beside it."""
    inside, done = threading.Event(), threading.Event()

    def work(record):
        with lumitrace.record(record):
            inside.set()
            done.wait(60)

    def handler(event, context):
        thread = threading.Thread(target=work, args=(event["Records"][0],))
        thread.start()
        inside.wait(60)
        try:
            with lumitrace.record(event["Records"][1]):
                raise KeyError("m2")
        finally:
            threads.append(thread)

    threads = []
    with pytest.raises(KeyError):
        run(handler, queue_event(2), context)
    done.set()
    threads[0].join(60)

    assert captured.one("invocation")["failedRecords"] == ["m2"]


@pytest.mark.parametrize("source", ["sqs", "kinesis", "dynamodb"])
def test_what_the_result_gives_back_has_failed(captured, context, event, source):
    """By message id, or by the sequence number of a stream, and the result stays as it is."""
    item = {"kinesis": {"sequenceNumber": "7"}, "dynamodb": {"SequenceNumber": "7"}}
    if source == "sqs":
        batch, name, ours = queue_event(2), "m2", "m2"
    else:
        record = {"eventID": "e2", "eventSource": f"aws:{source}", source: item[source]}
        batch, name, ours = (
            {"Records": [{**record, "eventID": "e1", source: {}}, record]},
            "7",
            "e2",
        )
    result = {"batchItemFailures": [{"itemIdentifier": name}]}
    before = copy.deepcopy(result)

    given = traced(lambda event, context: result)(batch, context)

    assert given is result
    assert result == before
    assert captured.one("invocation")["failedRecords"] == [ours]


@pytest.mark.parametrize(
    "failures",
    [
        None,
        5,
        "m1",
        [None],
        [5],
        [],
        [{"itemIdentifier": "stranger"}],
        [{"itemIdentifier": 0}],
        [{"itemIdentifier": {"partition": [], "offset": {}}}],
    ],
)
def test_a_malformed_result_says_nothing(captured, context, failures):
    """Lambda judges it; we only do no harm."""
    result = {"batchItemFailures": failures}

    assert run(lambda event, context: result, queue_event(2), context) is result
    assert "failedRecords" not in captured.one("invocation")


@pytest.mark.parametrize("item", [{}, {"itemIdentifier": None}, {"itemIdentifier": ""}])
def test_an_identifier_without_a_name_gives_the_whole_batch_back(captured, context, item):
    """Lambda takes the batch as failed, and so do we, whatever else the list names."""
    result = {"batchItemFailures": [{"itemIdentifier": "m2"}, item]}

    def handler(event, context):
        for _ in lumitrace.records(event):
            pass
        return result

    assert run(handler, queue_event(3), context) is result
    assert captured.one("invocation")["failedRecords"] == ["m1", "m2", "m3"]


def kafka_event():
    """Return records of two topics, one of them with a dash in its name, and two partitions."""
    places = [("clicks", 0, 15), ("clicks", 0, 16), ("clicks", 1, 15), ("a-b", 0, 15)]
    records = {}
    for topic, partition, offset in places:
        record = {"topic": topic, "partition": partition, "offset": offset, "value": "e30="}
        records.setdefault(f"{topic}-{partition}", []).append(record)
    return {"eventSource": "aws:kafka", "records": records}


@pytest.mark.parametrize("name", ["topic-partition", "partition"])
def test_records_of_kafka_that_the_result_gives_back_have_failed(captured, context, name):
    """By topic, partition and offset, as AWS's page spells it and as Powertools does."""
    items = [{name: "clicks-0", "offset": 16}, {name: "a-b-0", "offset": 15}]
    strange = [{name: "clicks-0", "offset": "15"}, {name: 0, "offset": 15}, {name: "clicks-1"}]
    result = {"batchItemFailures": [{"itemIdentifier": item} for item in items + strange]}

    def handler(event, context):
        for _ in lumitrace.records(event):
            pass
        return result

    assert run(handler, kafka_event(), context) is result
    assert captured.one("invocation")["failedRecords"] == ["clicks-0-16", "a-b-0-15"]
    assert list(entries(captured)) == ["clicks-0-15", "clicks-0-16", "clicks-1-15", "a-b-0-15"]


def test_a_record_in_force_stays_where_a_kept_generator_ends(captured, context):
    """Closed late, in the same invocation or in a later one, it takes nobody else's context."""
    kept, seen = [], []

    def handler(event, context):
        if not kept:
            kept.append(lumitrace.records(event))
            next(kept[0])
            return
        mine = lumitrace.records(event)
        next(mine)
        with lumitrace.record(event["Records"][1]):
            kept.clear()
            seen.append(lumitrace.trace_id())
            mine.close()
            seen.append(lumitrace.trace_id())
            with lumitrace.span("step"):
                seen.append(lumitrace.trace_id())

    run(handler, queue_event(2), context)
    run(handler, queue_event(2), context)

    assert seen == [f"{2:032x}"] * 3


def test_what_was_left_inside_a_record_leaves_the_record_in_force(captured, context):
    """Two steps that end in the order in which they began: then the record's own again."""
    seen = []

    def handler(event, context):
        with lumitrace.record(event["Records"][1]):
            one, two = lumitrace.span("one"), lumitrace.span("two")
            one.__enter__()
            two.__enter__()
            one.__exit__(None, None, None)
            two.__exit__(None, None, None)
            seen.append(lumitrace.trace_id())

    run(handler, queue_event(2), context)

    assert seen == [f"{2:032x}"]


def test_records_that_a_transformation_could_not_process_have_failed(captured, context, event):
    """Firehose: ``ProcessingFailed`` is a failure, ``Dropped`` is what the function wanted."""
    batch = event("firehose")
    first = batch["records"][0]
    batch["records"] = [{**first, "recordId": f"r{number}"} for number in range(3)]
    told = ("Ok", "ProcessingFailed", "Dropped")
    answers = [{"recordId": f"r{at}", "result": one, "data": ""} for at, one in enumerate(told)]
    result = {"records": [*answers, None, {"result": "ProcessingFailed", "recordId": 5}]}

    assert run(lambda event, context: result, batch, context) is result
    assert captured.one("invocation")["failedRecords"] == ["r1"]


def test_records_in_the_answer_of_another_source_are_not_firehoses(captured, context):
    """A function that answers HTTP with a list of records gives nothing back."""
    result = {"records": [{"recordId": "m1", "result": "ProcessingFailed"}]}

    assert run(lambda event, context: result, queue_event(1), context) is result
    assert "failedRecords" not in captured.one("invocation")


def test_a_record_is_said_to_have_failed(captured, context):
    """`lumitrace.failed` needs no exception, before, inside and after the record."""

    def handler(event, context):
        lumitrace.failed(event["Records"][0])
        for record in lumitrace.records(event):
            if record["messageId"] == "m2":
                lumitrace.failed(record)
        lumitrace.failed(event["Records"][2])
        lumitrace.failed(object())

    run(handler, queue_event(3), context)

    assert captured.one("invocation")["failedRecords"] == ["m1", "m2", "m3"]


@pytest.mark.parametrize(
    "shape",
    [
        lambda records: {"Records": records},
        lambda records: {"records": records},
        lambda records: {"records": {"topic-0": records[:1], "topic-1": records[1:]}},
        lambda records: records,
        lambda records: iter(records),
    ],
)
def test_every_shape_of_a_batch_is_a_loop(captured, context, shape):
    """Kafka's map, Firehose's list and the bare list of a pipe as well."""
    seen = []
    records = queue_event(3)["Records"]

    traced(lambda event, context: seen.extend(lumitrace.records(shape(records))))({}, context)

    assert [id(one) for one in seen] == [id(one) for one in records]


@pytest.mark.parametrize("event", [None, 5, "text", {}, {"Records": None}, {"records": 5}])
def test_no_batch_is_an_empty_loop(captured, context, event):
    """An event that is none gives nothing and raises nothing."""
    assert traced(lambda e, c: list(lumitrace.records(e)))(event, context) == []


def test_outside_an_invocation_nothing_is_kept(captured):
    """A record entered, bound or failed in a script is as if it were not."""
    entry = {"Id": "1"}
    with lumitrace.record(message(1)):
        lumitrace.failed(message(1))
        assert lumitrace.bind(entry, message(1)) is entry

    assert captured.writes == []


def test_a_bound_entry_goes_out_in_its_records_context(aws, captured, context):
    """The others carry the invocation's, and the entries themselves are untouched."""
    client = aws.client("sqs")
    given = []

    def handler(event, context):
        for record in lumitrace.records(event):
            entry = {"Id": record["messageId"], "MessageBody": "x"}
            if record["messageId"] != "m3":
                assert lumitrace.bind(entry, record) is entry
            given.append(entry)
        before = copy.deepcopy(given)
        client.send_message_batch(QueueUrl=aws.queue, Entries=given)
        assert given == before

    run(handler, queue_event(3), context)

    sent = aws.sent[0]["Entries"]
    parents = [one["MessageAttributes"]["traceparent"]["StringValue"].split("-") for one in sent]
    spans = entries(captured)
    assert [part[1:3] for part in parents[:2]] == [
        [spans[name][1], spans[name][0]] for name in ("m1", "m2")
    ]
    assert parents[2][1] == captured.one("start")["traceId"]
    [call] = [one for line in captured.lines for one in line.get("calls", ())]
    assert call[6] == ["sqs:sqs-1-m3"]
    assert call[7]["bound"] == [
        [spans[name][1], spans[name][0], [f"sqs:sqs-1-{name}"]] for name in ("m1", "m2")
    ]


def test_a_record_that_is_bound_and_never_entered_is_told(aws, captured, context):
    """The receiver's parent is in the log."""
    client = aws.client("sns")

    def handler(event, context):
        entry = lumitrace.bind({"Id": "1", "Message": "x"}, event["Records"][1])
        client.publish_batch(TopicArn=aws.topic, PublishBatchRequestEntries=[entry])

    run(handler, queue_event(2), context)

    told = entries(captured)["m2"]
    assert f"{told[1]}-{told[0]}" in str(aws.sent[0])


def test_items_of_a_batch_write_are_told_by_record(aws, captured, context):
    """A put, or the item in it, may be what was bound."""
    client = aws.client("dynamodb")

    def handler(event, context):
        first, second = event["Records"]
        item = lumitrace.bind({"id": {"S": "1"}}, first)
        put = lumitrace.bind({"PutRequest": {"Item": {"id": {"S": "2"}}}}, second)
        client.batch_write_item(RequestItems={"t": [{"PutRequest": {"Item": item}}, put]})

    run(handler, queue_event(2), context)

    [call] = [one for line in captured.lines for one in line.get("calls", ())]
    assert [told[0] for told in call[7]["bound"]] == [f"{1:032x}", f"{2:032x}"]


def test_four_thousand_records_take_linear_time_and_leave_nothing(captured, context, monkeypatch):
    """Twice the records take about twice the time, and nothing of them is kept."""
    from lumitrace.capture.batch import RecordSpan
    from lumitrace.capture.config import settings

    monkeypatch.setattr(settings, "max_spans", 20_000)

    def seconds(count):
        def handler(event, context):
            scopes = [lumitrace.record(one) for one in event["Records"]]
            for scope in scopes:
                scope.__enter__()
            for scope in scopes:
                scope.__exit__(None, None, None)

        event = queue_event(count)
        began = time.process_time()
        traced(handler)(event, context)
        return time.process_time() - began

    seconds(500)
    # The best of three: what else this machine does takes caches away from one of them.
    small, large = (min(seconds(count) for _ in range(3)) for count in (800, 4_000))

    assert large < 15 * small  # 5 where it is linear, 25 where it is quadratic
    gc.collect()
    kept = sum(isinstance(one, RecordSpan) for one in gc.get_objects())
    assert kept <= 1
