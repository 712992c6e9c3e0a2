"""Ids that count from 1, a clock that steps, and AWS in small."""

import base64
import contextlib
import copy
import importlib.util
import json
import os
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import parse_qsl, urlsplit

import pytest
from tests.aws import limits
from tests.aws.proxy import before_moto
from tests.aws.refusal import EntriesRefused, Refusal
from tests.aws.request import Request

from lumitrace import testing
from lumitrace.capture import resend
from lumitrace.capture.config import settings
from lumitrace.capture.guard import reporter
from lumitrace.capture.services import _dynamodb_repeats

EVENTS = Path(__file__).parents[1] / "events"
CLOCKED = (
    "span",
    "emit",
    "output",
    "calls",
    "batch",
    "scope",
    "invocation",
    "resend",
    "services._dynamodb_item",
    "services._dynamodb_repeats",
)
TOPIC = "arn:aws:sns:eu-west-1:123456789012:ushop_new-sales"
QUEUE = "https://sqs.eu-west-1.amazonaws.com/123456789012/ushop_shipping"
STREAM = "arn:aws:dynamodb:eu-west-1:123456789012:table/ushop_sales/stream/2026-11-22T00:00:00.000"


class Clock:
    """Time that moves by *step_us* each time somebody looks at the monotonic clock."""

    def __init__(self):
        self.us = 0
        self.step_us = 10

    def perf_counter_ns(self):
        self.us += self.step_us
        return self.us * 1000

    monotonic_ns = perf_counter_ns

    def time_ns(self):
        return 1_795_383_700_000_000_000 + self.us * 1000

    def process_time_ns(self):
        return self.us * 500

    def gmtime(self, second):
        import time

        return time.gmtime(second)

    def strftime(self, form, when):
        import time

        return time.strftime(form, when)


class Random:
    """Ids that count from 1."""

    def __init__(self):
        self.count = 0

    def urandom(self, size):
        self.count += 1
        return self.count.to_bytes(size, "big")


@pytest.fixture(autouse=True)
def clock(monkeypatch):
    """The clock of every module of capture: a slow machine changes no line."""
    clock = Clock()
    for module in CLOCKED:
        monkeypatch.setattr(f"lumitrace.capture.{module}.time", clock)
    return clock


@pytest.fixture
def ids(monkeypatch):
    """Ids that count from 1."""
    random = Random()
    monkeypatch.setattr("lumitrace.wire.context.os", random)
    return random


@pytest.fixture(autouse=True)
def _fresh(monkeypatch):
    """No test sees the environment of another, nor what went wrong there."""
    for name in list(os.environ):
        if name.startswith(("LUMITRACE_", "AWS_", "_X_AMZN")):
            monkeypatch.delenv(name)
    settings.load(os.environ)
    yield
    reporter.known.clear()
    reporter.waiting.clear()
    resend.guilty.clear()
    resend.innocent.clear()
    _dynamodb_repeats._writes.clear()
    _dynamodb_repeats._begun.clear()
    settings.load({})


@pytest.fixture
def captured(_fresh):
    """Tracing is on, and its lines are kept."""
    with testing.capture() as captured:
        yield captured


@pytest.fixture
def context():
    """What Lambda hands over beside the event."""
    return SimpleNamespace(
        aws_request_id="8a1c0000-0000-4000-8000-000000000001",
        invoked_function_arn="arn:aws:lambda:eu-west-1:123456789012:function:shop",
        client_context=None,
    )


@pytest.fixture
def event():
    """Return an event by the name of its file in tests/events."""

    def load(name):
        return json.loads((EVENTS / f"{name}.json").read_text(encoding="utf-8"))

    return load


