"""Every kind of hop, played on both sides: the table in docs/services.md is what came out."""

import json
import os
from pathlib import Path

import pytest

pytest.importorskip("botocore")
pytest.importorskip("duckdb")

PAGE = Path(__file__).parents[2] / "docs" / "services.md"
BEGIN, END = "<!-- hop coverage: begin -->", "<!-- hop coverage: end -->"
MODES = ("injected", "not injected", "one side")
HEAD = "| hop | (a) with injection | (b) without | (c) sender without lines |\n|---|---|---|---|\n"
EXACT = ("context", "context (proved)", "link key")
SHARE = 0.95  # of the kinds that AWS makes traceable; exact in (a)

NOTHING = "nothing in the event names the sender"
NO_MESSAGE = "the item has no id of its own; without a mark nothing in the record names the writer"
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-configure-dead-letter-queue-redrive.html
NEW_ID = "a redriven message is a new one: it keeps its attributes, not its id"

KINDS = {}
PLAYED = {}


def kind(*, reason=NOTHING, untraceable=False):
    """Register a kind of hop, named by its docstring; *reason* is why it is not exact."""

    def register(play):
        KINDS[play.__doc__.rstrip(".")] = (play, reason, untraceable)
        return play

    return register


def publish(stage):
    """Publish one message; return what was sent."""
    stage.xray()
    stage.send(lambda: stage.client("sns").publish(TopicArn=stage.aws.topic, Message="hi"))
    return stage.aws.sent[-1]


def send_message(stage):
    """Send one message; return what was sent and its id."""
    body = {"QueueUrl": stage.aws.queue, "MessageBody": "hi"}
    stage.send(lambda: stage.client("sqs").send_message(**body))
    return stage.aws.sent[-1], f"sqs-{len(stage.aws.sent)}"


@kind()
def sns(stage):
    """SNS Publish."""
    stage.receive(stage.aws.deliver_sns(publish(stage), "sns-1"))


@kind()
def sns_batch(stage):
    """SNS PublishBatch, each message."""
    entries = [{"Id": str(number), "Message": "hi"} for number in range(3)]
    client = stage.client("sns")
    stage.send(
        lambda: client.publish_batch(TopicArn=stage.aws.topic, PublishBatchRequestEntries=entries)
    )
    sent = stage.aws.sent[0]
    entry = "PublishBatchRequestEntries.member.3."
    own = {key[len(entry) :]: value for key, value in sent.items() if key.startswith(entry)}
    stage.receive(stage.aws.deliver_sns(own, "sns-1-2"))


@kind()
def sqs(stage):
    """SQS SendMessage."""
    stage.receive(stage.aws.deliver_sqs(send_message(stage)))


@kind()
def sqs_records(stage):
    """SQS, a batch of two senders, record by record."""
    messages = [send_message(stage), send_message(stage)]
    stage.receive(stage.aws.deliver_sqs(*messages))


@kind()
def sqs_in_one_go(stage):
    """SQS, a batch of two senders, in one go."""
    messages = [send_message(stage), send_message(stage)]
    stage.receive(stage.aws.deliver_sqs(*messages), loop=False)


@kind()
def sqs_batch(stage):
    """SQS SendMessageBatch, each message."""
    entries = [{"Id": str(number), "MessageBody": "hi"} for number in range(3)]
    client = stage.client("sqs")
    stage.send(lambda: client.send_message_batch(QueueUrl=stage.aws.queue, Entries=entries))
    stage.receive(stage.aws.deliver_sqs((stage.aws.sent[0]["Entries"][2], "sqs-1-2")))


@kind()
def sqs_dead_letters(stage):
    """SQS, dead-letter queue by redrive policy."""
    event = stage.aws.deliver_sqs(send_message(stage))
    event["Records"][0]["attributes"]["ApproximateReceiveCount"] = "4"
    event["Records"][0]["eventSourceARN"] += "-dead"
    stage.receive(event)


@kind(reason=NEW_ID)
def sqs_redriven(stage):
    """SQS, redriven from a dead-letter queue."""
    sent, _ = send_message(stage)
    stage.receive(stage.aws.deliver_sqs((sent, "another-id")))


def notification(stage):
    """Return the SNS notification that a queue gets as a body."""
    message = stage.aws.deliver_sns(publish(stage), "sns-1")["Records"][0]["Sns"]
    return {"Type": "Notification", **message}


@kind()
def sns_sqs(stage):
    """SNS → SQS."""
    body = json.dumps(notification(stage))
    stage.receive(stage.aws.deliver_sqs(({"MessageBody": body}, "sqs-9")))


@kind(reason="raw delivery takes the SNS MessageId off")
def sns_sqs_raw(stage):
    """SNS → SQS, raw."""
    said = notification(stage)
    attributes = {
        name: {"StringValue": value["Value"], "DataType": value["Type"]}
        for name, value in said["MessageAttributes"].items()
    }
    body = {"MessageBody": said["Message"], "MessageAttributes": attributes}
    stage.receive(stage.aws.deliver_sqs((body, "sqs-9")))


@kind(reason=NO_MESSAGE)
def dynamodb(stage):
    """DynamoDB PutItem → stream."""
    item = {"id": {"S": "s-1"}}
    client = stage.client("dynamodb")
    stage.send(lambda: client.put_item(TableName="ushop_sales", Item=item))
    stage.receive(stage.aws.deliver_stream(stage.aws.sent[0]["Item"]))


