"""A handler that does whatever lumitrace knows of, one thing or several an event."""

import asyncio
import gc
import http.client
import json
import logging
import os
import random
import sys
import types
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import calls
import warm
from calls import QUEUE, TOPIC, client, dynamodb, s3, sns, sqs
from door import bind, failed, record, records, span, tag, trace_id, traced

HERE = os.environ["AWS_ENDPOINT_URL"]
MARK = "_lumitrace"
others = {}
log = logging.getLogger("shop")
traced_before = traced(lambda event, context: "inside")
if "loguru" in sys.modules:
    sys.modules["loguru"].logger.remove()
if "structlog" in sys.modules:
    sys.modules["structlog"].configure(
        processors=[
            sys.modules["structlog"].contextvars.merge_contextvars,
            lambda *it: it[2]["event"],
        ]
    )


def service(name):
    """Return the one client of the service *name*."""
    if name not in others:
        others[name] = client(name)
    return others[name]


def shown(value):
    """Return *value* without a mark, which stays where what takes it off is broken."""
    if isinstance(value, dict):
        return {
            key: shown(inner) for key, inner in value.items() if key not in (MARK, "HTTPHeaders")
        }
    return [shown(one) for one in value] if isinstance(value, list) else value


def name_of_error(work):
    """Return what *work* raises, by name."""
    try:
        work()
    except Exception as error:
        names, traceback = [], error.__traceback__
        while traceback is not None:
            names.append(traceback.tb_frame.f_code.co_name)
            traceback = traceback.tb_next
        return [type(error).__name__, names]


# Queues, topics, buses, streams


def messages(event):
    entries = [{"Id": str(n), "MessageBody": "x"} for n in range(2)]
    return [
        sqs.send_message(QueueUrl=QUEUE, MessageBody="x"),
        sqs.send_message_batch(QueueUrl=QUEUE, Entries=entries),
    ]


def topics(event):
    entries = [{"Id": str(n), "Message": "x"} for n in range(2)]
    full = {f"a{n}": {"DataType": "String", "StringValue": "x"} for n in range(10)}
    return [
        sns.publish(TopicArn=TOPIC, Message="x"),
        sns.publish(TopicArn=TOPIC, Message="x", MessageAttributes=full),
        sns.publish(TopicArn=TOPIC, Message="x" * 262_100),
        sns.publish_batch(TopicArn=TOPIC, PublishBatchRequestEntries=entries),
    ]


def buses(event):
    entry = {"Source": "shop", "DetailType": "sale", "Detail": json.dumps({"sale": 1})}
    return service("events").put_events(Entries=[entry, {**entry, "Detail": "[]"}])


def streams(event):
    kinesis, one = service("kinesis"), {"Data": b"x", "PartitionKey": "a"}
    return [
        kinesis.put_record(StreamName="clicks", **one),
        kinesis.put_records(StreamName="clicks", Records=[one, one]),
        service("firehose").put_record(DeliveryStreamName="log", Record={"Data": b"x"}),
    ]


def functions(event):
    invoke = service("lambda").invoke
    theirs = "eyJjdXN0b20iOiB7ImEiOiAxfX0="
    answers = [invoke(FunctionName="f"), invoke(FunctionName="f", ClientContext=theirs)]
    answers.append(invoke(FunctionName="f", InvocationType="Event"))
    return [[it["StatusCode"], it["Payload"].read().decode()] for it in answers]


def machines(event):
    arn = "arn:aws:states:eu-west-1:123456789012:stateMachine:sale"
    return repr(service("stepfunctions").start_execution(stateMachineArn=arn, name="n", input="{}"))


def objects(event):
    return s3.put_object(Bucket="b", Key="k", Body=b"abc")


def copied(event):
    return name_of_error(
        lambda: service("neptune").copy_db_cluster_snapshot(
            SourceDBClusterSnapshotIdentifier="a",
            TargetDBClusterSnapshotIdentifier="b",
            SourceRegion="eu-central-1",
        )
    )


# Items

KEY = {"id": {"S": "a"}}
ITEM = {
    **KEY,
    "n": {"N": "1.50"},
    "b": {"B": b"\0\xff"},
    "set": {"NS": ["2", "10"]},
    "list": {"L": [{"BOOL": True}, {"NULL": True}]},
    "map": {"M": {"x": {"SS": ["b", "a"]}}},
}
UPDATE = {
    "Key": KEY,
    "UpdateExpression": "SET #a = if_not_exists(#a, :v), b[0].c = :v ADD n :n",
    "ExpressionAttributeNames": {"#a": "a"},
    "ExpressionAttributeValues": {":v": {"S": "x"}, ":n": {"N": "1"}},
}


