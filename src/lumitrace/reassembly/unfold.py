"""Span lines of an attempt unfolded into spans.

The contract is docs/span-line.md. What a stranger wrote never raises: what does not fit is left
out, and a line that names no span is counted as broken.
"""

from collections.abc import Mapping
from dataclasses import replace
from hashlib import sha256
from typing import Any

from lumitrace.reassembly.closing import close
from lumitrace.reassembly.events import Counts
from lumitrace.reassembly.fields import (
    clean,
    earlier,
    extend,
    failure_of,
    http_status,
    integer,
    items,
    rare,
    relations,
    release,
    tag_text,
    text,
    texts,
    url,
    whole,
)
from lumitrace.reassembly.model import CALL, CUSTOM, INVOCATION, LAMBDA, RECORD, Attempt, Span
from lumitrace.reassembly.records import (
    join_times,
    read_bound,
    read_links,
    read_provenance,
    told_apart,
)
from lumitrace.wire import semconv, span_line
from lumitrace.wire.context import is_id

# Which of two descriptions of one span is the fuller: its own line, an entry, an announcement.
OPEN_RANK, OWNER_RANK, ENTRY_RANK, LINE_RANK = range(4)

Line = dict[str, Any]


def unfold(attempt: Attempt, counts: Counts) -> None:
    """Fill in the spans of *attempt*, and what its start line says of how it was called."""
    if attempt.service == LAMBDA:  # any other has its spans already
        Unfolding(attempt, counts).run()


