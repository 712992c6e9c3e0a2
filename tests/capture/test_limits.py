"""Our context takes no request past a limit of AWS, and changes nothing that is not its own.

Each call goes out twice, through the proxy before moto: without lumitrace, and inside a traced
invocation. What is allowed without us is allowed with us, what is refused is refused alike, and
what differs is our own member alone.
"""

import base64
import contextlib
import copy
import json
import re

import pytest
from tests.aws import limits

from lumitrace import traced
from lumitrace.capture import resend
from lumitrace.capture.config import settings

hypothesis = pytest.importorskip("hypothesis")
pytest.importorskip("moto")
from hypothesis import HealthCheck, Phase, example, given  # noqa: E402  # only where they are
from hypothesis import strategies as st  # noqa: E402

TOPIC = "arn:aws:sns:eu-west-1:123456789012:t"
ROOT = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1"
OURS = 72  # bytes of the attribute that carries the context: its name, type and value
MEMBER = 71  # bytes of the member in a detail
TRACEPARENT = re.compile(r"00-[0-9a-f]{32}-[0-9a-f]{16}-01")
OUR_MEMBER = re.compile(r'^\{"_lumitrace":"00-[0-9a-f]{32}-[0-9a-f]{16}-01",?')
# What changes with the body, and what a context may stand in.
WITH_THE_BODY = frozenset((b"content-length", b"x-amz-client-context"))


def examples(count):
    """Settings of a property: the same examples on every machine."""
    return hypothesis.settings(
        max_examples=count,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.explicit, Phase.generate],  # to shrink a failure would take minutes
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    )


class Twice:
    """A call without us, and with us.

    Attributes:
        plain, ours: what the proxy saw of each.
        told: how both ended: nothing, or the error.
        reason: why the context stayed out, by the span line.
    """

    def __init__(self, proxy, captured, context):
        self._proxy, self._captured, self._context = proxy, captured, context
        self._clients = {}

    def __call__(self, service, operation, **params):
        before, seen = copy.deepcopy(params), identities(params)
        resend.guilty.clear()
        resend.innocent.clear()
        with without_us():
            plain, told = self._send(f"plain {service}", operation, params)
        self._captured.writes.clear()
        sent = []
        work = lambda *_: sent.append(self._send(service, operation, params))  # noqa: E731
        traced(work)({}, self._context)
        [(ours, told_ours)] = sent

        assert told == told_ours
        assert params == before
        assert identities(params) == seen
        assert (len(plain), len(ours)) == (1, 1), "a request was refused and sent again"
        assert self._proxy.lost() == [] or told != "", "SNS would lose it"
        self.plain, self.ours, self.told = plain[0], ours[0], told
        self._same_around()
        self.reason = self._reason()
        return self

    def _send(self, service, operation, params):
        if service not in self._clients:
            self._clients[service] = self._proxy.client(service.rpartition(" ")[2])
        client, told = self._clients[service], ""
        self._proxy.requests.clear()
        try:
            answer = getattr(client, operation)(**params)
            told = json.dumps([(one["Id"], one["Code"]) for one in answer.get("Failed", ())])
            told = "" if told == "[]" else told
        except client.exceptions.ClientError as error:
            told = f"{error.response['Error']}"
        return list(self._proxy.requests), told

    def _same_around(self):
        """AWS's own trace header, and every other, are the same bytes."""
        assert self.plain.header(b"x-amzn-trace-id") == ROOT.encode()
        plain, ours = (
            [(k, v) for k, v in one.same_for_each()[2] if k.lower() not in WITH_THE_BODY]
            for one in (self.plain, self.ours)
        )
        assert plain == ours
        assert (self.plain.method, self.plain.path) == (self.ours.method, self.ours.path)

    def _reason(self):
        lines = self._captured.lines
        calls = [call for line in lines for call in line.get("calls", ())]
        rare = [call[7] for call in calls if len(call) > 7]
        rare += [line for line in lines if line["record"] == "span"]
        return next((one["notInjected"] for one in rare if "notInjected" in one), None)


def identities(value):
    """Return the identity of *value* and of everything in it."""
    if isinstance(value, dict):
        return id(value), [(id(key), identities(one)) for key, one in value.items()]
    if isinstance(value, list):
        return id(value), [identities(one) for one in value]
    return id(value)


@contextlib.contextmanager
def without_us():
    """Take our door off botocore while the block lasts."""
    from botocore.client import BaseClient

    door = BaseClient.__dict__["_emit_api_params"]
    BaseClient._emit_api_params = door.__wrapped__
    try:
        yield
    finally:
        BaseClient._emit_api_params = door


