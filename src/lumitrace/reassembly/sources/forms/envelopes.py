"""What a subscription delivers: envelopes of log events, one after another, with or without lines.

Through Firehose they come as they are, each compressed by itself, or decompressed.
https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/SubscriptionFilters.html
"""

import re
from collections.abc import Iterator
from typing import Any

from lumitrace.reassembly.events import Counts, LogEvent
from lumitrace.reassembly.fields import clean
from lumitrace.reassembly.sources.event import event_of
from lumitrace.reassembly.sources.text import Text
from lumitrace.reassembly.sources.values import Values

BEGINS = r'\{\s*"(?:messageType|owner|logGroup|logStream|logEvents|subscriptionFilters)"'
_TYPE = re.compile(r'"messageType"\s*:\s*"(?:DATA|CONTROL)_MESSAGE"')
_DATA, _CONTROL = "DATA_MESSAGE", "CONTROL_MESSAGE"


def recognises(text: Text) -> bool:
    """Tell whether *text* begins with an envelope."""
    return bool(re.match(rf"\s*\[?\s*{BEGINS}", text.head) and _TYPE.search(text.head))


def events(text: Text) -> Iterator[LogEvent]:
    """Yield the log events: with group, stream, time and id."""
    values = Values(text, BEGINS)
    if text.head.lstrip().startswith("["):
        values.skip_behind(r"\[")
    for value in values.each():
        yield from events_of(value, text.place, text.counts)


def events_of(envelope: Any, place: str, counts: Counts) -> Iterator[LogEvent]:
    """Yield the log events of an *envelope*; a control message, a test of the way, has none."""
    kind = envelope.get("messageType") if isinstance(envelope, dict) else None
    found = envelope.get("logEvents") if kind == _DATA else None
    if not isinstance(found, list):
        counts.skipped += kind != _CONTROL
        return
    group, stream = clean(envelope.get("logGroup")), clean(envelope.get("logStream"))
    for event in found:
        if isinstance(event, dict) and isinstance(event.get("message"), str):
            yield event_of(event, stream or place, group)
        else:
            counts.skipped += 1
