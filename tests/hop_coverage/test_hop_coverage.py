"""Every kind of hop, played on both sides: the table in docs/services.md is what came out."""

import base64
import json
import os
from pathlib import Path

import pytest

pytest.importorskip("botocore")
pytest.importorskip("duckdb")

PAGE = Path(__file__).parents[2] / "docs" / "services.md"
BEGIN, END = "<!-- hop coverage: begin -->", "<!-- hop coverage: end -->"
MODES = ("not injected", "injected", "one side")
HEAD = "| hop | (a) with injection | (b) without | (c) sender without lines |\n|---|---|---|---|\n"
EXACT = ("context", "context (proved)", "link key")
SHARE = 0.95  # of the kinds that AWS makes traceable; exact in (a)

NOTHING = "nothing in the event names the sender"
KEY = "the sender's line would hold the key"
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


@kind(reason="this version marks PutItem alone")
def dynamodb_update(stage):
    """DynamoDB UpdateItem → stream."""
    said = {"Key": {"id": {"S": "s-1"}}, "UpdateExpression": "SET a = :a"}
    said["ExpressionAttributeValues"] = {":a": {"N": "1"}}
    client = stage.client("dynamodb")
    stage.send(lambda: client.update_item(TableName="ushop_sales", **said))
    stage.receive(stage.aws.deliver_stream({"id": {"S": "s-1"}, "a": {"N": "1"}}))


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


@kind(reason="the answer has no id that the resolver sees too")
def appsync(stage):
    """HTTP call → AppSync, host in LUMITRACE_HTTP_HOSTS."""

    def resolve(sent):
        event = stage.event("appsync")
        event["request"]["headers"] = sent
        stage.receive(event)

    stage.ask("shop.example.com", resolve)


@kind(reason=UNPROVED)
def authorizer_of_call(stage):
    """HTTP call → authorizer of type REQUEST."""
    host = "id.execute-api.eu-west-1.amazonaws.com"
    said = {"extendedRequestId": "r1="}
    stage.ask(
        host,
        lambda sent: through(stage, "lambda_authorizer_request", host, sent, **said),
        x_amz_apigw_id="r1=",
    )


def authorized(stage, name):
    """Let an authorizer be asked with the event *name*, and then the backend."""
    stage.send(lambda: None, stage.event(name))
    said = {"extendedRequestId": "JKJaXmPLvHcESHA="}
    through(stage, "api_gateway_rest", "id.execute-api.eu-west-1.amazonaws.com", {}, **said)


@kind()
def authorizer_request(stage):
    """Authorizer of type REQUEST → backend."""
    authorized(stage, "lambda_authorizer_request")


@kind(
    reason="its event holds a token and no id; a cached answer is no invocation", untraceable=True
)
def authorizer_token(stage):
    """Authorizer of type TOKEN → backend."""
    authorized(stage, "lambda_authorizer_token")


PIPED = "an InputTransformer took the id off, and details are left as they are unless asked for"


def put_events(stage):
    """Put one event; return it as a rule hands it over."""
    stage.xray()
    detail = json.dumps({"saleId": "1"})
    entry = {"Source": "ushop", "DetailType": "sale.confirmed", "Detail": detail}
    stage.aws.answers.append((200, json.dumps({"Entries": [{"EventId": "e-1"}]})))
    stage.send(lambda: stage.client("events").put_events(Entries=[entry]))
    sent = json.loads(stage.aws.sent[-1]["Entries"][0]["Detail"])
    return {**stage.event("eventbridge"), "id": "e-1", "detail": sent}


@kind()
def events(stage):
    """EventBridge PutEvents."""
    stage.receive(put_events(stage))


@kind()
def events_sqs(stage):
    """EventBridge → SQS."""
    stage.receive(stage.aws.deliver_sqs(({"MessageBody": json.dumps(put_events(stage))}, "m")))


def moved(stage):
    """Deliver an event that an InputTransformer has moved."""
    body = json.dumps({"kind": "sale", "payload": put_events(stage)["detail"]})
    stage.receive(stage.aws.deliver_sqs(({"MessageBody": body}, "m")))


@kind(reason=PIPED, untraceable=True)
def events_moved(stage):
    """EventBridge → SQS through an InputTransformer that moves the detail."""
    moved(stage)


@kind(reason=PIPED)
def events_moved_injected(stage):
    """The same with LUMITRACE_EVENTBRIDGE=inject."""
    stage.opt_in("eventbridge", "inject")
    moved(stage)


@kind(reason="a replay relates to its sender, which did not cause it", untraceable=True)
def events_replayed(stage):
    """EventBridge, an archive replayed."""
    stage.receive({**put_events(stage), "replay-name": "again"})


@kind()
def pipes(stage):
    """SQS → EventBridge Pipe."""
    stage.receive(stage.aws.deliver_sqs(send_message(stage))["Records"])


SHARD, NUMBER = "shardId-000000000006", "49590338271490256608559692538361571095921575989136588898"


def put_record(stage):
    """Put one record into a stream."""
    answer = {"ShardId": SHARD, "SequenceNumber": NUMBER}
    stage.aws.answers.append((200, json.dumps(answer)))
    said = {"StreamName": "ushop_clicks", "PartitionKey": "1", "Data": b"{}"}
    stage.send(lambda: stage.client("kinesis").put_record(**said))


@kind()
def kinesis(stage):
    """Kinesis PutRecord."""
    put_record(stage)
    event = stage.event("kinesis")
    stage.receive({"Records": event["Records"][:1]})


