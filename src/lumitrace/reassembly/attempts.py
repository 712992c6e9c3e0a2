"""The attempts of all log streams, and which of them are tries at the same invocation."""

from collections import defaultdict
from collections.abc import Iterable

from lumitrace.reassembly.by_request import ByRequest
from lumitrace.reassembly.events import Counts, LogEvent
from lumitrace.reassembly.model import Attempt
from lumitrace.reassembly.one_by_one import OneByOne
from lumitrace.reassembly.platform_line import END, REPORT, START
from lumitrace.reassembly.side_by_side import SideBySide, is_side_by_side
from lumitrace.reassembly.step_functions.executions import executions, set_apart
from lumitrace.reassembly.stream import Lines, Stream


def cut_into_attempts(events: Iterable[LogEvent]) -> tuple[list[Attempt], Counts]:
    """Return the attempts that *events* tell of, in any order of the streams, and the counts."""
    streams: dict[tuple[str, str], list[LogEvent]] = defaultdict(list)
    for event in events:
        streams[event.group, event.stream].append(event)
    counts = Counts()
    attempts: list[Attempt] = []
    logged: list[LogEvent] = []
    for key in sorted(streams):
        own, rest = set_apart(streams[key])
        logged += own
        if rest:
            attempts += _reading(Lines(rest), counts).attempts()
    return attempts + executions(logged, counts), counts


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
