"""What a handler may call. Nothing here raises, and outside an invocation nothing happens."""

from lumitrace.capture import bindings, emit
from lumitrace.capture.batch import batch_of
from lumitrace.capture.current import current
from lumitrace.capture.guard import Guard
from lumitrace.capture.record import RecordScope, records
from lumitrace.capture.scope import CustomScope
from lumitrace.capture.tag import MAX_TAGS, texts

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeVar

    Entry = TypeVar("Entry")

__all__ = ["bind", "failed", "record", "records", "span", "tag", "trace_id"]

guard = Guard("capture.api")


def tag(**tags: object) -> None:
    """Say what this transaction is about: ``lumitrace.tag(saleId="628d8a", total=42.5)``.

    A tag is a string (256 characters are kept), a bool, an int, a float or a Decimal, whose digits
    stay as they are. Inside `record` it belongs to the record's own transaction. A later tag of
    the same name replaces the earlier one.
    """
    with guard:
        found = current()
        if found is None:
            return
        owner = found.owner()
        for name, text in texts(tags).items():
            if len(owner.tags) < MAX_TAGS or name in owner.tags:
                owner.tags[name] = text
                emit.waits(owner, len(name) + len(text) + 4)
            else:
                owner.invocation.drop("tags")
        if owner.invocation.waiting_bytes >= emit.FLUSH_AT_BYTES:
            emit.flush(owner.invocation)


def trace_id() -> str | None:
    """Return the correlation ID, 32 hex digits: of the record at hand, else of the invocation.

    None outside an invocation.
    """
    with guard:
        found = current()
        return None if found is None else found.trace_id
    return None


def span(name: str, /, **attributes: object) -> CustomScope:
    """Time a step of your own: ``with lumitrace.span("price the basket"):``, or as a decorator.

    ``async with`` and async functions too. *attributes* are strings, numbers or bools.
    """
    return CustomScope(name, attributes)


def record(one: object) -> RecordScope:
    """Put the context of *one* record of a batch in force: ``with lumitrace.record(r):``.

    Calls inside belong to the transaction that sent the record. It may be entered again, after the
    loop, in threads and in tasks: it stays one span.
    """
    return RecordScope(one)


def failed(one: object) -> None:
    """Say that *one* record of the batch failed, where no exception and no result says so."""
    with guard:
        found = current()
        if found is not None:
            batch = batch_of(found.invocation)
            batch.fail(batch.span(one))


def bind(entry: "Entry", one: object) -> "Entry":
    """Give *entry*, of a batch call that comes later, the context of *one* record; return *entry*.

    ``entries.append(lumitrace.bind({"Id": "1", "MessageBody": text}, r))``. The entry itself is not
    changed, and the very same dictionary has to be sent, from this invocation.
    """
    with guard:
        found = current()
        if found is not None:
            batch = batch_of(found.invocation)
            bindings.bind(batch, entry, batch.span(one))
    return entry
