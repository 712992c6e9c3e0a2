"""Amazon DynamoDB: the context rides in the item, as one string attribute.

Inbound:   one record a stream record, from ``NewImage._lumitrace`` where it differs from the old
           image's: a writer without lumitrace that updates an item leaves the last writer's mark
           in place.
Outbound:  ``PutItem``, ``UpdateItem``, each put of ``BatchWriteItem``, each put and update of
           ``TransactWriteItems`` (`_dynamodb_write`). Every read has the attribute taken off again
           (`_attribute_map`).
Event:     https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Streams.Lambda.html
"""

from lumitrace.capture.services import _attribute_map, _dynamodb_write
from lumitrace.capture.services._service import Call, Record, Service, first_records
from lumitrace.wire.context import SpanContext
from lumitrace.wire.mark import ATTRIBUTE, mark_ms, parse_mark

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

FRESH_MS = 3_000  # the stream's clock has seconds, two machines differ
WRITES = {
    "PutItem": _dynamodb_write.single,
    "UpdateItem": _dynamodb_write.single,
    "BatchWriteItem": _dynamodb_write.batch,
    "TransactWriteItems": _dynamodb_write.transaction,
}


class DynamoDB(Service):
    """Tables: the writer's context comes back in every image of the stream."""

    max_records = 10_000  # the largest batch: every mark is taken off, so every one is read before

    def extract_record(self, record: "dict[str, Any]") -> Record:
        """Return the context of the last writer, where it is proved that it wrote this."""
        change = record.get("dynamodb")
        change = change if isinstance(change, dict) else {}
        identifier = record.get("eventID")
        if record.get("eventName") == "REMOVE":
            return Record(None, None, identifier)
        new, old = _mark(change.get("NewImage")), _mark(change.get("OldImage"))
        context = parse_mark(new) if new != old else None
        if context is not None and record.get("eventName") == "MODIFY" and "OldImage" not in change:
            context = context if _is_fresh(new, change) else None
        return Record(context, None, identifier)

    def inject(self, call: Call, context: SpanContext) -> "Mapping[str, Any]":
        """Add the mark to each item that the call writes, unless it could do harm."""
        write = WRITES.get(call.operation)
        return call.params if write is None else write(call, context)

    def describe(self, call: Call, names: tuple[str, ...]) -> str:
        """Return the table's name; of a call on several, their names, the first four."""
        name = super().describe(call, names)
        if name or ("TransactItems" not in call.params and "RequestItems" not in call.params):
            return name
        return ",".join(_dynamodb_write.tables(call.params)[:4])[:100]


def _text(value: object) -> object:
    return value.get("S") if isinstance(value, dict) else value


def _mark(image: object) -> object:
    return _text(image.get(ATTRIBUTE)) if isinstance(image, dict) else None


def _is_fresh(mark: "Any", change: "dict[str, Any]") -> bool:
    """Tell whether *mark*, of a stream without old images, was written with this very change."""
    created = change.get("ApproximateCreationDateTime")
    return isinstance(created, int | float) and abs(created * 1000 - mark_ms(mark)) < FRESH_MS


def clean_event(event: "Any") -> None:
    """Take our mark off every image of a stream *event*: the handler sees what the writer wrote."""
    for record in first_records(event, DynamoDB.max_records)[0]:
        change = record.get("dynamodb")
        if not isinstance(change, dict):
            continue
        for image in ("NewImage", "OldImage"):
            _attribute_map.clean(change.get(image))


service = DynamoDB()
