"""Entries of a batch call, each in the context of its own record: `lumitrace.bind`."""

import asyncio
import copy
import json
from concurrent.futures import ThreadPoolExecutor

import pytest

import lumitrace
from lumitrace import traced
from lumitrace.capture.config import INJECT, settings

STREAM = "ushop_clicks"
QUEUE = "https://sqs.eu-west-1.amazonaws.com/123456789012/ushop_shipping"


def queue_event(count):
    """Return *count* messages, each from a trace of its own."""
    return {"Records": [message(number) for number in range(1, count + 1)]}


def message(number):
    """Return a message of the trace *number*."""
    traceparent = f"00-{number:032x}-{number:016x}-01"
    return {
        "messageId": f"m{number}",
        "body": "{}",
        "messageAttributes": {"traceparent": {"stringValue": traceparent, "dataType": "String"}},
        "eventSource": "aws:sqs",
        "eventSourceARN": "arn:aws:sqs:eu-west-1:123456789012:ushop_shipping",
    }


def spans(captured):
    """Return [traceId, spanId] of every record that was told, by its id."""
    found = {}
    for line in captured.lines:
        if line["record"] != "start":
            found |= {entry[3]: [entry[1], entry[0]] for entry in line.get("records", ())}
    return found


def told(captured):
    """Return the ``bound`` of every call, folded or not, in their order."""
    found = []
    for line in captured.lines:
        found += [one[7]["bound"] for one in line.get("calls", ()) if len(one) > 7]
        found += [line["bound"]] if "bound" in line and "operation" in line else []
    return found


# (client, method, the list of entries, other parameters, an entry, its key where it is known)
BATCHES = {
    "SendMessageBatch": (
        "sqs",
        "send_message_batch",
        "Entries",
        {"QueueUrl": QUEUE},
        lambda n: {"Id": str(n), "MessageBody": "x"},
        lambda n: [f"sqs:sqs-1-{n}"],
    ),
    "PublishBatch": (
        "sns",
        "publish_batch",
        "PublishBatchRequestEntries",
        {"TopicArn": "arn:aws:sns:eu-west-1:123456789012:t"},
        lambda n: {"Id": str(n), "Message": "x"},
        lambda n: [f"sns:sns-1-{n}"],
    ),
    "PutEvents": (
        "events",
        "put_events",
        "Entries",
        {},
        lambda n: {"Source": "shop", "DetailType": "sale", "Detail": json.dumps({"n": n})},
        lambda n: [f"events:event-1-{n}"],
    ),
    "PutRecords": (
        "kinesis",
        "put_records",
        "Records",
        {"StreamName": STREAM},
        lambda n: {"Data": b"x", "PartitionKey": str(n)},
        lambda n: [f"kinesis:shardId-000000000000:{n}"],
    ),
    "PutRecordBatch": (
        "firehose",
        "put_record_batch",
        "Records",
        {"DeliveryStreamName": STREAM},
        lambda n: {"Data": f"x{n}".encode()},
        lambda n: [],
    ),
}


@pytest.fixture(params=BATCHES)
def send(request, aws):
    """Return what sends entries in one call of a kind: entry, link key and the sending itself."""
    service, method, name, others, entry, key = BATCHES[request.param]
    client = aws.client(service)

    def send(entries):
        return getattr(client, method)(**others, **{name: entries})

    send.entry, send.key, send.name, send.operation = entry, key, name, request.param
    if request.param == "PutRecordBatch":
        taken = {"FailedPutCount": 0, "RequestResponses": [{"RecordId": "r"}] * 3}
        aws.answers = [(200, json.dumps(taken))]
    return send


def test_a_bound_entrys_keys_are_its_records(send, captured, context):
    """Whatever the call: what AWS answered for an entry stands with its record, the rest stays."""

    def handler(event, context):
        entries = [send.entry(number) for number in range(3)]
        for number in (0, 2):
            assert lumitrace.bind(entries[number], event["Records"][number]) is entries[number]
        before = copy.deepcopy(entries)
        send(entries)
        assert entries == before

    traced(handler)(queue_event(3), context)

    known = spans(captured)
    assert told(captured) == [[[*known["m1"], send.key(0)], [*known["m3"], send.key(2)]]]
    [call] = [one for line in captured.lines for one in line.get("calls", ())]
    assert call[6] == send.key(1)


