"""Spans inside an invocation: what opens, what closes, and what their lines say."""

import time

from lumitrace.capture import emit
from lumitrace.capture.current import current, current_span
from lumitrace.capture.error import describe
from lumitrace.capture.frame import cut, dress, is_async
from lumitrace.capture.guard import Guard
from lumitrace.capture.line import line
from lumitrace.capture.span import Span
from lumitrace.capture.tag import MAX_NAME, plain
from lumitrace.wire import span_line

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from contextvars import Token
    from types import TracebackType
    from typing import Any

    from typing_extensions import Self

MAX_ATTRIBUTES = 16  # of a custom span; each takes 2 KB at most once it is spelt as JSON
RECORD_BYTES = 150  # about what a folded record takes

guard = Guard("capture.scope")


class Scope:
    """A span that is current between ``__enter__`` and ``__exit__``; sync and async alike.

    Nothing happens where no invocation runs, and no exception is held back.
    """

    __slots__ = ("_span", "_token")

    def __init__(self) -> None:
        self._span: Span | None = None
        self._token: Token[Span | None] | None = None

    def _open(self) -> Span | None:
        raise NotImplementedError

    def __enter__(self) -> "Self":
        with guard:
            self._span = self._open()
            if self._span is not None:
                self._token = current_span.set(self._span)
        return self

    def __exit__(
        self,
        kind: "type[BaseException] | None",
        raised: BaseException | None,
        traceback: "TracebackType | None",
    ) -> None:
        span, token = self._span, self._token
        self._span = self._token = None
        with guard:
            if token is not None:
                _reset(token)
        with guard:
            if span is not None and not span.ended:
                self._close(span, raised)

    def _close(self, span: Span, raised: BaseException | None) -> None:
        finish(span, raised)

    async def __aenter__(self) -> "Self":
        return self.__enter__()

    async def __aexit__(
        self,
        kind: "type[BaseException] | None",
        raised: BaseException | None,
        traceback: "TracebackType | None",
    ) -> None:
        self.__exit__(kind, raised, traceback)


def _reset(token: "Token[Span | None]") -> None:
    try:
        current_span.reset(token)
    except ValueError:  # a generator closed in another context than it was opened in
        return


class CustomScope(Scope):
    """A span of the application's own: a ``with`` block or a decorated function."""

    __slots__ = ("_attributes", "_name")

    def __init__(self, name: str, attributes: "dict[str, object]") -> None:
        super().__init__()
        self._name = name
        self._attributes = attributes

    def _open(self) -> Span | None:
        parent = current()
        if parent is None:
            return None
        name = str(self._name)[:MAX_NAME]
        span = Span(parent.invocation, name, parent.trace_id, parent.span_id)
        span.parent = parent
        span.tables, span.hops = parent.tables, parent.hops
        parent.busy = True
        for name, value in self._attributes.items():
            _set(span, name, value)
        return span

    def set_attribute(self, name: str, value: object) -> None:
        """Put one attribute on the span: a string, bool, int, float or Decimal."""
        with guard:
            if self._span is not None:
                _set(self._span, str(name), value)

    def __call__(self, wrapped: "Callable[..., Any]") -> "Any":
        """Decorate *wrapped*, a function or an async one: each call is a span."""
        name, attributes = self._name, self._attributes

        def wrapper(*args: "Any", **kwargs: "Any") -> "Any":
            with CustomScope(name, attributes):
                try:
                    return wrapped(*args, **kwargs)
                except BaseException as raised:
                    cut(raised)
                    raise

        async def async_wrapper(*args: "Any", **kwargs: "Any") -> "Any":
            with CustomScope(name, attributes):
                try:
                    return await wrapped(*args, **kwargs)
                except BaseException as raised:
                    cut(raised)
                    raise

        with guard:
            return dress(async_wrapper if is_async(wrapped) else wrapper, wrapped)
        return wrapped


def _set(span: Span, name: str, value: object) -> None:
    if len(span.attributes) < MAX_ATTRIBUTES or name[:MAX_NAME] in span.attributes:
        span.attributes[name[:MAX_NAME]] = plain(value)
    else:
        span.invocation.drop("attributes")


def finish(span: Span, raised: BaseException | None) -> None:
    """End *span*: a line of its own, or an entry of the handler's where a record did nothing."""
    invocation = span.invocation
    now_ns = span.left_ns or time.perf_counter_ns()
    span.ended = True
    if span in invocation.open_records:
        invocation.open_records.remove(span)
    if not emit.admits(invocation):
        return
    offset_us, duration_us = invocation.offset_us(span.start_ns), (now_ns - span.start_ns) // 1000
    is_quiet = raised is None and not (span.told or span.calls or span.tags or span.busy)
    if span.record_id is not None and is_quiet:
        who = [span.span_id, span.trace_id, span.parent_id or "", span.record_id]
        invocation.handler.records.append([*who, offset_us, duration_us, span.link_in or ""])
        emit.waits(invocation.handler, RECORD_BYTES)
    else:
        fields: dict[str, Any] = {"name": span.name, "kind": span.kind}
        fields["startUs"] = invocation.start_us + offset_us
        fields["offsetUs"] = offset_us
        fields["durationUs"] = duration_us
        fields |= _details(span, raised)
        waiting, tags = emit.pending(span)
        emit.queue(invocation, line(span_line.SPAN, span, {**fields, **waiting}, tags))
    if emit.is_due(invocation, now_ns):
        emit.flush(invocation)


def _details(span: Span, raised: BaseException | None) -> "dict[str, Any]":
    fields: dict[str, Any] = {}
    if raised is not None:
        fields["status"] = span_line.STATUS_ERROR
        fields["severityText"] = span_line.SEVERITY_ERROR
        fields["error"] = describe(raised)
    if span.record_id is not None:
        fields["recordId"] = span.record_id
    if span.link_in:
        fields["linkIn"] = [span.link_in]
    if span.attributes:
        fields["attributes"] = span.attributes
    return fields
