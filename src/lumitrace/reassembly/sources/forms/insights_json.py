"""Rows of Logs Insights as JSON: GetQueryResults of the AWS CLI, and what the console saves."""

import re
from collections.abc import Iterator
from typing import Any

from lumitrace.reassembly.events import LogEvent
from lumitrace.reassembly.sources.forms.insights import row_event
from lumitrace.reassembly.sources.text import Text
from lumitrace.reassembly.sources.values import Values

_RESULTS = r'"results"\s*:\s*\['
_ANSWER = re.compile(rf'\s*\{{.*?{_RESULTS}\s*(?:\[\s*\{{\s*"field"|\])', re.DOTALL)
_ROWS = re.compile(r'\s*(?:\[\s*)?\{\s*"@\w+"\s*:')


def recognises(text: Text) -> bool:
    """Tell whether *text* holds rows of Logs Insights."""
    return bool(_ROWS.match(text.head) or _ANSWER.match(text.head))


def events(text: Text) -> Iterator[LogEvent]:
    """Yield the rows that are log events."""
    if _ROWS.match(text.head):
        yield from _rows(Values(text), text, "]" if text.head.lstrip().startswith("[") else "")
        return
    values = Values(text, r'\[\s*\{\s*"field"')
    while values.skip_behind(_RESULTS):
        for value in values.each("]"):
            yield from _event(_row(value), text)


def _rows(values: Values, text: Text, closing: str) -> Iterator[LogEvent]:
    if closing:
        values.skip_behind(r"\[")
    for value in values.each(closing):
        yield from _event(value if isinstance(value, dict) else {}, text)


def _row(value: Any) -> dict[str, Any]:
    """Return the fields of a row that spells each as ``field`` and ``value``."""
    fields = value if isinstance(value, list) else []
    pairs = [(one.get("field"), one.get("value")) for one in fields if isinstance(one, dict)]
    return {name: said for name, said in pairs if isinstance(name, str)}


def _event(row: dict[str, Any], text: Text) -> Iterator[LogEvent]:
    event = row_event(row, text.place)
    if event is not None:
        yield event
    else:
        text.counts.skipped += 1
