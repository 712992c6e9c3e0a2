"""Apache Kafka: Amazon MSK and clusters of one's own.

Inbound:   one record a record, from its header ``traceparent`` (else B3's or Jaeger's), which the
           producer's own tracer wrote. AWS gives a record no id that its producer sees too.
Outbound:  nothing: producers are no AWS clients.
Event:     https://docs.aws.amazon.com/lambda/latest/dg/with-msk.html
           https://docs.aws.amazon.com/lambda/latest/dg/with-kafka.html
"""

from lumitrace.capture.services._call import name_of
from lumitrace.capture.services._room import Room
from lumitrace.capture.services._service import Record, Service
from lumitrace.wire.header import MAX_LENGTH, NAMES, parse_headers

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

MAX_HEADERS = 50  # of a record


class Kafka(Service):
    """Topics: the records of one invocation come from several partitions."""

    def source(self, records: "list[dict[str, Any]]") -> str:
        """Return the topic of the first record."""
        return name_of(records[0].get("topic")) if records else ""

    def read(self, record: "dict[str, Any]", room: Room) -> Record:
        """Return the context in the headers."""
        return Record(parse_headers(_headers(record.get("headers"), room).get))

    def extract_record(self, record: "dict[str, Any]") -> Record:
        """Return the context in the headers, and ``topic-partition-offset``."""
        found = super().extract_record(record)
        topic, partition, offset = (record.get(name) for name in ("topic", "partition", "offset"))
        if isinstance(topic, str) and _is_number(partition) and _is_number(offset):
            found.identifier = f"{topic[:256]}-{partition}-{offset}"
        return found


def _is_number(value: object) -> bool:
    return isinstance(value, int) and -1 <= value < 1 << 64


def _headers(headers: object, room: Room) -> dict[str, str]:
    """Return the headers of a record that may bear a context; each is an object of its own."""
    if not isinstance(headers, list) or not headers:
        return {}
    if room.headers <= 0:
        room.unopened += 1
        return {}
    room.headers -= min(len(headers), MAX_HEADERS)
    found = {}
    for one in headers[:MAX_HEADERS]:
        for name in one if isinstance(one, dict) and len(one) == 1 else ():
            if len(name) < 20 and name.lower() in NAMES:
                found[name.lower()] = _text(one[name])
    return found


def _text(value: object) -> str:
    """Return the text of a header's *value*, a list of bytes; "" where it is no ASCII."""
    if not isinstance(value, list) or len(value) > MAX_LENGTH:
        return ""
    try:
        return bytes(value).decode("ascii", "replace")
    except (TypeError, ValueError):
        return ""


service = Kafka()
