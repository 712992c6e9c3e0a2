"""What never ended, closed from Lambda's lines; and what only the whole attempt can tell."""

from lumitrace.reassembly.fields import extend
from lumitrace.reassembly.model import INVOCATION, INVOKE, RECORD, Attempt, Failure, Span
from lumitrace.reassembly.platform_line import EXITED, UNKNOWN, init_failure
from lumitrace.reassembly.records import fail_record, send_apart
from lumitrace.wire import link_key
from lumitrace.wire.span_line import STATUS_ERROR

# What Lambda calls a failure that only the runtime's own line can name.
_VAGUE = frozenset((UNKNOWN, "Runtime.Unknown"))


def close(attempt: Attempt, spans: dict[str, Span]) -> None:
    """Make *spans*, by their ids, the spans of *attempt*, each as far as it is known to have come.

    Lambda's word on the attempt holds where the handler's line is missing, or could not know.
    """
    handlers = [span for span in spans.values() if span.role == INVOCATION]
    attempt.invocation = min(handlers, key=lambda span: (span.start_us, span.span_id), default=None)
    for call in [span for span in spans.values() if span.bound]:
        send_apart(spans, call)
    attempt.spans = sorted(spans.values(), key=lambda span: (span.start_us, span.span_id))
    attempt.outcome = _in_words(attempt, attempt.outcome or _init_failure(attempt))
    if attempt.invocation is not None:
        _close_handler(attempt, attempt.invocation)
    for span in attempt.spans:
        if span.role == RECORD and not span.name:  # folded: as a line of its own would say
            span.name = f"process {attempt.source or attempt.trigger or 'records'}"
        if span.role == RECORD and span.record_id in attempt.failed_records:
            fail_record(span, attempt.invocation)


def _init_failure(attempt: Attempt) -> Failure | None:
    """Return why the code did not start within *attempt*, where that kept the handler from it."""
    last = attempt.inits[-1] if attempt.inits else None
    if last is None or last.phase != INVOKE or attempt.objects:
        return None
    return init_failure(last)


def _in_words(attempt: Attempt, outcome: Failure | None) -> Failure | None:
    """Return *outcome* with what the runtime printed of it, and what the report gives away."""
    if outcome is None:
        return None
    said = attempt.raised if attempt.objects else attempt.raised or attempt.init_raised
    if said is not None and (outcome.type in _VAGUE or outcome.type == said.type):
        return outcome if outcome.message else said
    report = attempt.report
    if outcome.type == EXITED and report and report.memory_mb and report.max_memory_mb:
        used, size = float(report.max_memory_mb), float(report.memory_mb)
        if used >= size:
            full = f"all of its {report.memory_mb} MB were used: it probably ran out of memory"
            return Failure(EXITED, "; ".join(part for part in (outcome.message, full) if part))
    return outcome


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
