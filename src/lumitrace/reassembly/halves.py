"""Attempts that came in twice, under two names of a stream, or in halves, from two files."""

from collections import defaultdict
from collections.abc import Iterable

from lumitrace.reassembly.log_lines import platform_line
from lumitrace.reassembly.model import LAMBDA, PLATFORM, Attempt, LogLine
from lumitrace.reassembly.platform_line import START
from lumitrace.wire import span_line
from lumitrace.wire.context import is_id


def each_once(attempts: Iterable[Attempt]) -> list[Attempt]:
    """Return *attempts* before they are unfolded, those of one run made one.

    A file of plain lines may end within an invocation, and the next begin there; two exports may
    hold the same stream.
    """
    seen: dict[tuple[str, str], Attempt] = {}
    kept = []
    for attempt in attempts:
        handler = _handler_of(attempt)
        first = seen.setdefault((attempt.request_id, handler), attempt) if handler else attempt
        if first is attempt:
            kept.append(attempt)
        else:
            _join(first, attempt)
    return _without_ends(kept)


def _handler_of(attempt: Attempt) -> str:
    """Return the id of the span that the first line of the handler itself names, or ""."""
    for line in attempt.objects:
        own = line["record"] in {span_line.START, span_line.INVOCATION}
        if own or (line["record"] == span_line.CALLS and "name" not in line):
            span_id = line.get("spanId")
            return str(span_id) if is_id(span_id, 16) else ""
    return ""


def _without_ends(attempts: list[Attempt]) -> list[Attempt]:
    """Return *attempts*, what Lambda alone says in another file put to the run that it is of.

    That is START without an end, or an end without START, where one run of that request lacks it.
    """
    told: dict[str, list[Attempt]] = defaultdict(list)
    bare = []
    for attempt in attempts:
        if attempt.objects:
            told[attempt.request_id].append(attempt)
        elif attempt.service == LAMBDA and attempt.request_id:
            bare.append(attempt)
    joined: set[int] = set()
    for attempt in bare:
        if attempt.request_id not in told or attempt.ended == bool(starts_of(attempt)):
            continue
        lacking = [
            one
            for one in told[attempt.request_id]
            if (one.report is None if attempt.ended else not starts_of(one))
            and (one.group, one.stream) != (attempt.group, attempt.stream)
        ]
        if len(lacking) == 1:
            _join(lacking[0], attempt)
            joined.add(id(attempt))
    return [attempt for attempt in attempts if id(attempt) not in joined]


def starts_of(attempt: Attempt) -> list[LogLine]:
    """Return the lines of *attempt* in which Lambda says that it begins."""
    told = [(line, platform_line(line.text)) for line in attempt.lines if line.origin == PLATFORM]
    return [line for line, said in told if said is not None and said.kind == START]


def _join(first: Attempt, other: Attempt) -> None:
    """Add to *first* what *other*, of the same run, says."""
    first.objects += other.objects
    known = {(line.time_ms, line.text) for line in first.lines}
    first.lines += [line for line in other.lines if (line.time_ms, line.text) not in known]
    times = [ms for ms in (first.start_ms, other.start_ms) if ms]
    first.start_ms, first.end_ms = min(times, default=0), max(first.end_ms, other.end_ms)
    first.report = first.report or other.report
    first.outcome = first.outcome or other.outcome
    first.raised = first.raised or other.raised
    first.init_raised = first.init_raised or other.init_raised
    first.inits += [init for init in other.inits if init not in first.inits]
    first.ended, first.returned = first.ended or other.ended, first.returned or other.returned
    first.release = first.release or other.release
