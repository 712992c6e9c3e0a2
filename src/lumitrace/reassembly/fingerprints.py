"""What writes and stream records say of the items they are about (docs/span-line.md)."""

import re

from lumitrace.reassembly.model import Span
from lumitrace.wire.link_key import DYNAMODB

# The stream's clock has seconds, and DynamoDB's is another than the writer's.
SECOND_US, CLOCKS_US = 1_000_000, 2_000_000
CONTENT = "i"

_FINGERPRINT = r"[a-z][0-9a-f]{15}"
_WRITE = re.compile(rf"{DYNAMODB}:({_FINGERPRINT})")
_CHANGE = re.compile(
    rf"{DYNAMODB}:(\d{{1,11}}):({_FINGERPRINT}(?:\.{_FINGERPRINT}){{0,31}}):[0-9a-f]{{6}}"
)

Row = tuple[str | int, ...]


def writes(span: Span, keys: list[str]) -> list[Row]:
    """Return the rows of what *span* wrote, one a fingerprint: when its call was on its way."""
    found = [match[1] for match in map(_WRITE.fullmatch, keys) if match]
    times = (span.start_us, span.end_us)
    return [(one, span.trace_id, span.span_id, *times) for one in found]


def changes(span: Span) -> list[Row]:
    """Return the rows of the changes that *span* received, one a fingerprint that may fit."""
    rows: list[Row] = []
    for key in span.link_in:
        match = _CHANGE.fullmatch(key)
        if match is None:
            continue
        second = int(match[1]) * SECOND_US
        times = (second - CLOCKS_US, second + SECOND_US + CLOCKS_US)
        for one in match[2].split("."):
            content = int(one[0] == CONTENT)
            rows.append((one, span.trace_id, span.span_id, key, content, *times))
    return rows
