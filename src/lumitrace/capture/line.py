"""One span line, spelt out."""

from lumitrace.capture.config import settings
from lumitrace.capture.output import output
from lumitrace.wire import span_line

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from lumitrace.capture.span import CallSpan, Span


def line(
    record: str, span: "Span | CallSpan", fields: "dict[str, Any]", tags: "dict[str, str]"
) -> str:
    """Return one span line, or several where a list in *fields* is too long for one."""
    head = {
        "lumitrace": span_line.VERSION,
        "record": record,
        "timestamp": output.timestamp(),
        "level": settings.level,
        "traceId": span.trace_id,
        "spanId": span.span_id,
    }
    if span.parent_id is not None:
        head["parentSpanId"] = span.parent_id
    head["requestId"] = span.invocation.request_id
    text = span_line.encode({**head, **fields})
    if tags:
        pairs = ",".join(f"{span_line.encode(name)}:{value}" for name, value in tags.items())
        text = f'{text[:-1]},"tags":{{{pairs}}}}}'
    if len(text) > span_line.ROOM:
        split = _split(fields)
        if split is not None:
            first, second = split
            return line(record, span, first, tags) + "\n" + line(record, span, second, {})
        if len(tags) > 1:
            named, half = list(tags.items()), len(tags) // 2
            told = line(record, span, fields, dict(named[:half]))
            return told + "\n" + line(record, span, {}, dict(named[half:]))
    return span_line.quiet(text)


def _split(fields: "dict[str, Any]") -> "tuple[dict[str, Any], dict[str, Any]] | None":
    """Halve the longest list of *fields*; the second part holds nothing else."""
    lists = [
        (len(value), name)
        for name, value in fields.items()
        if isinstance(value, list) and name != "open" and len(value) > 1
    ]
    if not lists:
        return None
    length, name = max(lists)
    half = length // 2
    return {**fields, name: fields[name][:half]}, {name: fields[name][half:]}
