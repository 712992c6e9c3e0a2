"""OpenTelemetry: the span around our handler, where another tracer has opened one.

It is our parent, so that both tracers tell of one trace and what either of them writes into a
message leads back here. Not believed: what its propagators took from the outside at a public edge,
X-Ray's root (pollers of queues and streams use one for hours), and a trace that an earlier
invocation of this process had already (a span left open).
https://opentelemetry.io/docs/specs/otel/trace/api/#spancontext
"""

import os

from lumitrace.wire.context import SpanContext, is_id, parse_xray_root

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class Last:
    """The trace that this process continued last."""

    __slots__ = ("trace_id",)

    def __init__(self) -> None:
        self.trace_id = ""


last = Last()


def current(context: "Any") -> SpanContext | None:
    """Return OpenTelemetry's *context* of a span as ours, or None where it is not valid."""
    found = SpanContext(format(context.trace_id, "032x"), format(context.span_id, "016x"))
    return found if is_id(found.trace_id, 32) and is_id(found.span_id, 16) else None


def outer(module: "Any", claimed: SpanContext | None, *, is_edge: bool) -> SpanContext | None:
    """Return the context of the current span, or None where there is none to believe.

    Args:
        module: ``opentelemetry.trace``.
        claimed: the context that the caller at a public edge claims.
        is_edge: whether the event is an HTTP request: only a span that begins its trace counts.
    """
    span = module.get_current_span()
    context = span.get_span_context()
    found = current(context)
    if found is None:
        return None
    if is_edge and (context.is_remote or getattr(span, "parent", context) is not None):
        return None
    if claimed is not None and claimed.trace_id == found.trace_id:
        return None
    if found.trace_id in (last.trace_id, parse_xray_root(os.environ.get("_X_AMZN_TRACE_ID"))):
        return None
    last.trace_id = found.trace_id
    return found
