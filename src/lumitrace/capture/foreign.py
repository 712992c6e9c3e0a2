"""Contexts of others that a message bears instead of ours, as link keys.

Who receives such a message has that context as parent: the key leads from there back to the call.
"""

from lumitrace.capture.bindings import entries_of
from lumitrace.wire.context import SpanContext
from lumitrace.wire.link_key import W3C, link_key

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from lumitrace.capture.calls import LiveCall
    from lumitrace.capture.span import Span


def sent(live: "LiveCall") -> list[str]:
    """Return the link keys of the contexts that the messages of a call to SNS or SQS bore."""
    call, span = live.call, live.span
    if span is None:
        return []
    from lumitrace.capture.services import _message_attributes  # noqa: PLC0415  # loaded by now

    return keys(span, _message_attributes.own(entries_of(call.params) or [call.params]))


def keys(span: "Span", contexts: "Iterable[SpanContext]") -> list[str]:
    """Return the link keys of *contexts*, which go out in a call of *span*.

    One that came in with the event, or is the parent of our own span, and is handed on as it is
    names no span in between: as a key it would lead from this invocation to itself.
    """
    contexts = list(contexts)
    if not contexts:
        return []
    handler, source = span.invocation.handler, span.invocation.inbound
    came = {SpanContext(handler.trace_id, handler.parent_id or "")}
    if source is not None:
        came.update(record.context for record in source.records)
        came.add(source.claimed)
    named = (f"{one.trace_id}-{one.span_id}" for one in dict.fromkeys(contexts) if one not in came)
    return [key for key in (link_key(W3C, name) for name in named) if key]
