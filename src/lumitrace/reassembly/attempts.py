"""The attempts of all log streams, and which of them are tries at the same invocation."""

from collections import defaultdict
from collections.abc import Iterable

from lumitrace.reassembly.events import Counts, LogEvent
from lumitrace.reassembly.model import Attempt
from lumitrace.reassembly.stream import Stream


def cut_into_attempts(events: Iterable[LogEvent]) -> tuple[list[Attempt], Counts]:
    """Return the attempts that *events* tell of, in any order of the streams, and the counts."""
    streams: dict[tuple[str, str], list[LogEvent]] = defaultdict(list)
    for event in events:
        streams[event.group, event.stream].append(event)
    counts = Counts()
    attempts: list[Attempt] = []
    for key in sorted(streams):
        attempts += Stream(streams[key], counts).attempts()
    return attempts, counts


def number_attempts(attempts: list[Attempt]) -> None:
    """Tell the attempts of one request id at one function apart, by their time."""
    retries: dict[tuple[str, str], list[Attempt]] = defaultdict(list)
    for attempt in attempts:
        retries[attempt.function, attempt.request_id].append(attempt)
    for several in retries.values():
        several.sort(key=lambda attempt: (attempt.start_ms, attempt.stream))
        for number, attempt in enumerate(several, 1):
            attempt.number, attempt.of = number, len(several)
