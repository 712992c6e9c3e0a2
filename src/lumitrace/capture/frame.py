"""Wrapping without a trace: our frames leave no mark in what passes through them."""

import sys

from lumitrace.capture.config import settings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

# The runtime client drops frames with such a name from the head of a stack trace
# (awslambdaric.bootstrap.handle_event_request); it stands for Python 3.10, where `cut` leaves one.
BOOTSTRAP = "/lumitrace/capture/bootstrap.py"
CO_COROUTINE = 0x80  # inspect.CO_COROUTINE, without importing inspect
# From 3.14 on, asking for annotations evaluates them, and names of TYPE_CHECKING are not there.
ANNOTATIONS = "__annotate__" if sys.version_info >= (3, 14) else "__annotations__"
COPIED = ("__module__", "__name__", "__qualname__", "__doc__", ANNOTATIONS)


def cut(error: BaseException) -> None:
    """Take our own frame off the head of the traceback of *error*, which passes through us."""
    traceback = error.__traceback__
    if traceback is not None and not settings.debug:
        BaseException.with_traceback(error, traceback.tb_next)


def is_async(function: object) -> bool:
    """Tell whether *function* was written with ``async def`` and yields nothing."""
    code = getattr(function, "__code__", None)
    return code is not None and bool(code.co_flags & CO_COROUTINE)


def dress(wrapper: "Any", wrapped: "Any") -> "Any":
    """Give *wrapper* the names, the attributes and the signature of *wrapped*."""
    for attribute in COPIED:
        if hasattr(wrapped, attribute):
            setattr(wrapper, attribute, getattr(wrapped, attribute))
    wrapper.__dict__.update(getattr(wrapped, "__dict__", {}))
    wrapper.__wrapped__ = wrapped
    if not settings.debug:
        wrapper.__code__ = wrapper.__code__.replace(co_filename=BOOTSTRAP)
    return wrapper