@pytest.fixture
def twice(proxy, captured, context, monkeypatch):
    """Send a call without us and with us, as Lambda's runtime lets a function send it."""
    from lumitrace.capture import doors

    doors.install()
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "shop")
    monkeypatch.setenv("_X_AMZN_TRACE_ID", ROOT)
    return Twice(proxy, captured, context)


@pytest.fixture
def queue(proxy):
    """Return a queue."""
    return proxy.client("sqs").create_queue(QueueName="q")["QueueUrl"]


@pytest.fixture
def topic(proxy):
    """Return a topic."""
    return proxy.client("sns").create_topic(Name="t")["TopicArn"]


def around(*places):
    """Return numbers near *places*: below, at and above."""
    near = [st.integers(place - 2, place + 2) for place in places]
    return st.one_of(*near, st.integers(min(places) - 5, max(places) + 200))


VALUES = st.one_of(
    st.builds(lambda n: {"DataType": "String", "StringValue": "ä" * n + "x"}, st.integers(0, 9)),
    st.builds(lambda n: {"DataType": "Number", "StringValue": str(n)}, st.integers(0, 10**20)),
    st.builds(lambda n: {"DataType": "Binary", "BinaryValue": b"\xff" * n}, st.integers(1, 50)),
)


@st.composite
def messages(draw, body, counts=(0, 1, 8, 9, 10, 11)):
    """Return a message without its filling: with so many attributes, maybe one of our name."""
    count = draw(st.sampled_from(counts))
    found = {f"a{n}": draw(VALUES) for n in range(count)}
    if count and draw(st.integers(0, 9)) == 0:
        found["traceparent"] = found.pop("a0")
    message = {body: "ä" * draw(st.integers(0, 20)) + "x"}
    return {**message, "MessageAttributes": found} if count else message


def filled(message, body, size):
    """Return *message* with a body such that it counts *size* bytes, or as it is if it has more."""
    missing = size - limits.message_size(message, body)
    return {**message, body: message[body] + "x" * max(0, missing)}


def check_message(plain, ours, room):
    """See that *ours* is *plain*, but for our attribute; return whether it is there."""
    added = dict(ours.get("MessageAttributes") or {})
    theirs = plain.get("MessageAttributes") or {}
    mine = "traceparent" in added and "traceparent" not in theirs
    if mine:
        value = added.pop("traceparent")
        assert value["DataType"] == "String"
        assert TRACEPARENT.fullmatch(value["StringValue"])
        assert room
    without = {key: one for key, one in ours.items() if key != "MessageAttributes"}
    assert without == {key: one for key, one in plain.items() if key != "MessageAttributes"}
    assert added == theirs
    return mine


def reasons(messages, room):
    """Return why our context may stay out of *messages*, None where it goes into each."""
    if room < OURS * len(messages):
        return {"size"}
    found = set()
    for message in messages:
        attributes = message.get("MessageAttributes", {})
        if "traceparent" in attributes:
            found.add("own-traceparent")
        elif len(attributes) >= limits.ATTRIBUTES:
            found.add("ten-attributes")
    return found or {None}


@given(message=messages("MessageBody"), room=around(0, OURS), full=st.booleans())
@example(message={"MessageBody": "x"}, room=OURS, full=True)
@example(message={"MessageBody": "x"}, room=OURS - 1, full=True)
@examples(12)
def test_a_message_to_a_queue(twice, queue, message, room, full):
    """SendMessage: ten attributes, 1 MiB, and AWS's own trace slot."""
    if full:
        message = filled(message, "MessageBody", limits.SQS_BYTES - room)
    left = limits.SQS_BYTES - limits.message_size(message, "MessageBody")
    slot = {"AWSTraceHeader": {"DataType": "String", "StringValue": ROOT}}

    sent = twice("sqs", "send_message", QueueUrl=queue, MessageSystemAttributes=slot, **message)

    mine = check_message(sent.plain.params, sent.ours.params, left >= OURS)
    assert sent.reason in reasons([message], left)
    assert mine == (sent.reason is None)
    assert sent.ours.params["MessageSystemAttributes"] == slot


@given(data=st.data(), count=st.sampled_from([1, 2, 10]), room=around(0, OURS))
@examples(15)
def test_a_batch_to_a_queue(twice, queue, data, count, room):
    """SendMessageBatch: each message has ten attributes at most, all together 1 MiB."""
    room = room * count
    entries = data.draw(st.lists(messages("MessageBody"), min_size=count, max_size=count))
    size = sum(limits.message_size(one, "MessageBody") for one in entries[1:])
    entries[0] = filled(entries[0], "MessageBody", limits.SQS_BYTES - room - size)
    slot = {"AWSTraceHeader": {"DataType": "String", "StringValue": ROOT}}
    entries = [
        {**one, "Id": str(n), "MessageSystemAttributes": slot} for n, one in enumerate(entries)
    ]

    sent = twice("sqs", "send_message_batch", QueueUrl=queue, Entries=entries)

    pairs = zip(sent.plain.params["Entries"], sent.ours.params["Entries"], strict=True)
    mine = [check_message(plain, ours, room >= OURS * count) for plain, ours in pairs]
    assert sent.reason in reasons(entries, room)
    assert all(mine) == (sent.reason is None)


