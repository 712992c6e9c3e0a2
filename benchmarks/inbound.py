"""How long reading an event takes: big ones and hostile ones, beside `json.loads` of the same.

Run it with ``python benchmarks/inbound.py``. The goal is 1 ms an event, whatever its size; Lambda's
runtime has paid for `json.loads` of the whole event before the handler begins.
"""

import copy
import json
import time
from pathlib import Path

from lumitrace.capture import inbound

EVENTS = Path(__file__).resolve().parents[1] / "tests" / "events"
ROUNDS = 7
GOAL_MS = 1.0


def load(name):
    """Return the event of this name in tests/events."""
    return json.loads((EVENTS / f"{name}.json").read_text("utf-8"))


def batch(name, count, body=None):
    """Return the event *name* with *count* records, each with this *body*."""
    event = load(name)
    [record, *_] = event["Records"]
    if body is not None:
        record["body"] = body
    return {"Records": [copy.deepcopy(record) for _ in range(count)]}


def deep(levels):
    """Return an object *levels* deep."""
    event = {}
    for _ in range(levels):
        event = {"detail": event}
    return event


def cases():
    """Yield (name, event)."""
    body = load("sqs_sns")["Records"][0]["body"]
    yield "API Gateway", load("api_gateway_rest")
    yield "SQS, 1 message", load("sqs")
    yield "SQS, 10,000 messages", batch("sqs", 10_000)
    yield "SNS in SQS, 10 messages", batch("sqs_sns", 10, body)
    yield "SNS in SQS, 1,000 messages", batch("sqs_sns", 1_000, body)
    yield "S3 in SNS in SQS", load("sqs_sns_s3")
    yield "SQS, bodies of 16 KiB of lists", batch("sqs", 60, '{"a":[' + "[]," * 5_000 + "[]]}")
    yield "SQS, bodies 8,000 deep", batch("sqs", 60, '{"a":' * 3_000)
    yield "SQS, bodies of 256 KiB", batch("sqs", 20, '{"a":"' + "x" * 262_000 + '"}')
    yield "Kinesis, 10,000 records", batch("kinesis", 10_000)
    yield "EventBridge, 400 deep", {**load("eventbridge"), "detail": deep(400)}
    yield (
        "EventBridge, 100,000 keys",
        {
            **load("eventbridge"),
            "detail": {str(n): {"a": {}} for n in range(100_000)},
        },
    )
    yield (
        "HTTP, 100,000 headers",
        {
            **load("api_gateway_http"),
            "headers": {f"x-{n}": "y" for n in range(100_000)},
        },
    )
    yield "no event of AWS's, 6 MB", {str(n): "x" * 50 for n in range(90_000)}


def milliseconds(work):
    """Return the best of several runs of *work*."""
    best = float("inf")
    for _ in range(ROUNDS):
        begin = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - begin)
    return best * 1000


def main():
    """Print the table."""
    print(f"{'event':36}{'KiB':>8}{'ms':>9}{'json.loads':>12}{'ratio':>8}")
    for name, event in cases():
        text = json.dumps(event)
        ours = milliseconds(lambda e=event: inbound.extract(inbound.recognise(e), e, None))
        theirs = milliseconds(lambda t=text: json.loads(t))
        late = "" if ours < GOAL_MS else "  over 1 ms"
        size = len(text) // 1024
        print(f"{name:36}{size:8}{ours:9.3f}{theirs:12.3f}{ours / theirs:8.3f}{late}")


if __name__ == "__main__":
    main()
