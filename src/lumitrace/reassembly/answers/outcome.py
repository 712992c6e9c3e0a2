"""How a transaction ended: for good, or with another try still to come.

What was delivered to a function is judged by its last attempt: an asynchronous event by its request
id, a message of a queue or a record of a stream by the span that sent it.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

from lumitrace.reassembly.assemble import HTTP
from lumitrace.reassembly.model import CALL, POLLED, PUBLIC, RECORD, STATE, Attempt, Span
from lumitrace.reassembly.transaction import Assembled, Transaction

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
# Somebody waits for the answer: Lambda tries nothing again. Step Functions and Firehose may.
# https://docs.aws.amazon.com/lambda/latest/dg/lambda-services.html
WAITED_FOR = PUBLIC | {"lambda", "", "bedrock-agent", "cloudfront", "cognito", "connect", "lex"}
INVOKE_ANSWERED = 200  # a synchronous Invoke; an asynchronous one is answered with 202
# Calls whose caller waits for the end of what it called. What follows on the operation is the
# pattern of a state machine's task.
WAITING = frozenset(
    (
        *("lambda.Invoke", "lambda.Invoke.waitForTaskToken", "stepfunctions.StartSyncExecution"),
        *("stepfunctions.StartExecution.sync", "stepfunctions.StartExecution.sync:2"),
    )
)


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
        result.failed_attempts += [
            one for one in attempts if one.failed or _records_failed(assembled, transaction, one)
        ]
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
    if not _failed(assembled, transaction, last):
        if not last.ended:
            return UNFINISHED
        again = last.retried or any(_failed(assembled, transaction, one) for one in attempts[:-1])
        return RECOVERED if again or _received_again(last, own) else OK
    if _answered_to_caller(assembled, last):
        return OK
    if _tried_again(assembled, attempts):
        return PENDING
    owned = own or _reported(assembled, transaction, last) == FAILED
    return SHARED if assembled.shared_by(last) > 1 and not owned else FAILED


def _failed(assembled: Assembled, transaction: Transaction, attempt: Attempt) -> bool:
    """Tell whether *attempt* failed, as far as *transaction* has a part in it."""
    own = own_records(transaction, attempt)
    if own:
        return any(record.failed for record in own)
    return attempt.failed or _records_failed(assembled, transaction, attempt)


def _records_failed(assembled: Assembled, transaction: Transaction, attempt: Attempt) -> bool:
    """Tell whether the handler ended well and yet gave back records of *transaction*."""
    own = own_records(transaction, attempt)
    if own:
        return any(record.failed for record in own)
    return _reported(assembled, transaction, attempt) != OK


def _reported(assembled: Assembled, transaction: Transaction, attempt: Attempt) -> str:
    """Return what ``failedRecords`` says of the records that *transaction* sent.

    A record is known by the link key that its sender was answered. Where it is not, all that fed
    the batch share the failure.
    """
    failed = attempt.failed_records
    if not failed:
        return OK
    traces = set(transaction.traces)
    own: set[str] = set()
    others: set[str] = set()
    for hop in assembled.senders(attempt):
        keys = _sent(assembled, hop.sender_span)
        (own if hop.sender_trace in traces else others).update(
            record for record in failed for key in keys if key.endswith(f":{record}")
        )
    if own:
        return FAILED
    return SHARED if failed - others else OK


def _sent(assembled: Assembled, span_id: str) -> list[str]:
    """Return the link keys of the call with this id; where it names a handler, of all below it."""
    sender = assembled.span_by_id.get(span_id)
    if sender is None:
        return []
    attempt = assembled.attempt_of[span_id]
    if attempt.sampled or sender.role == CALL:
        return sender.link_out
    below = (span for span in attempt.spans if span.trace_id == sender.trace_id)
    return [key for span in below for key in span.link_out]


def _received_again(attempt: Attempt, own: list[Span]) -> bool:
    """Tell whether what came was received before: its first deliveries may not have been read."""
    spans = own or ([attempt.invocation] if attempt.invocation else [])
    return any(span.receive_count > 1 for span in spans)


def own_records(transaction: Transaction, attempt: Attempt) -> list[Span]:
    """Return the records of the batch *attempt* that belong to *transaction* alone."""
    handler = attempt.invocation
    if handler is None:
        return []
    traces = set(transaction.traces) - {handler.trace_id}
    return [span for span in attempt.spans if span.role == RECORD and span.trace_id in traces]


def _answered_to_caller(assembled: Assembled, attempt: Attempt) -> bool:
    """Tell whether one of our functions waited for the answer: then its own outcome counts.

    Between them a request of API Gateway may stand.
    """
    for hop in assembled.senders(attempt):
        sender = assembled.span_by_id.get(hop.sender_span)
        if sender is None:
            continue
        through = assembled.attempt_of[sender.span_id]
        if through is not attempt and through.request is not None:
            return _answered_to_caller(assembled, through)
        if waited_for(sender):
            return True
    return False


def waited_for(call: Span) -> bool:
    """Tell whether *call* was answered with how what it called had ended.

    A state that called is a distributed Map: it ends by its children, as far as it tolerates.
    """
    if call.role == STATE:
        return True
    if call.operation.startswith(HTTP):
        return call.http_status > 0
    return call.operation in WAITING and call.http_status == INVOKE_ANSWERED


def _tried_again(assembled: Assembled, attempts: list[Attempt]) -> bool:
    """Tell whether Lambda may still try again: the log ends before it would have."""
    last = attempts[-1]
    if last.trigger in WAITED_FOR:
        return False
    if last.trigger not in POLLED and last.of >= ASYNC_ATTEMPTS:
        return False
    return assembled.last_ms - last.end_ms < RETRY_WITHIN_MS