@given(message=messages("Message", (0, 1, 8, 9, 10)), room=around(0, OURS))
@example(message={"Message": "x"}, room=OURS)
@example(message={"Message": "x"}, room=OURS - 1)
@examples(12)
def test_a_message_to_a_topic(twice, topic, message, room):
    """Publish: 256 KiB, and no more than ten attributes, else a raw queue never gets it."""
    message = filled(message, "Message", limits.SNS_BYTES - room)

    sent = twice("sns", "publish", TopicArn=topic, Subject="s", **message)

    mine = check_message(sent.plain.params, sent.ours.params, room >= OURS)
    assert sent.reason in reasons([message], room)
    assert mine == (sent.reason is None)


@given(data=st.data(), count=st.sampled_from([1, 2, 10]), room=around(0, OURS))
@examples(12)
def test_a_batch_to_a_topic(twice, topic, data, count, room):
    """PublishBatch: all together 256 KiB."""
    room = room * count
    one = messages("Message", (0, 1, 9, 10))
    entries = data.draw(st.lists(one, min_size=count, max_size=count))
    size = sum(limits.message_size(one, "Message") for one in entries[1:])
    entries[0] = filled(entries[0], "Message", limits.SNS_BYTES - room - size)
    entries = [{**one, "Id": str(n)} for n, one in enumerate(entries)]

    sent = twice("sns", "publish_batch", TopicArn=topic, PublishBatchRequestEntries=entries)

    pairs = zip(
        sent.plain.params["PublishBatchRequestEntries"],
        sent.ours.params["PublishBatchRequestEntries"],
        strict=True,
    )
    mine = [check_message(plain, ours, room >= OURS * count) for plain, ours in pairs]
    assert sent.reason in reasons(entries, room)
    assert all(mine) == (sent.reason is None)


DETAILS = st.sampled_from(
    [
        '{"a": 1.50, "a": 2%s}',
        ' {"a": "\\u00e4%s"}',
        "{%s}",
        '\n{ "_lumitrace" : "%s" }',
        '["%s"]',
        '"%s"',
        "no json %s",
        '{"cut": %s',
    ]
)


@given(
    details=st.lists(DETAILS, min_size=1, max_size=3),
    more=st.sampled_from([{}, {"Resources": ["ä"] * 3}, {"Time": 1_795_383_700}]),
    room=around(1, MEMBER, MEMBER + 1),
)
@example(details=['{"a": 1%s}'], more={}, room=MEMBER)
@example(details=['{"a": 1%s}'], more={}, room=MEMBER + 1)
@examples(20)
def test_events_to_a_bus(twice, monkeypatch, details, more, room):
    """PutEvents, where the detail may be changed: all together less than 256 KiB, no JSON anew."""
    monkeypatch.setattr(settings, "eventbridge", "inject")
    room = (room - 1) * len(details) + 1
    base = {"Source": "ushop", "DetailType": "sale", "TraceHeader": ROOT, **more}
    entries = [{**base, "Detail": one % ""} for one in details]
    left = limits.EVENTS_BYTES - sum(map(limits.event_size, entries))
    entries[0]["Detail"] = details[0] % (" " * (left - room))

    sent = twice("events", "put_events", Entries=entries)

    pairs = list(zip(sent.plain.params["Entries"], sent.ours.params["Entries"], strict=True))
    mine = [_check_event(plain, ours) for plain, ours in pairs]
    fits = room > MEMBER * len(entries)
    assert fits or sent.reason == "size"
    assert all(mine) == (sent.reason is None)


def _check_event(plain, ours):
    if plain == ours:
        return False
    rest = OUR_MEMBER.sub("{", ours["Detail"])
    assert rest == plain["Detail"].lstrip()
    assert {**ours, "Detail": plain["Detail"]} == plain
    with contextlib.suppress(ValueError):
        json.loads(plain["Detail"])
        found = json.loads(ours["Detail"])
        assert TRACEPARENT.fullmatch(found.pop("_lumitrace"))
        assert found == json.loads(plain["Detail"])
    return True


CONTEXTS = st.sampled_from(
    [
        '{"custom": {"a": "%s"}}',
        ' {"custom": {"n": 1.50, "n": 2, "a": "\u00e4%s"}}',
        '{"w3c": "%s"}',
        "{%s}",
        '["%s"]',
        '"%s"',
        "no json %s",
    ]
)
MOST = limits.CLIENT_CONTEXT // 4 * 3  # bytes before Base64