def test_threads_that_send_for_their_records(send, captured, context):
    """Bound in one thread, sent in another: the binding is the invocation's."""

    def handler(event, context):
        def work(record):
            return lumitrace.bind(send.entry(record["messageId"][1:]), record)

        with ThreadPoolExecutor(2) as pool:
            entries = list(pool.map(work, event["Records"]))
            pool.submit(send, entries).result()

    traced(handler)(queue_event(2), context)

    known = spans(captured)
    assert [one[:2] for one in told(captured)[0]] == [known["m1"], known["m2"]]


def test_an_entry_that_was_refused_and_is_sent_again_keeps_its_record(aws, captured, context):
    """AWS names it by its Id or its place; the caller sends the same dictionary again."""
    client = aws.client("sqs")
    done = {"Id": "2", "MessageId": "second"}
    failed = {"Id": "1", "SenderFault": False, "Code": "InternalError"}
    aws.answers = [(200, json.dumps({"Successful": [done], "Failed": [failed]}))]

    def handler(event, context):
        entries = {}
        for number, record in enumerate(event["Records"], 1):
            entry = {"Id": str(number), "MessageBody": "x"}
            entries[entry["Id"]] = lumitrace.bind(entry, record)
        answer = client.send_message_batch(QueueUrl=aws.queue, Entries=list(entries.values()))
        again = [entries[one["Id"]] for one in answer["Failed"]]
        client.send_message_batch(QueueUrl=aws.queue, Entries=again)

    traced(handler)(queue_event(2), context)

    known = spans(captured)
    assert told(captured) == [
        [[*known["m1"], []], [*known["m2"], ["sqs:second"]]],
        [[*known["m1"], ["sqs:sqs-2-1"]]],
    ]
    for sent in aws.sent:
        parent = sent["Entries"][0]["MessageAttributes"]["traceparent"]["StringValue"]
        assert parent.split("-")[1:3] == known["m1"]


def test_an_event_that_was_refused_and_is_sent_again_keeps_its_record(aws, captured, context):
    """PutEvents answers by place."""
    client = aws.client("events")
    refused = {"ErrorCode": "ThrottlingException", "ErrorMessage": "slow down"}
    answer = {"FailedEntryCount": 1, "Entries": [refused, {"EventId": "e-2"}]}
    aws.answers = [(200, json.dumps(answer))]

    def handler(event, context):
        one = {"Source": "shop", "DetailType": "sale", "Detail": "{}"}
        entries = [lumitrace.bind(dict(one), record) for record in event["Records"]]
        done = client.put_events(Entries=entries)["Entries"]
        client.put_events(
            Entries=[entries[at] for at, one in enumerate(done) if "ErrorCode" in one]
        )

    traced(handler)(queue_event(2), context)

    known = spans(captured)
    assert told(captured) == [
        [[*known["m1"], []], [*known["m2"], ["events:e-2"]]],
        [[*known["m1"], ["events:event-2-0"]]],
    ]


def put(number):
    """Return the put of an item."""
    return {"PutRequest": {"Item": {"id": {"S": str(number)}, "n": {"N": "1"}, "b": {"B": b"x"}}}}


def wire(entry):
    """Return *entry* as it stands in an answer: bytes in Base64."""
    return json.loads(json.dumps(entry, default=lambda _: "eA=="))


def test_what_dynamodb_gives_back_unprocessed_keeps_its_record(aws, captured, context):
    """New dictionaries, known by their table and by what is in them; the others stay shared."""
    client = aws.client("dynamodb")
    again = {"other": [wire(put(1)), {"DeleteRequest": {"Key": {"id": {"S": "9"}}}}]}
    aws.answers = [(200, json.dumps({"UnprocessedItems": {**again, "t": [wire(put(3))]}}))]

    def handler(event, context):
        first, second, third, fourth = event["Records"]
        entries = [lumitrace.bind(put(1), first), put(3)]
        others = [lumitrace.bind(put(1), second), lumitrace.bind(put(2), third)]
        gone = {"DeleteRequest": {"Key": {"id": {"S": "9"}}}}
        others.append(lumitrace.bind(gone, fourth))
        answer = client.batch_write_item(RequestItems={"t": entries, "other": others})
        before = copy.deepcopy(answer["UnprocessedItems"])
        client.batch_write_item(RequestItems=answer["UnprocessedItems"])
        assert answer["UnprocessedItems"] == before

    traced(handler)(queue_event(4), context)

    known = spans(captured)
    assert [[one[:2] for one in call] for call in told(captured)] == [
        [known["m1"], known["m2"], known["m3"], known["m4"]],
        [known["m2"], known["m4"]],
    ]


