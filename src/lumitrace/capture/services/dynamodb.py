"""Amazon DynamoDB: the context rides in the item, as one string attribute.

Inbound:   one record a stream record (`_dynamodb_stream`).
Outbound:  ``PutItem``, ``UpdateItem``, each put of ``BatchWriteItem``, each put and update of
           ``TransactWriteItems`` (`_dynamodb_write`). Every read has the attribute taken off again
           (`_attribute_map`). Fingerprints of what was written, where a secret is set (`_written`).
Event:     https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Streams.Lambda.html
"""

from lumitrace.capture.config import LINK, settings
from lumitrace.capture.services import _dynamodb_stream, _dynamodb_write
from lumitrace.capture.services._call import Call, name_once
from lumitrace.capture.services._room import Room
from lumitrace.capture.services._service import Record, Service
from lumitrace.wire.context import SpanContext

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

WRITES = {
    "PutItem": _dynamodb_write.single,
    "UpdateItem": _dynamodb_write.single,
    "BatchWriteItem": _dynamodb_write.batch,
    "TransactWriteItems": _dynamodb_write.transaction,
}


class DynamoDB(Service):
    """Tables: the writer's context comes back in every image of the stream."""

    def read(self, record: "dict[str, Any]", room: Room) -> Record:
        """Return the context of the writer, where it is proved that it wrote this."""
        del room
        return _dynamodb_stream.read(record)

    def inject(self, call: Call, context: SpanContext) -> "Mapping[str, Any]":
        """Add the mark to each item that the call writes, unless it could do harm."""
        write = WRITES.get(call.operation)
        return call.params if write is None else write(call, context)

    def describe(self, call: Call, names: tuple[str, ...]) -> str:
        """Return the table's name; of a call on several, their names, the first four."""
        table = call.params.get("TableName")
        if isinstance(table, str) and table:  # as of nearly every call: 1 us less
            return name_once(table)
        name = super().describe(call, names)
        if name or ("TransactItems" not in call.params and "RequestItems" not in call.params):
            return name
        return ",".join(_dynamodb_write.tables(call.params)[:4])[:100]

    def describe_response(self, call: Call, response: "Mapping[str, Any]") -> list[str]:
        """Return the fingerprints of what was written, where a secret is set to key them."""
        if settings.fingerprint_key or settings.dynamodb == LINK or settings.dynamodb_tables:
            from lumitrace.capture.services import _written  # noqa: PLC0415  # only then

            return _written.keys(call, response)
        return []


service = DynamoDB()
