"""How long lumitrace works before the handler's first line, beside `json.loads` of the event.

Run it with ``python benchmarks/inbound.py``. The goal is 1 ms an event, whatever its size: all of
`begin`, from reading the event to the ``start`` line on its way out (to ``/dev/null`` here).
Lambda's runtime has paid for `json.loads` of the whole event before. Each round gets an event
fresh from its JSON, because marks are taken off in place; the best of several rounds counts.
"""

import base64
import gc
import json
import os
import time
from pathlib import Path
from types import SimpleNamespace

from lumitrace.capture import invocation
from lumitrace.capture.config import ON, settings
from lumitrace.capture.current import process
from lumitrace.capture.output import output

EVENTS = Path(__file__).resolve().parents[1] / "tests" / "events"
ROUNDS = 7
GOAL_MS = 1.0
KINDS = ("sqs_sns", "sqs_eventbridge", "sqs_sns_s3", "sqs_eventbridge_large")


def load(name):
    """Return the event of this name in tests/events."""
    return json.loads((EVENTS / f"{name}.json").read_text("utf-8"))


def traceparent(number):
    """Return a context of its own for each *number*."""
    return f"00-{number + 1:032x}-{number + 1:016x}-01"


def renumbered(text, number):
    """Return *text* with the sample's trace and ids made this number's own."""
    text = text.replace("4bf92f3577b34da6a3ce929d0e0e4736", f"{number + 1:032x}")
    for known in ("95df01b4-ee98-5cb9-9903-4c221d41eb5e", "059f36b4-87a3-44ab-83d2-661975830a7d"):
        text = text.replace(known, f"{number:036x}")
    return text


def batch(name, count, **members):
    """Return the event *name* with *count* records of different senders, with these *members*."""
    event = load(name)
    [record, *_] = event["Records"]
    text = json.dumps({**record, **members})
    return {**event, "Records": [json.loads(renumbered(text, n)) for n in range(count)]}


def padded(count, size):
    """Return *count* messages, an SNS notification of *size* bytes in each."""
    event = batch("sqs_sns", count)
    for record in event["Records"]:
        body = json.loads(record["body"])
        body["Message"] += "x" * max(0, size - len(record["body"]))
        record["body"] = json.dumps(body)
    return event


def nested(depth):
    """Return the body of an SQS message: EventBridge events in SNS notifications, *depth* deep."""
    body = {"detail-type": "x", "source": "y", "id": "no", "detail": {"a": 1}}
    for _ in range(depth):
        body = {
            "Type": "Notification",
            "TopicArn": "arn:aws:sns:x:1:t",
            "Message": json.dumps(body),
        }
    return json.dumps(body)


def deep(levels):
    """Return an object *levels* deep."""
    event = {}
    for _ in range(levels):
        event = {"detail": event}
    return event


def wide(members, levels):
    """Return an object of *members* objects of as many objects."""
    return {str(n): wide(members, levels - 1) for n in range(members)} if levels else {}


def dynamodb(count, *, marked):
    """Return a stream's batch, each image with a mark of ours in it, or none."""
    event = batch("dynamodb", count)
    for number, record in enumerate(event["Records"]):
        record["eventID"] = f"{number:032x}"
        if not marked:
            record["dynamodb"]["NewImage"].pop("_lumitrace", None)
    return event


def kafka(partitions, each, headers):
    """Return records in many partitions, each with *headers* headers, the last a context."""
    own = [{f"name-{n}": list(b"x" * 200)} for n in range(headers - 1)]
    records = {}
    for number in range(partitions):
        context = {"traceparent": list(traceparent(number).encode())}
        one = {"topic": "t", "partition": number, "offset": 1, "headers": [*own, context]}
        records[f"t-{number}"] = [one] * each
    return {**load("kafka_msk"), "records": records}


def firehose(count, data):
    """Return *count* records of a delivery stream with this *data*."""
    event, text = load("firehose"), base64.b64encode(data).decode()
    [record, *_] = event["records"]
    return {
        **event,
        "records": [{**record, "recordId": str(n), "data": text} for n in range(count)],
    }


def batches():
    """Yield (name, event) of what AWS hands over in batches, and of what strangers may send."""
    yield "SQS, 1 message", load("sqs")
    yield "SQS, 10 messages", batch("sqs", 10)
    yield "SQS, 10,000 messages", batch("sqs", 10_000)
    yield "SQS, 10,000 without a context", batch("sqs", 10_000, messageAttributes={})
    yield "SNS in SQS, 10 messages", batch("sqs_sns", 10)
    yield "SNS in SQS, 1,000 messages", batch("sqs_sns", 1_000)
    yield "SNS in SQS, 1,000 of 6 KB", padded(1_000, 6_000)
    yield "SNS in SQS, 400 of 15 KB", padded(400, 15_000)
    yield "SNS in SQS, 100 of 60 KB", padded(100, 60_000)
    yield "EventBridge in SQS, 1,000", batch("sqs_eventbridge", 1_000)
    yield "S3 in SNS in SQS, 1,000", batch("sqs_sns_s3", 1_000)
    yield "SQS, bodies nested 3 deep", batch("sqs_sns", 1_000, body=nested(3))
    yield "SQS, JSON of 16 KiB", batch("sqs_sns", 300, body=json.dumps({"a": ["b" * 9] * 1_200}))
    yield "SQS, 16 KiB of lists", batch("sqs_sns", 300, body='{"a":[' + "[]," * 5_000 + "[]]}")
    lists = '{"a":"TopicArn","b":[' + "{}," * 5_000 + "[]]}"
    yield "SQS, 16 KiB that look like SNS", batch("sqs_sns", 300, body=lists)
    yield "SQS, bodies 3,000 deep", batch("sqs_sns", 300, body='{"detail-type":' * 1_000)
    yield "SQS, bodies of 256 KiB", batch("sqs_sns", 20, body='{"a":"' + "x" * 262_000 + '"}')
    yield "SQS, 1,000 of braces", batch("sqs_sns", 1_000, body='"id" : "' + "{" * 6_000)
    yield "Kinesis, 10,000 records", batch("kinesis", 10_000)
    yield "Kinesis, 10,000 of 16 KiB", batch("kinesis", 10_000, kinesis={"data": "x" * 16_384})
    yield "DynamoDB, 100 records", dynamodb(100, marked=True)
    yield "DynamoDB, 10,000, all marked", dynamodb(10_000, marked=True)
    yield "DynamoDB, 10,000, none marked", dynamodb(10_000, marked=False)
    yield "Kafka, 10 records", kafka(10, 1, 3)
    yield "Kafka, 10,000 partitions", kafka(10_000, 1, 3)
    yield "Kafka, 256 records of 50 headers", kafka(16, 16, 50)
    notification = json.loads(load("sqs_sns")["Records"][0]["body"])
    yield (
        "Firehose, 500 SNS of 10 KB",
        firehose(500, json.dumps({**notification, "Message": "x" * 9_000}).encode()),
    )
    yield "Firehose, 500 of 10 KB of JSON", firehose(500, json.dumps({"a": "b" * 10_000}).encode())
    event = load("eventbridge")
    yield "Pipe, 1,000 EventBridge events", [{**event, "id": str(n)} for n in range(1_000)]
    yield "S3, 1,000 records", batch("s3", 1_000)


