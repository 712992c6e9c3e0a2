"""One transaction: its virtual stack trace, its spans as a tree, and every log line of it."""

from collections import defaultdict
from typing import Any

from lumitrace.reassembly.answers import describe
from lumitrace.reassembly.answers.doubts import doubts
from lumitrace.reassembly.answers.find import Matches, find
from lumitrace.reassembly.answers.outcome import WORST_FIRST, Outcome, outcome
from lumitrace.reassembly.answers.path import hop_to, stopped_in
from lumitrace.reassembly.answers.provenance import read_from
from lumitrace.reassembly.answers.relation import candidates, relations
from lumitrace.reassembly.answers.stack import virtual_stack
from lumitrace.reassembly.answers.transactions import row
from lumitrace.reassembly.model import INVOCATION, LAMBDA, RECORD, SPAN_LINE, Attempt, Span
from lumitrace.reassembly.step_functions.task import names_none
from lumitrace.reassembly.transaction import Assembled, Transaction


def show(assembled: Assembled, wanted: str, *, raw: bool = False) -> dict[str, Any] | None:
    """Return the transaction that *wanted* names, or None.

    Where several match, all are listed, and the worst of them is shown, the latest first.
    """
    return shown(assembled, find(assembled, wanted), raw=raw)


def invocations(assembled: Assembled, matches: Matches) -> list[Attempt]:
    """Return the attempts of what ``shown`` shows of *matches*."""
    if not matches.transactions:
        return matches.attempts
    return _judged(assembled, matches)[0][0].attempts


def _judged(assembled: Assembled, matches: Matches) -> list[tuple[Transaction, Outcome]]:
    """Return the transactions, the worst first, of equal ones the latest."""
    judged = [(one, outcome(assembled, one)) for one in matches.transactions]
    judged.sort(key=lambda one: describe.span_of_time(one[0])[0], reverse=True)
    judged.sort(key=lambda one: WORST_FIRST.index(one[1].state))
    return judged


def shown(assembled: Assembled, matches: Matches, *, raw: bool = False) -> dict[str, Any] | None:
    """Return the answer of ``show`` about *matches*, or None where there are none."""
    if not matches.transactions:
        return _without_spans(matches, raw=raw) if matches.attempts else None
    judged = _judged(assembled, matches)
    transaction, result = judged[0]
    return {
        "matchedBy": matches.by,
        "matches": [row(assembled, *one) for one in judged],
        "transaction": row(assembled, transaction, result),
        "traces": transaction.traces,
        "doubts": doubts(assembled, transaction),
        "relations": relations(assembled, transaction),
        "candidates": candidates(assembled, transaction),
        "readFrom": read_from(assembled, transaction),
        "stack": virtual_stack(assembled, transaction, result),
        "spans": tree(assembled, transaction),
        "logs": logs(transaction.attempts, raw=raw),
    }


def _without_spans(matches: Matches, *, raw: bool) -> dict[str, Any]:
    return {
        "matchedBy": matches.by,
        "matches": [],
        "transaction": None,
        "traces": [],
        "doubts": {"unread": [], "beginnings": []},
        "relations": [],
        "candidates": [],
        "readFrom": [],
        "stack": [],
        "spans": [],
        "logs": logs(matches.attempts, raw=raw),
    }


def tree(assembled: Assembled, transaction: Transaction) -> list[dict[str, Any]]:
    """Return the spans of *transaction*, each below what caused it, with its depth."""
    known = {span.span_id: span for span in transaction.spans}
    below: dict[str, list[Span]] = defaultdict(list)
    for span in transaction.spans:
        below[_above(assembled, transaction, span, known)].append(span)
    began, _ = describe.span_of_time(transaction)
    rows: list[dict[str, Any]] = []
    seen: set[str] = set()
    # What a ring of parents cuts off from every root is a root itself.
    for root in (*below[""], *transaction.spans):
        waiting = [(root, 0)]
        while waiting:
            span, depth = waiting.pop()
            if span.span_id in seen:
                continue
            seen.add(span.span_id)
            rows.append(_row(assembled, transaction, span, depth, began))
            waiting += [(child, depth + 1) for child in reversed(below[span.span_id])]
    return rows


def _above(
    assembled: Assembled, transaction: Transaction, span: Span, known: dict[str, Span]
) -> str:
    """Return the id of the span that *span* stands below, "" for a root."""
    if span.role == RECORD:
        handler = assembled.attempt_of[span.span_id].invocation
        if handler is not None and handler.span_id in known:
            return handler.span_id
    hop = hop_to(assembled, span, set(transaction.traces))
    for above in (hop.sender_span if hop else "", span.parent_id):
        if above in known and above != span.span_id:
            return above
    return ""


def _row(
    assembled: Assembled, transaction: Transaction, span: Span, depth: int, began: int
) -> dict[str, Any]:
    attempt = assembled.attempt_of[span.span_id]
    handler = span.role == INVOCATION
    hop = hop_to(assembled, span, set(transaction.traces))
    shared = assembled.fan.get(span.trace_id, 1)
    service, name = (attempt.service, attempt.function) if handler else describe.call_name(span)
    if not handler and not span.operation:
        service, name = span.role, span.name or span.record_id
    return {
        "depth": depth,
        "traceId": span.trace_id,
        "spanId": span.span_id,
        "requestId": attempt.request_id,
        "role": span.role,
        "service": service,
        "name": name,
        "offsetUs": span.start_us - began,
        "durationUs": span.duration_us,
        "httpStatus": span.http_status,
        "tries": span.attempts,
        "count": span.count,
        "attempt": f"{attempt.number}/{attempt.of}" if handler and attempt.of > 1 else "",
        "sharedBy": shared if handler and shared > 1 else 0,
        "received": span.receive_count,
        "url": span.url,
        "witness": hop.witness if hop else "",
        "unnamed": names_none(span),
        "origins": span.origins,
        "open": span.open,
        "suspended": span.suspended,
        "ended": attempt.ended or not handler,
        "silent": attempt.service == LAMBDA and not attempt.objects,
        "stopped": stopped_in(attempt) if handler else "",
        "init": describe.start_of(attempt) if handler else [],
        "failure": _failure(span),
        "tags": span.tags,
        "payloads": span.payloads,
    }


def _failure(span: Span) -> dict[str, str] | None:
    failure = span.failure
    return {"type": failure.label, "message": failure.message} if failure else None


def logs(attempts: list[Attempt], *, raw: bool) -> list[dict[str, Any]]:
    """Return every log line of *attempts* in time order; our own span lines only where *raw*."""
    lines = [
        (line.time_ms, attempt.start_ms, line.order, line, attempt)
        for attempt in attempts
        for line in attempt.lines
        if raw or line.origin != SPAN_LINE
    ]
    lines.sort(key=lambda one: one[:3])
    return [
        {
            "timeMs": line.time_ms,
            "source": attempt.function,
            "stream": attempt.stream,
            "requestId": attempt.request_id,
            "attempt": f"{attempt.number}/{attempt.of}" if attempt.of > 1 else "",
            "origin": line.origin,
            "message": line.text,
        }
        for *_, line, attempt in lines
    ]
