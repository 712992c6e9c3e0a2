"""Handlers that call AWS."""

import copy
import io
import os
import pickle
import threading
import time
import types

import botocore.endpoint
import warm
from botocore.config import Config
from botocore.exceptions import ClientError
from door import span, tag, traced

# The SDK's pauses between attempts are told instead of waited for; it draws them at random.
botocore.endpoint.time = types.SimpleNamespace(
    sleep=lambda seconds: seconds and print(seconds), time=time.time
)
RETRIES = {"mode": os.environ.get("OWN_MODE", "legacy"), "max_attempts": 2}


def client(service, **config):
    """Return a client of *service*."""
    return warm.session.create_client(
        service, config=Config(retries=RETRIES, s3={"addressing_style": "path"}, **config)
    )


sqs, dynamodb, s3, sns = (client(it) for it in ("sqs", "dynamodb", "s3", "sns"))
QUEUE = "https://sqs.eu-west-1.amazonaws.com/123456789012/shipping"
TOPIC = "arn:aws:sns:eu-west-1:123456789012:new-sales"


def send(word="hi"):
    """Send a message."""
    return sqs.send_message(QueueUrl=QUEUE, MessageBody=word)


def put(word="a"):
    """Put an item."""
    return dynamodb.put_item(TableName="sales", Item={"id": {"S": word}})


def attributes(params=None):
    """Send the caller's own dictionary twice, and look whether it has changed."""
    params = {"QueueUrl": QUEUE, "MessageBody": "x", "MessageAttributes": {}}
    before = repr(params)
    answers = [sqs.send_message(**params), sqs.send_message(**params)]
    return [answers, repr(params) == before]


def stream():
    """Send what can be read once only."""
    body = io.BytesIO(b"abc" * 10)
    return [s3.put_object(Bucket="b", Key="k", Body=body), body.tell()]


def presigned():
    """Sign a URL; nothing is sent."""
    return s3.generate_presigned_url("get_object", {"Bucket": "b", "Key": "k"}).partition("?")[0]


def threaded():
    """Call in threads."""
    found = []
    for _ in range(2):
        thread = threading.Thread(target=lambda: found.append(send("in a thread")))
        thread.start()
        thread.join()
    return found


def caught():
    """Catch what AWS refuses, and look at all of it."""
    try:
        put("refuse")
    except ClientError as error:
        names, traceback = [], error.__traceback__
        while traceback is not None:
            names.append([traceback.tb_frame.f_code.co_name, traceback.tb_lineno])
            traceback = traceback.tb_next
        return [repr(error), error.response, names]


def listened():
    """Listen to one's own events."""
    own, heard = client("sqs"), []
    own.meta.events.register("before-call", lambda **it: heard.append(sorted(it)))
    own.meta.events.register("after-call", lambda **it: heard.append(sorted(it)))
    own.meta.events.register("provide-client-params", lambda **it: heard.append(it["params"]))
    own.send_message(QueueUrl=QUEUE, MessageBody="x")
    return heard


def changed(**_):
    """Stand in for a hook of the user's that fails."""
    raise ValueError("in a hook")


def hooked():
    """Have a hook fail."""
    own = client("sqs")
    own.meta.events.register("before-call", changed)
    own.send_message(QueueUrl=QUEUE, MessageBody="x")


def unreachable():
    """Call where nobody listens."""
    own = warm.session.create_client(
        "sqs", endpoint_url="http://127.0.0.1:9", config=Config(retries={"total_max_attempts": 1})
    )
    own.send_message(QueueUrl=QUEUE, MessageBody="x")


def update():
    """Update an item, with an expression, without one and the old way."""
    key = {"TableName": "sales", "Key": {"id": {"S": "a"}}}
    values = {":v": {"S": "x"}}
    return [
        dynamodb.update_item(
            **key,
            UpdateExpression="set a = :v remove b",
            ExpressionAttributeValues=values,
            ConditionExpression="attribute_exists(id)",
        ),
        dynamodb.update_item(**key, UpdateExpression="SET a b"),
        dynamodb.update_item(**key),
        dynamodb.update_item(**key, AttributeUpdates={"a": {"Action": "PUT", "Value": {"S": "x"}}}),
    ]


