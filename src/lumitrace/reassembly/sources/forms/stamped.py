"""What forms have in common that print a head before each event: a time, and perhaps the stream.

Lines without a head belong to the event before them.
"""

import re
from collections.abc import Callable, Iterator

from lumitrace.reassembly.events import LogEvent
from lumitrace.reassembly.fields import clean
from lumitrace.reassembly.platform_events import json_object
from lumitrace.reassembly.sources.event import time_ms_of
from lumitrace.reassembly.sources.text import MAX_LINE, Text
from lumitrace.wire.span_line import MARK

COLOUR = r"(?:\x1b\[[0-9;]*m)*"  # terminals are told so; a file that was recorded holds it
# What Lambda itself begins with a time: it is no head.
NO_HEAD = r"(?![0-9a-fA-F-]{36} Task timed out)"

_SPACES = re.compile(r'("(?:[^"\\]|\\.)*")|\s+')

_LAMBDAS = ("START RequestId: ", "END RequestId: ", "REPORT RequestId: ", "INIT_START ", MARK)

Head = re.Pattern[str]  # with the groups time, message and perhaps stream


def has_head(text: Text, head: Head) -> bool:
    """Tell whether *head* stands before the events: before a line of Lambda's, or before most.

    Where a line of Lambda's or of ours stands without it, it was printed.
    """
    lines = text.first_lines()
    if any(line.startswith(_LAMBDAS) for line in lines):
        return False
    messages = [match["message"] for match in map(head.match, lines) if match]
    some = any(message.startswith(_LAMBDAS) for message in messages)
    return some or len(messages) * 2 >= max(len(lines), 1)


def stamped_events(
    text: Text, head: Head, stream_of: Callable[[str], str] = str
) -> Iterator[LogEvent]:
    """Yield the log events of *text*, each of which begins with *head*.

    Args:
        text: what is read.
        head: what an event begins with.
        stream_of: returns the stream's name as CloudWatch spells it.
    """
    stream, time_ms = "", None
    pieces: list[str] = []
    length = 0
    for line in text.lines():
        match = head.match(line)
        if match:
            yield from _event(text, stream, time_ms, pieces)
            named = match.groupdict().get("stream") or ""
            stream = stream_of(clean(named or text.place))
            time_ms = time_ms_of(match["time"])
            pieces, length = [match["message"]], len(match["message"])
        elif pieces and length + len(line) <= MAX_LINE:
            pieces.append(line)
            length += len(line) + 1
        else:
            text.unusable(line)
    yield from _event(text, stream, time_ms, pieces)


def _event(text: Text, stream: str, time_ms: int | None, pieces: list[str]) -> Iterator[LogEvent]:
    if not pieces:
        return
    message = "\n".join(pieces).rstrip()
    if len(pieces) > 1 and message.lstrip().startswith("{"):
        message = _on_one_line(message)
    if message:
        yield LogEvent("", stream or text.place, time_ms, clean(message), 0)


def _on_one_line(message: str) -> str:
    """Return the JSON *message* as it was written, before a program indented it for people.

    Spaces go and nothing else changes: 42.50 stays 42.50.
    """
    return message if json_object(message) is None else _SPACES.sub(r"\1", message)