def requests():
    """Yield (name, event) of requests and single events."""
    yield "API Gateway", load("api_gateway_rest")
    rest = load("api_gateway_rest")
    yield "API Gateway, body of 6 MB", {**rest, "body": json.dumps({"a": "x" * 6_000_000})}
    many = {f"x-{n}": ["y"] for n in range(10_000)}
    yield "API Gateway, 10,000 headers", {**rest, "headers": many, "multiValueHeaders": many}
    yield (
        "API Gateway, host of 6 MB",
        {
            **rest,
            "requestContext": {**rest["requestContext"], "domainName": "x" * 6_000_000},
        },
    )
    http = load("api_gateway_http")
    yield "HTTP API, route key of 6 MB", {**http, "routeKey": "POST /" + "x" * 6_000_000}
    yield "HTTP API, 100,000 headers", {**http, "headers": {f"x-{n}": "y" for n in range(100_000)}}
    event = load("eventbridge")
    yield "EventBridge, 400 deep", {**event, "detail": deep(400)}
    yield "EventBridge, 32 x 32 x 32 x 8", {**event, "detail": wide(32, 3)}
    yield "EventBridge, 100,000 keys", {**event, "detail": {str(n): {} for n in range(100_000)}}
    yield "Step Functions, ARN of 6 MB", {"executionArn": "arn:aws:states:" + ":" * 6_000_000}
    yield "no event of AWS's, 6 MB", {str(n): "x" * 50 for n in range(90_000)}
    yield "no event of AWS's, a list", [{} for _ in range(100_000)]


def tagged():
    """Yield (name, event, LUMITRACE_TAGS)."""
    rest, body = load("api_gateway_rest"), json.dumps({"saleId": "1", "a": ["b" * 9] * 1_200})
    yield "tags, body of 16 KiB", {**rest, "body": body}, "body.saleId,body.a.3,headers.x-tenant"
    big = {**rest, "body": json.dumps({"saleId": "1", "a": "x" * 6_000_000})}
    yield "tags, body of 6 MB", big, "body.saleId,headers.x-tenant"
    paths = ",".join(f"Records.{n}.body.a.{n}" for n in range(32))
    sqs = {"Records": [{"eventSource": "aws:sqs", "body": body + " " * n} for n in range(32)]}
    yield "tags, 32 paths, 32 bodies", sqs, paths
    many = {**rest, "headers": {f"x-{n}": "y" for n in range(10_000)}}
    yield "tags, 32 of 10,000 headers", many, ",".join(f"headers.y-{n}" for n in range(32))


def begin(event, context):
    """Do what the wrapper does before the handler, and forget the invocation."""
    start = time.perf_counter()
    invocation.begin("function", {}, event, context)
    taken = time.perf_counter() - start
    process.active = None
    return taken


def measured(text):
    """Return the milliseconds that lumitrace and `json.loads` take, the best of several rounds."""
    context = SimpleNamespace(aws_request_id="r1", client_context=None)
    ours = theirs = float("inf")
    for _ in range(ROUNDS):
        start = time.perf_counter()
        event = json.loads(text)
        theirs = min(theirs, time.perf_counter() - start)
        gc.collect()
        ours = min(ours, begin(event, context))
    return ours * 1000, theirs * 1000


def main():
    """Print the table."""
    settings.enabled = ON
    null = os.open(os.devnull, os.O_WRONLY)
    output.write = lambda text: os.write(null, text.encode("ascii")) > 0
    print(f"{'event':36}{'KiB':>8}{'ms':>9}{'json.loads':>12}{'ratio':>8}")
    cases = [(name, event, "") for name, event in (*requests(), *batches())]
    for name, event, tags in (*cases, *tagged()):
        settings.load({"AWS_LAMBDA_FUNCTION_NAME": "function", "LUMITRACE_TAGS": tags})
        text = json.dumps(event)
        ours, theirs = measured(text)
        late = "" if ours < GOAL_MS else "  over 1 ms"
        print(f"{name:36}{len(text) // 1024:8}{ours:9.3f}{theirs:12.3f}{ours / theirs:8.3f}{late}")


if __name__ == "__main__":
    main()
