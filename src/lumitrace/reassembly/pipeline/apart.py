"""What of a log is not plain, read line by line in Python and handed to the steps as rows.

Which stretches of which streams these are is said by steps.sql: where an invocation died, where
somebody printed what looks like Lambda's lines, where several run side by side. There the order of
all lines decides, and the rules stand once, in ``stream.py`` and what belongs to it.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator

from lumitrace.reassembly.events import Counts, LogEvent
from lumitrace.reassembly.log_lines import platform_line
from lumitrace.reassembly.model import CLAIMED, INVOCATION, Attempt, Failure, Report, Span
from lumitrace.reassembly.pipeline.lines import NUMBER, TEXT, Row, measured
from lumitrace.wire import span_line

_TIMED = {"duration_us": NUMBER, "status": NUMBER}
_FAILED = {"error_type": TEXT, "error_code": TEXT, "error_message": TEXT}
_INVOCATION = {
    **dict.fromkeys(("span_id", "trace_id", "parent_id"), TEXT),
    "at_stream": NUMBER,
    **dict.fromkeys(("request_id", "function_name", "kind"), TEXT),
    "start_us": NUMBER,
    **_TIMED,
    **_FAILED,
    **dict.fromkeys(("trigger_name", "route", "source_name", "xray_root"), TEXT),
    **dict.fromkeys(("receive_count", "first_moment", "ended", "report_us", "billed_ms"), NUMBER),
    **dict.fromkeys(("memory_mb", "max_memory_mb", "init_us", "unsampled", "heard_us"), NUMBER),
}
_DETAIL = {
    **dict.fromkeys(("span_id", "trace_id", "parent_id"), TEXT),
    "at_stream": NUMBER,
    "request_id": TEXT,
    "said_moment": NUMBER,
    "role": TEXT,
    "start_us": NUMBER,
    "duration_us": NUMBER,
    "operation": TEXT,
    "resource": TEXT,
    "http_status": NUMBER,
    "status": NUMBER,
    **_FAILED,
    "record_id": TEXT,
    **dict.fromkeys(("receive_count", "call_count", "end_us"), NUMBER),
}
_SPAN = {"trace_id": TEXT, "span_id": TEXT}
_TIMES = ("from_us", "begun_by_us", "ended_by_us")

# The tables that come of it, by name, each with its columns.
TABLES: dict[str, dict[str, str]] = {
    "odd_invocations": _INVOCATION,
    "odd_silent": _INVOCATION,
    "odd_details": _DETAIL,
    "odd_links": {**_SPAN, "linked_trace": TEXT, "linked_span": TEXT},
    "odd_claims": {**_SPAN, "claimed_trace": TEXT, "claimed_span": TEXT},
    "odd_windows": {**_SPAN, **dict.fromkeys(_TIMES, NUMBER)},
    "odd_records": {**_SPAN, "batch_trace": TEXT, "batch_span": TEXT},
    "odd_sent": {"link_key": TEXT, **_SPAN},
    "odd_received": {"link_key": TEXT, **_SPAN},
    "odd_replayed": {"span_id": TEXT},
}
STRETCHES = "SELECT stream_id, after_moment, until_moment FROM stretches"
PLAIN = "SELECT stream_id, request_id FROM plain_requests"
NAMES = (
    "SELECT n.stream_id, n.function_name FROM stream_names n "
    "JOIN (SELECT DISTINCT stream_id FROM stretches) s ON s.stream_id = n.stream_id"
)
LAST = 2**53  # beyond every moment


class Stretches:
    """Which lines of which streams are read apart; goes to Spark's workers.

    Attributes:
        spans: the stretches of a stream, each from a moment to a moment, none touching the next.
    """

    def __init__(self, stretches: Iterable[Row]) -> None:
        self.spans: dict[int, list[tuple[int, int]]] = {}
        for stream, after, until in sorted(stretches):
            several = self.spans.setdefault(stream, [])
            if several and after <= several[-1][1]:
                several[-1] = (several[-1][0], max(until, several[-1][1]))
            else:
                several.append((after, until))

    def which(self, stream: int, moment: int) -> int:
        """Return the number of the stretch that a line of that *moment* lies in; -1 for none."""
        several = self.spans.get(stream, [])
        number = bisect_right(several, (moment, LAST)) - 1
        return number if number >= 0 and moment <= several[number][1] else -1


def request_of(message: str) -> str:
    """Return the request id that one of our lines, or of Lambda's, bears; "" for any other."""
    if span_line.MARK in message:
        found = span_line.find(message)
        return str(found.objects[0].get("requestId")) if found.objects else ""
    line = platform_line(message)
    return line.request_id if line else ""


