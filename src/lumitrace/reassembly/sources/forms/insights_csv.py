"""Rows of Logs Insights as CSV, as the console saves them; also the console's own log viewer's.

The first row names the columns. The log viewer calls them ``timestamp`` and ``message``.
"""

import csv
from collections.abc import Iterator

from lumitrace.reassembly.events import LogEvent
from lumitrace.reassembly.sources.forms.insights import row_event
from lumitrace.reassembly.sources.text import MAX_LINE, Text

_NAMES = {
    "message": "@message",
    "timestamp": "@timestamp",
    "logStreamName": "@logStream",
    "logStream": "@logStream",
    "log": "@log",
}


def recognises(text: Text) -> bool:
    """Tell whether the first row names a message and something beside it, or the message alone."""
    names = _names(text)
    if "@message" in names:
        return all(name.isprintable() and len(name) < 256 for name in names)
    return {"timestamp", "message"} <= set(names)


def _names(text: Text) -> list[str]:
    first = next(iter(text.first_lines()), "")
    if len(first) > 4096 or first.lstrip().startswith(("{", "[")):
        return []
    try:
        return next(iter(csv.reader([first])), [])
    except csv.Error:
        return []


def events(text: Text) -> Iterator[LogEvent]:
    """Yield the rows that are log events."""
    csv.field_size_limit(MAX_LINE)
    rows = _rows(text)
    names = [_NAMES.get(name, name) for name in next(rows, [])]
    for row in rows:
        event = row_event(dict(zip(names, row, strict=False)), text.place)
        if event is not None:
            yield event
        else:
            text.unusable(",".join(row))


def _rows(text: Text) -> Iterator[list[str]]:
    """Yield the rows that hold something; one that no log event can be long as is counted."""
    rows = csv.reader(f"{line}\n".replace("\0", "\ufffd") for line in text.lines())
    while True:
        try:
            row = next(rows, None)
        except csv.Error:
            text.counts.broken += 1
            continue
        if row is None:
            return
        if row:
            yield row