def test_unprocessed_items_of_a_boto3_table_keep_their_records(aws, captured, context):
    """Its batch writer sends them again by itself, as what boto3 made of them."""
    boto3 = pytest.importorskip("boto3")
    resource = boto3.session.Session(botocore_session=aws.session).resource(
        "dynamodb",
        region_name="eu-west-1",
        aws_access_key_id="AKIDEXAMPLE",
        aws_secret_access_key="none",  # noqa: S106  # nobody asks for it
    )
    resource.meta.client.meta.events.register("before-send", aws.send)
    left = {"t": [{"PutRequest": {"Item": {"id": {"S": "2"}, "n": {"N": "1"}}}}]}
    aws.answers = [(200, json.dumps({"UnprocessedItems": one})) for one in (left, {})]

    def handler(event, context):
        with resource.Table("t").batch_writer() as writer:
            for number, record in enumerate(event["Records"], 1):
                item = {"id": str(number), "n": 1}
                writer.put_item(Item=lumitrace.bind(item, record))

    traced(handler)(queue_event(2), context)

    known = spans(captured)
    assert [[one[:2] for one in call] for call in told(captured)] == [
        [known["m1"], known["m2"]],
        [known["m2"]],
    ]


@pytest.mark.parametrize("unprocessed", [None, 5, [], {"t": None}, {"t": [5, {}]}, {"x": [put(1)]}])
def test_an_odd_answer_binds_nothing(captured, context, unprocessed):
    """Whatever stands there, nothing is raised and nothing guessed."""
    from lumitrace.capture import bindings
    from lumitrace.capture.batch import batch_of
    from lumitrace.capture.calls import LiveCall
    from lumitrace.capture.current import current
    from lumitrace.capture.services._call import Call

    def handler(event, context):
        entry = lumitrace.bind(put(1), event["Records"][0])
        call = Call("dynamodb", "BatchWriteItem", {"RequestItems": {"t": [entry]}})
        batch = batch_of(current().invocation)
        bindings.find(batch, call.params, call)
        live = LiveCall(call, None, current(), None)
        bindings.keep_unprocessed(live, {"UnprocessedItems": unprocessed})
        return len(call.bound), len(batch.bound)

    assert traced(handler)(queue_event(1), context) == (1, 1)


def test_with_eventbridges_opt_in_a_bound_detail_carries_its_records_context(
    aws, captured, context
):
    """Each detail gets one member, and an unbound one the invocation's."""
    settings.eventbridge = INJECT
    client = aws.client("events")

    def handler(event, context):
        one = {"Source": "shop", "DetailType": "sale", "Detail": '{"n": 1}'}
        entries = [lumitrace.bind(dict(one), record) for record in event["Records"]]
        before = copy.deepcopy(entries)
        client.put_events(Entries=[*entries, one])
        assert entries == before

    traced(handler)(queue_event(2), context)

    known = spans(captured)
    details = [json.loads(one["Detail"]) for one in aws.sent[0]["Entries"]]
    assert [one["n"] for one in details] == [1, 1, 1]
    parents = [one["_lumitrace"].split("-")[1:3] for one in details]
    assert parents[:2] == [known["m1"], known["m2"]]
    assert parents[2][0] == captured.one("start")["traceId"]