def items(event):
    return [dynamodb.put_item(TableName=table, Item=ITEM) for table in ("sales", "linked", "free")]


def large(event):
    return [
        dynamodb.put_item(TableName="sales", Item={**KEY, "x": {"S": "x" * 399_900}}),
        dynamodb.put_item(TableName="sales", Item={**KEY, "x": {"S": "x" * 380_000}}),
        dynamodb.put_item(
            TableName="sales", Item={**KEY, "b": {"L": [ITEM["map"], ITEM["b"]] * 4000}}
        ),
    ]


def updates(event):
    legacy = {
        "a": {"Action": "PUT", "Value": {"S": "x"}},
        "n": {"Action": "ADD", "Value": {"N": "1"}},
    }
    found = []
    for table in ("sales", "linked"):
        found.append(dynamodb.update_item(TableName=table, **UPDATE))
        found.append(dynamodb.update_item(TableName=table, Key=KEY, UpdateExpression="SET a = b"))
        found.append(dynamodb.update_item(TableName=table, Key=KEY, UpdateExpression="REMOVE a"))
        found.append(dynamodb.update_item(TableName=table, Key=KEY, UpdateExpression="SET a b"))
        found.append(dynamodb.update_item(TableName=table, Key=KEY))
        found.append(dynamodb.update_item(TableName=table, Key=KEY, AttributeUpdates=legacy))
        found.append(
            dynamodb.update_item(
                TableName=table,
                Key=KEY,
                UpdateExpression="REMOVE a",
                ConditionExpression="attribute_exists(id)",
            )
        )
        found.append(
            dynamodb.update_item(
                TableName=table,
                Key=KEY,
                UpdateExpression="SET a = :v",
                ExpressionAttributeValues={":v": {"S": "x"}},
            )
        )
    return shown(found)


def batches(event):
    put, other = {"PutRequest": {"Item": ITEM}}, {"PutRequest": {"Item": {"id": {"S": "b"}}}}
    delete = {"DeleteRequest": {"Key": {"id": {"S": "c"}}}}
    found = []
    for table in ("sales", "linked"):
        asked = {table: [put, other, delete]}
        while asked:
            answer = dynamodb.batch_write_item(RequestItems=asked)
            found.append(shown(answer))
            asked = answer.get("UnprocessedItems")
    return repr(found)


def transactions(event):
    found = []
    for table in ("sales", "linked"):
        actions = [
            {"Put": {"TableName": table, "Item": ITEM}},
            {"Update": {"TableName": table, **UPDATE}},
            {"Delete": {"TableName": table, "Key": KEY}},
        ]
        found.append(dynamodb.transact_write_items(TransactItems=actions, ClientRequestToken="t"))
    return found


def reads(event):
    tables = ("sales", "linked")
    found = [dynamodb.get_item(TableName=table, Key=KEY) for table in tables]
    found.append(
        dynamodb.query(
            TableName="sales",
            KeyConditionExpression="id = :a",
            ExpressionAttributeValues={":a": {"S": "a"}},
        )
    )
    found.append(dynamodb.batch_get_item(RequestItems={it: {"Keys": [KEY]} for it in tables}))
    found.append(dynamodb.execute_statement(Statement='SELECT * FROM "sales"'))
    got = [{"Get": {"TableName": table, "Key": KEY}} for table in tables]
    found.append(dynamodb.transact_get_items(TransactItems=got))
    found.append(dynamodb.describe_table(TableName="linked"))
    found.append(
        dynamodb.query(
            TableName="many",
            KeyConditionExpression="id = :a",
            ExpressionAttributeValues={":a": {"S": "a"}},
        )["Count"]
    )
    return repr(shown(found))


# Refusals


def refusals(event):
    cancelled = [{"Put": {"TableName": "cancel", "Item": KEY}}]
    return [
        name_of_error(lambda: dynamodb.put_item(TableName="deny", Item=KEY)),
        name_of_error(lambda: dynamodb.transact_write_items(TransactItems=cancelled)),
        name_of_error(lambda: dynamodb.put_item(TableName="refuse", Item=KEY)),
        name_of_error(lambda: sqs.send_message(QueueUrl=QUEUE, MessageBody="breakdown")),
        name_of_error(lambda: calls.unreachable()),
        name_of_error(
            lambda: dynamodb.batch_write_item(
                RequestItems={
                    "deny": [{"PutRequest": {"Item": KEY}}],
                    "sales": [{"PutRequest": {"Item": KEY}}],
                }
            )
        ),
        name_of_error(lambda: service("lambda").invoke(FunctionName="deny")),
        sqs.send_message_batch(QueueUrl=QUEUE, Entries=[{"Id": "1", "MessageBody": "partly"}]),
    ]


