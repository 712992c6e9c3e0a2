"""Which lines, when, and how they reach standard output.

The ``start`` line is written at once. Then whatever waits is written when a call begins or ends
25 ms after the last write, when 3,500 bytes wait, and at the end: a kill hides little, and a quick
invocation writes two lines.
"""

import time

from lumitrace.capture.config import settings
from lumitrace.capture.guard import reporter
from lumitrace.capture.line import line
from lumitrace.capture.output import output
from lumitrace.capture.span import NOBODY
from lumitrace.wire import span_line

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from lumitrace.capture.line import CallSpan
    from lumitrace.capture.span import Invocation, Span

FLUSH_AFTER_NS, FLUSH_AT_BYTES = 25_000_000, 3_500


def start(invocation: "Invocation", fields: "dict[str, Any]", tags: dict[str, str]) -> None:
    """Write the ``start`` line, unless all is held."""
    if invocation.held:
        invocation.thin.opening = (fields, tags)
    else:
        put(invocation, [line(span_line.START, invocation.handler, fields, tags)])


def waits(span: "Span", size: int) -> None:
    """Note that *span* has something to tell, of about *size* bytes."""
    invocation = span.invocation
    invocation.waiting_bytes += size
    if not span.dirty:
        span.dirty = True
        invocation.dirty.append(span)


def queue(span: "Span | CallSpan", fields: "dict[str, Any]", tags: "dict[str, str]") -> None:
    """Let the line of *span*, which has ended, wait for the next write."""
    invocation = span.invocation
    if invocation.held:
        thin().keep(span, fields, tags)
        return
    text = line(span_line.SPAN, span, fields, tags)
    invocation.lines.append(text)
    invocation.waiting_bytes += len(text)


def admits(invocation: "Invocation") -> bool:
    """Tell whether the budget of spans has room for one more, and take it; else count it."""
    if invocation.spans >= settings.max_spans:
        invocation.drop("spans")
        invocation.whole = False
        return False
    invocation.spans += 1
    return True


def is_due(invocation: "Invocation", now_ns: int) -> bool:
    """Tell whether what waits must be written now."""
    return (
        now_ns - invocation.last_write_ns >= FLUSH_AFTER_NS
        or invocation.waiting_bytes >= FLUSH_AT_BYTES
        or invocation.eager
    )


def flush(invocation: "Invocation", opening: "tuple[Span, list[Any]] | None" = None) -> None:
    """Write what waits; *opening* is the span in which a call begins, and its ``open`` entry."""
    if invocation.held:
        thin().relieve(invocation)
        return
    if not invocation.taking.acquire(blocking=False):
        if opening is not None:  # another thread writes what waits; this cannot wait
            span, entry = opening
            put(invocation, [line(span_line.CALLS, span, {**_identity(span), "open": entry}, {})])
        return
    begun_ns = time.perf_counter_ns()
    try:
        lines = _take(invocation, opening)
    finally:
        invocation.taking.release()
    if lines:
        put(invocation, lines)
        invocation.spent_ns += time.perf_counter_ns() - begun_ns
        if invocation.spent_ns > settings.max_ms * 1_000_000 and not invocation.held:
            invocation.drop("time")
            thin().hold(invocation)


def thin() -> "Any":
    """Return the module."""
    from lumitrace.capture import thin  # noqa: PLC0415  # few invocations need it

    return thin


def _take(invocation: "Invocation", opening: "tuple[Span, list[Any]] | None") -> list[str]:
    lines = invocation.lines[:]
    del invocation.lines[: len(lines)]
    invocation.waiting_bytes = 0
    spans = invocation.dirty[:]
    del invocation.dirty[: len(spans)]
    if opening is not None and opening[0] not in spans:
        spans.append(opening[0])
    for span in spans:
        span.dirty = False
        fields, tags = pending(span)
        if opening is not None and opening[0] is span:
            fields["open"] = opening[1]
        if fields or tags:
            lines.append(line(span_line.CALLS, span, {**_identity(span), **fields}, tags))
            span.told = True
    return lines


def pending(span: "Span") -> "tuple[dict[str, Any], dict[str, str]]":
    """Take the entries and tags of *span* that no line has told."""
    fields: dict[str, Any] = {}
    for name, waiting in (("calls", span.calls), ("records", span.records)):
        if waiting:
            fields[name] = waiting[:]
            del waiting[: len(fields[name])]
    tags, span.tags = span.tags, {}
    return fields, tags


def _identity(span: "Span") -> "dict[str, Any]":
    """What a ``calls`` line says of its span; more where that is not the invocation's own."""
    invocation = span.invocation
    fields: dict[str, Any] = {"startUs": invocation.start_us}
    if span is not invocation.handler:
        fields["name"] = span.name
        fields["kind"] = span.kind
        fields["offsetUs"] = invocation.offset_us(span.start_ns)
        if span.record_id is not None:
            fields["recordId"] = span.record_id
    return fields


def put(invocation: "Invocation", lines: list[str], *, always: bool = False) -> None:
    """Write *lines*, in pieces that a pipe takes whole; beyond the budget they are counted."""
    invocation.last_write_ns = time.perf_counter_ns()
    if not reporter.waiting or invocation.handler is NOBODY:  # the next invocation says so
        _put(invocation, lines, always=always)
        return
    failures, told = reporter.take(), False
    try:
        _put(invocation, health(invocation, failures) + lines, always=always)
        told = True
    finally:
        if not told:  # a failure of the writing itself: the next write says so
            reporter.waiting[:0] = failures


def _put(invocation: "Invocation", lines: list[str], *, always: bool) -> None:
    piece = ""
    if len(lines) > 1 or "\n" in lines[0]:
        lines = [one for several in lines for one in several.split("\n")]
    for text in lines:
        size = len(text) + 1
        if not always and invocation.written_bytes + size > settings.max_bytes:
            invocation.drop("bytes", size)
            thin().hold(invocation)
            continue
        invocation.written_bytes += size
        if piece and len(piece) + size > span_line.ROOM:
            _write(invocation, piece)
            piece = ""
        piece += text + "\n"
    if piece:
        _write(invocation, piece)


def _write(invocation: "Invocation", piece: str) -> None:
    if not output.write(piece):
        invocation.drop("unwritten", len(piece))


def health(invocation: "Invocation", failures: list[tuple[str, str]]) -> list[str]:
    """Return a ``health`` line for each of *failures*: component and message."""
    span = invocation.handler
    head = {"name": span.name}
    return [
        line(span_line.HEALTH, span, {**head, "component": component, "message": message}, {})
        for component, message in failures
    ]
