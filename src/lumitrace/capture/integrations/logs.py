"""``LUMITRACE_LOG_IDS=1``: ``traceId`` and ``spanId`` on every record of `logging`.

A record factory adds them; the one that was there is kept and called. Handlers, formatters and
levels stay as they are, so that whatever prints a record's extra attributes prints these: Lambda's
JSON log format, Powertools' Logger, and any formatter with ``%(traceId)s``. Outside an invocation
both are empty, because a format that names an attribute must find it.
https://docs.python.org/3/library/logging.html#logging.setLogRecordFactory
"""

import logging

from lumitrace.capture.current import current
from lumitrace.capture.frame import cut
from lumitrace.capture.guard import Guard

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

TRACE_ID = "traceId"
SPAN_ID = "spanId"
NAMES = (TRACE_ID, SPAN_ID)

guard = Guard("capture.integrations.logs")


class Fields(dict[str, object]):
    """The attributes of one record, in which our names do not count as taken.

    ``logger.info(…, extra={"traceId": …})`` asks whether the record has the name already, and
    raises a KeyError if so (`logging.Logger.makeRecord`). It must go on working: the caller's own
    value wins.
    """

    __slots__ = ()

    def __contains__(self, name: object) -> bool:
        return name not in NAMES and dict.__contains__(self, name)

    def __reduce__(self) -> "tuple[Any, ...]":
        """Travel as a plain dict: who unpickles a record may not have lumitrace."""
        return dict, (dict(self),)


def ids() -> tuple[str, str]:
    """Return the trace id and the span id of the work at hand, both empty where there is none."""
    span = current()
    return ("", "") if span is None else (span.trace_id, span.span_id)


def install() -> None:
    """Put our factory before the one in force, once."""
    before = logging.getLogRecordFactory()
    if not isinstance(before, Factory):
        logging.setLogRecordFactory(Factory(before))


class Factory:
    """Makes what the factory before it makes, with our two attributes."""

    __slots__ = ("before",)

    def __init__(self, before: "Callable[..., logging.LogRecord]") -> None:
        self.before = before

    def __call__(self, *args: "Any", **kwargs: "Any") -> logging.LogRecord:
        """Return a record."""
        try:
            record = self.before(*args, **kwargs)
        except BaseException as error:
            cut(error)
            raise
        with guard:
            trace_id, span_id = ids()
            fields = Fields(record.__dict__)
            fields.setdefault(TRACE_ID, trace_id)
            fields.setdefault(SPAN_ID, span_id)
            record.__dict__ = fields
        return record
