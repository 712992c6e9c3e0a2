"""Powertools for AWS Lambda: the records that its batch processors handle, each in its own context.

https://docs.aws.amazon.com/powertools/python/latest/utilities/batch/
"""

from lumitrace.capture.batch import batch_of
from lumitrace.capture.current import current
from lumitrace.capture.frame import cut
from lumitrace.capture.guard import Guard
from lumitrace.capture.record import RecordScope
from lumitrace.capture.record_span import RecordSpan

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

guard = Guard("capture.integrations.powertools_batch")


def process_record(
    bound: "Callable[..., Any]", _processor: object, *args: "Any", **kwargs: "Any"
) -> "Any":
    """Handle one record, in its context."""
    record = None
    with guard:
        record = _record(args, kwargs)
    with RecordScope(record):
        try:
            return bound(*args, **kwargs)
        except BaseException as error:
            cut(error)
            raise


async def async_process_record(
    bound: "Callable[..., Any]", _processor: object, *args: "Any", **kwargs: "Any"
) -> "Any":
    """Handle one record, in its context."""
    record = None
    with guard:
        record = _record(args, kwargs)
    with RecordScope(record):
        try:
            return await bound(*args, **kwargs)
        except BaseException as error:
            cut(error)
            raise


def failure_handler(
    bound: "Callable[..., Any]", _processor: object, *args: "Any", **kwargs: "Any"
) -> "Any":
    """Note what went wrong: Powertools keeps the exception to itself.

    A record that a processor gives back without having tried it (FIFO) failed without an error.
    """
    with guard:
        exception = kwargs.get("exception", args[1] if len(args) > 1 else None)
        cause = exception[1] if isinstance(exception, tuple) and len(exception) > 1 else None
        span = current()
        if isinstance(span, RecordSpan):
            batch_of(span.invocation).fail(
                span, cause if isinstance(cause, BaseException) else None
            )
        elif span is not None and _record(args, kwargs) is not None:
            batch = batch_of(span.invocation)
            batch.note_failed(batch.look(_record(args, kwargs))[1].identifier)
    try:
        return bound(*args, **kwargs)
    except BaseException as error:
        cut(error)
        raise


def _record(args: "tuple[Any, ...]", kwargs: "dict[str, Any]") -> "Any":
    return kwargs.get("record", args[0] if args else None)
