"""The way from an entry down to a span, and what failed deepest."""

from lumitrace.reassembly.answers.outcome import Outcome, waited_for
from lumitrace.reassembly.assemble import HTTP
from lumitrace.reassembly.model import (
    INVOCATION,
    INVOKE,
    RECORD,
    STEP_FUNCTIONS,
    Attempt,
    Failure,
    Span,
)
from lumitrace.reassembly.transaction import Assembled, Hop

Found = tuple[Span | None, Failure, Attempt]


def hop_to(assembled: Assembled, span: Span, traces: set[str]) -> Hop | None:
    """Return the hop that led to *span* from within *traces*, the strongest witness first."""
    if span.role not in {INVOCATION, RECORD}:
        return None
    hops = [hop for hop in assembled.hops.get(span.span_id, ()) if hop.sender_trace in traces]
    read = [hop for hop in hops if hop.sender_span in assembled.span_by_id]
    return next(iter(read or hops), None)


def above(assembled: Assembled, span: Span, traces: set[str]) -> Span | None:
    """Return the span that caused *span*: its parent, or its sender in another function."""
    hop = hop_to(assembled, span, traces)
    if hop is not None:
        return assembled.span_by_id.get(hop.sender_span)
    parent = assembled.span_by_id.get(span.parent_id)
    if parent is None and span.role != INVOCATION:
        owner = assembled.attempt_of[span.span_id].invocation
        parent = owner if owner is not span else None
    return parent


def way_down(assembled: Assembled, span: Span, traces: set[str]) -> list[Span]:
    """Return the spans from the entry down to *span*."""
    way: list[Span] = []
    seen: set[str] = set()
    at: Span | None = span
    while at is not None and at.span_id not in seen:
        seen.add(at.span_id)
        way.append(at)
        at = above(assembled, at, traces)
    return way[::-1]


def failures(
    assembled: Assembled, result: Outcome, traces: set[str], *, wrapped: bool = False
) -> list[Found]:
    """Return what failed in the failed attempts of a transaction, the likeliest cause first.

    Attempts that ended it come before those that were made good; a failure that became the
    handler's own before one that was handled; what lies deeper before what lies above it.

    Args:
        assembled: all that was read.
        result: how the transaction ended.
        traces: its trace ids.
        wrapped: whether the handler may have raised an error of its own because a call failed: then
            a call comes before the handler. Only a comparison with healthy transactions can tell.
    """
    ending = {id(attempt) for attempt in result.failing}
    told_below = _told_below(assembled, result)
    found: list[tuple[tuple[bool, bool, int, int], Found]] = []
    for attempt in result.failed_attempts:
        final = attempt.failure
        for span, failure in _failures_of(attempt):
            if span is not None and span.trace_id not in traces:
                continue  # another transaction's record of the same batch
            if span is not None and span.span_id in told_below:
                continue
            fatal = final is not None and failure.message == final.message
            fatal = fatal and not (wrapped and span is attempt.invocation)
            depth = len(way_down(assembled, span, traces)) if span else 0
            began = span.start_us if span else attempt.start_ms * 1000
            rank = (id(attempt) in ending or _is_callee(assembled, attempt), fatal, depth, began)
            found.append((rank, (span, failure, attempt)))
    found.sort(key=lambda one: one[0], reverse=True)
    return [one[1] for one in found]


def _told_below(assembled: Assembled, result: Outcome) -> set[str]:
    """Return the tasks of state machines whose failure is that of a function that was read."""
    senders = {
        hop.sender_span for attempt in result.failed_attempts for hop in assembled.senders(attempt)
    }
    return {
        sender
        for sender in senders
        if sender in assembled.attempt_of
        and assembled.attempt_of[sender].service == STEP_FUNCTIONS
        and waited_for(assembled.span_by_id[sender])
    }


def _is_callee(assembled: Assembled, attempt: Attempt) -> bool:
    """Tell whether a function of ours, or a state machine, waited for *attempt*."""
    return attempt.trigger == "lambda" or any(
        (sender := assembled.span_by_id.get(hop.sender_span)) is not None
        and (sender.operation.startswith(HTTP) or waited_for(sender))
        for hop in assembled.senders(attempt)
    )


def _failures_of(attempt: Attempt) -> list[tuple[Span | None, Failure]]:
    found: list[tuple[Span | None, Failure]] = [
        (span, span.failure) for span in attempt.spans if span.failed and span.failure
    ]
    if attempt.failure is not None and not any(span is attempt.invocation for span, _ in found):
        found.append((attempt.invocation, attempt.failure))
    return found


def stopped_in(attempt: Attempt) -> str:
    """Return what a killed attempt was doing, as far as its lines say it, or "".

    A call that began or ended within 25 ms after the last write left no line: the answer is where
    the killed attempt was last seen, never which call killed it.
    """
    failure = attempt.failure
    if attempt.invocation is None or failure is None:
        return ""
    if attempt.returned:
        late = failure is attempt.outcome or failure is attempt.raised
        return "after its handler had returned" if late else ""
    if failure is not attempt.outcome:
        return ""
    if attempt.objects:
        return _last_seen([span for span in attempt.spans if span.operation])
    starting = attempt.inits and attempt.inits[-1].phase == INVOKE
    return "while its code started, before the handler" if starting else ""


def _last_seen(calls: list[Span]) -> str:
    opened = [span for span in calls if span.open]
    if opened:
        last = max(opened, key=lambda span: span.start_us)
        return f"in {last.operation} {last.resource}".rstrip() + ", or in what began right after it"
    if calls:
        last = max(calls, key=lambda span: span.end_us)
        return f"in a call after {last.operation} {last.resource}".rstrip() + ", or in its own code"
    return "before any call that it wrote down"
