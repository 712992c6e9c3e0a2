"""A batch's records: entered once or again, and failed where the handler's line says so."""

from lumitrace.reassembly.model import Failure, Span
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


def fail_record(record: Span, handler: Span | None) -> None:
    """Fail a *record* whatever its own entry says: the handler's line has the last word."""
    if not record.failed:
        reported = Failure(NOT_PROCESSED, "")
        record.status = STATUS_ERROR
        record.failure = (handler.failure if handler else None) or reported
