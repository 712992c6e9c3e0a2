"""What a transaction leaves open: senders that nobody read, beginnings that share a trace."""

from typing import Any

from lumitrace.reassembly.model import INVOCATION, LAMBDA, Span
from lumitrace.reassembly.transaction import Assembled, Transaction


def doubts(assembled: Assembled, transaction: Transaction) -> dict[str, Any]:
    """Return what of *transaction* was not read, and which of its beginnings may be strangers.

    ``unread`` are the ids of spans that others name as sender or parent; ``beginnings`` the request
    ids of invocations that begin a trace which another begins too. A trace has one beginning and
    its retries: two of different requests are two transactions under one id (one that was forged,
    or drawn twice), or their common sender left no trace of itself.
    """
    named = {span.parent_id for span in transaction.spans if span.parent_id}
    begun: dict[str, list[str]] = {}
    for span in transaction.spans:
        hops = assembled.hops.get(span.span_id, ())
        # A batch that is shared was sent by others too, which are no part of this.
        named.update(hop.sender_span for hop in hops if hop.sender_trace in transaction.traces)
        if not hops and _begins(assembled, span):
            requests = begun.setdefault(span.trace_id, [])
            requests.append(assembled.attempt_of[span.span_id].request_id)
    return {
        "unread": sorted(named - assembled.span_by_id.keys()),
        "beginnings": [
            request
            for requests in begun.values()
            if len(set(requests)) > 1
            for request in dict.fromkeys(requests)
        ],
    }


def _begins(assembled: Assembled, span: Span) -> bool:
    lambdas = assembled.attempt_of[span.span_id].service == LAMBDA
    return span.role == INVOCATION and not span.parent_id and lambdas
