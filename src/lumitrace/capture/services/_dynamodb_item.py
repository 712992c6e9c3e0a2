"""Marking one item: the mark, and why an item stays as it is.

Limits:    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html
Sizes:     https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html
Signing:   https://docs.aws.amazon.com/database-encryption-sdk/latest/devguide/reserved.html
"""

import time

from lumitrace.capture.services import _dynamodb_repeats
from lumitrace.capture.services._call import Call
from lumitrace.wire.context import SpanContext
from lumitrace.wire.mark import ATTRIBUTE, MAX_HOPS, format_mark, parse_mark, table_hash

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

# What client-side encryption puts into an item; one more attribute breaks its signature.
HEAD, FOOT = "aws_dbe_head", "aws_dbe_foot"
MAP, SIGNATURE = "*amzn-ddb-map-desc*", "*amzn-ddb-map-sig*"
MAX_BYTES = 390 * 1024  # of 400 KB: an item above is left alone, an estimate is good to 2 %
MAX_DEPTH = 40  # DynamoDB's own limit is 32
MAX_LETTERS = MAX_BYTES // 4  # a letter is at most four bytes of UTF-8


def table_reason(call: Call, table: str, context: SpanContext) -> str | None:
    """Return why nothing written to *table* gets a mark from here.

    A mark makes a write out of one that changes nothing, so that a function which rewrites its own
    table, or two that feed each other's, would never come to rest.
    """
    if table in call.avoid:
        return "own-stream"
    if context.hops >= MAX_HOPS:
        return "hops"
    if context.tables and table_hash(call.region, table) in context.tables:
        return "table-in-lineage"
    return "refused" if table in call.off else None


def own_reason(attributes: "dict[str, Any]") -> str | None:
    """Return why *attributes*, of an item or a key, must not get one more."""
    if HEAD in attributes or FOOT in attributes or MAP in attributes or SIGNATURE in attributes:
        return "signed-item"
    if ATTRIBUTE in attributes:
        value = attributes[ATTRIBUTE]
        if parse_mark(value.get("S") if isinstance(value, dict) else value) is None:
            return "own-attribute"
    return None


def new_mark(call: Call, table: str, context: SpanContext) -> "dict[str, str]":
    """Return the value of our attribute in an item that is written to *table* now."""
    hashed = table_hash(call.region, table)
    return {"S": format_mark(context, hashed, time.time_ns() // 1_000_000)}


def with_mark(
    call: Call, table: str, item: "dict[str, Any]", context: SpanContext
) -> "tuple[dict[str, Any], str | None]":
    """Return a copy of *item* with the mark, or *item* itself and why.

    Whether a PutItem has room for it is seen when its request is spelt (`outgoing.begin`).
    """
    reason = table_reason(call, table, context) or own_reason(item)
    if reason is None and call.operation != "PutItem" and is_large(item):
        reason = "item-size"
    if reason is None and call.fed and _dynamodb_repeats.is_familiar(table, item):
        again = _dynamodb_repeats.is_repeated(table, _dynamodb_repeats.content(item))
        reason = "repeated" if again else None
    if reason is not None:
        return item, reason
    return {**item, ATTRIBUTE: new_mark(call, table, context)}, None


def is_large(item: "dict[str, Any]") -> bool:
    """Tell whether *item* may have no room for a mark; what is no item, botocore refuses later."""
    try:
        return not _is_small(item) and size(item) > MAX_BYTES
    except (AttributeError, TypeError):
        return True


def _is_small(item: "dict[str, Any]") -> bool:
    """Tell whether *item* is far from the limit, in about 1 us for ten strings and numbers."""
    letters = 0
    for name, value in item.items():
        if "S" in value:
            letters += len(name) + len(value["S"])
        elif "N" in value:
            letters += len(name) + 40
        else:
            # A string in marshal's words is longer than DynamoDB counts it, and so is the rest.
            packed = _dynamodb_repeats.packed(item)
            return packed is not None and len(packed) <= MAX_BYTES
    return letters <= MAX_LETTERS


def is_over(value: object, limit: int) -> bool:
    """Tell whether *value* may be more than *limit* bytes, as DynamoDB counts."""
    packed = _dynamodb_repeats.packed(value)
    return packed is not None and len(packed) > limit


def size(item: "dict[str, Any]") -> int:
    """Return about how many bytes DynamoDB counts for *item*, names included."""
    return sum(len(name.encode()) + _size(value, MAX_DEPTH) for name, value in item.items())


def _size(value: "Any", depth: int) -> int:
    """Return the bytes of one typed *value*, such as ``{"S": "x"}``."""
    if not isinstance(value, dict) or depth == 0:
        return MAX_BYTES  # nothing that DynamoDB takes: leave it alone
    total = 0
    for kind, inner in value.items():
        if kind == "M":
            parts = [len(str(name).encode()) + _size(one, depth - 1) for name, one in inner.items()]
            total += 3 + len(inner) + sum(parts)
        elif kind == "L":
            total += 3 + len(inner) + sum(_size(one, depth - 1) for one in inner)
        elif kind in ("SS", "NS", "BS"):
            total += sum(_scalar(one, kind[0]) for one in inner)
        else:
            total += _scalar(inner, kind)
    return total


def _scalar(value: "Any", kind: str) -> int:
    if kind == "S":
        return len(str(value).encode("utf-8", "replace"))
    if kind == "N":
        return len(str(value)) // 2 + 2
    return len(value) if isinstance(value, bytes | bytearray) else 1
