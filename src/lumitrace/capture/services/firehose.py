"""Amazon Data Firehose: transformations.

Inbound:   one record a record: of the SNS notification in it, or of the Kinesis record that it
           was. A record of Firehose's own has no id that its sender sees too.
Outbound:  nothing: a record is the application's own bytes.
Event:     https://docs.aws.amazon.com/firehose/latest/dev/data-transformation.html
           https://docs.aws.amazon.com/sns/latest/dg/firehose-example-use-case.html
"""

from base64 import b64decode

from lumitrace.capture.services import _nested
from lumitrace.capture.services._service import Inbound, Record, Service, first_records, name_of
from lumitrace.wire.link_key import KINESIS, link_key

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class Firehose(Service):
    """Delivery streams: many records wait for their transformation."""

    def extract(self, event: "Any") -> Inbound:
        """Return one record a record."""
        room = _nested.Room()
        records, unread = first_records(event, self.max_records)
        arn = event.get("deliveryStreamArn") if isinstance(event, dict) else None
        found = (_read(record, room) for record in records)
        return Inbound(found, source=name_of(arn), unread=unread)

    def extract_record(self, record: "dict[str, Any]") -> Record:
        """Return what one record says of its sender."""
        return _read(record, _nested.Room())


def _read(record: "dict[str, Any]", room: _nested.Room) -> Record:
    identifier = record.get("recordId")
    kinesis = record.get("kinesisRecordMetadata")
    if isinstance(kinesis, dict):
        shard, number = kinesis.get("shardId"), kinesis.get("sequenceNumber")
        key = link_key(KINESIS, f"{shard}:{number}") if shard and number else None
        return Record(None, key, identifier)
    data = record.get("data")
    found = _nested.read(_text(data), room) if isinstance(data, str) else None
    if found is None:
        return Record(None, None, identifier)
    return Record(found.context, found.link_key, identifier, relation=found.relation)


def _text(data: str) -> str:
    """Return the text that *data*, in Base64, holds; of a long one its two ends, else ""."""
    limit, edge = 4 * _nested.MAX_BODY // 3, 4 * _nested.EDGE // 3 // 4 * 4
    try:
        if len(data) <= limit:
            return b64decode(data).decode("utf-8", "replace")
        head, tail = (b64decode(part) for part in (data[:edge], data[-edge:]))
    except ValueError:
        return ""
    middle = " " * _nested.MAX_BODY  # keeps it as long as it was: it is looked at, not parsed
    return (head + middle.encode() + tail).decode("utf-8", "replace")


service = Firehose()
