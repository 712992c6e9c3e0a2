"""Log events as the API answers them: a document, several, a list, or one event a line.

``filter-log-events`` and ``get-log-events`` of the AWS CLI print documents with ``events``.
https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_FilterLogEvents.html
"""

import json
import re
from collections.abc import Iterator
from typing import Any

from lumitrace.reassembly.events import LogEvent
from lumitrace.reassembly.platform_events import json_object
from lumitrace.reassembly.sources.event import event_of
from lumitrace.reassembly.sources.text import HEAD, Text
from lumitrace.reassembly.sources.values import Values
from lumitrace.wire.span_line import MARK

_EVENTS = r'"events"\s*:\s*\['
_OPENING = re.compile(rf"\s*\{{.*?{_EVENTS}\s*", re.DOTALL)
_LIST = re.compile(r"\s*\[\s*(?=[{\"])")
_LAMBDAS = ("START ", "INIT_START ", "END ", "REPORT ", MARK, '{"time":', "[")

_decode = json.JSONDecoder().raw_decode


def recognises(text: Text) -> bool:
    """Tell whether *text* holds log events as JSON."""
    return _is_document(text) or _is_list(text) or _is_lines(text)


def _is_document(text: Text) -> bool:
    opening = _OPENING.match(text.head)
    return opening is not None and _begins_with_event(text.head, opening.end())


def _is_list(text: Text) -> bool:
    opening = _LIST.match(text.head)
    return opening is not None and _begins_with_event(text.head, opening.end())


def _begins_with_event(head: str, at: int) -> bool:
    """Tell whether a list of events goes on at *at*: an application may print lists as well."""
    if head.startswith("]", at):
        return True
    try:
        first, _ = _decode(head, at)
    except json.JSONDecodeError:
        return len(head) == HEAD or '"message"' in head[at:]  # it goes on, or breaks off
    except (ValueError, RecursionError):
        return False
    if isinstance(first, str):
        return first.startswith(_LAMBDAS)
    return isinstance(first, dict) and isinstance(first.get("message"), str)


def _is_lines(text: Text) -> bool:
    return any(_is_event(json_object(line)) for line in text.first_lines())


def events(text: Text) -> Iterator[LogEvent]:
    """Yield the log events; a document says the group nowhere."""
    document = _is_document(text)
    if not document and not _is_list(text):
        yield from _of_lines(text)
        return
    values = Values(text)
    opening = _EVENTS if document else r"\["
    while values.skip_behind(opening):
        for value in values.each("]"):
            yield from _of_value(value, text)


def _of_value(value: Any, text: Text) -> Iterator[LogEvent]:
    if isinstance(value, str):  # --query 'events[].message'
        value = {"message": value}
    if isinstance(value, dict) and isinstance(value.get("message"), str):
        yield event_of(value, text.place)
    else:
        text.counts.skipped += 1


def _of_lines(text: Text) -> Iterator[LogEvent]:
    for line in text.lines():
        event = json_object(line)
        if event is not None and _is_event(event):
            yield event_of(event, text.place)
        elif event is None:
            text.unusable(line)  # perhaps half a line, and one of ours was in it
        else:
            text.counts.skipped += 1


def _is_event(event: dict[str, Any] | None) -> bool:
    """Tell whether *event* is CloudWatch's, and not a line that an application wrote as JSON."""
    if event is None or not isinstance(event.get("message"), str):
        return False
    return any(name in event for name in ("logStreamName", "logGroupName", "ingestionTime"))
