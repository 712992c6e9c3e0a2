"""Plain log lines: what a local run prints, or what Firehose extracted of log events.

Firehose: https://docs.aws.amazon.com/firehose/latest/dev/Message_extraction.html
"""

import json
from collections.abc import Iterator

from lumitrace.reassembly.events import LogEvent
from lumitrace.reassembly.fields import clean
from lumitrace.reassembly.sources.sandboxes import told_apart
from lumitrace.reassembly.sources.text import Text

_decode = json.JSONDecoder().raw_decode


def recognises(text: Text) -> bool:  # noqa: ARG001  # whatever nobody else knows
    """Tell that any text can be plain lines."""
    return True


def events(text: Text) -> Iterator[LogEvent]:
    """Yield a log event a line; none of them says its group, its stream or its time."""
    yield from told_apart(_events(text))


def _events(text: Text) -> Iterator[LogEvent]:
    for line in text.lines():
        if not line or line.isspace():
            continue
        for message in _apart(line) if "}{" in line else [line]:
            yield LogEvent("", text.place, None, clean(message), 0)


def _apart(line: str) -> list[str]:
    """Return the JSON objects that *line* is made of, where it is made of nothing else.

    Firehose puts nothing between two messages unless it is told to.
    """
    found = []
    position = 0
    while line.startswith("{", position):
        try:
            _, end = _decode(line, position)
        except (ValueError, RecursionError):
            return [line]
        found.append(line[position:end])
        position = end
    return found if not line[position:].strip() else [line]
