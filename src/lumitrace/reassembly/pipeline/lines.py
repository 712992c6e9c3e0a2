"""One log event read into rows: of our own lines, and of what Lambda and its runtime said.

This is the definition. DuckDB reads the lines that are regular in a faster way, to the same rows.
"""

from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from typing import Any

from lumitrace.reassembly import log_lines as grammar
from lumitrace.reassembly.fields import clean, failure_of, items, tag_text, text, whole
from lumitrace.reassembly.model import Failure, Report
from lumitrace.reassembly.pipeline.contract import is_as_written
from lumitrace.reassembly.platform_line import init_failure
from lumitrace.wire import span_line
from lumitrace.wire.context import is_id

Row = tuple[Any, ...]

TEXT, NUMBER, TEXTS, LISTS, TAGS = "VARCHAR", "BIGINT", "VARCHAR[]", "VARCHAR[][]", "TAGS"

# The columns of a span line; its place and moment come first.
LINE_COLUMNS = {
    "place": NUMBER,
    "stream_id": NUMBER,
    "moment": NUMBER,
    "at_start": NUMBER,
    "record": TEXT,
    "line_trace": TEXT,
    "line_span": TEXT,
    "line_parent": TEXT,
    "line_request": TEXT,
    "line_name": TEXT,
    "line_kind": TEXT,
    "line_start_us": NUMBER,
    "line_duration_us": NUMBER,
    "offset_us": NUMBER,
    "base_us": NUMBER,
    "line_status": NUMBER,
    "line_trigger": TEXT,
    "line_route": TEXT,
    "line_source": TEXT,
    "line_xray": TEXT,
    "line_operation": TEXT,
    "line_resource": TEXT,
    "line_http": NUMBER,
    "line_received": NUMBER,
    "line_record_id": TEXT,
    "has_record": NUMBER,
    "line_error_type": TEXT,
    "line_error_code": TEXT,
    "line_error_message": TEXT,
    "calls": LISTS,
    "opened": TEXTS,
    "records": LISTS,
    "line_links": LISTS,
    "line_in": TEXTS,
    "line_out": TEXTS,
    "failed_records": TEXTS,
    "summary": LISTS,
    "unsampled": NUMBER,
    "is_odd": NUMBER,
    "tags": TAGS,
}
PLATFORM_COLUMNS = {
    "stream_id": NUMBER,
    "moment": NUMBER,
    "what": TEXT,
    "request_id": TEXT,
    "function_name": TEXT,
    "duration_us": NUMBER,
    "billed_ms": NUMBER,
    "memory_mb": NUMBER,
    "max_memory_mb": NUMBER,
    "init_us": NUMBER,
    "failure_type": TEXT,
    "failure_message": TEXT,
}
RAISED = "raised"
MANAGED = "managed"  # the first line of a sandbox that runs several invocations side by side


def span_rows(message: str, place: int, stream_id: int, moment: int) -> Iterator[Row]:
    """Yield a row for each span line in *message* that names a span."""
    found = span_line.find(message)
    at_start = int(found.first)
    for item in found.objects:
        if is_id(item.get("traceId"), 32) and is_id(item.get("spanId"), 16):
            yield (place, stream_id, moment, at_start, *_span_row(item))
        at_start = 0


def _span_row(item: dict[str, Any]) -> Row:
    start, offset = max(0, whole(item.get("startUs"))), whole(item.get("offsetUs"))
    duration = max(0, whole(item.get("durationUs"))) if "durationUs" in item else None
    failure = failure_of(item.get("error")) if whole(item.get("status")) else None
    tags = item.get("tags")
    return (
        *(text(item, key) for key in ("record", "traceId", "spanId", "parentSpanId")),
        *(text(item, key) for key in ("requestId", "name", "kind")),
        *(start, duration, offset),
        start - offset if item["record"] == span_line.SPAN else start,
        whole(item.get("status")),
        *(text(item, key) for key in ("trigger", "route", "source", "xrayRoot")),
        *(text(item, key) for key in ("operation", "resource")),
        *(whole(item.get(key)) for key in ("httpStatus", "receiveCount")),
        text(item, "recordId"),
        int("recordId" in item),
        *((failure.type, failure.code, failure.message) if failure else (None, None, None)),
        _lists(item.get("calls")),
        _texts(item.get("open")),
        _lists(item.get("records")),
        _lists(item.get("links")),
        *(_texts(item.get(key)) for key in ("linkIn", "linkOut", "failedRecords")),
        _lists(item.get("summary")),
        int(item.get("sampled") is False or item.get("detail") is False),
        int(_is_odd(item)),
        {clean(key): tag_text(value) for key, value in tags.items()}
        if isinstance(tags, dict)
        else None,
    )


def _is_odd(item: dict[str, Any]) -> bool:
    """Tell whether only the whole attempt explains *item*: what its records sent, or failed."""
    if "bound" in item or "failedRecords" in item:
        return True
    return not is_as_written(item)


def _lists(value: object) -> list[list[str | None]] | None:
    return [_texts(item) or [] for item in items(value)] if isinstance(value, list) else None


def _texts(value: object) -> list[str | None] | None:
    """Return each element of the list *value* as text; what is no text as its JSON."""
    if not isinstance(value, list):
        return None
    return [
        clean(item) if isinstance(item, str) else None if item is None else span_line.encode(item)
        for item in value
    ]


def platform_rows(message: str, stream_id: int, moment: int) -> Iterator[Row]:
    """Yield what *message* says as a line of Lambda or of its runtime: at most one row."""
    line = grammar.platform_line(message)
    if line is not None:
        report = line.report or Report()
        kind = MANAGED if line.managed else line.kind.lower()
        row = (kind, line.request_id, line.function, *measured(report))
        failure = init_failure(line.init) if line.init else line.failure
        yield (stream_id, moment, *row, *_failed(failure))
        return
    told = grammar.application_line(message)
    if told.failure is not None:
        nothing = (None, None, None, None, None)
        yield (stream_id, moment, RAISED, told.request_id, "", *nothing, *_failed(told.failure))


def measured(report: Report) -> Row:
    """Return what *report* says: duration and init in microseconds, billed ms, memory in MB."""
    return (
        _thousandths(report.duration_ms),
        _whole_number(report.billed_ms),
        _whole_number(report.memory_mb),
        _whole_number(report.max_memory_mb),
        _thousandths(report.init_ms),
    )


def _failed(failure: Failure | None) -> Row:
    return (failure.type, failure.message) if failure else (None, None)


def _thousandths(number: str) -> int | None:
    try:
        return int(Decimal(number) * 1000)
    except InvalidOperation:
        return None


def _whole_number(number: str) -> int | None:
    thousandths = _thousandths(number)
    return None if thousandths is None else thousandths // 1000
