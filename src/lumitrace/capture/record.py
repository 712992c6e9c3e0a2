"""A batch's records, each in its own context.

``with lumitrace.record(r):`` puts a record's own context in force: calls inside belong to the
record's own transaction.
"""

import time

from lumitrace.capture import inbound
from lumitrace.capture.current import current
from lumitrace.capture.scope import Scope, finish
from lumitrace.capture.span import Span
from lumitrace.wire import semconv
from lumitrace.wire.context import new_trace_id

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any


class RecordScope(Scope):
    """One record of a batch."""

    __slots__ = ("_record",)

    def __init__(self, record: object) -> None:
        super().__init__()
        self._record = record

    def _open(self) -> Span | None:
        parent = current()
        if parent is None:
            return None
        invocation = parent.invocation
        row, found = inbound.extract_record(self._record)
        found = invocation.found.get(found.identifier, found)
        context = found.context
        handler = invocation.handler
        if context is None:
            span = Span(invocation, "", new_trace_id(), None)
        elif context.trace_id == handler.trace_id:
            span = Span(invocation, "", handler.trace_id, handler.span_id)
        else:
            span = Span(invocation, "", context.trace_id, context.span_id)
        if context is not None:
            span.ride_on(context)
        span.name = f"process {invocation.source[1] or row.name}"
        span.kind = semconv.KIND_CONSUMER
        span.parent = parent
        span.record_id = found.identifier
        span.link_in = found.link_key if context is None else None
        invocation.open_records.append(span)
        return span

    def _close(self, span: Span, raised: BaseException | None) -> None:
        """End the record; a loop that was left half-way tells its outcome when the handler ends.

        A generator is closed alike by ``break`` and by an exception in the loop's body.
        """
        if isinstance(raised, GeneratorExit):
            span.left_ns = time.perf_counter_ns()
        else:
            finish(span, raised)


def records(event: "Any") -> "Iterator[Any]":
    """Yield every record of *event*, each in its own context."""
    found = event.get("Records") if isinstance(event, dict) else event
    for record in found or ():
        with RecordScope(record):
            yield record
