"""The proxy before moto: what AWS refuses is refused, and everything else is moto's."""

import base64
import json
import socket

import pytest
from tests.aws import limits
from tests.aws.proxy import before_moto

pytest.importorskip("moto")

TOPIC = "arn:aws:sns:eu-west-1:123456789012:t"
MACHINE = "arn:aws:states:eu-west-1:123456789012:stateMachine:m"
BUS = {"Source": "ushop", "DetailType": "sale"}


@pytest.fixture
def queue(proxy):
    """Return a queue that takes all that SQS does."""
    return proxy.client("sqs").create_queue(QueueName="q")["QueueUrl"]


def attributes(count):
    """Return that many message attributes."""
    return {f"a{n}": {"DataType": "String", "StringValue": "x"} for n in range(count)}


def test_what_is_within_the_limits_goes_on_to_moto(proxy, queue):
    """What was sent through the proxy is received through it."""
    sqs = proxy.client("sqs")

    sqs.send_message(QueueUrl=queue, MessageBody="ä", MessageAttributes=attributes(10))

    [message] = sqs.receive_message(QueueUrl=queue, MessageAttributeNames=["All"])["Messages"]
    assert message["Body"] == "ä"
    assert len(message["MessageAttributes"]) == 10
    assert proxy.refused == []


def test_every_request_is_kept_as_it_came(proxy, queue):
    """Bytes, for comparing one run with another; and what they say."""
    proxy.requests.clear()

    proxy.client("sqs").send_message(QueueUrl=queue, MessageBody="hi")

    [request] = proxy.requests
    assert (request.method, request.path) == (b"POST", b"/")
    assert json.loads(request.body) == {"QueueUrl": queue, "MessageBody": "hi"}
    assert request.header(b"x-amz-target") == b"AmazonSQS.SendMessage"
    assert (request.service, request.operation) == ("sqs", "SendMessage")


def _sqs(**message):
    return "sqs", "send_message", {"MessageBody": "x", **message}


def _events(length):
    entry = {**BUS, "Detail": json.dumps({"x": "y" * length})}
    return "events", "put_events", {"Entries": [entry, {**BUS, "Detail": "{}"}]}


def _sns(message, count=1):
    return "sns", "publish", {"Message": message, "MessageAttributes": attributes(count)}


def _sns_batch(length):
    entries = [{"Id": str(n), "Message": "x" * length} for n in range(2)]
    return "sns", "publish_batch", {"PublishBatchRequestEntries": entries}


def _sqs_batch(length):
    entries = [{"Id": str(n), "MessageBody": "x" * length} for n in range(2)]
    return "sqs", "send_message_batch", {"Entries": entries}


def _invoke(context):
    return "lambda", "invoke", {"ClientContext": base64.b64encode(context).decode()}


def _firehose(*sizes):
    records = [{"Data": b"x" * size} for size in sizes]
    return "firehose", "put_record_batch", {"DeliveryStreamName": "f", "Records": records}


FULL = b'{"a":"%s"}'
AROUND = 2 * len("ushopsale") + len('{"x": ""}{}')
ATTRIBUTE = len("a0") + len("String") + len("x")

REFUSED = [
    (_sqs(MessageAttributes=attributes(10)), _sqs(MessageAttributes=attributes(11)), "attributes"),
    (_sqs(MessageBody="x" * 1_048_576), _sqs(MessageBody="x" * 1_048_577), "shorter than 1048576"),
    (
        _sqs(MessageBody="x" * (1_048_576 - ATTRIBUTE), MessageAttributes=attributes(1)),
        _sqs(MessageBody="x" * (1_048_577 - ATTRIBUTE), MessageAttributes=attributes(1)),
        "shorter than 1048576",
    ),
    (_sqs_batch(524_288), _sqs_batch(524_289), "BatchRequestTooLong"),
    (_sns("x" * (262_144 - ATTRIBUTE)), _sns("x" * (262_145 - ATTRIBUTE)), "Message too long"),
    (_sns("ä" * 131_067 + "x"), _sns("ä" * 131_067 + "xx"), "Message too long"),
    (_sns_batch(131_072), _sns_batch(131_073), "BatchRequestTooLong"),
    (_events(262_143 - AROUND), _events(262_144 - AROUND), "over the limit"),
    (_invoke(FULL % (b"x" * 2677)), _invoke(FULL % (b"x" * 2680)), "3583"),
    (_invoke(b"{}"), _invoke(b"[]"), "JSON object"),
    (_firehose(1_024_000), _firehose(1_024_001), "size"),
]


