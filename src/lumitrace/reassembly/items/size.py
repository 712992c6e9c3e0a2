"""How large an item is, as DynamoDB counts it for capacity.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

WRITE_UNIT = 1024  # bytes
CONTAINER = 3  # bytes, and one for each element


def item_size(item: Mapping[str, Mapping[str, Any]]) -> int:
    """Return the bytes of *item*, names of attributes included."""
    return sum(len(name.encode()) + _size(value) for name, value in item.items())


def write_units(size: int) -> int:
    """Return the units that a write of an item of *size* bytes takes."""
    return max(1, -(-size // WRITE_UNIT))


def _size(value: Mapping[str, Any]) -> int:
    kind, content = next(iter(value.items()))
    measure = _MEASURES.get(kind)
    return 1 if measure is None else measure(content)


def _number(text: str) -> int:
    """About one byte for two significant digits, and one more; a sign is one more."""
    digits = text.lower().split("e")[0].lstrip("+-").replace(".", "").strip("0")
    return (len(digits) + 1) // 2 + 1 + text.startswith("-")


def _set(elements: Iterable[Any], kind: str) -> int:
    return sum(_MEASURES[kind](one) for one in elements)


def _list(elements: Sequence[Mapping[str, Any]]) -> int:
    return CONTAINER + sum(1 + _size(one) for one in elements)


def _map(members: Mapping[str, Mapping[str, Any]]) -> int:
    return CONTAINER + len(members) + item_size(members)


_MEASURES: dict[str, Callable[[Any], int]] = {
    "S": lambda text: len(text.encode()),
    "B": len,
    "N": _number,
    "SS": lambda elements: _set(elements, "S"),
    "NS": lambda elements: _set(elements, "N"),
    "BS": lambda elements: _set(elements, "B"),
    "L": _list,
    "M": _map,
}  # a BOOL and a NULL are one byte
