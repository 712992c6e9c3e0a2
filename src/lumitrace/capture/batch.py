"""What one invocation knows of its batch: a span a record, those that failed, what is bound.

A record may be entered again, in any thread or task: it stays one span, from its first enter to its
last exit. What is told at the first exit is provisional; what comes after it is told at the end.
"""

import time

from lumitrace.capture import emit, inbound, loops
from lumitrace.capture.error import describe
from lumitrace.capture.record_span import RecordSpan, entry_of, is_quiet, waits, write_line
from lumitrace.capture.services import BY_NAME, OTHER
from lumitrace.capture.span import Invocation
from lumitrace.wire import semconv
from lumitrace.wire.context import new_trace_id

TYPE_CHECKING = False
if TYPE_CHECKING:
    from lumitrace.capture.services._service import Record
    from lumitrace.wire.context import SpanContext

MAX_RECORDS = 10_000  # a batch: https://docs.aws.amazon.com/lambda/latest/api/API_CreateEventSourceMapping.html
MAX_FAILED = 1_000  # told by name; the rest are counted
RECORD_BYTES = 150  # about what a folded record takes


class Batch:
    """The records of one invocation.

    Attributes:
        spans: by the record's own id, or by its identity where it has none.
        kept: records known by identity: none of them may go and leave its number to another.
        open: begun and not told, by span id.
        again: told, and entered again since.
        left: those in which a loop was left.
        failed: ids of those that failed.
        bound: entries of later calls by identity: the entry itself, and its record's context.
    """

    def __init__(self, invocation: Invocation) -> None:
        self.invocation = invocation
        self.spans: dict[str | int, RecordSpan] = {}
        self.kept: list[object] = []
        self.open: dict[str, RecordSpan] = {}
        self.again: dict[str, RecordSpan] = {}
        self.left = loops.Left()
        self.failed: dict[str, None] = {}
        self.bound: dict[int, tuple[object, SpanContext]] = {}

    def span(self, record: object) -> RecordSpan:
        """Return the one span of *record*, made the first time."""
        name, found, raw = self.look(record)
        key = found.identifier or id(raw)
        known = self.spans.get(key)
        if known is not None:
            return known
        made = self._made(name, found)
        if len(self.spans) >= MAX_RECORDS:
            return made
        if not found.identifier:
            self.kept.append(raw)
        return self.spans.setdefault(key, made)

    def look(self, record: object) -> "tuple[str, Record, object]":
        """Return the name of the service, what *record* says of its sender, and its dictionary.

        Powertools' classes have the dictionary in ``raw_event``; its models only the id.
        """
        raw = record if isinstance(record, dict) else getattr(record, "raw_event", record)
        row, found = inbound.extract_record(raw)
        if row is OTHER and isinstance(raw, dict):
            row = BY_NAME.get(self.invocation.source[0], OTHER)
            service = row.service()
            found = found if service is None else service.extract_record(raw)
        for name in ("messageId", "eventID", "recordId"):
            if not found.identifier and not isinstance(raw, dict):
                identifier = getattr(raw, name, "")
                found.identifier = identifier if isinstance(identifier, str) else ""
        return row.name, inbound.known(self.invocation.found.get(found.identifier), found), raw

    def _made(self, name: str, found: "Record") -> RecordSpan:
        invocation, context = self.invocation, found.context
        handler, name = invocation.handler, f"process {invocation.source[1] or name}"
        if context is None:
            span = RecordSpan(invocation, name, new_trace_id(), None)
        elif context.trace_id == handler.trace_id:
            span = RecordSpan(invocation, name, handler.trace_id, handler.span_id)
        else:
            span = RecordSpan(invocation, name, context.trace_id, context.span_id)
        if found.lineage is not None:
            span.ride_on(found.lineage)
        span.flags = span.flags if context is None else context.flags
        span.kind = semconv.KIND_CONSUMER
        span.parent = handler
        span.record_id = found.identifier
        span.link_in = found.link_key if context is None else None
        span.receive_count, span.origin = found.receive_count, found.origin
        span.last_writer = found.last_writer
        return span

    def enter(self, span: RecordSpan, places: "loops.Places" = ()) -> None:
        """Note that *span* is in force, once more; *places* is what asked for it (`loops`)."""
        if not span.ended_ns and not span.inside:
            span.start_ns = time.perf_counter_ns()
        span.inside.append(None)
        span.left_ns = 0
        span.ended = False
        span.places = places
        self.open[span.span_id] = span
        for before in self.left.again(places):
            if not before.inside:
                self.tell(before)  # its loop runs again: no exception is on its way

    def leave(self, span: RecordSpan, raised: BaseException | None) -> None:
        """Note that *span* was left, with what *raised*; tell it where it is in force nowhere else.

        A generator is closed alike by ``break`` and by an exception in the loop's body: which it
        was is told when the handler ends.
        """
        if span.inside:
            span.inside.pop()
        closed = isinstance(raised, GeneratorExit)
        if raised is not None and not closed:
            self.fail(span, raised)
        if span.inside:
            return
        span.left_ns = time.perf_counter_ns() if closed else 0
        if closed and span.places:
            span.ended = True
            self.left.add(span)
        else:
            self.tell(span)

    def fail(self, span: RecordSpan, raised: BaseException | None = None) -> None:
        """Note that the record of *span* failed: what went wrong once stays its outcome."""
        if raised is not None:
            span.error = describe(raised)
        if not span.record_id:
            span.failed = True
        self.note_failed(span.record_id or "")
        if span.ended_ns and not span.inside and not span.record_id:
            self.again[span.span_id] = span

    def note_failed(self, identifier: str) -> None:
        """Note that the record with this *identifier* failed."""
        if identifier and identifier not in self.failed:
            if len(self.failed) < MAX_FAILED:
                self.failed[identifier] = None
            else:
                self.invocation.drop("failedRecords")

    def tell(self, span: RecordSpan) -> None:
        """End *span*: an entry of the handler's where nothing happened in it, else a line."""
        if self.open.pop(span.span_id, None) is None:
            return  # another thread does it
        invocation = self.invocation
        span.ended, span.ended_ns = True, span.left_ns or time.perf_counter_ns()
        if span.admitted is not None:
            if span.admitted:
                self._tell_again(span)
            return
        span.admitted = emit.admits(invocation)
        if not span.admitted:
            return
        if is_quiet(span):
            span.entry = entry_of(span)
            invocation.handler.records.append(span.entry)
            emit.waits(invocation.handler, RECORD_BYTES)
        else:
            write_line(span)
        if emit.is_due(invocation, span.ended_ns):
            emit.flush(invocation)

    def _tell_again(self, span: RecordSpan) -> None:
        """Put the entry right where it still waits; else the end tells the record once more."""
        entry = span.entry
        if entry is not None and is_quiet(span) and waits(self.invocation, entry):
            entry[5] = (span.ended_ns - span.start_ns) // 1000
            return
        self.again[span.span_id] = span

    def close(self, raised: BaseException | None) -> None:
        """Tell what a loop left open, with what the handler *raised*, and what came again."""
        left_open = list(self.open.values())
        for span in loops.to_blame(left_open, raised):
            self.fail(span, raised)
        for span in left_open:
            self.tell(span)
        for span in list(self.again.values()):
            if span.admitted:
                write_line(span)


def batch_of(invocation: Invocation) -> Batch:
    """Return the batch of *invocation*, made at its first use."""
    found: Batch | None = invocation.batch
    if found is None:
        found = invocation.batch = Batch(invocation)
    return found