def invoke():
    """Invoke functions, with and without a client context."""
    lambda_ = client("lambda")
    answers = [
        lambda_.invoke(FunctionName="f", Payload=b"{}"),
        lambda_.invoke(FunctionName="f", ClientContext="eyJjdXN0b20iOiB7ImEiOiAxfX0="),
        lambda_.invoke(FunctionName="f", ClientContext="no Base64", Payload=io.BytesIO(b"{}")),
        lambda_.invoke(FunctionName="f", InvocationType="Event"),
    ]
    return [[it["StatusCode"], it["Payload"].read().decode()] for it in answers]


def abandoned():
    """Leave an answer unread, and pages unasked for."""
    body = s3.get_object(Bucket="b", Key="k")["Body"]
    pages = dynamodb.get_paginator("scan").paginate(TableName="sales")
    for page in pages:
        return [type(body).__name__, page["Count"]]


def clients():
    """Have clients in every way, and copy one."""
    found = [client("sqs").send_message(QueueUrl=QUEUE, MessageBody="x") for _ in range(5)]
    own = client("sqs")
    for copies in (copy.copy, copy.deepcopy, pickle.dumps):
        try:
            found.append(type(copies(own)).__name__)
        except Exception as error:
            found.append(repr(error))
    own.close()
    return [*found, own.send_message(QueueUrl=QUEUE, MessageBody="x")]


def strange():
    """Tag what cannot be spelt."""
    values = ["\ud800", "\x00\u2028\u202e\U0001f600", 10**5000, float("nan"), -0.0, b"x", object()]
    tag(**{f"v{n}": value for n, value in enumerate(values)})
    with span("\ud800", a=10**5000, b=float("inf")):
        return send("\U0001f600")


WAYS = {
    "update": update,
    "invoke": invoke,
    "abandoned": abandoned,
    "clients": clients,
    "strange": strange,
    "send": send,
    "put": put,
    "attributes": attributes,
    "get": lambda: dynamodb.get_item(TableName="sales", Key={"id": {"S": "a"}}),
    "query": lambda: list(
        dynamodb.get_paginator("query").paginate(
            TableName="sales",
            KeyConditionExpression="id = :a",
            ExpressionAttributeValues={":a": {"S": "a"}},
        )
    ),
    "publish": lambda: sns.publish(TopicArn=TOPIC, Message="hi"),
    "stream": stream,
    "presigned": presigned,
    "threaded": threaded,
    "caught": caught,
    "listened": listened,
    "hooked": hooked,
    "unreachable": unreachable,
    "refuse": lambda: put("refuse"),
    "deny": lambda: put("deny"),
    "breakdown": lambda: send("breakdown"),
    "busy": lambda: put("busy"),
    "invalid": lambda: sqs.send_message(QueueUrl=QUEUE),
    "unknown": lambda: sqs.send_message(QueueUrl=QUEUE, MessageBody="x", Colour="red"),
    "type": lambda: dynamodb.put_item(TableName=1, Item=[]),
    "nowhere": lambda: sqs.nowhere(),
}


@traced
def handler(event, context):
    """Call AWS as *event* says; the answers are the response."""
    with span("call"):
        return WAYS[event]()


@traced
def sweep(event, context):
    """Do a little of everything; fail where *event* says so."""
    from door import records, tag

    print("begun")
    tag(sale="1", total=1.5)
    answers = [send(), put()]
    if "Records" in event:
        answers += [record.get("eventSource") for record in records(event)]
    with span("step", n=1):
        answers.append(caught())
    if event.get("fails") or event.get("path") == "/fails":
        raise ValueError("no such sale")
    return {"statusCode": 200, "body": answers}
