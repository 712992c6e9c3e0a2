"""What the lines of typical functions weigh, and what a million invocations of them cost.

Run it with ``python benchmarks/log_bytes.py [--json]``. Real botocore builds and signs each call;
the answer is ready in the process, with ids as long as AWS's. Invocations are warm, end well and
have no tags. The clock is the benchmark's own, so that the same bytes come out on any machine: each
call takes `CALL_MS`, and the handler `OWN_MS` before and after its calls.

Goals: 130 bytes an AWS call and 900 around them for an HTTP event, two log events for 11 quick
calls, and 500 bytes where it is not sampled.
"""

import argparse
import copy
import itertools
import json
import os
import time
from pathlib import Path
from types import SimpleNamespace

os.environ.update(
    AWS_LAMBDA_FUNCTION_NAME="ushop_new-sale-processing",
    AWS_LAMBDA_FUNCTION_VERSION="$LATEST",
    AWS_ACCESS_KEY_ID="none",
    AWS_SECRET_ACCESS_KEY="none",  # noqa: S106  # nobody asks for it
    _X_AMZN_TRACE_ID="Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1",
)

import botocore.session  # the environment comes first
from botocore.awsrequest import AWSResponse

from lumitrace import records, traced
from lumitrace.capture.config import settings
from lumitrace.capture.output import output
from lumitrace.wire.context import SpanContext, format_traceparent, new_span_id, new_trace_id

EVENTS = Path(__file__).resolve().parents[1] / "tests" / "events"
CALL_MS, OWN_MS = 4, 3
GOALS = {"call": 130, "around": 900, "events": 2, "not sampled": 500}
REQUEST = "8a1c0000-0000-4000-8000-000000000001"
MESSAGE = "567910cd-659e-55d4-8ccb-5aaf14679dc0"
KEY = {"saleId": {"S": "628d8a"}}

# USD in us-east-1; docs/cost.md names the sources and the date.
INGESTED = 0.50  # a GB of logs, the first 10 TB a month
REQUESTS, GB_SECOND = 0.20, 0.0000166667  # a million requests; x86
TRACES = 5.00  # a million traces that X-Ray records
EVENT_BYTES = 26  # that PutLogEvents counts for each event beside its text
MILLION = 1_000_000


class Clock:
    """Time that goes on when it is told to, and a microsecond whenever somebody looks."""

    def __init__(self):
        self.ns, self.call_ms = 0, CALL_MS

    def now(self):
        """Return nanoseconds."""
        self.ns += 1_000
        return self.ns

    def wait(self, ms):
        """Let *ms* milliseconds go by."""
        self.ns += ms * 1_000_000


clock = Clock()
time.perf_counter_ns = time.process_time_ns = clock.now


class Raw:
    """The body of an answer."""

    def __init__(self, body):
        self.body = body

    def stream(self, *_, **__):
        """Yield it whole."""
        yield self.body


def client(service):
    """Return a client whose requests are answered within the process."""
    made = botocore.session.get_session().create_client(service, region_name="eu-west-1")

    def answer(request, **_):
        clock.wait(clock.call_ms)
        body = ANSWERS[service](request)
        return AWSResponse(request.url, 200, {"x-amzn-RequestId": REQUEST}, Raw(body))

    made.meta.events.register("before-send", answer)
    return made


def put_records(request):
    """Return what Kinesis answers."""
    count = len(json.loads(request.body)["Records"])
    sequence = {"SequenceNumber": "4" * 56, "ShardId": "shardId-000000000006"}
    return json.dumps({"FailedRecordCount": 0, "Records": [sequence] * count}).encode()


PUBLISHED = f"<PublishResult><MessageId>{MESSAGE}</MessageId></PublishResult>"
ANSWERS = {
    "dynamodb": lambda _: b"{}",
    "sns": lambda _: f"<PublishResponse>{PUBLISHED}</PublishResponse>".encode(),
    "kinesis": put_records,
}
dynamodb, sns, kinesis = map(client, ANSWERS)


def sell(_, puts=1):
    """Answer a request: read the catalogue, write the sale, tell everybody."""
    if puts:
        dynamodb.get_item(TableName="ushop_catalog", Key=KEY)
    for number in range(puts):
        dynamodb.put_item(TableName="ushop_sales", Item={"saleId": {"S": f"628d8a-{number}"}})
    if puts:
        topic = "arn:aws:sns:eu-west-1:123456789012:ushop_new-sales"
        sns.publish(TopicArn=topic, Message="hi")
    return {"statusCode": 200}


def ship(event):
    """Work off a queue: look up each order and note its parcel."""
    for number, _ in enumerate(records(event)):
        dynamodb.get_item(TableName="ushop_orders", Key=KEY)
        dynamodb.put_item(TableName="ushop_parcels", Item={"saleId": {"S": f"628d8a-{number}"}})