@pytest.mark.parametrize(("fits", "beyond", "told"), REFUSED)
def test_a_limit_stands_where_aws_says(proxy, queue, fits, beyond, told):
    """At the limit moto answers, one beyond it the proxy, in AWS's words."""
    service, operation, _ = fits
    call = getattr(proxy.client(service), operation)
    where = {"sqs": {"QueueUrl": queue}, "sns": {"TopicArn": TOPIC}}.get(service, {})
    where = {"FunctionName": "f"} if service == "lambda" else where
    if service == "sns":
        proxy.client("sns").create_topic(Name="t")

    with_moto = _outcome(call, {**where, **fits[2]})
    with_proxy = _outcome(call, {**where, **beyond[2]})

    assert told in with_proxy
    assert told not in with_moto
    assert [str(refusal) for _, refusal in proxy.refused] == [with_proxy]


def _outcome(call, params):
    try:
        call(**params)
    except call.__self__.exceptions.ClientError as error:
        return f"{error.response['Error']['Code']}: {error.response['Error']['Message']}"
    return ""


def test_a_queue_may_allow_less(proxy):
    """MaximumMessageSize counts attributes too, which moto does not."""
    sqs = proxy.client("sqs")
    made = sqs.create_queue(QueueName="small", Attributes={"MaximumMessageSize": "1024"})
    message = {"QueueUrl": made["QueueUrl"], "MessageBody": "x" * 1020}

    told = _outcome(sqs.send_message, {**message, "MessageAttributes": attributes(1)})

    assert _outcome(sqs.send_message, message) == ""
    assert told.endswith("Reason: Message must be shorter than 1024 bytes.")


def test_an_entry_fails_alone(proxy, queue):
    """Of a batch, SQS takes what it can."""
    sqs = proxy.client("sqs")
    entries = [
        {"Id": "a", "MessageBody": "hi", "MessageAttributes": attributes(11)},
        {"Id": "b", "MessageBody": "hi"},
    ]

    answer = sqs.send_message_batch(QueueUrl=queue, Entries=entries)
    alone = sqs.send_message_batch(QueueUrl=queue, Entries=entries[:1])

    assert [one["Id"] for one in answer["Successful"]] == ["b"]
    assert [(one["Id"], one["Code"]) for one in answer["Failed"]] == [
        ("a", "InvalidParameterValue")
    ]
    assert (alone["Successful"], len(alone["Failed"])) == ([], 1)
    assert len(sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10)["Messages"]) == 1


def test_what_sns_would_lose_is_told(proxy):
    """SNS answers 200 to eleven attributes and discards the message at a raw queue."""
    sns = proxy.client("sns")
    sns.create_topic(Name="t")

    for count in (10, 11):
        sns.publish(TopicArn=TOPIC, Message="hi", MessageAttributes=attributes(count))

    assert [len(one["MessageAttributes"]) for one in proxy.lost()] == [11]


def test_every_limit_names_its_source():
    """A number without a source is an opinion."""
    checks = {check for found in limits.LIMITS.values() for check in found}

    assert len(checks) > 10
    assert all(check.source.startswith("https://docs.aws.amazon.com/") for check in checks)
    assert all(check.__doc__ for check in checks)


def test_the_proxy_stops_by_itself():
    """Nothing listens once the block is left."""
    with before_moto() as proxy:
        proxy.client("sqs").list_queues()

    with socket.socket() as probe:
        assert probe.connect_ex(proxy.server_address) != 0
