"""How a transaction ended: for good, or with another try still to come.

What was delivered to a function is judged by its last attempt: an asynchronous event by its request
id, a message of a queue or a record of a stream by the span that sent it.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

from lumitrace.reassembly.model import (
    POLLED,
    PUBLIC,
    RECORD,
    Assembled,
    Attempt,
    Span,
    Transaction,
)

OK = "ok"
FAILED = "failed"
RECOVERED = "recovered"
PENDING = "pending"
SHARED = "shared"
UNFINISHED = "unfinished"

WORST_FIRST = (FAILED, SHARED, PENDING, UNFINISHED, RECOVERED, OK)

ASYNC_ATTEMPTS = (
    3  # two retries: https://docs.aws.amazon.com/lambda/latest/dg/invocation-async.html
)
RETRY_WITHIN_MS = 5 * 60 * 1000  # Lambda waits one minute, then two, and the queue adds to both
WAITED_FOR = PUBLIC | {"lambda", ""}  # somebody waits for the answer: nothing is tried again
INVOKE_ANSWERED = 200  # a synchronous Invoke; an asynchronous one is answered with 202


@dataclass(slots=True)
class Outcome:
    """How a transaction ended.

    Attributes:
        state: one of ``WORST_FIRST``.
        failing: the attempts that made it fail, the last of each delivery.
        failed_attempts: all attempts that failed, those that were made good by a retry too.
    """

    state: str = OK
    failing: list[Attempt] = field(default_factory=list)
    failed_attempts: list[Attempt] = field(default_factory=list)


def outcome(assembled: Assembled, transaction: Transaction) -> Outcome:
    """Return how *transaction* ended, by the last attempt of everything it delivered."""
    result = Outcome()
    states = []
    for attempts in _deliveries(assembled, transaction):
        state = _judge(assembled, transaction, attempts)
        states.append(state)
        result.failed_attempts += [one for one in attempts if one.failed]
        if state in {FAILED, SHARED, PENDING}:
            result.failing.append(attempts[-1])
    result.state = min(states, key=WORST_FIRST.index, default=OK)
    return result


def _deliveries(assembled: Assembled, transaction: Transaction) -> Iterator[list[Attempt]]:
    """Yield the attempts of each delivery, oldest first."""
    found: dict[tuple[str, str], list[Attempt]] = defaultdict(list)
    traces = set(transaction.traces)
    for attempt in transaction.attempts:
        senders = {
            hop.sender_span for hop in assembled.senders(attempt) if hop.sender_trace in traces
        }
        keys = sorted(senders) if attempt.trigger in POLLED and senders else [attempt.request_id]
        for key in keys:
            found[attempt.function, key].append(attempt)
    yield from found.values()


def _judge(assembled: Assembled, transaction: Transaction, attempts: list[Attempt]) -> str:
    last = attempts[-1]
    own = own_records(transaction, last)
    if own and not any(record.failed for record in own):
        failed = False
    else:
        failed = last.failed or any(record.failed for record in own)
    if not failed:
        if not last.ended:
            return UNFINISHED
        return RECOVERED if any(one.failed for one in attempts[:-1]) else OK
    if _answered_to_caller(assembled, last):
        return OK
    if _tried_again(assembled, attempts):
        return PENDING
    return SHARED if assembled.shared_by(last) > 1 and not own else FAILED


def own_records(transaction: Transaction, attempt: Attempt) -> list[Span]:
    """Return the records of the batch *attempt* that belong to *transaction* alone."""
    handler = attempt.invocation
    if handler is None:
        return []
    traces = set(transaction.traces) - {handler.trace_id}
    return [span for span in attempt.spans if span.role == RECORD and span.trace_id in traces]


def _answered_to_caller(assembled: Assembled, attempt: Attempt) -> bool:
    """Tell whether one of our functions waited for the answer: then its own outcome counts."""
    return any(
        (sender := assembled.span_by_id.get(hop.sender_span)) is not None
        and sender.operation == "lambda.Invoke"
        and sender.http_status == INVOKE_ANSWERED
        for hop in assembled.senders(attempt)
    )


def _tried_again(assembled: Assembled, attempts: list[Attempt]) -> bool:
    """Tell whether Lambda may still try again: the log ends before it would have."""
    last = attempts[-1]
    if last.trigger in WAITED_FOR:
        return False
    if last.trigger not in POLLED and last.of >= ASYNC_ATTEMPTS:
        return False
    return assembled.last_ms - last.end_ms < RETRY_WITHIN_MS
