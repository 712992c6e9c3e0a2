"""The attempts of all log streams, and which of them are tries at the same invocation."""

from collections import defaultdict
from collections.abc import Callable, Iterable

from lumitrace.reassembly.api_gateway.entry import is_entry
from lumitrace.reassembly.api_gateway.requests import requests
from lumitrace.reassembly.by_request import ByRequest
from lumitrace.reassembly.events import Counts, LogEvent
from lumitrace.reassembly.log_lines import platform_line
from lumitrace.reassembly.model import Attempt
from lumitrace.reassembly.one_by_one import OneByOne
from lumitrace.reassembly.platform_line import END, REPORT, START
from lumitrace.reassembly.side_by_side import SideBySide, is_side_by_side
from lumitrace.reassembly.step_functions.executions import executions, is_logged
from lumitrace.reassembly.stream import LAMBDA_GROUP, Lines, Stream
from lumitrace.wire.span_line import MARK

LOOKED_AT = 5  # events of a stream: the first may be cut, or broken


def cut_into_attempts(events: Iterable[LogEvent]) -> tuple[list[Attempt], Counts]:
    """Return the attempts that *events* tell of, in any order of the streams, and the counts."""
    streams: dict[tuple[str, str], list[LogEvent]] = defaultdict(list)
    for event in events:
        streams[event.group, event.stream].append(event)
    counts = Counts()
    attempts: list[Attempt] = []
    histories: list[LogEvent] = []
    entries: list[LogEvent] = []
    for key in sorted(streams):
        rest = streams[key]
        for is_one, found in ((is_logged, histories), (is_entry, entries)):
            own, rest = _set_apart(rest, is_one)
            found.extend(own)
        if rest:
            attempts += _reading(Lines(rest), counts).attempts()
    return attempts + executions(histories, counts) + requests(entries, counts), counts


def _set_apart(
    events: list[LogEvent], is_one: Callable[[str], bool]
) -> tuple[list[LogEvent], list[LogEvent]]:
    """Return the events of one stream that another service than Lambda wrote, and the others.

    A stream is one or the other: where Lambda speaks, what looks like another service was printed
    by a function. Plain lines, which say no stream and no time, may be of both.
    """
    if not events or events[0].group.startswith(LAMBDA_GROUP):
        return [], events
    first = events[0]
    if first.group or first.time_ms is not None:
        return (events, []) if _is_of(events, is_one) else ([], events)
    judged = [(is_one(event.message), event) for event in events]
    return [one for own, one in judged if own], [one for own, one in judged if not own]


def is_other_service(events: list[LogEvent]) -> bool:
    """Tell whether *events*, the first of a log group, are those of another service."""
    return _is_of(events, is_logged) or _is_of(events, is_entry)


def _is_of(events: list[LogEvent], is_one: Callable[[str], bool]) -> bool:
    """Tell whether one of the first *events* is so, and none is Lambda's."""
    if not any(is_one(event.message) for event in events[:LOOKED_AT]):
        return False
    return not any(MARK in one.message or platform_line(one.message) for one in events)


def _reading(lines: Lines, counts: Counts) -> Stream:
    """Return the way to read *lines*: by what Lambda itself says in them."""
    if is_side_by_side(lines):
        return SideBySide(lines, counts)
    for line in lines.platform:
        if line is None or not line.request_id:
            continue
        # A report of success comes at a log level at which starts do: the log begins behind one.
        if line.kind in {START, END} or (line.kind == REPORT and line.failure is None):
            return OneByOne(lines, counts)
    return ByRequest(lines, counts)


def number_attempts(attempts: list[Attempt]) -> None:
    """Tell the attempts of one request id at one function apart, by their time."""
    retries: dict[tuple[str, str], list[Attempt]] = defaultdict(list)
    for attempt in attempts:
        retries[attempt.function, attempt.request_id].append(attempt)
    for several in retries.values():
        several.sort(key=lambda attempt: (attempt.start_ms, attempt.stream))
        for number, attempt in enumerate(several, 1):
            attempt.number, attempt.of = number, len(several)
