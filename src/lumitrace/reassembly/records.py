"""What single records and items say: entered again, failed, sent on; who wrote what was read."""

from collections.abc import Iterable, Mapping
from typing import Any

from lumitrace.reassembly.fields import clean, earlier, extend, items, text, texts, whole
from lumitrace.reassembly.model import CALL, RECORD, Bound, Failure, Span
from lumitrace.wire.context import is_id
from lumitrace.wire.span_line import STATUS_ERROR

NOT_PROCESSED = "BatchItemFailure"  # a record that the handler gave back without an exception


def join_times(known: Span, span: Span) -> None:
    """Make one of a record that was entered twice: first start, last end, the last outcome."""
    if known.duration_us is None or span.duration_us is None:
        return
    last = known if known.end_us > span.end_us else span
    began, ended = min(known.start_us, span.start_us), last.end_us
    status, failure = last.status, last.failure
    for one in (known, span):
        one.start_us, one.duration_us = began, ended - began
        one.status, one.failure = status, failure


def told_apart(span: Span, other: Span) -> bool:
    """Make *span* what both tell of one end of a handler, and tell whether they differ.

    It lasted as long as the longer, and failed where either says so: whatever came first.
    """
    if (span.start_us, span.duration_us, span.status, span.failure) == (
        *(other.start_us, other.duration_us, other.status),
        other.failure,
    ):
        return False
    span.start_us = earlier(span.start_us, other.start_us)
    if other.duration_us is not None:
        span.duration_us = max(span.duration_us or 0, other.duration_us)
    if other.failed and (not span.failed or _words(other) > _words(span)):
        span.status, span.failure = other.status, other.failure
    return True


def _words(span: Span) -> tuple[str, str, str]:
    failure = span.failure or Failure("", "")
    return failure.type, failure.code, failure.message


def fail_record(record: Span, handler: Span | None) -> None:
    """Fail a *record* whatever its own entry says: the handler's line has the last word."""
    if not record.failed:
        reported = Failure(NOT_PROCESSED, "")
        record.status = STATUS_ERROR
        record.failure = (handler.failure if handler else None) or reported


def read_bound(value: Any) -> list[Bound]:
    """Return the ``bound`` of a call of a batch: ``[traceId, spanId, linkOut]`` an entry."""
    found = []
    for entry in items(value):
        trace_id, span_id, keys = [*entry, None, None, None][:3]
        if is_id(trace_id, 32) and is_id(span_id, 16):
            found.append((str(trace_id), str(span_id), texts(keys)))
    return found


def read_links(span: Span, line: Mapping[str, Any]) -> None:
    """Put into *span* whom its *line*, or the rare part of an entry, links or relates to."""
    for link in items(line.get("links")):
        if len(link) >= 2 and is_id(link[0], 32) and is_id(link[1], 16):
            if len(link) > 2 and link[2]:
                extend(span.claims, [(link[0], link[1], str(link[2]))])
            else:
                extend(span.links, [(link[0], link[1])])
    counted, single = line.get("origins"), text(line, "origin")
    if isinstance(counted, dict):
        span.origins = {clean(origin): whole(count) for origin, count in counted.items()}
    elif single:
        span.origins = {single: 1}


def read_provenance(span: Span, value: Any) -> None:
    """Put into *span*, a read, the ``readFrom`` of its entry or line."""
    if not isinstance(value, list):
        return
    for writer in items(value):
        trace_id, span_id, count = [*writer, None, None, None][:3]
        if is_id(trace_id, 32) and is_id(span_id, 16):
            span.read_from.append((str(trace_id), str(span_id), whole(count) or 1))
    span.read_from_more = whole(value[-1]) if value else 0


def send_apart(spans: dict[str, Span], call: Span) -> None:
    """Give what *call* sent for single records to those: it belongs to their transactions alone.

    An entry that is bound goes out as a span of its record's trace; the rest stays the call's.
    """
    apart = {key for _, _, keys in call.bound for key in keys}
    call.link_out = [key for key in call.link_out if key not in apart]
    for trace_id, span_id, keys in call.bound:
        if span_id not in spans:
            above = _record_of(spans.values(), trace_id)
            span = Span(trace_id, span_id, CALL, call.name, call.kind, above)
            span.start_us, span.duration_us = call.start_us, call.duration_us
            span.operation, span.resource = call.operation, call.resource
            span.http_status = call.http_status
            spans[span_id] = span
        if spans[span_id].trace_id == trace_id:
            extend(spans[span_id].link_out, keys)


def _record_of(spans: Iterable[Span], trace_id: str) -> str:
    known = [span.span_id for span in spans if span.role == RECORD and span.trace_id == trace_id]
    return known[0] if len(known) == 1 else ""
