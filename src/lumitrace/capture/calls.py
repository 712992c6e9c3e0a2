"""The life of one AWS call: what goes out with it, when it is announced, what is told of it."""

import time

from lumitrace.capture import emit
from lumitrace.capture.config import settings
from lumitrace.capture.line import CallSpan
from lumitrace.capture.services._call import Call
from lumitrace.capture.span import Span
from lumitrace.wire import span_line
from lumitrace.wire.context import new_span_id
from lumitrace.wire.semconv import kind_of_call

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from lumitrace.capture.services import Row
    from lumitrace.capture.span import Invocation

ENTRY_BYTES = 60  # about what an entry has beside its names and keys
BOUND_BYTES = 100  # about what a bound entry of a batch takes
WRITER_BYTES = 60  # of an item that was read
MAX_KEYS = 16  # link keys and bound entries in an entry; a call with more has a line of its own
MAX_OWN_KEYS = 500  # of one call: the records of a PutRecords
MAX_REQUEST_ID = 100  # characters


class LiveCall:
    """One call while it runs.

    Attributes:
        call: what its service sees of it.
        operation: ``dynamodb.PutItem``.
        span: the span in which it is made, None outside an invocation.
        original: the caller's parameters where ours differ from them, else None.
        attempts: how many requests were sent.
        announce: whether it is written before it begins, whatever the time.
        attributes: of a call that is a span line of its own whatever comes of it, else None.
        keys: link keys that are known before the answer.
        model, client: botocore's model of the operation, and the client where *original* is set.
        exhausted: whether the SDK had no attempt left when it went again.
        resent, refusal: whether it went again without our context, and what the refusal was.
        suspects: the resources at which it was refused.
    """

    # Few calls have more to say than these: 0.6 us less than to set each.
    original: "Mapping[str, Any] | None" = None
    client: "Any" = None
    attempts = 1
    resent = exhausted = announce = ended = False
    refusal: tuple[str, str, str, str] | None = None
    suspects: tuple[str, ...] = ()
    attributes: "dict[str, Any] | None" = None
    keys: "Sequence[str]" = ()
    resource = ""

    def __init__(
        self, call: Call, row: "Row | None", span: Span | None, model: "Any", operation: str = ""
    ) -> None:
        self.call = call
        self.row = row
        self.span = span
        self.model = model
        self.operation = operation or f"{call.service}.{call.operation}"
        self.span_id = new_span_id()
        self.start_ns = time.perf_counter_ns()

    def __deepcopy__(self, _memo: object) -> "LiveCall":
        """Return itself: botocore copies a request whole to sign another from it."""
        return self

    def error(self, code: int, parsed: "Mapping[str, Any]") -> dict[str, str] | None:
        """Return what went wrong, by the answer *parsed* with the HTTP status *code*, or None."""
        if code >= 300:
            return _redact().refusal(parsed, self.call.operation)  # type: ignore[no-any-return]
        if self.call.service == "lambda" and parsed.get("FunctionError"):
            return _redact().failure("FunctionError", "the invoked function failed")  # type: ignore[no-any-return]
        return None

    def begin(self) -> None:
        """The request is built: the clock starts, and the call is announced where that is due."""
        self.start_ns = now_ns = time.perf_counter_ns()
        span = self.span
        if span is None or span.invocation.spans >= settings.max_spans:
            return
        span.busy = True
        invocation = span.invocation
        if invocation.held and self.original is not None:
            invocation.thin.carried.add(self.span_id)
        if self.announce or now_ns - invocation.last_write_ns >= emit.FLUSH_AFTER_NS:
            offset_us = invocation.offset_us(now_ns)
            emit.flush(invocation, (span, [self.span_id, self.operation, self.resource, offset_us]))

    def end(
        self, code: int, keys: list[str], error: "dict[str, str] | None", aws_request_id: object
    ) -> None:
        """The answer is there: an entry of the parent's next line, or a line where it went wrong.

        Args:
            code: the HTTP status, 0 where there was no answer.
            keys: link keys of what was sent.
            error: type, message and code, or None.
            aws_request_id: AWS's id of the request, kept where it failed.
        """
        now_ns = time.perf_counter_ns()
        span, call = self.span, self.call
        if span is None or self.ended:
            return
        self.ended = True
        invocation = span.invocation
        duration_us = (now_ns - self.start_ns) // 1000
        if not emit.admits(invocation):
            emit.thin().add(span.owner(), self.operation, self.resource, duration_us, keys)
            return
        offset_us = invocation.offset_us(self.start_ns)
        rare = {}
        if call.not_injected or call.told or call.read_from or invocation.kept is not None:
            rare = self._rare(invocation, error)
        folds = error is None and self.attempts == 1 and self.attributes is None
        if folds and len(keys) + len(call.told) <= MAX_KEYS:
            entry: list[Any] = [self.span_id, self.operation, self.resource]
            entry += (offset_us, duration_us, code, keys)
            if rare:
                entry.append(rare)
            span.calls.append(entry)
            size = ENTRY_BYTES + len(self.operation) + len(self.resource) + sum(map(len, keys))
            size += BOUND_BYTES * len(call.told) + WRITER_BYTES * len(call.read_from)
            emit.waits(span, size)
        else:
            if aws_request_id and isinstance(aws_request_id, str):
                rare["awsRequestId"] = aws_request_id[:MAX_REQUEST_ID]
            fields = self._fields(offset_us, duration_us, code, error)
            if keys:
                fields["linkOut"] = keys[:MAX_OWN_KEYS]
            emit.queue(CallSpan(span, self.span_id), {**fields, **rare}, {})
        if emit.is_due(invocation, now_ns):
            emit.flush(invocation)

    def fail(self, raised: BaseException) -> None:
        """No answer came: *raised* did."""
        from lumitrace.capture.error import describe  # noqa: PLC0415  # where a call failed

        described = describe(raised)
        described.pop("at", None)
        self.end(0, [], described, None)

    def _rare(self, invocation: "Invocation", error: "dict[str, str] | None") -> "dict[str, Any]":
        """Return what few calls have to say."""
        call = self.call
        rare: dict[str, Any] = {"notInjected": call.not_injected} if call.not_injected else {}
        if call.told:
            rare["bound"] = call.told
        if call.read_from:
            rare["readFrom"] = call.read_from
        if invocation.kept is not None:
            rare |= invocation.kept.of_call(self, failed=error is not None)
        return rare

    def _fields(
        self, offset_us: int, duration_us: int, code: int, error: "dict[str, str] | None"
    ) -> "dict[str, Any]":
        span = self.span
        fields: dict[str, Any] = {
            "name": self.operation,
            "kind": kind_of_call(self.operation),
            "startUs": (span.invocation.start_us if span else 0) + offset_us,
            "offsetUs": offset_us,
            "durationUs": duration_us,
            "operation": self.operation,
            "resource": self.resource,
            "httpStatus": code,
        }
        if self.attributes is not None:
            fields["attributes"] = self.attributes
        if self.attempts > 1:
            fields["attempts"] = self.attempts
        if error is not None:
            fields["status"] = span_line.STATUS_ERROR
            fields["severityText"] = span_line.SEVERITY_ERROR
            fields["error"] = error
        return fields


def _redact() -> "Any":
    from lumitrace.capture import redact  # noqa: PLC0415  # where a call failed

    return redact
