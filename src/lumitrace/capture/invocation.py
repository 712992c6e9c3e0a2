"""An invocation's beginning and end: the ``start`` line, the ``invocation`` line.

Whether the invocation continues a sender's trace or starts its own is decided here, for all
services.
"""

import time
from sys import modules

from lumitrace.capture import emit, inbound, lines
from lumitrace.capture.config import ON, settings
from lumitrace.capture.current import process
from lumitrace.capture.guard import Guard, reporter
from lumitrace.capture.line import line
from lumitrace.capture.services import OTHER
from lumitrace.capture.services._service import Inbound
from lumitrace.capture.span import NOBODY, Invocation, Span
from lumitrace.wire import semconv, span_line
from lumitrace.wire.context import SpanContext, new_trace_id

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from lumitrace.capture.services import Row

HTTP_CLIENT = "lumitrace.capture.integrations.http_client"  # loaded where it listens

guard = Guard("capture.invocation")


def begin(name: str, tags: dict[str, str], event: "Any", context: object) -> Invocation | None:
    """Write the ``start`` line and return the invocation, or None where none is to be told.

    With ``LUMITRACE_ENABLED=strip`` our marks are taken off the event and that is all. An
    invocation that runs already is the layer's or an outer decorator's: one handler, one span.
    """
    if process.active is not None:
        return None
    row, source = OTHER, None
    with guard:
        row = inbound.recognise(event)
    seen = row
    with guard:
        row, source = inbound.extract(seen, event, context)
    source = source or Inbound()
    if settings.enabled == ON and (settings.extractor or settings.tags):
        with guard:
            from lumitrace.capture import chosen  # noqa: PLC0415  # only where the user asks for it

            tags = chosen.apply(source, tags, event, context)
    cut: dict[str, Any] = {}
    if seen.name in inbound.MARKED or getattr(context, "client_context", None) is not None:
        with guard:
            cut = inbound.clean(seen, event, context)
    if settings.enabled != ON:
        return None
    invocation = Invocation(inbound.request_id(context))
    invocation.source = (row.name, source.source)
    invocation.event, invocation.inbound, invocation.found = event, source, cut
    _open(invocation, name, row, tags, context)
    return invocation


def _open(
    invocation: Invocation, name: str, row: "Row", tags: dict[str, str], context: object
) -> None:
    """Give *invocation* its span, of what started it, and write the ``start`` line."""
    outer, source = None, invocation.inbound
    if "opentelemetry.trace" in modules:
        from lumitrace.capture import integrations  # noqa: PLC0415  # few have neighbours

        outer = integrations.outer(row.trigger, source.claimed)
    linked = _continue(invocation, name, source, outer)
    span = invocation.handler
    span.kind, span.attributes[semconv.FAAS_TRIGGER] = row.kind, row.trigger
    process.active = invocation
    process.invocations += 1
    if settings.hang_stack:
        with guard:
            _watch().begin(context)
    if settings.log_ids or "aws_xray_sdk.core" in modules:
        with guard:
            from lumitrace.capture import integrations  # noqa: PLC0415  # few have neighbours

            integrations.begin(span)
    with guard:
        for wrong in settings.wrong:
            reporter.report("capture.config", wrong)
        fields = lines.start(invocation, row, source, linked)
        emit.start(invocation, fields, tags)


def _watch() -> "Any":
    """Return the watchdog of ``LUMITRACE_HANG_STACK=1``."""
    from lumitrace.capture.hang import watch  # noqa: PLC0415  # by consent only

    return watch


def _continue(
    invocation: Invocation, name: str, source: Inbound, outer: SpanContext | None
) -> list[SpanContext]:
    """Give *invocation* its span: in the trace of its senders where they agree, else in its own.

    Where another tracer's span is *outer* to us, its trace is ours: what that tracer sends from
    here bears it. Where the senders' trace is another, they are linked, so that both joins hold.
    Returns the senders that are linked instead of being the parent.
    """
    senders, trace_id = source.records, source.trace_id or new_trace_id()
    if outer is None and (not senders or (len(senders) == 1 and senders[0].lineage is None)):
        span = invocation.handler = Span(invocation, name, trace_id, None)  # 2 us less
        if settings.threshold:
            emit.thin().decide(invocation)
        return []
    contexts = [record.context for record in senders]
    known = list(dict.fromkeys([context for context in contexts if context is not None]))
    linked, agree = known, bool(known) and None not in contexts and not source.unread
    others = known[1:] if outer is None else [*known[1:], outer]
    if agree and all(context.trace_id == known[0].trace_id for context in others):
        parent, *linked = known
        span = Span(invocation, name, parent.trace_id, parent.span_id)
    elif outer is not None:
        span = Span(invocation, name, outer.trace_id, outer.span_id)
    else:
        span = Span(invocation, name, trace_id, None)
    for context in dict.fromkeys([record.lineage for record in senders]):
        if context is not None and context.tables:
            span.ride_on(context)
    invocation.handler = span
    span.flags = (outer or known[0]).flags if span.parent_id else span.flags
    if settings.threshold:
        emit.thin().decide(invocation)
    return linked


def end(
    invocation: Invocation, context: object, result: object, raised: BaseException | None
) -> None:
    """Write what waits and the ``invocation`` line; nothing of the invocation is kept after it."""
    span = invocation.handler
    fields = {"name": span.name, "startUs": invocation.start_us, **lines.kind(span)}
    try:
        if settings.hang_stack:
            with guard:
                _watch().end()
        if HTTP_CLIENT in modules:
            with guard:
                modules[HTTP_CLIENT].leave_off()
        fields["durationUs"] = (time.perf_counter_ns() - invocation.start_ns) // 1000
        fields["cpuUs"] = (time.process_time_ns() - invocation.cpu_ns) // 1000
        with guard:
            fields |= lines.outcome(span, result, raised)
        with guard:
            lines.attributes(span, context)
        if type(result) is dict or invocation.batch is not None:
            with guard:
                _judge(invocation, result, raised)
        if invocation.kept is not None:
            with guard:
                failed = "status" in fields or bool(invocation.batch and invocation.batch.failed)
                fields |= invocation.kept.at_end(result, raised, failed=failed)
        with guard:
            _write(invocation, fields)
    finally:
        span.ended = True
        process.active = None
        if invocation.batch is None:  # no record of it can end later
            invocation.handler = NOBODY  # else a ring, and 20 us of an invocation for the collector
        invocation.event = invocation.inbound = invocation.batch = invocation.kept = None


def _judge(invocation: Invocation, result: object, raised: BaseException | None) -> None:
    """End the records that a loop left open, and note those that the handler gave back."""
    if type(result) is dict and ("batchItemFailures" in result or "records" in result):
        from lumitrace.capture import partial  # noqa: PLC0415  # few results say so

        partial.read(invocation, invocation.event, result)
    if invocation.batch is not None:
        invocation.batch.close(raised)


def _write(invocation: Invocation, fields: "dict[str, Any]") -> None:
    span = invocation.handler
    if invocation.thin is not None:
        emit.thin().settle(invocation, fields)
    waiting, tags = emit.pending(span)
    if invocation.dirty or invocation.lines:
        emit.flush(invocation)
    if process.outside:
        invocation.drop("outside", process.outside)
        process.outside = 0
    fields |= waiting
    if invocation.batch is not None and invocation.batch.failed:
        fields["failedRecords"] = list(invocation.batch.failed)
    if span.attributes:
        fields["attributes"] = span.attributes
    if invocation.dropped:
        fields["dropped"] = invocation.dropped
    emit.put(invocation, [line(span_line.INVOCATION, span, fields, tags)], always=True)
