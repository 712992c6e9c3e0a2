"""Amazon Kinesis Data Streams.

Inbound:   one record a record, known by its shard and sequence number, ``eventID``; a stream's
           bytes are the application's own, but for a table's changes (`_kinesis_change`).
Outbound:  nothing; ``PutRecord`` and each entry of ``PutRecords`` are answered with that id.
Event:     https://docs.aws.amazon.com/lambda/latest/dg/with-kinesis.html
"""

from lumitrace.capture.services._call import Call, name_of
from lumitrace.capture.services._room import Room
from lumitrace.capture.services._service import Inbound, Record, Service
from lumitrace.wire.link_key import KINESIS, link_key

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

BRACE = "e"  # how Base64 begins where the bytes begin with {
MAX_DATA = 22 * 1024  # characters of Base64 read of one record: 16 KiB


class Kinesis(Service):
    """Streams: many records arrive at once, again and again while one of them fails."""

    def extract(self, event: "Any") -> Inbound:
        """Return one record a record; a window may end without one."""
        inbound = super().extract(event)
        if not inbound.source and isinstance(event, dict):
            inbound.source = name_of(event.get("eventSourceARN"))
        return inbound

    def read(self, record: "dict[str, Any]", room: Room) -> Record:
        """Return the id of one record, or the writer of the table's change that it holds."""
        data = _data(record)
        if data[:1] == BRACE and len(data) <= min(MAX_DATA, room.units):
            from lumitrace.capture.services import _kinesis_change  # noqa: PLC0415  # only for JSON

            if _kinesis_change.is_change(data):
                room.units -= len(data)
                found = _kinesis_change.read(data, record.get("eventID"))
                if found is not None:
                    found.link_key = found.link_key or _plain(record).link_key
                    return found
        return _plain(record)

    def describe_response(self, call: Call, response: "Mapping[str, Any]") -> list[str]:
        """Return the key of every record that the stream took."""
        if call.operation == "PutRecord":
            return [key for key in [_key(response)] if key]
        if call.operation == "PutRecords":
            records = response.get("Records") or ()
            return [key for key in map(_key, records) if key]
        return []


def _data(record: "dict[str, Any]") -> str:
    """Return a record's bytes in Base64; a pipe hands the record over flat."""
    inner = record.get("kinesis")
    data = (inner if isinstance(inner, dict) else record).get("data")
    return data if isinstance(data, str) else ""


def _plain(record: "dict[str, Any]") -> Record:
    identifier = record.get("eventID")
    known = isinstance(identifier, str) and ":" in identifier
    return Record(None, link_key(KINESIS, identifier) if known else None, identifier)


def _key(answer: "Mapping[str, Any]") -> str | None:
    shard, number = answer.get("ShardId"), answer.get("SequenceNumber")
    return link_key(KINESIS, f"{shard}:{number}") if shard and number else None


service = Kinesis()
