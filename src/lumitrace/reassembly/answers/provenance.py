"""Who wrote what was read: items that a transaction read, and the writers their marks name."""

from collections import defaultdict
from typing import Any

from lumitrace.reassembly.answers import describe
from lumitrace.reassembly.transaction import Assembled, Transaction

Writer = tuple[str, str, str]  # function, release, call; "" where it was not read
TELLING = 0.5  # of the failing transactions more than of the healthy ones: else it is no news


def read_from(assembled: Assembled, transaction: Transaction) -> list[dict[str, Any]]:
    """Return, for each read of *transaction*, who wrote its items last; own writers left out."""
    own = set(transaction.traces)
    found = []
    for span in transaction.spans:
        for trace_id, span_id, count in span.read_from:
            if trace_id in own:
                continue
            function, release, call = _writer(assembled, span_id)
            service, name = describe.call_name(span)
            found.append(
                {
                    "function": assembled.attempt_of[span.span_id].function,
                    "call": f"{service} {name}",
                    "ofSpanId": span.span_id,
                    "items": count,
                    "traceId": trace_id,
                    "spanId": span_id,
                    "transactions": _holding(assembled, trace_id),
                    "writer": {"function": function, "release": release, "call": call},
                }
            )
    return found


def suspect(
    assembled: Assembled, failing: list[Transaction], healthy: list[Transaction]
) -> dict[str, Any] | None:
    """Return the writer whose items most failing transactions read and few healthy ones, or None.

    Told where its share among failing transactions is at least a half above the other. Those that
    were told in sums, in part or wholly, say nothing of what they read.
    """
    failing = [one for one in failing if _is_told(one)]
    healthy = [one for one in healthy if _is_told(one)]
    if not failing:
        return None
    read: dict[Writer, set[str]] = defaultdict(set)
    for one in (*failing, *healthy):
        for writer in _writers(assembled, one):
            read[writer].add(one.id)
    ids, well = {one.id for one in failing}, {one.id for one in healthy}

    def share(writer: Writer) -> tuple[float, Writer]:
        other = len(read[writer] & well) / len(well) if well else 0.0
        return len(read[writer] & ids) / len(ids) - other, writer

    best = max(read, key=share, default=None)
    if best is None or share(best)[0] < TELLING:
        return None
    function, release, call = best
    return {
        "function": function,
        "release": release,
        "call": call,
        "failing": {"having": len(read[best] & ids), "of": len(ids)},
        "healthy": {"having": len(read[best] & well), "of": len(well)},
    }


def _is_told(transaction: Transaction) -> bool:
    return not any(attempt.thinned for attempt in transaction.attempts)


def _writers(assembled: Assembled, transaction: Transaction) -> set[Writer]:
    own = set(transaction.traces)
    told = (one for span in transaction.spans for one in span.read_from)
    found = {_writer(assembled, span_id) for trace_id, span_id, _ in told if trace_id not in own}
    return {writer for writer in found if writer[0]}


def _writer(assembled: Assembled, span_id: str) -> Writer:
    span = assembled.span_by_id.get(span_id)
    if span is None:
        return "", "", ""
    attempt = assembled.attempt_of[span_id]
    return attempt.function, attempt.release, " ".join(describe.call_name(span))


def _holding(assembled: Assembled, trace_id: str) -> list[str]:
    return [one.id for one in assembled.transactions if trace_id in one.traces]
