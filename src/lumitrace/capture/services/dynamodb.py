"""Amazon DynamoDB: the context rides in the item, as one string attribute.

Inbound:   one record a stream record, from ``NewImage._lumitrace`` where it differs from the old
           image's: a writer without lumitrace that updates an item leaves the last writer's mark
           in place.
Outbound:  ``PutItem``. Every read has the attribute taken off again (`_attribute_map`).
Event:     https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Streams.Lambda.html
"""

import time

from lumitrace.capture.config import INJECT, settings
from lumitrace.capture.services import _attribute_map
from lumitrace.capture.services._service import Call, Record, Service, first_records
from lumitrace.wire.context import SpanContext
from lumitrace.wire.mark import ATTRIBUTE, MAX_HOPS, format_mark, mark_ms, parse_mark, table_hash

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

# What client-side encryption puts into an item; one more attribute breaks its signature.
# https://docs.aws.amazon.com/database-encryption-sdk/latest/devguide/reserved.html
FRESH_MS = 3_000  # the stream's clock has seconds, two machines differ
SIGNED = ("aws_dbe_head", "aws_dbe_foot", "*amzn-ddb-map-desc*", "*amzn-ddb-map-sig*")


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
        """Add the mark to the item of a PutItem, unless it could do harm."""
        params = call.params
        if call.operation != "PutItem":
            return params
        item, table = params.get("Item"), params.get("TableName")
        if not isinstance(item, dict) or not isinstance(table, str):
            return params
        name = self.describe(call, ("TableName",))
        if settings.mode_of(name) != INJECT:
            return params
        call.not_injected = _reason(call, item, name, context)
        if call.not_injected is not None:
            return params
        mark = format_mark(context, table_hash(call.region, name), time.time_ns() // 1_000_000)
        return {**params, "Item": {**item, ATTRIBUTE: {"S": mark}}}


def _reason(call: Call, item: "dict[str, Any]", table: str, context: SpanContext) -> str | None:
    """Why the item must stay as it is.

    A mark makes a write out of one that changes nothing, so that a function which rewrites its own
    table, or two that feed each other's, would never come to rest.
    """
    if table in call.avoid:
        return "own-stream"
    if context.hops >= MAX_HOPS:
        return "hops"
    if table_hash(call.region, table) in context.tables:
        return "table-in-lineage"
    if ATTRIBUTE in item and parse_mark(_text(item[ATTRIBUTE])) is None:
        return "own-attribute"
    if any(name in item for name in SIGNED):
        return "signed-item"
    return None


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
