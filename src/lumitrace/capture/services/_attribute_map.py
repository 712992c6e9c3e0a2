"""Taking our mark off what DynamoDB answers, wherever its model has an item.

The walk is driven by botocore's model of the operation, not by a list of ours: the next operation
that returns items is covered on the day it appears.
"""

from lumitrace.wire.mark import ATTRIBUTE, parse_mark

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    Walk = Callable[[Any], None]

ITEMS = frozenset(("AttributeMap", "PutItemInputAttributeMap"))
MAX_DEPTH = 12  # of a response; DynamoDB's own are at most 5 deep


def clean(item: "Any") -> None:
    """Take the mark off *item*, in place, where it has one of ours; another's value stays."""
    if isinstance(item, dict) and ATTRIBUTE in item:
        value = item[ATTRIBUTE]
        if parse_mark(value.get("S") if isinstance(value, dict) else value) is not None:
            del item[ATTRIBUTE]


def clean_response(model: "Any", parsed: "dict[str, Any]") -> None:
    """Take the mark off every item in *parsed*, the answer to an operation with this *model*.

    An error's items count too: ``ConditionalCheckFailedException.Item`` and the
    ``CancellationReasons`` of a transaction.
    """
    for walk in _walks(model):
        walk(parsed)


def _walks(model: "Any") -> "tuple[Walk, ...]":
    service = model.service_model.service_name
    key = (service, model.name)
    if key not in _known:
        shapes = (model.output_shape, *model.error_shapes)
        found = [_walk(shape, MAX_DEPTH) for shape in shapes if shape is not None]
        _known[key] = tuple(walk for walk in found if walk is not None)
    return _known[key]


_known: "dict[tuple[str, str], tuple[Walk, ...]]" = {}


def _walk(shape: "Any", depth: int) -> "Walk | None":
    """Return what cleans a value of *shape*, or None where no item can be in it."""
    if shape.name in ITEMS:
        return clean
    if depth == 0 or shape.name == "AttributeValue":
        return None
    if shape.type_name == "structure":
        return _structure(shape, depth)
    if shape.type_name in ("list", "map"):
        inner = _walk(shape.member if shape.type_name == "list" else shape.value, depth - 1)
        if inner is not None:
            return _values(inner)
    return None


def _structure(shape: "Any", depth: int) -> "Walk | None":
    members = [(name, _walk(member, depth - 1)) for name, member in shape.members.items()]
    wanted = [(name, inner) for name, inner in members if inner is not None]

    def walk(value: "Any") -> None:
        if isinstance(value, dict):
            for name, inner in wanted:
                if name in value:
                    inner(value[name])

    return walk if wanted else None


def _values(inner: "Walk") -> "Walk":
    def walk(value: "Any") -> None:
        if isinstance(value, dict | list):
            for each in value.values() if isinstance(value, dict) else value:
                inner(each)

    return walk
