"""Services whose answers join a hop: the id that AWS gives the sender is what the receiver sees."""

import copy
import json

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as slow
from hypothesis import strategies as st

from lumitrace import traced
from lumitrace.capture.config import settings
from lumitrace.capture.services import BY_CLIENT
from lumitrace.capture.services._call import Call
from lumitrace.wire.context import SpanContext

SENDER = SpanContext("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7")
ENTRY = {"Source": "ushop.sales", "DetailType": "sale.confirmed", "Detail": '{"n": 1.50, "n": 2}'}
MACHINE = "arn:aws:states:eu-west-1:123456789012:stateMachine:ushop_returns"


def sent_by(captured, context, work):
    """Run *work* inside an invocation and return the entry of its one call."""
    traced(lambda event, context: work())({}, context)
    [call] = [call for line in captured.lines for call in line.get("calls", ())]
    return call


def received(captured, context, event):
    """Hand *event* to a receiver and return its start line."""
    captured.writes.clear()
    traced(lambda event, context: None)(event, context)
    return captured.one("start")


def test_eventbridge_round_trip(captured, context, aws, event):
    """Every entry of PutEvents has a key, its content is the very same bytes."""
    entries = [dict(ENTRY), dict(ENTRY)]
    client = aws.client("events")

    call = sent_by(captured, context, lambda: client.put_events(Entries=entries))

    assert call[6] == ["events:event-1-0", "events:event-1-1"]
    assert aws.sent[0]["Entries"] == [ENTRY, ENTRY]
    arrived = {**event("eventbridge"), "id": "event-1-1"}
    assert received(captured, context, arrived)["linkIn"] == [call[6][1]]


def test_eventbridge_injects_where_it_is_asked_to(captured, context, aws, event, monkeypatch):
    """The member is spliced in; the rest of the detail keeps its spelling, the caller his dict."""
    monkeypatch.setattr(settings, "eventbridge", "inject")
    entries = [dict(ENTRY), {**ENTRY, "Detail": " {} "}, {**ENTRY, "Detail": '{"_lumitrace": 1}'}]
    before = copy.deepcopy(entries)
    client = aws.client("events")

    call = sent_by(captured, context, lambda: client.put_events(Entries=entries))

    first, second, third = [one["Detail"] for one in aws.sent[0]["Entries"]]
    assert first.endswith(',"n": 1.50, "n": 2}')
    assert list(json.loads(second)) == ["_lumitrace"]
    assert third == '{"_lumitrace": 1}'
    assert call[7] == {"notInjected": "own-attribute"}
    assert entries == before
    arrived = {**event("eventbridge"), "detail": json.loads(first)}
    assert received(captured, context, arrived)["parentSpanId"] == call[0]


@pytest.mark.parametrize("length", [262_040, 262_100, 262_144, 300_000])
def test_eventbridge_goes_as_it_was_where_there_is_no_room(
    captured, context, aws, monkeypatch, length
):
    """The size of the whole request counts; the fake refuses one that goes past it with ours."""
    monkeypatch.setattr(settings, "eventbridge", "inject")
    entry = {**ENTRY, "Detail": json.dumps({"x": "y" * length})}
    client = aws.client("events")

    call = sent_by(captured, context, lambda: client.put_events(Entries=[entry]))

    assert call[7] == {"notInjected": "size"}
    assert aws.sent[0]["Entries"] == [entry]


def test_a_refused_detail_goes_again_as_it_was(captured, context, aws, monkeypatch):
    """A bus that allows less takes the event without our member."""
    monkeypatch.setattr(settings, "eventbridge", "inject")
    aws.answers = [aws.refuse("ValidationException", "Total size of the entries is over the limit")]
    client = aws.client("events")

    traced(lambda event, context: client.put_events(Entries=[dict(ENTRY)]))({}, context)

    assert "_lumitrace" in aws.sent[0]["Entries"][0]["Detail"]
    assert aws.sent[1]["Entries"] == [ENTRY]


def test_a_message_to_a_web_socket_names_no_connection(captured, context, aws):
    """PostToConnection is a call like any other, untouched; its connection is a person's."""
    client = aws.client("apigatewaymanagementapi")

    call = sent_by(
        captured, context, lambda: client.post_to_connection(ConnectionId="c1", Data=b"")
    )

    assert call[1:3] == ["apigatewaymanagementapi.PostToConnection", ""]


def test_kinesis_round_trip(captured, context, aws, event):
    """PutRecord is answered with what the event calls its id."""
    client = aws.client("kinesis")
    record = {"StreamName": "ushop_clicks", "Data": b"{}", "PartitionKey": "1"}

    call = sent_by(captured, context, lambda: client.put_record(**record))

    assert call[6] == ["kinesis:shardId-000000000000:1"]
    arrived = event("kinesis")
    arrived["Records"] = arrived["Records"][:1]
    arrived["Records"][0]["eventID"] = "shardId-000000000000:1"
    assert received(captured, context, arrived)["linkIn"] == call[6]


