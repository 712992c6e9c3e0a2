"""Events of all shapes, which no handler shall notice to be traced."""

import json

from tests.twin.injection import unmarked
from tests.twin.servers import ROOT

EVENTS = [
    None,
    [],
    [None],
    "text",
    "",
    7,
    1.5,
    True,
    {},
    {"Records": None},
    {"Records": []},
    {"Records": {}},
    {"Records": ["a", 1]},
    {"Records": [{"eventSource": ["aws:sqs"]}]},
    {"Records": [{"eventSource": "aws:sqs", "messageAttributes": 3, "body": {"a": 1}}]},
    {"Records": [{"eventSource": "aws:dynamodb", "dynamodb": {"NewImage": []}}]},
    {"Records": [{"eventSource": "aws:kinesis", "kinesis": {"data": "!"}}]},
    {"headers": None, "requestContext": {"http": None}},
    {"headers": 3, "requestContext": {"http": {"method": 3}}, "version": "2.0"},
    {"detail": "text", "detail-type": None, "source": 3},
    {"\u2028": "\ud83d\ude00", "self": 1, "event": 2, "context": 3},
]
HUGE = b'{"a": "' + b"x" * 5_500_000 + b'"}'
DEEP = b"[" * 500 + b"]" * 500


def recorded():
    """Return every event of tests/events, without our marks, which are taken off."""
    texts = [it.read_text("utf-8") for it in sorted((ROOT / "tests/events").glob("*.json"))]
    return [unmarked(json.loads(it)) if "_lumitrace" in it else json.loads(it) for it in texts]