def count(event):
    """Consume a stream: add up what came, store it in batches, and hand it on in one."""
    puts = [{"PutRequest": {"Item": {"id": {"S": str(n)}}}} for n in range(25)]
    for _ in range(len(event["Records"]) // 25):
        dynamodb.batch_write_item(RequestItems={"ushop_counts": puts})
    data = [{"Data": b"{}", "PartitionKey": "1"}]
    kinesis.put_records(StreamName="ushop_totals", Records=data)


def request():
    """Return the event of an HTTP API, from somebody without a trace."""
    return {**loaded("api_gateway_http"), "headers": {}}


def messages():
    """Return ten messages of a queue, each from a trace of its own."""
    event = loaded("sqs")
    [first] = event["Records"]
    event["Records"] = [copy.deepcopy(first) for _ in range(10)]
    for record in event["Records"]:
        sender = SpanContext(new_trace_id(), new_span_id())
        carrier = record["messageAttributes"]["traceparent"]
        carrier["stringValue"] = format_traceparent(sender)
        record["messageId"] = f"{os.urandom(4).hex()}{MESSAGE[8:]}"
    return event


def stream():
    """Return a hundred records of a stream."""
    event = loaded("kinesis")
    first = json.dumps(event["Records"][0])
    sequence = event["Records"][0]["kinesis"]["sequenceNumber"]
    numbers = (str(int(sequence) + number) for number in range(100))
    event["Records"] = [json.loads(first.replace(sequence, number)) for number in numbers]
    return event


def loaded(name):
    """Return the event in the file *name*."""
    return json.loads((EVENTS / f"{name}.json").read_text("utf-8"))


# The handler, its event, its calls, memory in MB.
FUNCTIONS = {
    "HTTP API, 3 calls": (sell, request, 3, 512),
    "queue worker, 10 messages, 20 calls": (ship, messages, 20, 512),
    "stream consumer, 100 records, 5 calls": (count, stream, 5, 512),
}
CONTEXT = SimpleNamespace(
    aws_request_id=REQUEST,
    invoked_function_arn="arn:aws:lambda:eu-west-1:123456789012:function:shop",
    client_context=None,
)


def weigh(handler, make, *, sampled):
    """Return events, bytes and milliseconds of a warm invocation."""
    settings.threshold = "" if sampled else "g"  # no trace id is above that

    def timed(event, _):
        clock.wait(OWN_MS)
        result = handler(event)
        clock.wait(OWN_MS)
        return result

    run = traced(timed)
    for _ in range(2):
        written = []
        output.write = lambda text, kept=written: kept.append(text) or True
        began = clock.ns
        run(make(), CONTEXT)
    lines = "".join(written).splitlines()
    return len(lines), sum(map(len, lines)) + len(lines), (clock.ns - began) / 1e6


def goals():
    """Return what the goals ask for, measured with 11 calls in an HTTP API's function."""
    clock.call_ms = 1  # quick: all within 25 ms
    events, eleven, _ = weigh(lambda event: sell(event, 9), request, sampled=True)
    _, none, _ = weigh(lambda event: sell(event, 0), request, sampled=True)
    clock.call_ms = CALL_MS
    _, thin, _ = weigh(sell, request, sampled=False)
    told = {"call": (eleven - none) / 11, "around": none, "events": events, "not sampled": thin}
    return {name: round(value) for name, value in told.items()}


def price(events, size):
    """Return the USD that the lines of a million invocations cost."""
    return (size + events * EVENT_BYTES) * MILLION / 1e9 * INGESTED


def rows():
    """Yield what each function writes and costs, a million invocations."""
    for name, (handler, make, calls, memory) in FUNCTIONS.items():
        events, size, ms = weigh(handler, make, sampled=True)
        few, small, _ = weigh(handler, make, sampled=False)
        yield {
            "function": name,
            "calls": calls,
            "ms": round(ms),
            "events": events,
            "bytes": size,
            "usd": price(events, size),
            "unsampledEvents": few,
            "unsampledBytes": small,
            "unsampledUsd": price(few, small),
            "ownUsd": REQUESTS + MILLION * round(ms) / 1000 * memory / 1024 * GB_SECOND,
        }


def table(told):
    """Yield the lines of the table in docs/cost.md."""
    head = [
        *("function", "billed", "itself, USD", "lines", "all sampled, USD"),
        *("lines", "none sampled, USD", "X-Ray, USD"),
    ]
    yield f"| {' | '.join(head)} |"
    yield f"|---|{'---:|' * (len(head) - 1)}"
    for row in told:
        cells = (
            *(row["function"], f"{row['ms']} ms", f"{row['ownUsd']:.2f}"),
            *(f"{row['events']}, {row['bytes']:,} B", f"{row['usd']:.2f}"),
            *(
                f"{row['unsampledEvents']}, {row['unsampledBytes']:,} B",
                f"{row['unsampledUsd']:.2f}",
            ),
            f"{TRACES:.2f}",
        )
        yield f"| {' | '.join(cells)} |"


def main():
    """Print the table and the goals."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--json", action="store_true", help="print figures, not tables")
    asked = parser.parse_args()
    told, reached = list(rows()), goals()
    if asked.json:
        print(json.dumps({"rows": told, "table": list(table(told)), "goals": reached}))
        return
    print("\n".join(itertools.chain(table(told), [""])))
    for name, value in reached.items():
        print(f"{name:12} {value:4}, goal {GOALS[name]}")


if __name__ == "__main__":
    main()
