"""Spans inside an invocation: what opens, what closes, and what their lines say."""

import time

from lumitrace.capture import emit
from lumitrace.capture.current import current
from lumitrace.capture.entered import current_span
from lumitrace.capture.error import failure
from lumitrace.capture.frame import cut, dress, is_async
from lumitrace.capture.guard import Guard
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

guard = Guard("capture.scope")


class Scope:
    """A span that is current between ``__enter__`` and ``__exit__``; sync and async alike.

    Nothing happens where no invocation runs, and no exception is held back.
    """

    __slots__ = ("_entered",)

    def __init__(self) -> None:
        # An element for every time it is entered: other threads and tasks may share it.
        self._entered: list[tuple[Span | None, Token[Span | None] | None]] = []

    def _open(self) -> Span | None:
        raise NotImplementedError

    def __enter__(self) -> "Self":
        span = None
        with guard:
            span = self._open()
        self._entered.append((span, None if span is None else current_span.set(span)))
        return self

    def __exit__(
        self,
        kind: "type[BaseException] | None",
        raised: BaseException | None,
        traceback: "TracebackType | None",
    ) -> None:
        with guard:
            span = self._leave()
            if span is not None and not span.ended:
                self._close(span, raised)

    def _leave(self) -> Span | None:
        """Return the span that is left: the one entered last by this thread or task."""
        for entered in self._entered[::-1]:
            span, token = entered
            if span is None or token is None or _reset(token, span):
                self._entered.remove(entered)
                return span
        return self._entered.pop()[0] if self._entered else None

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


def _reset(token: "Token[Span | None]", span: Span) -> bool:
    """Leave *span*; where another was entered since (a generator closed late), that one stays."""
    now = current_span.get()
    try:
        current_span.reset(token)
    except ValueError:  # entered in another thread, or a generator closed in another context
        return False
    if now is not span:
        current_span.set(now)
    return True


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
        span.flags, span.whole = parent.flags, parent.whole
        parent.busy = True
        for name, value in self._attributes.items():
            _set(span, name, value)
        return span

    def set_attribute(self, name: str, value: object) -> None:
        """Put one attribute on the span: a string, bool, int, float or Decimal."""
        with guard:
            span, own = current_span.get(), [span for span, _ in self._entered]
            while span is not None and span not in own:
                span = span.parent
            if span is not None:
                _set(span, str(name), value)

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
            if callable(wrapped):  # a classmethod is none: it goes outside
                return dress(async_wrapper if is_async(wrapped) else wrapper, wrapped)
        return wrapped


def _set(span: Span, name: str, value: object) -> None:
    if len(span.attributes) < MAX_ATTRIBUTES or name[:MAX_NAME] in span.attributes:
        span.attributes[name[:MAX_NAME]] = plain(value)
    else:
        span.invocation.drop("attributes")


def finish(span: Span, raised: BaseException | None) -> None:
    """End *span*, one of the application's own, with a line."""
    invocation = span.invocation
    now_ns = time.perf_counter_ns()
    span.ended = True
    if not emit.admits(invocation):
        return
    tell(span, now_ns, failure(raised), {})
    if emit.is_due(invocation, now_ns):
        emit.flush(invocation)


def tell(
    span: Span,
    ended_ns: int,
    error: "dict[str, str] | None",
    more: "dict[str, Any]",
    *,
    failed: bool = False,
) -> None:
    """Queue the line of *span*, with what it has *more* to say."""
    invocation = span.invocation
    offset_us = invocation.offset_us(span.start_ns)
    fields: dict[str, Any] = {"name": span.name, "kind": span.kind}
    fields["startUs"] = invocation.start_us + offset_us
    fields["offsetUs"] = offset_us
    fields["durationUs"] = (ended_ns - span.start_ns) // 1000
    if error is not None or failed:
        fields["status"] = span_line.STATUS_ERROR
        fields["severityText"] = span_line.SEVERITY_ERROR
    if error is not None:
        fields["error"] = error
    if span.attributes:
        fields["attributes"] = span.attributes
    waiting, tags = emit.pending(span)
    emit.queue(span, {**fields, **more, **waiting}, tags)
