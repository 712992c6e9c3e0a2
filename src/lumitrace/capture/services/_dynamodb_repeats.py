"""Writes that come again: a loop whose lineage was lost must end without us as it would."""

import time
from itertools import islice
from marshal import dumps

from lumitrace.wire.mark import ATTRIBUTE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

MAX_WRITES = 2  # of the same content, beside the first that was like it
QUIET_NS = 600_000_000_000  # ten minutes
MAX_REMEMBERED = 4_096  # about 1 MB; a ring of more items at a time is not seen


def packed(value: "Any") -> bytes | None:
    """Return *value* as bytes: equal values are equal bytes; None for what is none of ours."""
    try:
        return dumps(value, 2)  # 2: bytes do not depend on which objects are shared
    except ValueError:
        return None


def content(*parts: object) -> bytes | None:
    """Return *parts*, of a write, as bytes, a dictionary's keys in order and without a mark."""
    try:
        return packed([_in_order(part) if isinstance(part, dict) else part for part in parts])
    except TypeError:  # keys that are no text: botocore refuses them later
        return None


def _in_order(part: "dict[str, Any]") -> "list[list[Any]]":
    names = sorted(part)  # and the values by them: 2 us for ten; pairs of both take 4
    if ATTRIBUTE in part:
        names.remove(ATTRIBUTE)
    return [names, [part[name] for name in names]]


_begun: "set[int]" = set()  # hashes of what stands first in an item
_writes: "dict[int, tuple[int, int]]" = {}  # hash of a write → how often, and when last


def is_familiar(table: str, item: "dict[str, Any]") -> bool:
    """Tell whether this process wrote an item that begins like *item* already, and note it.

    To compare a whole item takes 4 us, its first attribute 1 us: a write that comes again is
    looked at as a whole from the second time on.
    """
    for name, value in item.items():
        if name == ATTRIBUTE:  # an old mark, which the new one takes the place of
            continue
        first = value.get("S") or value.get("N") if type(value) is dict else None
        key = hash((table, name, first if type(first) is str else None))
        if key in _begun:
            return True
        if len(_begun) >= MAX_REMEMBERED:
            _begun.clear()
        _begun.add(key)
        return False
    return False


def is_repeated(table: str, written: bytes | None) -> bool:
    """Tell whether this process made the same write several times already, and count it.

    A loop whose lineage was lost on its way (over SNS, SQS, EventBridge) would never end, since
    each mark makes a change. Without a mark the write changes nothing, and the loop comes to rest.
    """
    if written is None:
        return False
    key = hash((table, written))
    now_ns = time.monotonic_ns()
    count, last_ns = _writes.pop(key, (0, 0))
    if now_ns - last_ns > QUIET_NS:
        count = 0
    if len(_writes) >= MAX_REMEMBERED:
        for old in list(islice(_writes, MAX_REMEMBERED // 4)):  # one at a time costs 5 us a write
            _writes.pop(old, None)
    _writes[key] = (count + 1, now_ns)
    return count >= MAX_WRITES