# Records


def loop(event):
    found = []
    for one in records(event):
        found.append(sqs.send_message(QueueUrl=QUEUE, MessageBody="x"))
        tag(own=1)
        if event.get("breaks"):
            break
        if event.get("raises in the loop"):
            raise ValueError("in the loop")
    for one in records(event):
        with span("again", n=1):
            found.append(one.get("messageId"))
    return found


def twice(event):
    for _ in range(2):
        for one in records(event):
            break
    first = next(iter(records(event)), None)
    return list(outer(event)) and [first is not None]


def quiet(event):
    return [one["messageId"] for _ in range(2) for one in records(event)]


def outer(event):
    yield from records(event)


def by_hand(event):
    found = []
    for one in event["Records"]:
        with record(one):
            found.append(dynamodb.put_item(TableName="sales", Item=ITEM))
        failed(one)
    with record(event["Records"][0]):
        found.append("again")
        if event.get("raises inside"):
            raise ValueError("in a record")
    return found


def by_next(event):
    kept = records(event)
    one = next(kept)
    if event.get("raises inside"):
        raise ValueError("in a record")
    return one["messageId"]


def bound(event):
    entries, puts = [], []
    for n, one in enumerate(records(event)):
        entries.append(bind({"Id": str(n), "MessageBody": "x"}, one))
        puts.append(bind({"PutRequest": {"Item": {"id": {"S": str(n)}}}}, one))
    answer = dynamodb.batch_write_item(RequestItems={"sales": puts})
    undone = answer.get("UnprocessedItems")
    return [
        sqs.send_message_batch(QueueUrl=QUEUE, Entries=entries),
        bool(undone) and bool(dynamodb.batch_write_item(RequestItems=undone)),
    ]


def partial(event):
    return {"batchItemFailures": [{"itemIdentifier": it} for it in event["failed"]]}


def execution(event):
    return event["ends"]


def transformed(event):
    return {
        "records": [
            {"recordId": it["recordId"], "result": "ProcessingFailed"} for it in event["records"]
        ]
    }


def powertools(event):
    from aws_lambda_powertools.utilities import batch

    def one(record):
        if record.message_id.endswith("1"):
            raise ValueError("the first")
        return sqs.send_message(QueueUrl=QUEUE, MessageBody="x")["MessageId"]

    async def soon(record):
        return one(record)

    return [
        batch.process_partial_response(
            event=event,
            record_handler=one,
            processor=batch.BatchProcessor(event_type=batch.EventType.SQS),
        ),
        batch.async_process_partial_response(
            event=event,
            record_handler=soon,
            processor=batch.AsyncBatchProcessor(event_type=batch.EventType.SQS),
        ),
    ]


# Steps, tags, threads, handlers


@span("decorated", a=1)
def decorated():
    return "decorated"


@span("soon")
async def soon():
    async with span("inner"):
        return "soon"


def steps(event):
    with span("step", a="x", n=2) as step:
        step.set_attribute("b", True)
    tag(**{f"tag{n}": n for n in range(80)})
    tag(amount=__import__("decimal").Decimal("1.50"), text="Task timed out password=secret")
    trace_id()
    return [decorated(), asyncio.run(soon())]


def nested(event):
    class App:
        kind = "app"

        def __call__(self, event, context):
            return "app"

    async def later(event, context):
        return "later"

    app = traced(App())
    app.kind = "changed"
    found = [app(event, None), app.kind, traced(name="n", tags={"a": 1})(decorated)()]
    found.append(span("late")(decorated)())
    return [*found, traced_before(event, None), asyncio.run(traced(later)(event, None))]


def threads(event):
    with span("pool"), ThreadPoolExecutor(1) as pool:
        found = [pool.submit(messages, event).result(), list(pool.map(len, ["a"]))]
        found.append(repr(pool.submit({}.__getitem__, "a").exception()))
    return found


def forks(event):
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pid = os.fork()
    if not pid:
        os._exit(3)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


# Logs and other tracers


