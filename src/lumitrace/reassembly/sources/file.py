"""Files and standard input: plain log lines, log events as JSON lines or as one document.

The format is recognised by what the file holds, not by its name.
Events: https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_FilteredLogEvent.html
"""

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lumitrace.reassembly.events import Counts, LogEvent
from lumitrace.reassembly.fields import clean
from lumitrace.reassembly.platform_events import json_object
from lumitrace.reassembly.problem import Problem
from lumitrace.wire.span_line import MARK

STANDARD_INPUT = "-"
HEAD = 8192  # bytes that are looked at to tell text from something else
LINES_TO_RECOGNISE = 20
_OURS = MARK[2:11]  # the mark's name: its quotes are escaped where an event is JSON
MAX_TIME_MS = 2**47  # the year 6429

_BETWEEN = re.compile(r"[\s,]*")
_COMPRESSED = {b"\x1f\x8b": "gunzip -c", b"PK\x03\x04": "unzip -p", b"(\xb5/\xfd": "zstd -dc"}


def read_file(path: str, counts: Counts) -> Iterator[LogEvent]:
    """Yield the log events of the file *path*; ``-`` is standard input.

    Pieces that are no log event are counted as skipped.

    Raises:
        Problem: the file cannot be read, or holds no text.
    """
    lines = _text(path, _bytes(path)).splitlines()
    document = _document(lines, counts)
    if document is not None:
        yield from _events_of(document, path, counts)
    elif any(_is_event(json_object(line)) for line in _first(lines)):
        for line in lines:
            event = json_object(line)
            if event is not None and _is_event(event):
                yield _event(event, path)
            elif event is None and _OURS in line:  # half a line, and one of ours was in it
                counts.broken += 1
            elif line.strip():
                counts.skipped += 1
    else:
        for line in lines:
            if line.strip():
                yield LogEvent("", path, None, line, 0)


def _bytes(path: str) -> bytes:
    try:
        if path == STANDARD_INPUT:
            return sys.stdin.buffer.read()
        return Path(path).read_bytes()
    except FileNotFoundError:
        sentence = f"{path}: there is no such file; give the path of a log file, or - for stdin"
    except IsADirectoryError:
        sentence = f"{path} is a folder; give the files in it, for example {path.rstrip('/')}/*"
    except OSError as error:
        sentence = f"{path} cannot be read: {error.strerror}; check its permissions"
    raise Problem(sentence)


def _text(path: str, content: bytes) -> str:
    shown = "standard input" if path == STANDARD_INPUT else path
    for magic, command in _COMPRESSED.items():
        if content.startswith(magic):
            how = f"unpack it first: {command} {path} | lumitrace … -"
            message = f"{shown} is compressed; {how}"
            raise Problem(message)
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return content.decode("utf-16", errors="replace")
    head = content[:HEAD]
    if b"\0" in head or head.decode("utf-8", errors="replace").count("\ufffd") > len(head) // 10:
        message = f"{shown} holds no text; give log lines: plain, or log events as JSON"
        raise Problem(message)
    if not content.strip():
        message = f"{shown} is empty; give a file with log lines"
        raise Problem(message)
    return content.removeprefix(b"\xef\xbb\xbf").decode("utf-8", errors="replace")


def _first(lines: list[str]) -> list[str]:
    return [line for line in lines[:200] if line.strip()][:LINES_TO_RECOGNISE]


def _document(lines: list[str], counts: Counts) -> list[Any] | None:
    """Return the events of a whole JSON document, or None where the file is none."""
    first = next(iter(_first(lines)), "").lstrip()
    if not first.startswith(("{", "[")):
        return None
    if first.startswith("{") and '"events"' not in "".join(lines[:3]):
        return None
    try:
        document = json.loads("\n".join(lines))
    except (ValueError, RecursionError):
        return _half_document("\n".join(lines), counts) if first.startswith("{") else None
    events = document.get("events") if isinstance(document, dict) else document
    return events if isinstance(events, list) else None


def _half_document(text: str, counts: Counts) -> list[Any] | None:
    """Return the whole events of a document that breaks off, and count what does not parse."""
    opening = re.search(r'"events"\s*:\s*\[\s*', text)
    if opening is None:
        return None
    decode = json.JSONDecoder().raw_decode
    events: list[Any] = []
    position = opening.end()
    while position < len(text):
        try:
            event, position = decode(text, position)
        except (ValueError, RecursionError):
            counts.broken += 1
            break
        events.append(event)
        position = _BETWEEN.match(text, position).end()  # type: ignore[union-attr]  # may be empty
    return events


def _events_of(document: list[Any], path: str, counts: Counts) -> Iterator[LogEvent]:
    for event in document:
        if isinstance(event, dict) and isinstance(event.get("message"), str):
            yield _event(event, path)
        else:
            counts.skipped += 1


def _is_event(event: dict[str, Any] | None) -> bool:
    """Tell whether *event* is CloudWatch's, and not a line that an application wrote as JSON."""
    if event is None or not isinstance(event.get("message"), str):
        return False
    return "logStreamName" in event or "logGroupName" in event or "ingestionTime" in event


def _event(event: dict[str, Any], path: str) -> LogEvent:
    group, stream = event.get("logGroupName"), event.get("logStreamName")
    time_ms, event_id = event.get("timestamp"), event.get("eventId")
    if not isinstance(time_ms, int) or isinstance(time_ms, bool) or not 0 <= time_ms < MAX_TIME_MS:
        time_ms = None
    return LogEvent(
        clean(group),
        clean(stream) or path,
        time_ms,
        clean(event["message"]),
        0,
        event_id if isinstance(event_id, str) else "",
    )
