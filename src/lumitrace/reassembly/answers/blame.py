"""Who wrote an item last: from the mark in it to the transaction that the logs tell of."""

from typing import Any

from lumitrace.reassembly.answers import describe
from lumitrace.reassembly.answers.outcome import outcome
from lumitrace.reassembly.answers.transactions import row
from lumitrace.reassembly.items.table import Facts
from lumitrace.reassembly.model import Span
from lumitrace.reassembly.transaction import Assembled
from lumitrace.wire.mark import mark_ms, parse_mark, table_hash


def blame(facts: Facts, named: str, mark: str, assembled: Assembled | None) -> dict[str, Any]:
    """Return what *mark*, of the item *named* so, and the logs say of its last writer.

    *assembled* is None where no logs were given; ``writer`` is None where they do not hold the
    write.
    """
    context = parse_mark(mark)
    assert context is not None  # noqa: S101  # whoever asks has looked
    here = table_hash(facts.region, facts.name)
    answer: dict[str, Any] = {
        "table": facts.name,
        "key": named,
        "writtenMs": mark_ms(mark),
        "traceId": context.trace_id,
        "spanId": context.span_id,
        "items": context.hops,
        "elsewhere": not context.tables or context.tables[-1] != here,
        "asked": assembled is not None,
        "writer": None,
        "transactions": [],
    }
    if assembled is None:
        return answer
    holding = [one for one in assembled.transactions if context.trace_id in one.traces]
    answer["transactions"] = [row(assembled, one, outcome(assembled, one)) for one in holding]
    span = assembled.span_by_id.get(context.span_id)
    if span is not None:
        answer["writer"] = _writer(assembled, span)
    return answer


def _writer(assembled: Assembled, span: Span) -> dict[str, Any]:
    attempt = assembled.attempt_of[span.span_id]
    service, name = describe.call_name(span)
    return {
        "function": attempt.function,
        "release": attempt.release,
        "requestId": attempt.request_id,
        "attempt": f"{attempt.number}/{attempt.of}" if attempt.of > 1 else "",
        "call": f"{service} {name}",
        "startUs": span.start_us,
        "failed": span.failed,
    }