class Unfolding:
    """The spans of one attempt while its lines are read."""

    def __init__(self, attempt: Attempt, counts: Counts) -> None:
        self.attempt = attempt
        self.counts = counts
        self.spans: dict[str, Span] = {}
        self.ranks: dict[str, int] = {}
        self.tags: dict[str, dict[str, str]] = {}
        self.payloads: dict[str, dict[str, str]] = {}
        self.bases: dict[str, int] = {}  # when the invocation began, by the span that said it
        self.counted: set[str] = set()  # spans whose losses were counted: a line may come twice

    def run(self) -> None:
        """Read every line, then close what was never closed."""
        for line in self.attempt.objects:
            if not is_id(line.get("traceId"), 32) or not is_id(line.get("spanId"), 16):
                self.counts.broken += 1
                continue
            self.counts.span_lines += 1
            if not self._payloads(line, str(line["spanId"])) or "name" in line:
                _READ[str(line["record"])](self, line)
        for span in self.spans.values():
            span.tags.update(self.tags.get(span.span_id, {}))
            span.payloads.update(self.payloads.get(span.span_id, {}))
            span.open = span.role == CALL and self.ranks.get(span.span_id) == OPEN_RANK
        close(self.attempt, self.spans)

    # The records

    def start(self, line: Line) -> None:
        """Read what is known before the handler runs."""
        self._opening(self._invocation(line, OPEN_RANK), line)
        self._tags(line)

    def _opening(self, span: Span, line: Line) -> None:
        """Read what a ``start`` line says; of an invocation without one, the line of its end."""
        attempt = self.attempt
        attempt.trigger = attempt.trigger or text(line, "trigger")
        attempt.route = attempt.route or text(line, "route")
        attempt.source = attempt.source or text(line, "source")
        attempt.xray_root = attempt.xray_root or text(line, "xrayRoot")
        attempt.release = attempt.release or release(line)
        if line.get("sampled") is False or line.get("detail") is False:
            attempt.sampled = False
        span.receive_count = span.receive_count or integer(line, "receiveCount")
        extend(span.link_in, texts(line.get("linkIn")))
        extend(span.relations, relations(line.get("linkIn")))
        extend(span.link_out, texts(line.get("linkOut")))
        read_links(span, line)

    def invocation(self, line: Line) -> None:
        """Read the end of the handler, and what its flushes left over."""
        handler = self._invocation(line, LINE_RANK)
        handler.suspended = line.get("suspended") is True
        self._opening(handler, line)
        if line.get("detail") is False:
            self.attempt.thinned = True
            handler.kind = handler.kind or semconv.KIND_SERVER
        dropped = line.get("dropped")
        if isinstance(dropped, dict) and line["spanId"] not in self.counted:
            self.counted.add(line["spanId"])
            self.counts.dropped += sum(map(whole, dropped.values()))
        self.attempt.failed_records.update(texts(line.get("failedRecords")))
        self.calls(line)

    def calls(self, line: Line) -> None:
        """Read entries, announcements, records and tags; times count from the invocation."""
        base = max(0, integer(line, "startUs")) or self.bases.get(line["spanId"], 0)
        if line["record"] == span_line.SPAN:
            base -= integer(line, "offsetUs")
        self.bases.setdefault(line["spanId"], base)  # for a list that goes on in a further line
        if line["record"] == span_line.CALLS and "name" in line:
            self._owner(line, base)
        elif line["record"] == span_line.CALLS and line["spanId"] not in self.spans:
            self._invocation(line, OPEN_RANK)  # its start line was not read
        for entry in items(line.get("calls")):
            self._entry(line, entry, base)
        opened = line.get("open")
        if isinstance(opened, list):
            self._entry(line, opened, base, is_open=True)
        for entry in items(line.get("records")):
            self._record(entry, base)
        for element in items(line.get("summary")):
            self._sum(line, element)
        self._tags(line)

    def span(self, line: Line) -> None:
        """Read a span that has a line of its own."""
        span = Span(line["traceId"], line["spanId"], CUSTOM, text(line, "name"))
        self._describe(span, line)
        span.operation = text(line, "operation")
        span.resource = text(line, "resource")
        span.http_status = integer(line, "httpStatus")
        span.attempts = max(1, integer(line, "attempts"))
        span.not_injected = text(line, "notInjected")
        span.record_id = text(line, "recordId")
        span.link_out = texts(line.get("linkOut"))
        span.link_in = texts(line.get("linkIn"))
        span.relations = relations(line.get("linkIn"))
        span.receive_count = integer(line, "receiveCount")
        read_links(span, line)
        span.url = url(line)
        span.bound = read_bound(line.get("bound"))
        read_provenance(span, line.get("readFrom"))
        if span.operation or span.kind in {semconv.KIND_CLIENT, semconv.KIND_PRODUCER}:
            span.role = CALL
        elif "recordId" in line or span.kind == semconv.KIND_CONSUMER:
            span.role = RECORD
        self._put(span, LINE_RANK)
        self.calls(line)

    # Their parts

    def _payloads(self, line: Mapping[str, Any], span_id: str) -> bool:
        """Read what ``LUMITRACE_PAYLOADS`` kept; tell whether *line* has any."""
        found = {name: clean(line[name]) for name in span_line.PAYLOADS if clean(line.get(name))}
        if found:
            self.payloads.setdefault(span_id, {}).update(found)
        return bool(found)

    def _invocation(self, line: Line, rank: int) -> Span:
        known = self.spans.get(line["spanId"])
        span = known or Span(line["traceId"], line["spanId"], INVOCATION, text(line, "name"))
        if known is None or ("name" in line and rank >= self.ranks[span.span_id]):
            told, again = replace(span), known and rank == self.ranks[span.span_id] == LINE_RANK
            self._describe(span, line)
            self.counts.conflicting += bool(again and told_apart(span, told))
            span.http_status = http_status(line) or span.http_status
            self.ranks[span.span_id] = rank
        self.spans[span.span_id] = span
        return span

    def _describe(self, span: Span, line: Line) -> None:
        span.kind = text(line, "kind") or span.kind
        span.parent_id = text(line, "parentSpanId") or span.parent_id
        span.start_us = earlier(integer(line, "startUs"), span.start_us)
        if "durationUs" in line:
            span.duration_us = max(0, integer(line, "durationUs"))
        span.status = integer(line, "status")
        span.failure = failure_of(line.get("error")) if span.failed else None

    def _owner(self, line: Line, base: int) -> None:
        """Note the span whose calls these are: its own line may never come."""
        span = Span(line["traceId"], line["spanId"], CUSTOM, text(line, "name"))
        span.kind = text(line, "kind")
        span.parent_id = text(line, "parentSpanId")
        span.start_us = base + integer(line, "offsetUs")
        span.role = RECORD if span.kind == semconv.KIND_CONSUMER else CUSTOM
        self._put(span, OWNER_RANK)

    def _entry(self, line: Line, entry: list[Any], base: int, *, is_open: bool = False) -> None:
        entry = [*entry, *[None] * (7 - len(entry))]
        span_id, operation, resource, offset, duration, answered, keys = entry[:7]
        if not is_id(span_id, 16) or not isinstance(operation, str):
            self.counts.broken += 1
            return
        span = Span(line["traceId"], span_id, CALL, operation, semconv.kind_of_call(operation))
        span.parent_id = line["spanId"]
        span.operation = operation
        span.resource = resource if isinstance(resource, str) else ""
        span.start_us = base + whole(offset)
        if is_open:
            self._put(span, OPEN_RANK)
            return
        span.duration_us = max(0, whole(duration))
        span.http_status = whole(answered)
        span.link_out = texts(keys)
        span.not_injected = text(rare(entry), "notInjected")
        span.kind = text(rare(entry), "kind") or span.kind
        span.bound = read_bound(rare(entry).get("bound"))
        read_provenance(span, rare(entry).get("readFrom"))
        self._payloads(rare(entry), span_id)
        self._put(span, ENTRY_RANK)

    def _sum(self, line: Line, element: list[Any]) -> None:
        """Read what stands for all calls of one operation and resource; it may come twice."""
        operation, resource, count, duration, keys = [*element, *[None] * 5][:5]
        if not isinstance(operation, str) or not isinstance(resource, str):
            self.counts.broken += 1
            return
        place = f"{line['spanId']}\0{operation}\0{resource}".encode("utf-8", "surrogatepass")
        span_id = sha256(place).hexdigest()[:16]
        owner, known = self.spans.get(line["spanId"]), self.spans.get(span_id)
        span = known or Span(line["traceId"], span_id, CALL, clean(operation) or "calls")
        span.kind, span.parent_id = semconv.kind_of_call(operation), line["spanId"]
        span.operation, span.resource = clean(operation), clean(resource)
        span.count = max(span.count, whole(count))
        span.duration_us = max(span.duration_us or 0, whole(duration))
        if owner is not None:
            span.start_us, span.until_us = owner.start_us, owner.end_us
        extend(span.link_out, texts(keys))
        self.spans[span_id] = span
        self.ranks[span_id] = ENTRY_RANK

    def _record(self, entry: list[Any], base: int) -> None:
        entry = [*entry, *[None] * (7 - len(entry))]
        span_id, trace_id, parent_id, record_id, offset, duration, key = entry[:7]
        if not is_id(span_id, 16) or not is_id(trace_id, 32):
            self.counts.broken += 1
            return
        span = Span(trace_id, span_id, RECORD, "", semconv.KIND_CONSUMER)
        span.parent_id = parent_id if is_id(parent_id, 16) else ""
        span.record_id = record_id if isinstance(record_id, str) else ""
        span.start_us = base + whole(offset)
        span.duration_us = max(0, whole(duration))
        span.link_in = texts([key])
        span.relations = relations([key])
        span.receive_count = integer(rare(entry), "receiveCount")
        read_links(span, rare(entry))
        self._put(span, ENTRY_RANK)

    def _put(self, span: Span, rank: int) -> None:
        known = self.spans.get(span.span_id)
        if known is not None and known.role == span.role == RECORD:
            join_times(known, span)
        if known is None or rank > self.ranks[span.span_id]:
            if known is not None:
                extend(span.link_out, known.link_out)
                extend(span.link_in, known.link_in)
                extend(span.relations, known.relations)
                extend(span.claims, known.claims)
                span.origins = span.origins or known.origins
                span.bound += [one for one in known.bound if one not in span.bound]
                span.receive_count = span.receive_count or known.receive_count
                span.role = INVOCATION if known.role == INVOCATION else span.role
            self.spans[span.span_id] = span
            self.ranks[span.span_id] = rank
        elif rank == self.ranks[span.span_id]:  # a list that went on in a further line
            extend(known.link_out, span.link_out)
            extend(known.link_in, span.link_in)
            extend(known.relations, span.relations)
            known.bound += [one for one in span.bound if one not in known.bound]

    def _tags(self, line: Line) -> None:
        tags = line.get("tags")
        if isinstance(tags, dict):
            said = {str(key): tag_text(value) for key, value in tags.items()}
            self.tags.setdefault(line["spanId"], {}).update(said)


_READ = {
    span_line.START: Unfolding.start,
    span_line.CALLS: Unfolding.calls,
    span_line.SPAN: Unfolding.span,
    span_line.INVOCATION: Unfolding.invocation,
}