def rows_apart(
    batches: Iterable[Iterable[LogEvent]],
    streams: dict[tuple[str, str], int],
    names: dict[int, str],
) -> Iterator[tuple[str, Row]]:
    """Yield the rows that log events make, each with the name of its table.

    Args:
        batches: all lines that were read of the streams, each attempt whole within a batch.
        streams: the number of a stream, by its group and name.
        names: the function whose stream it is, where its other lines say it.
    """
    from lumitrace.reassembly.assemble import rows_of  # noqa: PLC0415  # what most logs can spare
    from lumitrace.reassembly.attempts import cut_into_attempts  # noqa: PLC0415  # as above
    from lumitrace.reassembly.halves import each_once, starts_of  # noqa: PLC0415  # as above
    from lumitrace.reassembly.silent import stand_in  # noqa: PLC0415  # as above
    from lumitrace.reassembly.unfold import unfold  # noqa: PLC0415  # as above

    attempts: list[Attempt] = []
    for events in batches:
        found, _ = cut_into_attempts(events)
        for attempt in found:
            known = names.get(streams[attempt.group, attempt.stream])
            unnamed = attempt.function in {attempt.group, "unknown function"}
            if known and not attempt.objects and unnamed:
                attempt.function = known
            attempt.lines = starts_of(attempt)  # a batch's text is held no longer than the batch
        attempts += found
    attempts.sort(key=lambda attempt: (attempt.group, attempt.stream))
    attempts = each_once(attempts)
    for attempt in attempts:
        unfold(attempt, Counts())
    stand_in(attempts)
    seen: set[str] = set()
    for attempt in attempts:
        yield from _spans(attempt, streams[attempt.group, attempt.stream], seen)
    rows = rows_of(attempts)
    for table in ("links", "windows", "records", "sent", "received"):
        for row in getattr(rows, table):
            yield f"odd_{table}", row


def _spans(attempt: Attempt, stream: int, seen: set[str]) -> Iterator[tuple[str, Row]]:
    handler = attempt.invocation
    if handler is None:
        from lumitrace.reassembly.silent import invocation_of  # noqa: PLC0415  # as above

        yield "odd_silent", _invocation(attempt, invocation_of(attempt), stream)
        return
    if handler.span_id in seen:  # the same under two names of one stream
        return
    for span in attempt.spans:
        if span.span_id in seen:
            continue
        seen.add(span.span_id)
        if span is handler:
            yield "odd_invocations", _invocation(attempt, span, stream)
        else:
            yield "odd_details", _detail(attempt, span, stream)
        for trace_id, claimed, relation in span.claims:
            if relation == CLAIMED:
                yield "odd_claims", (span.trace_id, span.span_id, trace_id, claimed)
        if span.relations and span.role == INVOCATION:
            yield "odd_replayed", (span.span_id,)


def _invocation(attempt: Attempt, span: Span, stream: int) -> Row:
    report_us, *measures = measured(attempt.report or Report())
    failure = attempt.failure if attempt.failed else None
    return (
        *(span.span_id, span.trace_id, span.parent_id, stream),
        *(attempt.request_id, attempt.function, span.kind, span.start_us, span.duration_us),
        *(2 if attempt.failed else 0, *_why(failure)),
        *(attempt.trigger, attempt.route, attempt.source, attempt.xray_root, span.receive_count),
        *(attempt.start_ms, int(attempt.ended), report_us, *measures),
        *(int(not attempt.sampled), attempt.end_ms * 1000),
    )


def _detail(attempt: Attempt, span: Span, stream: int) -> Row:
    return (
        *(span.span_id, span.trace_id, span.parent_id, stream, attempt.request_id),
        *(attempt.start_ms, span.role, span.start_us, span.duration_us),
        *(span.operation, span.resource, span.http_status, span.status, *_why(span.failure)),
        *(span.record_id, span.receive_count, span.count, span.end_us),
    )


def _why(failure: Failure | None) -> Row:
    return (failure.type, failure.code, failure.message) if failure else (None, None, None)
