"""Amazon Kinesis Data Streams.

Inbound:   one record a record, known by its shard and sequence number, ``eventID``; a stream's
           bytes are the application's own.
Outbound:  nothing; ``PutRecord`` and each entry of ``PutRecords`` are answered with that id.
Event:     https://docs.aws.amazon.com/lambda/latest/dg/with-kinesis.html
"""

from lumitrace.capture.services._service import Call, Inbound, Record, Service, name_of
from lumitrace.wire.link_key import KINESIS, link_key

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any


class Kinesis(Service):
    """Streams: many records arrive at once, again and again while one of them fails."""

    def extract(self, event: "Any") -> Inbound:
        """Return one record a record; a window may end without one."""
        inbound = super().extract(event)
        if not inbound.source and isinstance(event, dict):
            inbound.source = name_of(event.get("eventSourceARN"))
        return inbound

    def extract_record(self, record: "dict[str, Any]") -> Record:
        """Return the id of one record."""
        identifier = record.get("eventID")
        known = isinstance(identifier, str) and ":" in identifier
        return Record(None, link_key(KINESIS, identifier) if known else None, identifier)

    def describe_response(self, call: Call, response: "Mapping[str, Any]") -> list[str]:
        """Return the key of every record that the stream took."""
        if call.operation == "PutRecord":
            return [key for key in [_key(response)] if key]
        if call.operation == "PutRecords":
            records = response.get("Records") or ()
            return [key for key in map(_key, records) if key]
        return []


def _key(answer: "Mapping[str, Any]") -> str | None:
    shard, number = answer.get("ShardId"), answer.get("SequenceNumber")
    return link_key(KINESIS, f"{shard}:{number}") if shard and number else None


service = Kinesis()