class AWS:
    """AWS in small: real botocore clients whose last step, the sending, is replaced.

    Attributes:
        sent: what left the process, decoded, oldest first.
        answers: status, body, headers for the next requests; without one, an ordinary answer.
    """

    def __init__(self, session):
        self.session = session
        self.sent = []
        self.requests = []
        self.answers = []
        self.tables = {}

    def client(self, service, retries=None, **config):
        config_class = pytest.importorskip("botocore.config").Config
        client = self.session.create_client(
            service,
            region_name="eu-west-1",
            aws_access_key_id="AKIDEXAMPLE",
            aws_secret_access_key="none",  # noqa: S106  # nobody asks for it
            config=config_class(retries=retries or {"mode": "standard"}, **config),
        )
        client.meta.events.register("before-send", self.send)
        return client

    def send(self, request, **_):
        """Stand in for the network."""
        self.requests.append(request)
        sent = _decode(request)
        self.sent.append(sent)
        _within_limits(request)
        answer = self.answers.pop(0) if self.answers else None
        if callable(answer):
            answer = answer(sent)
        if isinstance(answer, Exception):
            raise answer
        status, body, *more = answer or (200, _ordinary(request, sent, len(self.sent)))
        return _response(request, status, body, *more)

    def deliver_sns(self, sent, message_id):
        """Turn a Publish into the event that Lambda hands over."""
        attributes = _form_attributes(sent)
        message = {"MessageId": message_id, "TopicArn": TOPIC, "Message": sent["Message"]}
        message["MessageAttributes"] = attributes
        return {"Records": [{"EventSource": "aws:sns", "EventVersion": "1.0", "Sns": message}]}

    def deliver_sqs(self, *entries):
        """Turn (SendMessage, message id) pairs into the event that Lambda hands over."""
        return {"Records": [_sqs_record(sent, message_id) for sent, message_id in entries]}

    def deliver_stream(self, *items, name="INSERT"):
        """Turn items written into the event of the table's stream."""
        return {
            "Records": [
                {
                    "eventID": f"e{number}",
                    "eventName": name,
                    "eventSource": "aws:dynamodb",
                    "eventSourceARN": STREAM,
                    "dynamodb": {
                        "ApproximateCreationDateTime": 1_795_383_700,
                        "NewImage": copy.deepcopy(item),
                        "SequenceNumber": str(number),
                    },
                }
                for number, item in enumerate(items, 1)
            ]
        }


def _within_limits(request):
    """Fail where AWS would refuse or lose a request that our context is in."""
    headers = [(_bytes(name), _bytes(value)) for name, value in request.headers.items()]
    path = urlsplit(request.url).path.encode()
    came = Request(request.method.encode(), path, headers, _bytes(request.body))
    said = came.body
    with contextlib.suppress(ValueError):  # a caller's own may be anything
        said += base64.b64decode(came.header(b"x-amz-client-context"))
    if b"traceparent" not in said and b"_lumitrace" not in said:
        return
    memory, refused = {}, None
    try:
        limits.check(came, memory)
    except (Refusal, EntriesRefused) as refusal:
        refused = refusal
    assert refused is None, f"our context is in a request that AWS refuses: {refused}"
    assert "lost" not in memory, "SNS discards this message on its way to a raw subscription"


def _bytes(value):
    """Return *value* as it is sent; a stream is nobody's to read here."""
    return value.encode() if isinstance(value, str) else value if isinstance(value, bytes) else b""


def _sqs_record(sent, message_id):
    attributes = {
        name: {"stringValue": value["StringValue"], "dataType": value["DataType"]}
        for name, value in (sent.get("MessageAttributes") or {}).items()
    }
    return {
        "messageId": message_id,
        "body": sent["MessageBody"],
        "attributes": {"ApproximateReceiveCount": "1"},
        "messageAttributes": attributes,
        "eventSource": "aws:sqs",
        "eventSourceARN": "arn:aws:sqs:eu-west-1:123456789012:ushop_shipping",
    }


def _decode(request):
    body = request.body
    text = body.decode() if isinstance(body, bytes) else body if isinstance(body, str) else ""
    if "Action=" in text:
        return dict(parse_qsl(text))
    try:
        return json.loads(text)
    except ValueError:
        return {"body": text, "headers": dict(request.headers)}


def _form_attributes(sent):
    attributes = {}
    for number in range(1, 12):
        name = sent.get(f"MessageAttributes.entry.{number}.Name")
        if name:
            value = f"MessageAttributes.entry.{number}.Value"
            attributes[name] = {
                "Type": sent[f"{value}.DataType"],
                "Value": sent[f"{value}.StringValue"],
            }
    return attributes


