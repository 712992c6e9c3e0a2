"""Hops one by one: a sender, AWS in small, a receiver."""

import base64
import json

from hop_kinds import NEW_ID, NO_MESSAGE, kind, notification, publish, send_message


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


def updated(update):
    """Return the item that *update*, as it was sent, leaves behind."""
    values = update["ExpressionAttributeValues"]
    mark = {"_lumitrace": values[":_lumitrace"]} if ":_lumitrace" in values else {}
    return {**update["Key"], "a": values[":a"], **mark}


UPDATE = {
    "TableName": "ushop_sales",
    "Key": {"id": {"S": "s-1"}},
    "UpdateExpression": "SET a = :a",
    "ExpressionAttributeValues": {":a": {"N": "1"}},
}


@kind(reason=NO_MESSAGE)
def dynamodb_update(stage):
    """DynamoDB UpdateItem → stream."""
    client = stage.client("dynamodb")
    stage.send(lambda: client.update_item(**UPDATE))
    stage.receive(stage.aws.deliver_stream(updated(stage.aws.sent[0])))


@kind(reason=NO_MESSAGE)
def dynamodb_batch(stage):
    """DynamoDB BatchWriteItem → stream, each put."""
    puts = [{"PutRequest": {"Item": {"id": {"S": f"s-{number}"}}}} for number in range(3)]
    client = stage.client("dynamodb")
    stage.send(lambda: client.batch_write_item(RequestItems={"ushop_sales": puts}))
    sent = stage.aws.sent[0]["RequestItems"]["ushop_sales"][2]
    stage.receive(stage.aws.deliver_stream(sent["PutRequest"]["Item"]))


@kind(reason=NO_MESSAGE)
def dynamodb_transaction(stage):
    """DynamoDB TransactWriteItems → stream, a put and an update."""
    put = {"TableName": "ushop_sales", "Item": {"id": {"S": "s-2"}}}
    actions = [{"Put": put}, {"Update": UPDATE}]
    client = stage.client("dynamodb")
    stage.send(lambda: client.transact_write_items(TransactItems=actions))
    put, update = stage.aws.sent[0]["TransactItems"]
    items = [put["Put"]["Item"], updated(update["Update"])]
    stage.receive(stage.aws.deliver_stream(*items), loop=False)


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


@kind()
def invoke_durable(stage):
    """Invoke of a durable function, each of its invocations."""
    event = stage.event("durable")
    said = {"FunctionName": "receiver:7", "InvocationType": "Event", "Payload": b"{}"}
    headers = {"X-Amz-Durable-Execution-Arn": event["DurableExecutionArn"]}
    stage.aws.answers.append((202, "", headers))
    stage.send(lambda: stage.client("lambda").invoke(**said))
    stage.receive(event, "execution-1")
    stage.receive(event, "execution-2")


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


FAILED = "e4b46cbf-b738-4880-b2a3-49ea1a2f9f0d"  # the invocation that the samples speak of


def ended(stage, event):
    """Let an asynchronous invocation end; hand over the *event* that speaks of it, or its name."""
    event = stage.event(event) if isinstance(event, str) else event
    stage.send(lambda: None, request=FAILED)
    stage.receive(event)


@kind()
def destination(stage):
    """Lambda destination on success: a function."""
    ended(stage, "lambda_destination_success")


@kind()
def destination_failure(stage):
    """Lambda destination on failure: a function."""
    ended(stage, "lambda_destination_failure")


@kind()
def destination_stream(stage):
    """Lambda destination of a stream's failed batch: a queue."""
    told = json.dumps(stage.event("lambda_destination_stream"))
    ended(stage, stage.aws.deliver_sqs(({"MessageBody": told}, "m")))


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