@kind()
def kinesis_batch(stage):
    """Kinesis PutRecords, each record."""
    numbers = [record["kinesis"]["sequenceNumber"] for record in stage.event("kinesis")["Records"]]
    answer = [{"ShardId": SHARD, "SequenceNumber": number} for number in numbers]
    stage.aws.answers.append((200, json.dumps({"Records": answer})))
    records = [{"PartitionKey": "1", "Data": b"{}"} for _ in numbers]
    said = {"StreamName": "ushop_clicks", "Records": records}
    stage.send(lambda: stage.client("kinesis").put_records(**said))
    stage.receive(stage.event("kinesis"))


@kind()
def kinesis_firehose(stage):
    """Kinesis → Firehose transformation."""
    put_record(stage)
    stage.receive(stage.event("firehose_kinesis"), loop=False)


@kind()
def sns_firehose(stage):
    """SNS → Firehose transformation."""
    event = stage.event("firehose_sns")
    text = json.dumps(notification(stage)).encode()
    event["records"][0]["data"] = base64.b64encode(text).decode()
    stage.receive(event, loop=False)


@kind(reason="the RecordId that a sender is answered is not the recordId here", untraceable=True)
def firehose(stage):
    """Firehose PutRecord → transformation."""
    stage.aws.answers.append((200, json.dumps({"RecordId": "r-1"})))
    said = {"DeliveryStreamName": "ushop_archive", "Record": {"Data": b"{}"}}
    stage.send(lambda: stage.client("firehose").put_record(**said))
    stage.receive(stage.event("firehose"), loop=False)


def put_object(stage, name):
    """Write an object; return the event *name* of it."""
    stage.xray()
    stage.aws.answers.append((200, ""))
    said = {"Bucket": "ushop-receipts", "Key": "628d8a.pdf", "Body": b"x"}
    stage.send(lambda: stage.client("s3").put_object(**said))
    text = json.dumps(stage.event(name))
    return json.loads(text.replace("C3D13FE58DE4C810", "aws-request-1"))


@kind()
def s3(stage):
    """S3 PutObject."""
    stage.receive(put_object(stage, "s3"))


@kind()
def s3_sns(stage):
    """S3 → SNS."""
    stage.receive(put_object(stage, "sns_s3"))


@kind()
def s3_sqs(stage):
    """S3 → SQS."""
    stage.receive(put_object(stage, "sqs_s3"))


@kind()
def s3_events(stage):
    """S3 → EventBridge."""
    stage.receive(put_object(stage, "eventbridge_s3"))


def start_execution(stage):
    """Start an execution."""
    arn = "arn:aws:states:eu-west-1:123456789012:execution:ushop_returns:r-1"
    stage.aws.answers.append((200, json.dumps({"executionArn": arn, "startDate": 1795311120})))
    machine = "arn:aws:states:eu-west-1:123456789012:stateMachine:ushop_returns"
    stage.send(lambda: stage.client("stepfunctions").start_execution(stateMachineArn=machine))


@kind()
def step_functions(stage):
    """Step Functions StartExecution → task that gets the context object or the execution's id."""
    start_execution(stage)
    stage.receive(stage.event("step_functions_execution_id"))


@kind(reason="the task's input is all that the function sees", untraceable=True)
def step_functions_bare(stage):
    """Step Functions StartExecution → task that gets its input alone."""
    start_execution(stage)
    stage.receive({"saleId": "1"})


def ended(stage, name):
    """Let an asynchronous invocation end; return the event *name* that speaks of it."""
    request = "e4b46cbf-b738-4880-b2a3-49ea1a2f9f0d"
    stage.send(lambda: None, request=request)
    stage.receive(stage.event(name))


@kind()
def destination(stage):
    """Lambda destination: a function."""
    ended(stage, "lambda_destination_success")


@kind()
def destination_sqs(stage):
    """Lambda destination: a queue."""
    ended(stage, "sqs_lambda_destination")


@kind()
def destination_sns(stage):
    """Lambda destination: a topic."""
    ended(stage, "sns_lambda_destination")


@kind()
def destination_events(stage):
    """Lambda destination: a bus."""
    ended(stage, "eventbridge_lambda_destination")


@kind()
def dead_letter_sqs(stage):
    """Lambda's dead-letter queue."""
    ended(stage, "sqs_dead_letter")


@kind()
def dead_letter_sns(stage):
    """Lambda's dead-letter topic."""
    ended(stage, "sns_dead_letter")


@kind(reason="nobody sends it: it is an entry", untraceable=True)
def timer(stage):
    """Timer."""
    stage.send(lambda: None)
    stage.receive({"source": "aws.events", "detail-type": "Scheduled Event", "detail": {}})


def outcomes(stage, name):
    """Return how the hop *name* is joined in each mode, in words."""
    play, reason, _ = KINDS[name]
    said = []
    for mode in MODES:
        if mode != "one side":  # which reads what was injected again
            stage.begin(mode)
            play(stage)
        rest = stage.joined(mode)
        worst = next((one for one in rest if one not in EXACT), rest[0])
        if worst in EXACT:
            said.append(f"exact, {worst}")
        elif worst.startswith("X-Ray"):
            said.append("likely, X-Ray root")
        else:
            said.append("impossible")
    without, *rest = said
    return _with_reasons([rest[0], without, rest[1]], reason)


def _with_reasons(said, reason):
    """Say why once a row; an exact hop by a key needs the line that holds the key."""
    if "impossible" in said[:2]:
        said[said.index("impossible")] += f": {reason}"
    elif said[2] == "impossible":
        said[2] += f": {KEY if reason == NOTHING else reason}"
    return said


@pytest.fixture
def table(stage):
    """How each kind of hop is joined, by mode; played once."""
    if not PLAYED:
        PLAYED.update({name: outcomes(stage, name) for name in KINDS})
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
