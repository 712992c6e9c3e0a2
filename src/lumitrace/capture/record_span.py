"""A batch record's span, and what tells it: an entry of the handler's line, or one of its own."""

from lumitrace.capture.scope import tell
from lumitrace.capture.span import Invocation, Span

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from lumitrace.capture.loops import Places


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
        admitted: whether the budget of spans had room for it; None before it was asked.
    """

    __slots__ = (
        "admitted",
        "ended_ns",
        "entry",
        "error",
        "failed",
        "inside",
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
        self.admitted: bool | None = None


def is_quiet(span: RecordSpan) -> bool:
    """Tell whether nothing happened in *span* that an entry has no place for."""
    busy = span.told or span.calls or span.tags or span.busy
    return span.error is None and not span.failed and not busy


def entry_of(span: RecordSpan) -> "list[Any]":
    """Return what tells *span*, folded into the handler's line."""
    who = [span.span_id, span.trace_id, span.parent_id or "", span.record_id]
    duration_us = (span.ended_ns - span.start_ns) // 1000
    entry = [*who, span.invocation.offset_us(span.start_ns), duration_us, span.link_in or ""]
    return [*entry, {"receiveCount": span.receive_count}] if span.receive_count > 1 else entry


def write_line(span: RecordSpan) -> None:
    """Queue a line of its own for *span*."""
    fields: dict[str, Any] = {"recordId": span.record_id}
    if span.link_in:
        fields["linkIn"] = [span.link_in]
    if span.receive_count > 1:
        fields["receiveCount"] = span.receive_count
    tell(span, span.ended_ns, span.error, fields, failed=span.failed)