def invoke(stage, *, newest):
    """Invoke and wait for the answer, which the callee gives meanwhile."""
    stage.xray()

    def run(_sent):
        said = stage.client_context() if newest else {}
        stage.receive({"any": "event"}, "aws-request-1", **said)

    stage.answering(run, (200, "{}"))
    stage.send(lambda: stage.client("lambda").invoke(FunctionName="receiver", Payload=b"{}"))


@kind()
def invoke_newest(stage):
    """Invoke that waits, newest runtime client."""
    invoke(stage, newest=True)


@kind()
def invoke_older(stage):
    """Invoke that waits, older runtime client."""
    invoke(stage, newest=False)


@kind()
def invoke_event(stage):
    """Invoke of type Event."""
    said = {"FunctionName": "receiver", "InvocationType": "Event", "Payload": b"{}"}
    stage.aws.answers.append((202, ""))
    stage.send(lambda: stage.client("lambda").invoke(**said))
    stage.receive({"any": "event"}, "aws-request-1")


UNPROVED = "a claim that no call of ours proves"


def through(stage, name, host, headers, request="receiver", **context):
    """Hand the event *name* to a receiver, with what a caller at *host* sent."""
    event = stage.event(name)
    event.pop("multiValueHeaders", None)
    event["headers"] = {"host": host, **headers}
    event["requestContext"].update(context)
    stage.receive(event, request)


@kind(reason=UNPROVED)
def http_api(stage):
    """HTTP call → API Gateway, HTTP API."""
    host = "id.execute-api.eu-west-1.amazonaws.com"
    stage.ask(
        host,
        lambda sent: through(stage, "api_gateway_http", host, sent, requestId="r1="),
        apigw_requestid="r1=",
    )


@kind(reason=UNPROVED)
def rest_api(stage):
    """HTTP call → API Gateway, REST API."""
    host = "id.execute-api.eu-west-1.amazonaws.com"
    stage.ask(
        host,
        lambda sent: through(stage, "api_gateway_rest", host, sent, extendedRequestId="r1="),
        x_amz_apigw_id="r1=",
        x_amzn_RequestId="r2",
    )


@kind(reason=UNPROVED)
def rest_api_custom(stage):
    """HTTP call → API Gateway, custom host name not in LUMITRACE_HTTP_HOSTS."""
    host = "stock.example.org"
    stage.ask(
        host,
        lambda sent: through(stage, "api_gateway_rest", host, sent, extendedRequestId="r1="),
        x_amz_apigw_id="r1=",
    )


@kind(reason=UNPROVED)
def function_url(stage):
    """HTTP call → function URL."""
    host = "abc.lambda-url.eu-west-1.on.aws"
    stage.ask(
        host,
        lambda sent: through(stage, "function_url", host, sent, domainName=host),
        x_amzn_RequestId="receiver",
    )


@kind(reason="the answer of a load balancer has no id, and a claim needs a call that proves it")
def load_balancer(stage):
    """HTTP call → ALB, host in LUMITRACE_HTTP_HOSTS."""
    host = "shop.example.com"
    stage.ask(host, lambda sent: through(stage, "alb", host, sent))


@kind()
def private_api(stage):
    """HTTP call → API Gateway, private API."""
    host = "id.execute-api.eu-west-1.amazonaws.com"
    identity = {"vpceId": "vpce-0123456789abcdef0"}
    said = {"extendedRequestId": "r1=", "identity": identity}
    stage.ask(
        host,
        lambda sent: through(stage, "api_gateway_rest", host, sent, **said),
        x_amz_apigw_id="r1=",
    )


@kind(reason="nobody sends it: it is an entry", untraceable=True)
def timer(stage):
    """Timer."""
    stage.send(lambda: None)
    stage.receive({"source": "aws.events", "detail-type": "Scheduled Event", "detail": {}})


def outcome(stage, name, mode):
    """Return how the hop *name* is joined, in words."""
    play, reason, _ = KINDS[name]
    stage.begin(mode)
    play(stage)
    found = stage.joined(mode)
    worst = next((one for one in found if one not in EXACT), found[0])
    if worst in EXACT:
        return f"exact, {worst}"
    return f"likely, {worst}" if worst.startswith("X-Ray") else f"impossible: {reason}"


@pytest.fixture
def table(stage):
    """How each kind of hop is joined, by mode; played once."""
    if not PLAYED:
        PLAYED.update({name: [outcome(stage, name, mode) for mode in MODES] for name in KINDS})
    return PLAYED


def test_the_table_in_the_docs_is_what_was_played(table):
    """Each hop was sent and received by capture, and joined by reassembly."""
    rows = [f"| {' | '.join([name, *found])} |" for name, found in table.items()]
    wanted = f"{BEGIN}\n\n{HEAD}" + "\n".join(rows) + f"\n\n{END}"
    page = PAGE.read_text("utf-8")
    head, _, rest = page.partition(BEGIN)
    said, _, tail = rest.partition(END)
    if os.environ.get("WRITE_HOP_COVERAGE"):
        PAGE.write_text(f"{head}{wanted}{tail}", "utf-8")
        return

    assert f"{BEGIN}{said}{END}" == wanted, "WRITE_HOP_COVERAGE=1 writes the table anew"


def test_nearly_every_hop_that_aws_makes_traceable_is_exact(table):
    """At least 95 % of the kinds, with injection."""
    traceable = {name: table[name][0] for name, said in KINDS.items() if not said[2]}
    exact = [name for name, found in traceable.items() if found.startswith("exact")]

    assert len(exact) >= SHARE * len(traceable), sorted(traceable.keys() - exact)
