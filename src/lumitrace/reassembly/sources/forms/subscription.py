"""Envelopes as a function or another subscriber is handed them: base64 of gzip, within JSON.

``{"awslogs": {"data": …}}`` is the event of a function; ``Records`` with ``kinesis`` that of a
stream; ``records`` what Firehose hands to a function or to an HTTP endpoint; ``rawData`` what it
could not deliver. A line that is nothing but base64 is one of these data.
https://docs.aws.amazon.com/lambda/latest/dg/services-cloudwatchlogs.html
https://docs.aws.amazon.com/firehose/latest/dev/data-transformation.html
"""

import base64
import binascii
import re
from collections.abc import Iterator
from typing import Any

from lumitrace.reassembly.events import LogEvent
from lumitrace.reassembly.problem import Problem
from lumitrace.reassembly.sources.forms import envelopes, plain
from lumitrace.reassembly.sources.packed import GZIP, Budget, gunzip
from lumitrace.reassembly.sources.text import Text, decoded
from lumitrace.reassembly.sources.values import MAX_VALUE, Values

_BEGINS = r'\{\s*"(?:awslogs|Records|records|recordId|requestId|invocationId|attemptsMade|rawData)"'
_HEAD = re.compile(
    rf'\s*\[?\s*{_BEGINS}.*?"(?:data|rawData)"\s*:\s*"[A-Za-z0-9+/]{{16}}', re.DOTALL
)
_BASE64_GZIP = re.compile(r'\s*"?(H4sI[A-Za-z0-9+/]{16,}={0,2})"?\s*\Z')


def recognises(text: Text) -> bool:
    """Tell whether *text* begins with data of a subscription."""
    first = next(iter(text.first_lines()), "")
    return bool(_HEAD.match(text.head[:16_384]) or _BASE64_GZIP.match(first))


def events(text: Text) -> Iterator[LogEvent]:
    """Yield the log events of all envelopes in all data."""
    for data in _all_data(text):
        try:
            packed = base64.b64decode(data, validate=True)
        except (ValueError, binascii.Error):
            text.counts.broken += 1
            continue
        yield from _unpacked(packed, text)


def _all_data(text: Text) -> Iterator[str]:
    if not text.head.lstrip().startswith(("{", "[")):
        for line in text.lines():
            found = _BASE64_GZIP.match(line)
            if found:
                yield found[1]
            else:
                text.unusable(line)
        return
    values = Values(text, _BEGINS)
    if text.head.lstrip().startswith("["):
        values.skip_behind(r"\[")
    for value in values.each():
        held = list(_data(value))
        text.counts.skipped += not held
        yield from held


def _data(value: Any) -> Iterator[str]:
    """Yield the base64 texts of one event, in whichever of the forms it is."""
    if not isinstance(value, dict):
        return
    carriers = [value, value.get("awslogs")]
    for name in ("Records", "records"):
        records = value.get(name)
        for record in records if isinstance(records, list) else ():
            carriers += [record, record.get("kinesis") if isinstance(record, dict) else None]
    for carrier in carriers:
        if isinstance(carrier, dict):
            said = carrier.get("data", carrier.get("rawData"))
            if isinstance(said, str):
                yield said


def _unpacked(packed: bytes, text: Text) -> Iterator[LogEvent]:
    """Yield the events of one datum; what cannot be unpacked is counted."""
    chunks: Iterator[bytes] = iter([packed])
    if packed.startswith(GZIP):
        budget = Budget(text.place, free=MAX_VALUE)
        budget.took(len(packed))
        chunks = gunzip(text.place, chunks, budget)
    try:
        inner = Text(text.place, decoded(text.place, chunks), text.counts)
        form = envelopes if envelopes.recognises(inner) else plain
        yield from form.events(inner)
    except Problem:
        text.counts.broken += 1
