"""What a transaction says of others without being caused by them: a replay, a claim."""

from typing import Any

from lumitrace.reassembly.answers.path import hop_to
from lumitrace.reassembly.model import CLAIMED, RECORD, Span
from lumitrace.reassembly.transaction import Assembled, Transaction
from lumitrace.wire.link_key import W3C
from lumitrace.wire.span_line import LAST_WRITER


def relations(assembled: Assembled, transaction: Transaction) -> list[dict[str, Any]]:
    """Return what the spans of *transaction* relate to, each with the transactions that hold it.

    A claim that was proved is a hop and not told here.
    """
    found = []
    seen: set[tuple[str, str, str]] = set()
    traces = set(transaction.traces)
    for span in transaction.spans:
        for key, relation in span.relations:
            others = _holding(assembled, transaction, _senders(assembled, key))
            found.append(_row(assembled, span, relation) | {"key": key, "transactions": others})
        for trace_id, span_id, relation in span.claims:
            told = (assembled.attempt_of[span.span_id].request_id, span_id, relation)
            if relation == LAST_WRITER and told in seen:  # the batch said it, and its record
                continue
            seen.add(told)
            hop = hop_to(assembled, span, traces)
            if relation == CLAIMED and hop is not None:
                sender = assembled.span_by_id.get(hop.sender_span)
                named = f"{W3C}:{trace_id}-{span_id}"  # another tracer's span, as the sender's key
                if hop.sender_span == span_id or (sender and named in sender.link_out):
                    continue
            others = _holding(assembled, transaction, {trace_id})
            ids = {"traceId": trace_id, "spanId": span_id, "transactions": others}
            found.append(_row(assembled, span, relation) | ids)
    return found


def candidates(assembled: Assembled, transaction: Transaction) -> list[dict[str, Any]]:
    """Return the changes of *transaction* that several calls may have written, with all of them.

    A change that a record of its own tells is not told of its batch's invocation again.
    """
    own = {
        (assembled.attempt_of[span.span_id].request_id, change)
        for span in transaction.spans
        if span.role == RECORD
        for change in assembled.candidates.get(span.span_id, ())
    }
    found = []
    for span in transaction.spans:
        attempt = assembled.attempt_of[span.span_id]
        for change, writers in assembled.candidates.get(span.span_id, {}).items():
            if span.role != RECORD and (attempt.request_id, change) in own:
                continue
            told = [_writer(assembled, transaction, writer) for writer in writers]
            found.append({"function": attempt.function, "ofSpanId": span.span_id, "writers": told})
    return found


def _writer(assembled: Assembled, transaction: Transaction, span_id: str) -> dict[str, Any]:
    span = assembled.span_by_id[span_id]
    return {
        "function": assembled.attempt_of[span_id].function,
        "call": f"{span.operation} {span.resource}".strip(),
        "traceId": span.trace_id,
        "spanId": span_id,
        "transactions": _holding(assembled, transaction, {span.trace_id}),
    }


def _senders(assembled: Assembled, key: str) -> set[str]:
    return {span.trace_id for span in assembled.span_by_id.values() if key in span.link_out}


def _holding(assembled: Assembled, transaction: Transaction, traces: set[str]) -> list[str]:
    others = (one for one in assembled.transactions if one is not transaction)
    return [one.id for one in others if not traces.isdisjoint(one.traces)]


def _row(assembled: Assembled, span: Span, relation: str) -> dict[str, Any]:
    return {
        "relation": relation,
        "function": assembled.attempt_of[span.span_id].function,
        "ofSpanId": span.span_id,
        "key": "",
        "traceId": "",
        "spanId": "",
    }
