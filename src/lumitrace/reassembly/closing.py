"""What never ended, closed from Lambda's lines; and what only the whole attempt can tell."""

from lumitrace.reassembly.fields import extend
from lumitrace.reassembly.model import INVOCATION, RECORD, Attempt, Failure, Span
from lumitrace.reassembly.records import fail_record, send_apart
from lumitrace.wire import link_key
from lumitrace.wire.span_line import STATUS_ERROR


def close(attempt: Attempt, spans: dict[str, Span]) -> None:
    """Make *spans*, by their ids, the spans of *attempt*, each as far as it is known to have come.

    Lambda's word on the attempt holds where the handler's line is missing, or could not know.
    """
    handlers = [span for span in spans.values() if span.role == INVOCATION]
    attempt.invocation = min(handlers, key=lambda span: (span.start_us, span.span_id), default=None)
    for call in [span for span in spans.values() if span.bound]:
        send_apart(spans, call)
    attempt.spans = sorted(spans.values(), key=lambda span: (span.start_us, span.span_id))
    if attempt.invocation is not None:
        _close_handler(attempt, attempt.invocation)
    for span in attempt.spans:
        if span.role == RECORD and not span.name:  # folded: as a line of its own would say
            span.name = f"process {attempt.source or attempt.trigger or 'records'}"
        if span.role == RECORD and span.record_id in attempt.failed_records:
            fail_record(span, attempt.invocation)


def _close_handler(attempt: Attempt, handler: Span) -> None:
    implicit = link_key.link_key(link_key.LAMBDA, attempt.request_id)
    extend(handler.link_in, [implicit] if implicit else [])
    attempt.start_ms = attempt.start_ms or handler.start_us // 1000
    attempt.end_ms = max(attempt.end_ms, handler.end_us // 1000)
    failure = attempt.outcome or attempt.believed
    if failure is not None and not handler.failed:
        _fail(attempt, handler, failure)


def _fail(attempt: Attempt, handler: Span, outcome: Failure) -> None:
    """Close the handler's span from Lambda's lines: killed, or failed after its return."""
    handler.status = STATUS_ERROR
    handler.failure = outcome
    if handler.duration_us is None:
        measured = attempt.report.duration_ms if attempt.report else ""
        lasted = (attempt.end_ms - handler.start_us // 1000) * 1000
        handler.duration_us = int(float(measured) * 1000) if measured else max(0, lasted)
