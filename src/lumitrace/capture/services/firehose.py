"""Amazon Data Firehose: transformations.

Inbound:   one record a record: of the SNS notification in it, or of the Kinesis record that it
           was. A record of Firehose's own has no id that its sender sees too.
Outbound:  nothing: a record is the application's own bytes.
Event:     https://docs.aws.amazon.com/firehose/latest/dev/data-transformation.html
           https://docs.aws.amazon.com/sns/latest/dg/firehose-example-use-case.html
"""

from lumitrace.capture.services import _nested
from lumitrace.capture.services._call import name_of
from lumitrace.capture.services._room import EDGE, MAX_BODY, Room, decoded
from lumitrace.capture.services._service import Inbound, Record, Service
from lumitrace.wire.link_key import KINESIS, link_key

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

OBJECT = "ey", "ew", "ex", "ez"  # how "{" begins in Base64
BASE64_BODY = MAX_BODY // 3 * 4  # characters decoded of one record
BASE64_EDGE = EDGE // 3 * 4  # characters decoded of a longer one, at either end


class Firehose(Service):
    """Delivery streams: many records wait for their transformation."""

    def extract(self, event: "Any") -> Inbound:
        """Return one record a record."""
        inbound = super().extract(event)
        arn = event.get("deliveryStreamArn") if isinstance(event, dict) else None
        inbound.source = name_of(arn)
        return inbound

    def read(self, record: "dict[str, Any]", room: Room) -> Record:
        """Return what one record says of its sender."""
        identifier = record.get("recordId")
        kinesis = record.get("kinesisRecordMetadata")
        if isinstance(kinesis, dict):
            shard, number = kinesis.get("shardId"), kinesis.get("sequenceNumber")
            key = link_key(KINESIS, f"{shard}:{number}") if shard and number else None
            return Record(None, key, identifier)
        found = _notification(record.get("data"), room)
        if found is None:
            return Record(None, None, identifier)
        return Record(found.context, found.link_key, identifier, relation=found.relation)


def _notification(data: object, room: Room) -> Record | None:
    """Return what *data*, in Base64, says where it is a message: of a long one its ends do."""
    if not isinstance(data, str) or not data.startswith(OBJECT) or not room.opens():
        return None
    head = decoded(data[:BASE64_EDGE])
    if not any(word in head for word in _nested.WORDS):
        return None
    if len(data) <= min(BASE64_BODY, room.units):
        return _nested.opened(decoded(data), room)
    return _nested.scan(head, decoded(data[-BASE64_EDGE:]))


service = Firehose()
