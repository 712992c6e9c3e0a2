"""Less detail: what is told of calls only in sums, by operation and resource.

An invocation whose trace is not sampled holds everything until its handler has ended: if that
failed, all of it is written; else one line with sums. The same sums tell what a budget has no room
for. Loaded in such invocations only.
"""

from lumitrace.capture.config import settings
from lumitrace.capture.line import CallSpan, line
from lumitrace.capture.sums import add, fold_entries, last, of, summary
from lumitrace.wire import semconv, span_line
from lumitrace.wire.context import NOT_SAMPLED

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from lumitrace.capture.span import Invocation, Span

__all__ = ["add", "decide", "fold", "hold", "keep", "relieve", "settle"]

NEVER_NS = 1 << 62  # no time is 25 ms after it: nobody asks for a write
RECORD_BYTES = 150  # about what a folded record takes
KEPT_BYTES = 400  # about what a span that is held takes, without its attributes
OK = 200  # the status of an HTTP answer that need not be said


def hold(invocation: "Invocation") -> None:
    """Write nothing more before the end, and no more than sums then."""
    of(invocation)
    invocation.held, invocation.whole = True, False
    invocation.last_write_ns = NEVER_NS


def decide(invocation: "Invocation") -> None:
    """Hold all of *invocation* where its trace is not sampled."""
    span = invocation.handler
    span.whole = settings.keeps(span.trace_id)
    if not span.whole:
        hold(invocation)
        invocation.whole = True
        if span.parent_id is None:
            span.flags = NOT_SAMPLED


def keep(span: "Span | CallSpan", fields: "dict[str, Any]", tags: dict[str, str]) -> None:
    """Hold the line of *span*, which has ended."""
    texts = [one for one in fields.get("attributes", {}).values() if type(one) is str]
    span.invocation.thin.kept.append((span, fields, tags))
    span.invocation.waiting_bytes += KEPT_BYTES + sum(map(len, texts))


def fold(invocation: "Invocation") -> None:
    """Make sums of what is held, but for what failed, what is sampled and what records sent."""
    for span in invocation.dirty:
        if span.calls and not _is_whole(span.owner()):
            span.calls[:] = fold_entries(span.owner(), span.calls)
    thin = of(invocation)
    if not thin.kept:
        return
    kept, thin.kept = thin.kept, []
    told = {span.span_id for span, fields, _ in kept if "status" in fields}
    for span, fields, tags in kept:
        is_call = isinstance(span, CallSpan)
        parent = span.parent if is_call else span
        owner = parent.owner()
        if "status" in fields or _is_whole(owner):
            if is_call and parent is not owner and parent.span_id not in told:
                span.parent_id = owner.span_id
        elif is_call:
            keys = fields.get("linkOut", [])
            add(owner, fields["operation"], fields["resource"], fields["durationUs"], keys)
            continue
        else:
            calls = fold_entries(owner, fields.pop("calls", ()))
            if calls:
                fields["calls"] = calls
            if "recordId" not in fields and not calls:
                continue
        thin.kept.append((span, fields, tags))


def _is_whole(owner: "Span") -> bool:
    return owner.whole and owner.invocation.whole


def settle(invocation: "Invocation", fields: "dict[str, Any]") -> None:
    """Let what was held be written now; *fields* are those of the ``invocation`` line.

    All of it where the handler failed and the budgets allow it; else what the sums leave.
    """
    if invocation.held:
        _settle(invocation, fields)
    last(invocation, fields)


def _settle(invocation: "Invocation", fields: "dict[str, Any]") -> None:
    handler, thin = invocation.handler, of(invocation)
    opening = thin.opening
    invocation.held, thin.opening = False, None
    room = settings.max_bytes // RECORD_BYTES
    if len(handler.records) > room:
        invocation.drop("spans", len(handler.records) - room)
        del handler.records[room:]
    failed = "status" in fields
    if opening is not None and failed:
        told, tags = opening
        told["sampled"] = False
        invocation.lines.append(line(span_line.START, handler, told, tags))
    if not failed or not invocation.whole:
        fold(invocation)
    if opening is not None and not failed:
        _thin(invocation, fields, *opening)
    for span, more, tags in thin.kept:
        sums = thin.sums.pop(span.span_id, None)
        if sums:
            more["summary"] = summary(sums)
        invocation.lines.append(line(span_line.SPAN, span, more, tags))
    thin.kept = []


def _thin(
    invocation: "Invocation",
    fields: "dict[str, Any]",
    opening: "dict[str, Any]",
    tags: dict[str, str],
) -> None:
    """Make *fields* say on one line what the ``start`` line would have said, and no more."""
    handler = invocation.handler
    del fields["cpuUs"]
    first = opening.pop("attributes", None)
    if handler.attributes.get(semconv.FAAS_TRIGGER) == semconv.TRIGGER_HTTP:
        opening.pop("xrayRoot", None)  # joins nothing at a public edge
    if opening["kind"] == semconv.KIND_SERVER:
        del opening["kind"]
    fields |= {**opening, **fields, "detail": False}
    handler.tags = {**tags, **handler.tags}
    attributes = handler.attributes
    if first is not None:
        handler.attributes = {**first, **attributes}
        return
    code = attributes.get(semconv.HTTP_RESPONSE_STATUS_CODE)
    tenant = attributes.get(semconv.LUMITRACE_TENANT_ID)
    few = {
        semconv.HTTP_RESPONSE_STATUS_CODE: None if code == OK else code,
        semconv.LUMITRACE_TENANT_ID: tenant,
    }
    handler.attributes = {name: value for name, value in few.items() if value is not None}


def relieve(invocation: "Invocation") -> None:
    """Keep what is held below the budget of bytes: sums take no more for a thousand calls."""
    if invocation.waiting_bytes <= settings.max_bytes:
        return
    fold(invocation)
    invocation.waiting_bytes = 0
