"""Which of the streams that were read are histories of executions, and the attempts they make."""

from collections import defaultdict
from collections.abc import Iterable

from lumitrace.reassembly.events import Counts, LogEvent
from lumitrace.reassembly.fields import extend
from lumitrace.reassembly.model import LAMBDA, STEP_FUNCTIONS, Attempt
from lumitrace.reassembly.step_functions.execution import Execution
from lumitrace.reassembly.step_functions.history import HistoryEvent, parse
from lumitrace.reassembly.stream import LAMBDA_GROUP
from lumitrace.wire import link_key

_STATES = f"{link_key.STATES}:"
# What an execution sends to its own tasks: the caller of StartExecution sends the other key.
_TASK = "task:"


def set_apart(events: list[LogEvent]) -> tuple[list[LogEvent], list[LogEvent]]:
    """Return the events of one stream that Step Functions logged, and the others.

    A stream is one or the other: what a function prints is not believed. Plain lines, which say
    no stream and no time, may be of both.
    """
    first = events[0]
    if first.group.startswith(LAMBDA_GROUP):
        return [], events
    if first.group or first.time_ms is not None:
        return (events, []) if parse(first.message) is not None else ([], events)
    logged = [event for event in events if parse(event.message) is not None]
    if not logged:
        return [], events
    own = set(map(id, logged))
    return logged, [event for event in events if id(event) not in own]


def executions(events: Iterable[LogEvent], counts: Counts) -> list[Attempt]:
    """Return the executions that *events* tell of, each event of each counted once."""
    found: dict[tuple[str, str], dict[int, HistoryEvent]] = defaultdict(dict)
    groups: dict[tuple[str, str], str] = {}
    for event in events:
        counts.events += 1
        said = parse(event.message, event.time_ms)
        if said is None:
            counts.skipped += 1
            continue
        key = (said.arn, "" if said.arn else event.stream)
        groups.setdefault(key, event.group)
        known = found[key].get(said.id)
        # The API's events are whole; the log's may leave out inputs and outputs.
        if known is None or len(said.details) > len(known.details):
            found[key][said.id] = said
    attempts = []
    for (arn, stream), own in sorted(found.items()):
        attempt = Execution(arn, stream, own.values()).read()
        attempt.group = groups[arn, stream]
        attempts.append(attempt)
    return attempts


def adopt(attempts: list[Attempt]) -> None:
    """Let what an execution's ARN names stand below the execution, where that was read.

    A task's function may know the ARN, and so does whoever started the execution: the execution
    stands between them. A task that names the function's request says more.
    """
    read = {
        attempt.request_id: attempt for attempt in attempts if attempt.service == STEP_FUNCTIONS
    }
    if not read:
        return
    called = {
        key
        for attempt in read.values()
        for span in attempt.spans
        for key in span.link_out
        if key.startswith(f"{link_key.LAMBDA}:")
    }
    for attempt in attempts:
        if attempt.service != LAMBDA:
            continue
        is_called = f"{link_key.LAMBDA}:{attempt.request_id}" in called
        for span in attempt.spans:
            for key in [key for key in span.link_in if key.startswith(_STATES)]:
                execution = read.get(key[len(_STATES) :])
                if execution is None or execution.invocation is None:
                    continue
                span.link_in.remove(key)
                if not is_called:
                    named = f"{_TASK}{key[len(_STATES) :]}"
                    extend(span.link_in, [named])
                    extend(execution.invocation.link_out, [named])
