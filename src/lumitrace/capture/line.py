"""One span line, spelt out."""

from lumitrace.capture.config import settings
from lumitrace.capture.output import output
from lumitrace.wire import span_line

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from lumitrace.capture.span import Span

MANY = 64  # elements of a list that may need several lines
PIECE = 3_072  # bytes of a list in a line, which has about 700 more


class CallSpan:
    """What a line needs to know of the span of a call.

    Attributes:
        parent: the span in which the call was made.
    """

    __slots__ = ("invocation", "parent", "parent_id", "span_id", "trace_id")

    def __init__(self, parent: "Span", span_id: str) -> None:
        self.parent = parent
        self.trace_id = parent.trace_id
        self.span_id = span_id
        self.parent_id: str | None = parent.span_id
        self.invocation = parent.invocation


def _timed(record: str, fields: "dict[str, Any]") -> str:
    if "detail" in fields and not settings.json_logs:
        return ""  # 55 bytes that Lambda asks for in JSON only
    level = settings.health_level if record == span_line.HEALTH else settings.level
    return f'"timestamp":"{output.timestamp()}","level":"{level}",'


def line(
    record: str, span: "Span | CallSpan", fields: "dict[str, Any]", tags: "dict[str, str]"
) -> str:
    """Return one span line, or several where a list in *fields* is too long for one."""
    split = None
    for value in fields.values():
        if type(value) is list and len(value) > MANY:
            split = _split(fields)
    if split is not None:
        first, *more = split
        told = [line(record, span, first, tags)]
        return "\n".join([*told, *(line(record, span, one, {}) for one in more)])
    # What comes first needs no escapes but the request's id: 2 us less than in a dictionary.
    parent = "" if span.parent_id is None else f'"parentSpanId":"{span.parent_id}",'
    text = (
        f'{span_line.MARK}"record":"{record}",{_timed(record, fields)}'
        f'"traceId":"{span.trace_id}","spanId":"{span.span_id}",'
        f'{parent}"requestId":{span_line.quote(span.invocation.request_id)}'
    )
    text += f",{span_line.encode(fields)[1:]}" if fields else "}"
    if tags:
        pairs = ",".join(f"{span_line.quote(name)}:{value}" for name, value in tags.items())
        text = f'{text[:-1]},"tags":{{{pairs}}}}}'
    if len(text) > span_line.ROOM:
        apart = [name for name in span_line.PAYLOADS if name in fields]
        if apart and len(fields) > 1:
            rest = {name: value for name, value in fields.items() if name not in apart}
            told = [line(record, span, rest, tags)]
            return "\n".join(told + [line(record, span, {n: fields[n]}, {}) for n in apart])
        split = _split(fields, 2)
        if split is not None:
            first, second = split
            return line(record, span, first, tags) + "\n" + line(record, span, second, {})
        if len(tags) > 1:
            named, half = list(tags.items()), len(tags) // 2
            begun = line(record, span, fields, dict(named[:half]))
            return begun + "\n" + line(record, span, {}, dict(named[half:]))
    return span_line.quiet(text)


def _split(fields: "dict[str, Any]", parts: int = 0) -> "list[dict[str, Any]] | None":
    """Cut the longest list of *fields* into *parts*; those after the first hold it and its times.

    Without *parts*, into as many as the size of its first element tells, before all is spelt out:
    256 links take 0.3 ms to spell.
    """
    more_than = 0 if parts else MANY
    lists = []
    for name, value in fields.items():
        if isinstance(value, list) and len(value) > more_than and name != "open":
            lists.append((len(value), name))
    if not lists:
        return None
    length, name = max(lists)
    if length < 2:
        return None
    parts = parts or length * len(span_line.encode(fields[name][0])) // PIECE + 1
    size = -(-length // parts)
    pieces = [fields[name][at : at + size] for at in range(0, length, size)]
    if len(pieces) < 2:
        return None
    times = {time: fields[time] for time in ("startUs", "offsetUs") if time in fields}
    return [{**fields, name: pieces[0]}, *({**times, name: piece} for piece in pieces[1:])]
