"""What a transaction says of others without being caused by them: a replay, a claim."""

from typing import Any

from lumitrace.reassembly.answers.path import hop_to
from lumitrace.reassembly.model import CLAIMED, Assembled, Span, Transaction
from lumitrace.wire.link_key import W3C


def relations(assembled: Assembled, transaction: Transaction) -> list[dict[str, Any]]:
    """Return what the spans of *transaction* relate to, each with the transactions that hold it.

    A claim that was proved is a hop and not told here.
    """
    found = []
    traces = set(transaction.traces)
    for span in transaction.spans:
        for key, relation in span.relations:
            others = _holding(assembled, transaction, _senders(assembled, key))
            found.append(_row(assembled, span, relation) | {"key": key, "transactions": others})
        for trace_id, span_id, relation in span.claims:
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
