"""Threads of ``concurrent.futures``: the current span goes along with what is submitted.

Only our own variable is carried, set around the call and reset: a context copied whole would take
the caller's decimal context and more into the thread. Tasks of asyncio copy theirs by themselves.
"""

from lumitrace.capture.current import process
from lumitrace.capture.frame import cut
from lumitrace.capture.guard import Guard

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from lumitrace.capture.span import Span

guard = Guard("capture.threads")
INTERPRETERS = "concurrent.futures.interpreter"  # pickles what it is given (Python 3.14)


def submit(bound: "Callable[..., Any]", executor: "Any", *args: "Any", **kwargs: "Any") -> "Any":
    """Submit a call; where it would not find its span by itself, the span goes along."""
    with guard:
        args = _carrying(executor, args)
    try:
        return bound(*args, **kwargs)
    except BaseException as error:
        cut(error)
        raise


def _carrying(executor: "Any", args: "tuple[Any, ...]") -> "tuple[Any, ...]":
    """Return *args*; the function among them bears the span where that is not the handler's."""
    span = None if process.entered is None else process.entered()
    active = process.active
    if span is None or active is None or span is active.handler or not args:
        return args
    if span.invocation is not active:  # left open by an earlier one
        return args
    if any(base.__module__ == INTERPRETERS for base in type(executor).__mro__):
        return args
    return (_within(span, args[0]), *args[1:])


def _within(span: "Span", function: "Callable[..., Any]") -> "Callable[..., Any]":
    from lumitrace.capture.entered import current_span  # noqa: PLC0415  # loaded already

    def call(*args: "Any", **kwargs: "Any") -> "Any":
        token = current_span.set(span)
        try:
            return function(*args, **kwargs)
        except BaseException as error:
            cut(error)
            raise
        finally:
            current_span.reset(token)

    return call