def test_kinesis_tells_the_key_of_each_of_500_records(captured, context, aws):
    """A batch with more keys than an entry holds has lines of its own, none too long."""
    client = aws.client("kinesis")
    records = [{"Data": b"{}", "PartitionKey": "1"}] * 500

    def work():
        client.put_records(StreamName="ushop_clicks", Records=records)

    traced(lambda event, context: work())({}, context)

    spans = captured.all("span")
    keys = [key for span in spans for key in span["linkOut"]]
    assert keys == [f"kinesis:shardId-000000000000:{n}" for n in range(500)]
    assert len({span["spanId"] for span in spans}) == 1
    assert all(len(line) <= 4096 for line in captured.text)


def test_s3_round_trip(captured, context, aws, event):
    """The request id of a write stands in the event of the bucket."""
    client = aws.client("s3")

    call = sent_by(
        captured, context, lambda: client.put_object(Bucket="ushop-receipts", Key="a", Body=b"x")
    )

    assert call[1:3] == ["s3.PutObject", "ushop-receipts"]
    assert call[6] == ["s3:aws-request-1"]
    arrived = event("s3")
    arrived["Records"][0]["responseElements"]["x-amz-request-id"] = "aws-request-1"
    assert received(captured, context, arrived)["linkIn"] == call[6]


@pytest.mark.parametrize(
    ("operation", "keys"),
    [
        ("CompleteMultipartUpload", ["s3:r1"]),
        ("CopyObject", ["s3:r1"]),
        ("CreateMultipartUpload", []),
        ("UploadPart", []),
        ("ListBuckets", []),
    ],
)
def test_which_calls_on_s3_have_a_key(operation, keys):
    """Of an upload in parts only the end makes an event."""
    params = {} if operation == "ListBuckets" else {"Bucket": "b", "Key": "k"}
    answer = {"ResponseMetadata": {"RequestId": "r1"}}

    found = BY_CLIENT["s3"].service().describe_response(Call("s3", operation, params), answer)

    assert found == keys


def test_step_functions_round_trip(captured, context, aws):
    """Started twice under one name, the input and the trace slot are the caller's own."""
    client = aws.client("stepfunctions")
    start = {"stateMachineArn": MACHINE, "name": "r-1", "input": '{"a":1}'}

    call = sent_by(captured, context, lambda: client.start_execution(**start))

    assert aws.sent == [start]
    [key] = call[6]
    assert key == f"states:{MACHINE.replace('stateMachine', 'execution')}:r-1"
    task = {"Execution": {"Id": key.removeprefix("states:")}}
    assert received(captured, context, task)["linkIn"] == [key]


@pytest.mark.parametrize("group", [{}, {"MessageGroupId": "1", "MessageDeduplicationId": "2"}])
def test_a_fifo_message_carries_the_context_beside_its_body(captured, context, aws, group):
    """Deduplication looks at the body alone, which stays the same."""
    sqs, sns = aws.client("sqs"), aws.client("sns")

    def work():
        sqs.send_message(QueueUrl=f"{aws.queue}.fifo", MessageBody="hi", **group)
        sns.publish(TopicArn=f"{aws.topic}.fifo", Message="hi", **group)

    traced(lambda event, context: work())({}, context)

    queued, published = aws.sent
    assert (queued["MessageBody"], published["Message"]) == ("hi", "hi")
    assert "traceparent" in queued["MessageAttributes"]
    assert {name: queued[name] for name in group} == group
    assert "MessageSystemAttributes" not in queued


@slow(suppress_health_check=list(HealthCheck), deadline=None, max_examples=60)
@given(
    room=st.integers(-200, 200),
    count=st.integers(0, 11),
    service=st.sampled_from(["sqs", "sns"]),
)
def test_no_context_goes_past_a_limit(room, count, service):
    """Around the limit of size and of attributes, the message is as it was or within both."""
    limit, body = {"sqs": (1_048_576, "MessageBody"), "sns": (262_144, "Message")}[service]
    attributes = {f"a{n}": {"DataType": "String", "StringValue": "x"} for n in range(count)}
    message = {body: "x" * (limit - 9 * count + room), "MessageAttributes": attributes}
    before = copy.deepcopy(message)
    operation = {"sqs": "SendMessage", "sns": "Publish"}[service]
    call = Call(service, operation, message)

    ours = BY_CLIENT[service].service().inject(call, SENDER)

    assert message == before
    if ours is message:
        assert call.not_injected in ("size", "ten-attributes")
        return
    named = ours["MessageAttributes"]
    size = len(ours[body]) + sum(
        len(name) + len(value["DataType"]) + len(value["StringValue"])
        for name, value in named.items()
    )
    assert size <= limit
    assert len(named) <= 10
