"""A batch's records, each in its own context.

``with lumitrace.record(r):`` puts a record's own context in force: calls inside belong to the
record's own transaction.
"""

import sys

from lumitrace.capture import loops
from lumitrace.capture.batch import batch_of
from lumitrace.capture.current import current, process
from lumitrace.capture.guard import Guard
from lumitrace.capture.record_span import RecordSpan
from lumitrace.capture.scope import Scope

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Any

    from lumitrace.capture.span import Span

guard = Guard("capture.record")


class RecordScope(Scope):
    """One record of a batch."""

    __slots__ = ("_record",)

    def __init__(self, record: object) -> None:
        super().__init__()
        self._record = record

    def _open(self) -> "Span | None":
        parent = current()
        if parent is None:
            return None
        batch = batch_of(parent.invocation)
        span = batch.span(self._record)
        batch.enter(span, loops.places(sys._getframe(2)))  # noqa: SLF001  # where `with` stands
        return span

    def _close(self, span: "Span", raised: BaseException | None) -> None:
        if isinstance(span, RecordSpan) and span.invocation is process.active:
            batch_of(span.invocation).leave(span, raised)


def records(event: "Any") -> "Iterator[Any]":
    """Yield every record of *event*, each in its own context."""
    for record in raw_records(event):
        with RecordScope(record):
            yield record


def raw_records(event: "Any") -> "Iterable[Any]":
    """Return the records of *event*: a list of its own, ``Records``, or the ``records`` of others.

    Kafka's are lists by topic and partition; Powertools' classes keep the event in ``raw_event``.
    """
    event = getattr(event, "raw_event", event)
    if isinstance(event, dict):
        found = event.get("Records", event.get("records"))
        if isinstance(found, dict):
            return [one for part in found.values() if isinstance(part, list) for one in part]
        return found if isinstance(found, list | tuple) else ()
    return event if hasattr(event, "__iter__") and not isinstance(event, str | bytes) else ()
