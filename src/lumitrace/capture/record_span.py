"""A batch record's span, and what tells it: an entry of the handler's line, or one of its own."""

from lumitrace.capture.config import settings
from lumitrace.capture.scope import tell
from lumitrace.capture.span import Invocation, Span
from lumitrace.wire.context import NOT_SAMPLED, SAMPLED
from lumitrace.wire.span_line import LAST_WRITER

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from lumitrace.capture.loops import Places
    from lumitrace.wire.context import SpanContext


class RecordSpan(Span):
    """A record's span.

    Attributes:
        inside: an element for every time it is in force now.
        places: the loop that asked for it last (`loops.places`).
        ended_ns: its last exit, 0 before the first.
        entry: the entry that told it, else None.
        error: what went wrong in it, described, else None.
        failed: whether it failed and has no id by which the handler's line could say so.
        receive_count: how often it was received, where more than once.
        last_writer, origin: as `services._service.Record` has them.
        admitted: whether the budget of spans had room for it; None before it was asked.
    """

    __slots__ = (
        "admitted",
        "ended_ns",
        "entry",
        "error",
        "failed",
        "inside",
        "last_writer",
        "origin",
        "places",
        "receive_count",
    )

    def __init__(
        self, invocation: Invocation, name: str, trace_id: str, parent: str | None
    ) -> None:
        super().__init__(invocation, name, trace_id, parent)
        self.inside: list[None] = []
        self.places: Places = ()
        self.ended_ns = 0
        self.entry: list[Any] | None = None
        self.error: dict[str, str] | None = None
        self.failed = False
        self.receive_count = 0
        self.last_writer: SpanContext | None = None
        self.origin = ""
        self.admitted: bool | None = None
        sampled = settings.keeps(trace_id)
        self.whole = sampled or invocation.handler.whole
        self.flags = SAMPLED if sampled else NOT_SAMPLED  # a sender's are its own


def is_quiet(span: RecordSpan) -> bool:
    """Tell whether nothing happened in *span* that an entry has no place for."""
    busy = span.told or span.calls or span.tags or span.busy
    return span.error is None and not span.failed and not busy


def entry_of(span: RecordSpan) -> "list[Any]":
    """Return what tells *span*, folded into the handler's line."""
    who = [span.span_id, span.trace_id, span.parent_id or "", span.record_id]
    duration_us = (span.ended_ns - span.start_ns) // 1000
    entry = [*who, span.invocation.offset_us(span.start_ns), duration_us, span.link_in or ""]
    rare = _rare(span)
    return [*entry, rare] if rare else entry


def waits(invocation: Invocation, entry: "list[Any]") -> bool:
    """Tell whether *entry*, of a record, is not written yet."""
    if invocation.held:
        return invocation.thin.opening is not None
    return any(one is entry for one in invocation.handler.records)  # written at 4 KB: few


def _rare(span: RecordSpan) -> "dict[str, Any]":
    """Return what few records have to say."""
    rare: dict[str, Any] = {"receiveCount": span.receive_count} if span.receive_count > 1 else {}
    if span.last_writer is not None:
        rare["links"] = [[span.last_writer.trace_id, span.last_writer.span_id, LAST_WRITER]]
    if span.origin:
        rare["origin"] = span.origin
    return rare


def write_line(span: RecordSpan) -> None:
    """Queue a line of its own for *span*."""
    fields: dict[str, Any] = {"recordId": span.record_id}
    if span.link_in:
        fields["linkIn"] = [span.link_in]
    more = {**fields, **_rare(span)}
    tell(span, span.ended_ns, span.error, more, failed=span.failed)