def test_five_hundred_bound_records_are_all_told(aws, captured, context):
    """The largest PutRecords: in lines that a pipe takes whole, none of them with the call."""
    client = aws.client("kinesis")

    def handler(event, context):
        entries = [
            lumitrace.bind({"Data": b"x", "PartitionKey": "1"}, record)
            for record in event["Records"]
        ]
        client.put_records(StreamName=STREAM, Records=entries)

    traced(handler)(queue_event(500), context)

    lines = [line for line in captured.lines if "bound" in line]
    keys = [key for line in lines for _, _, told in line["bound"] for key in told]
    assert keys == [f"kinesis:shardId-000000000000:{number}" for number in range(500)]
    assert {line["spanId"] for line in lines} == {lines[0]["spanId"]}
    assert not any("linkOut" in line for line in lines)
    assert max(map(len, captured.text)) <= 4096


def test_more_entries_than_bindings_are_counted(aws, captured, context, monkeypatch):
    """What is beyond goes out as shared, and one that is bound already may be bound anew."""
    from lumitrace.capture import bindings

    monkeypatch.setattr(bindings, "MAX_BOUND", 2)
    client = aws.client("sqs")

    def handler(event, context):
        entries = [{"Id": str(number), "MessageBody": "x"} for number in range(4)]
        for entry, record in zip(entries, event["Records"], strict=True):
            assert lumitrace.bind(entry, record) is entry
        lumitrace.bind(entries[0], event["Records"][1])
        client.send_message_batch(QueueUrl=aws.queue, Entries=entries)

    traced(handler)(queue_event(4), context)

    known = spans(captured)
    assert [one[:2] for one in told(captured)[0]] == [known["m2"], known["m2"]]
    assert list(known) == ["m1", "m2"]
    assert captured.one("invocation")["dropped"] == {"bound": 2}


@pytest.mark.parametrize("entry", [None, 5, "x", (), [{}]])
def test_what_is_no_dictionary_is_given_back_and_not_bound(aws, captured, context, entry):
    """Such as None, which other entries have too."""
    client = aws.client("dynamodb")

    def handler(event, context):
        given = lumitrace.bind(entry, event["Records"][0])
        client.batch_write_item(RequestItems={"t": [{"DeleteRequest": {"Key": {}}}]})
        return given

    assert traced(handler)(queue_event(1), context) is entry
    assert told(captured) == []


def test_a_binding_does_not_outlive_its_invocation(aws, captured, context):
    """Entries that a later invocation sends carry that one's context."""
    client, kept = aws.client("sqs"), []

    def handler(event, context):
        if not kept:
            entry = {"Id": "1", "MessageBody": "x"}
            kept.append(lumitrace.bind(entry, event["Records"][0]))
        else:
            lumitrace.bind({}, event["Records"][0])
            client.send_message_batch(QueueUrl=aws.queue, Entries=kept)

    traced(handler)(queue_event(2), context)
    traced(handler)(queue_event(2), context)

    assert told(captured) == []
    parent = aws.sent[0]["Entries"][0]["MessageAttributes"]["traceparent"]["StringValue"]
    assert parent.split("-")[1] == captured.all("start")[1]["traceId"]


def test_aiobotocore_sends_a_bound_entry_in_its_records_context(captured, context, server):
    """As botocore does."""
    pytest.importorskip("aiobotocore")
    from aiobotocore.session import get_session

    from lumitrace.capture import doors

    doors.install()
    done = [{"Id": "1", "MessageId": "a"}, {"Id": "2", "MessageId": "b"}]
    server.answer = json.dumps({"Successful": done, "Failed": []}).encode()

    async def work(event):
        client = get_session().create_client(
            "sqs",
            region_name="eu-west-1",
            endpoint_url=server.url(),
            aws_access_key_id="AKIDEXAMPLE",
            aws_secret_access_key="none",  # noqa: S106  # nobody asks for it
        )
        entries = [
            lumitrace.bind({"Id": record["messageId"][1:], "MessageBody": "x"}, record)
            for record in event["Records"]
        ]
        async with client as opened:
            await opened.send_message_batch(QueueUrl=QUEUE, Entries=entries)

    traced(lambda event, context: asyncio.run(work(event)))(queue_event(2), context)

    known = spans(captured)
    assert told(captured) == [[[*known["m1"], ["sqs:a"]], [*known["m2"], ["sqs:b"]]]]
    sent = [
        one["MessageAttributes"]["traceparent"]["StringValue"].split("-")[1:3]
        for one in json.loads(server.bodies[0])["Entries"]
    ]
    assert sent == [known["m1"], known["m2"]]