def _ordinary(request, sent, number):
    action = sent.get("Action")
    if action == "Publish":
        inner = f"<MessageId>sns-{number}</MessageId>"
        return f"<PublishResponse><PublishResult>{inner}</PublishResult></PublishResponse>"
    if action == "PublishBatch":
        inner = "".join(
            f"<member><Id>{i}</Id><MessageId>sns-{number}-{i}</MessageId></member>"
            for i in range(10)
            if f"PublishBatchRequestEntries.member.{i + 1}.Id" in sent
        )
        result = f"<PublishBatchResult><Successful>{inner}</Successful></PublishBatchResult>"
        return f"<PublishBatchResponse>{result}</PublishBatchResponse>"
    target = request.headers.get("X-Amz-Target", b"")
    known = _by_target(target.decode() if isinstance(target, bytes) else target, sent, number)
    if known is not None:
        return json.dumps(known)
    if "Entries" in sent:
        done = [{"Id": e["Id"], "MessageId": f"sqs-{number}-{e['Id']}"} for e in sent["Entries"]]
        return json.dumps({"Successful": done, "Failed": []})
    if "sqs." in request.url:
        return json.dumps({"MessageId": f"sqs-{number}"})
    return "" if ".s3." in request.url else "{}"


def _by_target(target, sent, number):
    """Return what EventBridge, Kinesis and Step Functions answer, or None."""
    operation = target.rpartition(".")[2]
    if operation == "PutEvents":
        entries = [{"EventId": f"event-{number}-{n}"} for n in range(len(sent["Entries"]))]
        return {"FailedEntryCount": 0, "Entries": entries}
    if operation == "PutRecord" and target.startswith("Kinesis"):
        return {"ShardId": "shardId-000000000000", "SequenceNumber": str(number)}
    if operation == "PutRecords":
        taken = [
            {"ShardId": "shardId-000000000000", "SequenceNumber": str(n)}
            for n in range(len(sent["Records"]))
        ]
        return {"FailedRecordCount": 0, "Records": taken}
    if operation == "StartExecution":
        arn = sent["stateMachineArn"].replace("stateMachine", "execution")
        return {"executionArn": f"{arn}:{sent.get('name', number)}", "startDate": 1}
    return None


def _response(request, status, body, more=()):
    from botocore.awsrequest import AWSResponse

    class Raw:
        def stream(self, *_args, **_kwargs):
            yield body if isinstance(body, bytes) else body.encode()

        def read(self, *_args, **_kwargs):
            return body if isinstance(body, bytes) else body.encode()

    name = "x-amz-request-id" if ".s3." in request.url else "x-amzn-RequestId"
    headers = {name: "aws-request-1", **dict(more)}
    return AWSResponse(request.url, status, headers, Raw())


def refuse(code, message, status=400):
    """Return the body of a refusal in the JSON protocols."""
    return status, json.dumps({"__type": f"com.amazonaws#{code}", "message": message})


@pytest.fixture(scope="session")
def _session():
    """One botocore session for all tests: each reads its models anew, 0.2 s."""
    return pytest.importorskip("botocore.session").Session()


@pytest.fixture
def aws(captured, _session):
    """AWS in small, botocore patched."""
    from lumitrace.capture import doors

    aws = AWS(_session)
    aws.refuse = refuse
    aws.topic, aws.queue, aws.decode64 = TOPIC, QUEUE, base64.b64decode
    doors.install()
    return aws


@pytest.fixture
def server():
    """A small HTTP server on this machine, which remembers every byte it was sent."""
    spec = importlib.util.spec_from_file_location(
        "lumitrace_http_server", Path(__file__).with_name("http_server.py")
    )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    server = module.Server()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="session")
def _behind():
    """One moto for all tests: starting it takes half a second, its services more."""
    pytest.importorskip("moto")
    with before_moto() as proxy:
        yield proxy


@pytest.fixture
def proxy(_behind):
    """The proxy before moto, with nothing in its memory."""
    _behind.forget()
    return _behind
