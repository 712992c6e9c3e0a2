"""A span while it lives, and the invocation around it.

Calls and batch records that end well are not spans of their own here: they are entries of their
parent, folded into its next line (docs/span-line.md).
"""

import time
from _thread import allocate_lock

from lumitrace.wire.context import SAMPLED, SpanContext, new_span_id
from lumitrace.wire.semconv import KIND_INTERNAL, TIMERS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


Entry = list["Any"]


class Span:
    """The handler's span, a custom one or a batch record's.

    Attributes:
        trace_id, span_id, parent_id: who it is; *parent_id* may be None.
        start_ns: on the monotonic clock, nanoseconds.
        calls, records, tags: what no line has told yet; a tag's value is JSON text.
        tables, hops: the DynamoDB tables that the context passed through (`wire.mark`).
        parent: the span in whose context it was opened, None for the handler's.
        record_id, link_in: of a batch record, else None.
        left_ns: when a loop over records was left half-way in this one, else 0.
        flags: W3C's; *whole*: whether calls are told one by one, its trace being sampled.
        told: whether a line has named it; *busy*: whether it has had a call or a span below it.
    """

    # As of most: 0.5 us less than to set each.
    kind = KIND_INTERNAL
    tables: tuple[str, ...] = ()
    hops = left_ns = 0
    parent: "Span | None" = None
    record_id: str | None = None
    link_in: str | None = None
    flags = SAMPLED
    whole = True
    told = busy = dirty = ended = False

    def __init__(
        self,
        invocation: "Invocation",
        name: str,
        trace_id: str,
        parent_id: str | None,
        span_id: str = "",
    ) -> None:
        self.invocation = invocation
        self.name = name
        self.trace_id = trace_id
        self.span_id = span_id or new_span_id()
        self.parent_id = parent_id
        self.start_ns = time.perf_counter_ns()
        self.calls: list[Entry] = []
        self.records: list[Entry] = []
        self.tags: dict[str, str] = {}
        self.attributes: dict[str, Any] = {}

    def context(self, span_id: str) -> SpanContext:
        """Return what a call *span_id* sends; where calls are summed, the id of what is told."""
        if not self.whole or not self.invocation.whole:
            span_id = self.owner().span_id
        return SpanContext(self.trace_id, span_id, self.tables, self.hops, self.flags)

    def ride_on(self, context: SpanContext) -> None:
        """Remember the tables that *context*, a sender's, has passed through."""
        self.hops = max(self.hops, context.hops)
        self.tables += tuple(table for table in context.tables if table not in self.tables)

    def owner(self) -> "Span":
        """Return the nearest span whose transaction this is: a record's, else the handler's."""
        span = self
        while span.parent is not None and span.record_id is None:
            span = span.parent
        return span


class Invocation:
    """One run of the handler: what its lines share, and what waits to be written.

    Attributes:
        request_id: Lambda's.
        start_us: Unix microseconds; *start_ns* is the same moment on the monotonic clock.
        last_write_ns: monotonic, when lines were last written.
        lines, dirty: complete lines, and spans with entries or tags, that wait.
        waiting_bytes: about how many bytes wait.
        dropped: what the budgets took away, counted by kind.
        whole: whether its budgets have room for each call; *spent_ns* went into writing.
        held: whether nothing is written before the end; *thin* is what is held (`sums.Thin`).
        batch: what is known of its records (`batch.Batch`), None until one is in force.
        event: what the handler got; *inbound*: what it said of its senders (`Inbound`).
        source: (trigger, name of the source) of the event.
        kept: what ``LUMITRACE_PAYLOADS`` asks for (`payload.Kept`), None where it does not.
        found: what stood in records whose marks were taken off, by the record's own id,
            or the bytes in Base64 as they were.
        taking: held while what waits is taken; never waited for.
    """

    # As of most: 0.4 us less than to set each.
    last_write_ns = spent_ns = waiting_bytes = written_bytes = spans = 0
    whole = True
    held = eager = False
    thin: "Any" = None
    batch: "Any" = None
    event: "Any" = None
    inbound: "Any" = None
    kept: "Any" = None
    source: tuple[str, str] = ("", "")
    handler: Span

    def __init__(self, request_id: str) -> None:
        self.request_id = request_id
        self.start_us = time.time_ns() // 1000
        self.start_ns = time.perf_counter_ns()
        self.cpu_ns = time.process_time_ns()
        self.lines: list[str] = []
        self.dirty: list[Span] = []
        self.dropped: dict[str, int] = {}
        self.found: dict[str, Any] = {}
        self.taking = allocate_lock()

    @property
    def fed(self) -> bool:
        """Tell whether it may be its own echo: anything but a timer may come from another write.

        Over Invoke, HTTP and queues the lineage of tables is lost, and who called is not known.
        """
        return self.source[1] not in TIMERS

    def offset_us(self, at_ns: int) -> int:
        """Return the microseconds from the invocation's start to *at_ns* (monotonic)."""
        return (at_ns - self.start_ns) // 1000

    def drop(self, kind: str, count: int = 1) -> None:
        """Count what is not written."""
        self.dropped[kind] = self.dropped.get(kind, 0) + count


# Stands for the span of an invocation that has ended. No id is drawn for it: that could fail, and
# the function with it.
NOBODY = Span(Invocation(""), "", "0" * 32, None, "0" * 16)