@given(
    context=st.none() | CONTEXTS,
    room=around(-1, 0, 78, 80, 82),
    kind=st.sampled_from([None, "RequestResponse", "RequestResponse", "Event", "DryRun"]),
)
@examples(30)
def test_a_function_that_is_invoked(twice, context, room, kind):
    """Invoke: 3,583 bytes of client context in Base64, always a JSON object."""
    params = {"FunctionName": "f", "Payload": b'{"a": 1.50}'}
    if kind:
        params["InvocationType"] = kind
    if context is not None:
        text = context % (" " * (MOST - room - len((context % "").encode())))
        params["ClientContext"] = base64.b64encode(text.encode()).decode()

    sent = twice("lambda", "invoke", **params)

    assert sent.ours.body == sent.plain.body
    plain, ours = (one.header(b"x-amz-client-context") for one in (sent.plain, sent.ours))
    if plain == ours:
        assert sent.reason or kind in ("Event", "DryRun")
        return
    assert sent.reason is None
    assert kind not in ("Event", "DryRun")
    assert len(ours) <= limits.CLIENT_CONTEXT
    found = json.loads(base64.b64decode(ours))
    assert TRACEPARENT.fullmatch(found.pop("w3c")["traceparent"])
    assert found == json.loads(base64.b64decode(plain) or b"{}")


def test_a_context_that_just_fits_is_sent(twice):
    """At the last byte that AWS takes ours is there, one group of Base64 further it is not."""
    empty = len('{"custom": {"a": ""}}')
    most = MOST - empty - len('"w3c": {"traceparent": ""}, ') - 55

    outcomes = []
    for length in (most - 3, most, most + 3, most + 6):
        text = '{"custom": {"a": "%s"}}' % ("x" * length)
        context = base64.b64encode(text.encode()).decode()
        sent = twice("lambda", "invoke", FunctionName="f", ClientContext=context)
        outcomes.append((len(sent.ours.header(b"x-amz-client-context")), sent.reason))

    assert outcomes[0][1] is None
    assert outcomes[-1][1] == "client-context-full"
    assert max(size for size, reason in outcomes if reason is None) > limits.CLIENT_CONTEXT - 4


TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), max_size=20)
JSON_TEXT = st.dictionaries(TEXTS, TEXTS, max_size=3).map(json.dumps)
STREAM, MACHINE = "ushop_clicks", "arn:aws:states:eu-west-1:123456789012:stateMachine:m"
# Calls that carry nothing of ours: link keys join them. A text is the content.
UNTOUCHED = [
    ("kinesis", "put_record", lambda t: _record(StreamName=STREAM, data=t)),
    ("kinesis", "put_records", lambda t: {"StreamName": STREAM, "Records": [_record(data=t)] * 3}),
    ("firehose", "put_record", lambda t: {"DeliveryStreamName": "f", "Record": _data(t)}),
    ("firehose", "put_record_batch", lambda t: {"DeliveryStreamName": "f", "Records": [_data(t)]}),
    (
        "stepfunctions",
        "start_execution",
        lambda t: {"stateMachineArn": MACHINE, "name": "n", "input": t, "traceHeader": ROOT},
    ),
    ("stepfunctions", "start_execution", lambda t: {"stateMachineArn": MACHINE, "input": t}),
    ("stepfunctions", "send_task_success", lambda t: {"taskToken": "t", "output": t}),
    ("events", "put_events", lambda t: {"Entries": [{**EVENT, "Detail": t, "TraceHeader": ROOT}]}),
    ("lambda", "invoke", lambda t: {"FunctionName": "f", "InvocationType": "Event", "Payload": t}),
    ("s3", "put_object", lambda t: {"Bucket": "b", "Key": "k", "Body": t, "Metadata": {"a": "b"}}),
    ("s3", "copy_object", lambda t: {"Bucket": "b", "Key": "k", "CopySource": "b/k"}),
    ("dynamodb", "get_item", lambda t: {"TableName": "t", "Key": {"id": {"S": t}}}),
]
EVENT = {"Source": "ushop", "DetailType": "sale"}


def _data(text):
    return {"Data": text.encode()}


def _record(data, **more):
    return {"PartitionKey": "1", **_data(data), **more}


@pytest.mark.parametrize(("service", "operation", "params"), UNTOUCHED)
@given(text=JSON_TEXT)
@examples(2)
def test_what_link_keys_join_goes_as_it_came(twice, service, operation, params, text):
    """Method, path, headers and body are the same bytes with and without us."""
    sent = twice(service, operation, **params(text))

    assert sent.ours.same_for_each() == sent.plain.same_for_each()
    assert sent.reason is None