def logs(event):
    log.error("an error", extra={"traceId": "own"})
    import pickle

    kept = logging.getLogRecordFactory()("n", 40, "f", 1, "m", (), None)
    return [pickle.loads(pickle.dumps(kept.__dict__))["msg"]]


def loguru(event):
    from loguru import logger

    heard = []
    number = logger.add(lambda text: heard.append(text.record["message"]))
    logger.info("said")
    logger.remove(number)
    return heard


def structlog(event):
    import structlog

    structlog.get_logger().info("said")
    return "said"


def xray(event):
    from aws_xray_sdk.core import xray_recorder

    xray_recorder.configure(sampling=False, context_missing="IGNORE_ERROR")
    with xray_recorder.in_segment("shop"), xray_recorder.in_subsegment("step"):
        return "in a subsegment"


# HTTP


def by_http_client(event):
    connection = http.client.HTTPConnection(urlsplit(HERE).netloc)
    connection.request("GET", "/plain", headers={"a": "b"})
    answer = connection.getresponse().read()
    connection.request("POST", f"{HERE}/plain", body=b"x")
    connection.sock.recv(1)
    connection.close()
    left = http.client.HTTPConnection(urlsplit(HERE).netloc)
    left.request("GET", "/left")
    left.sock.recv(1)  # sent, answered, and never asked for
    others["left"] = left
    return answer.decode()


def by_urllib(event):
    with urllib.request.urlopen(f"{HERE}/plain?a=1") as answer:
        found = answer.read().decode()
    return [found, name_of_error(lambda: urllib.request.urlopen("http://127.0.0.1:9/"))]


def by_urllib3(event):
    import urllib3

    with urllib3.PoolManager(retries=False) as pool:
        found = [pool.request("GET", f"{HERE}/plain").status]
        found.append(pool.request("GET", f"{HERE}/breakdown").status)
        found.append(name_of_error(lambda: pool.request("GET", "http://127.0.0.1:9/")))
    return found


def by_requests(event):
    import requests

    return [
        requests.get(f"{HERE}/plain").text,
        name_of_error(lambda: requests.get("http://127.0.0.1:9/?a=1")),
    ]


def by_httpx(event):
    import httpx

    async def send():
        async with httpx.AsyncClient() as own:
            return (await own.get(f"{HERE}/plain")).text

    with httpx.Client() as own:
        found = [
            own.get(f"{HERE}/plain").text,
            name_of_error(lambda: own.get("http://127.0.0.1:9/")),
        ]
    return [*found, asyncio.run(send())]


def by_aiohttp(event):
    import aiohttp

    async def send(url):
        async with aiohttp.ClientSession() as session, session.get(url) as answer:
            return await answer.text()

    found = asyncio.run(send(f"{HERE}/plain"))
    return [found, name_of_error(lambda: asyncio.run(send("http://127.0.0.1:9/")))]


def by_aiobotocore(event):
    async def send():
        async with warm.aio.create_client("sqs") as own:
            return await own.send_message(QueueUrl=QUEUE, MessageBody="x")

    answer = asyncio.run(send())
    return [answer["MessageId"], answer["ResponseMetadata"]["RetryAttempts"]]


def collected(event):
    gc.collect()  # event loops and connections that failed lie in cycles


def nothing(event):
    return "nothing"


def work(event, context):
    """Do what *event* says."""
    print("begun")
    random.seed(1)  # botocore draws its pauses, which are printed
    answers = [globals()[name](event) for name in event["does"]]
    if event.get("raises"):
        raise ValueError(event["raises"])
    if isinstance(answers[-1], dict) and event["does"][-1] in (
        "partial",
        "transformed",
        "execution",
    ):
        return answers[-1]
    return {"statusCode": 200, "body": answers}


traced_handler = traced(work)


def handler(event, context):
    """Stand around the traced handler, as a tracer of others does, or the durable functions' SDK."""
    if event.get("execution"):
        execution = types.SimpleNamespace(durable_execution_arn=event["execution"])
        context = types.SimpleNamespace(lambda_context=context, execution_context=execution)
    if event.get("around"):
        from opentelemetry import trace

        context_ = trace.SpanContext(int("ab" * 16, 16), int("cd" * 8, 16), False)
        with trace.use_span(trace.NonRecordingSpan(context_)):
            return traced_handler(event, context)
    return traced_handler(event, context)


def extract(event, context):
    """Stand in for the function of ``LUMITRACE_EXTRACTOR``."""
    if event.get("own") == "raises":
        raise ValueError("the function's own")
    return {"traceparent": event.get("own")}
