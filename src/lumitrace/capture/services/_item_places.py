"""Where an answer of DynamoDB has items, by botocore's model of the operation.

No list of ours says it: the next operation that returns items is covered on the day it appears.
"""

from lumitrace.capture.services._call import name_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from lumitrace.capture.services._call import Call

    # The table, items of it, and whether they stand as their last writer left them.
    Found = list[tuple[str, Sequence[Any], bool]]
    # A part of an answer, its table or those of its elements, and where its items are put.
    Walk = Callable[[Any, Any, Found], None]

KEYS = frozenset(("Key", "ItemCollectionKeyAttributeMap"))  # shapes that no mark is ever in
TABLES = frozenset(("TableArn", "TableName"))  # shapes of what a map has its tables by
MAX_DEPTH = 12  # of an answer; DynamoDB's own are at most 5 deep

_known: "dict[tuple[str, str], tuple[tuple[str, Walk], ...]]" = {}


def walks(call: "Call", model: "Any") -> "tuple[tuple[str, Walk], ...]":
    """Return the members of an operation's answer and errors that hold items, with their walks.

    *model* is botocore's of the operation that *call* is.
    """
    key = (call.service, call.operation)
    if key not in _known:
        found: dict[str, Walk] = {}
        for shape in (model.output_shape, *model.error_shapes):
            for name, walk in _members(shape, MAX_DEPTH, last=True) if shape is not None else ():
                found.setdefault(name, walk)
        _known[key] = tuple(found.items())
    return _known[key]


def _members(shape: "Any", depth: int, *, last: bool) -> "list[tuple[str, Walk]]":
    found = [
        (name, _walk(member, depth - 1, last=last and name != "OldImage"))
        for name, member in shape.members.items()
    ]
    return [(name, walk) for name, walk in found if walk is not None]


def _walk(shape: "Any", depth: int, *, last: bool) -> "Walk | None":
    """Return what finds the items in a value of *shape*, or None where none can be in it."""
    if _is_item(shape):
        return lambda value, table, found: found.append((table, (value,), last))
    kind = shape.type_name
    if depth == 0 or kind not in ("structure", "list", "map") or shape.name == "AttributeValue":
        return None
    if kind == "structure":
        return _structure(_members(shape, depth, last=last), named="TableName" in shape.members)
    member = shape.member if kind == "list" else shape.value
    if kind == "list" and _is_item(member):
        return lambda value, table, found: found.append((table, value, last))
    inner = _walk(member, depth - 1, last=last)
    if inner is None:
        return None
    return _list(inner) if kind == "list" else _map(inner, named=shape.key.name in TABLES)


def _is_item(shape: "Any") -> bool:
    """Tell whether *shape* is an item, under whatever name: attributes by their names, no key."""
    if shape.type_name != "map" or shape.name in KEYS:
        return False
    return (shape.key.name, shape.value.name) == ("AttributeName", "AttributeValue")


def _structure(members: "list[tuple[str, Walk]]", *, named: bool) -> "Walk | None":
    def walk(value: "Any", table: "Any", found: "Found") -> None:
        if isinstance(value, dict):
            own = (name_of(value.get("TableName")) or table) if named else table
            for name, inner in members:
                if name in value:
                    inner(value[name], own, found)

    return walk if members else None


def _list(inner: "Walk") -> "Walk":
    def walk(value: "Any", table: "Any", found: "Found") -> None:
        aligned = isinstance(table, list) and len(table) == len(value)
        for number, each in enumerate(value):
            inner(each, table[number] if aligned else table, found)

    return walk


def _map(inner: "Walk", *, named: bool) -> "Walk":
    def walk(value: "Any", table: "Any", found: "Found") -> None:
        for name, each in value.items():
            inner(each, name_of(name) if named else table, found)

    return walk
