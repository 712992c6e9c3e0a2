"""Which of the streams that were read are histories of executions, and the attempts they make."""

from collections import defaultdict
from collections.abc import Iterable

from lumitrace.reassembly.events import Counts, LogEvent
from lumitrace.reassembly.fields import extend
from lumitrace.reassembly.model import LAMBDA, STEP_FUNCTIONS, Attempt
from lumitrace.reassembly.step_functions.execution import Execution
from lumitrace.reassembly.step_functions.history import HistoryEvent, parse
from lumitrace.wire import link_key

_STATES = f"{link_key.STATES}:"
# What an execution sends to its own tasks: the caller of StartExecution sends the other key.
_TASK = "task:"


def is_logged(message: str) -> bool:
    """Tell whether *message* is an event that Step Functions logged."""
    return parse(message) is not None


def executions(events: Iterable[LogEvent], counts: Counts) -> list[Attempt]:
    """Return the executions that *events* tell of, each event of each counted once."""
    found: dict[tuple[str, str], dict[int, HistoryEvent]] = defaultdict(dict)
    groups: dict[tuple[str, str], str] = {}
    runs: dict[tuple[str, str], str] = {}
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
        if said.run:
            runs[key] = said.run
    attempts = []
    for (arn, stream), own in sorted(found.items()):
        attempt = Execution(arn, stream, own.values()).read(runs.get((arn, stream), ""))
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
