"""Apache Kafka: Amazon MSK and clusters of one's own.

Inbound:   one record a record, from its header ``traceparent`` (else B3's or Jaeger's), which the
           producer's own tracer wrote. AWS gives a record no id that its producer sees too.
Outbound:  nothing: producers are no AWS clients.
Event:     https://docs.aws.amazon.com/lambda/latest/dg/with-msk.html
           https://docs.aws.amazon.com/lambda/latest/dg/with-kafka.html
"""

from lumitrace.capture.services._service import Record, Service, name_of
from lumitrace.wire.header import MAX_LENGTH, parse_headers

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

MAX_HEADERS = 50  # of a record


class Kafka(Service):
    """Topics: the records of one invocation come from several partitions."""

    def source(self, records: "list[dict[str, Any]]") -> str:
        """Return the topic of the first record."""
        return name_of(records[0].get("topic")) if records else ""

    def extract_record(self, record: "dict[str, Any]") -> Record:
        """Return the context in the headers, and ``topic-partition-offset``."""
        topic, partition, offset = (record.get(name) for name in ("topic", "partition", "offset"))
        known = isinstance(topic, str) and isinstance(partition, int) and isinstance(offset, int)
        identifier = f"{str(topic)[:256]}-{partition}-{offset}" if known else ""
        return Record(parse_headers(_headers(record.get("headers")).get), None, identifier)


def _headers(headers: object) -> dict[str, str]:
    """Return the headers of a record; a value is a list of bytes, signed or not."""
    found: dict[str, str] = {}
    for one in headers[:MAX_HEADERS] if isinstance(headers, list) else ():
        for name, value in list(one.items())[:MAX_HEADERS] if isinstance(one, dict) else ():
            if isinstance(value, list) and len(value) <= MAX_LENGTH:
                text = "".join(chr(b) for b in value if type(b) is int and 0 <= b < 128)
                found[str(name)[:MAX_LENGTH].lower()] = text
    return found


service = Kafka()
