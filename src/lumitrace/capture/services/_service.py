"""What a service is to the rest: an event or a call in, data out.

A service never sees a span, a clock, the log or the network, and never changes what it is given.
"""

from itertools import chain, islice

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

    from lumitrace.capture.services._call import Call
    from lumitrace.capture.services._room import Room
    from lumitrace.wire.context import SpanContext

MAX_IDENTIFIER = 1024  # characters of a record's own id; AWS's are 100 at most
COPIES = frozenset(("copy", "replica"))  # origins of an item with a mark from elsewhere
MAX_LISTS = 2048  # partitions whose records are counted, 60 ns each; a further one counts as one


class Record:
    """One record of a batch, or the one message of an event.

    Attributes:
        context: what the sender wrote into it, or None.
        link_key: the id by which the sender knows it too, or None.
        identifier: the record's own id, for people; "" where it has none.
        relation: how the sender relates, where it did not cause this: ``"replay"``.
        last_writer: who wrote the item before, which is not who caused this, or None.
        origin: what caused a change that no call to the table did: ``"ttl"``; else "".
        receive_count: how often it was received, where its source counts; else 0.
    """

    __slots__ = (
        "context",
        "identifier",
        "last_writer",
        "link_key",
        "origin",
        "receive_count",
        "relation",
    )

    def __init__(  # noqa: PLR0913  # what a record may say
        self,
        context: "SpanContext | None",
        link_key: str | None = None,
        identifier: object = "",
        *,
        relation: str | None = None,
        receive_count: int = 0,
        last_writer: "SpanContext | None" = None,
        origin: str = "",
    ) -> None:
        self.context = context
        self.last_writer = last_writer
        self.origin = origin
        self.link_key = link_key
        if not isinstance(identifier, str) or len(identifier) > MAX_IDENTIFIER:
            identifier = ""
        self.identifier: str = identifier
        self.relation = relation
        self.receive_count = receive_count

    @property
    def is_plain(self) -> bool:
        """Tell whether it says no more than who sent it, once."""
        return not (self.receive_count > 1 or self.relation or self.origin or self.last_writer)

    @property
    def lineage(self) -> "SpanContext | None":
        """Return whose tables this has passed through: a copy goes in rounds as its original."""
        return self.context or (self.last_writer if self.origin in COPIES else None)


class Inbound:
    """What an event says of where it comes from.

    Attributes:
        records: one a record of the event, or one for the event itself.
        unread: how many more records the event has, which nobody looked at.
        unopened: how many bodies nobody looked into: more than there was room for.
        route: ``POST /sales``, of an HTTP event.
        source: the name of topic, queue or table, of any other.
        claimed: the context that a caller at a public edge claims, not believed.
        link_out: keys by which a later invocation knows this one.
        trace_id: the trace that it belongs to whoever sent it, or "".
    """

    __slots__ = (
        *("claimed", "link_out", "records", "route", "source", "trace_id", "unopened", "unread"),
    )

    def __init__(  # noqa: PLR0913  # what an event may say
        self,
        records: "Iterable[Record]" = (),
        *,
        route: str = "",
        source: str = "",
        claimed: "SpanContext | None" = None,
        link_out: "Iterable[str]" = (),
        unread: int = 0,
    ) -> None:
        self.records = list(records)
        self.route = route
        self.source = source
        self.claimed = claimed
        self.link_out = list(link_out)
        self.unread = unread
        self.unopened = 0
        self.trace_id = ""


class Service:
    """The hooks; a service answers those that it has something to say to."""

    def extract(self, event: "Any") -> Inbound:
        """Return what *event* says of its senders; its records share the room there is."""
        from lumitrace.capture.services._room import MAX_RECORDS, Room  # noqa: PLC0415  # batches

        room = Room()
        records, unread = first_records(event, MAX_RECORDS)
        found = [self.read(record, room) for record in records]
        inbound = Inbound(found, source=self.source(records), unread=unread)
        inbound.unopened = room.unopened
        return inbound

    def extract_record(self, record: "dict[str, Any]") -> Record:
        """Return what one *record* of an event says of its sender, with a room of its own."""
        from lumitrace.capture.services._room import Room  # noqa: PLC0415  # of batches only

        return self.read(record, Room())

    def read(self, record: "dict[str, Any]", room: "Room") -> Record:
        """Return what *record* says of its sender, as far as there is *room*."""
        del record, room
        return Record(None)

    def source(self, records: "list[dict[str, Any]]") -> str:
        """Return the name of what *records* come from, by the ARN of the first."""
        from lumitrace.capture.services._call import name_of  # noqa: PLC0415  # of batches only

        for record in records[:1]:
            return name_of(record.get("eventSourceARN") or record.get("eventSourceArn"))
        return ""

    def inject(self, call: "Call", context: "SpanContext") -> "Mapping[str, Any]":
        """Return the parameters with *context* in them, or ``call.params`` itself."""
        del context
        return call.params

    def describe(self, call: "Call", names: tuple[str, ...]) -> str:
        """Return the name of what *call* is about: the first of the parameters *names*."""
        from lumitrace.capture.services._call import name_once  # noqa: PLC0415  # loaded already

        for name in names:
            value = call.params.get(name)
            if isinstance(value, str) and value:
                return name_once(value)
        return ""

    def describe_response(self, call: "Call", response: "Mapping[str, Any]") -> list[str]:
        """Return the link keys that *response* gives."""
        del call, response
        return []


def first_records(event: "Any", count: int) -> "tuple[list[dict[str, Any]], int]":
    """Return the first *count* records of *event*, and how many there are beyond.

    Records stand under ``Records`` or ``records``, in Kafka's case by partition, or are the
    event itself, as a pipe hands them over.
    """
    found = event
    if isinstance(event, dict):
        found = event.get("Records") or event.get("records")
    if isinstance(found, dict):
        lists = [part for part in islice(found.values(), MAX_LISTS) if isinstance(part, list)]
        total = sum(map(len, lists)) + max(0, len(found) - MAX_LISTS)
        found = list(islice(chain.from_iterable(lists), count))
    elif isinstance(found, list):
        total = len(found)
    else:
        return [], 0
    return [one for one in found[:count] if isinstance(one, dict)], max(0, total - count)
