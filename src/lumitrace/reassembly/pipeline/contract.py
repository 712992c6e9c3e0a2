"""Whether a span line is one that lumitrace writes, field for field (docs/span-line.md).

Of any other line the whole attempt is read line by line, as ``why`` reads it: what has a wrong type
means there what it means here.
"""

import re
from collections.abc import Callable
from typing import Any

from lumitrace.reassembly.fields import MAX_NUMBER, rare
from lumitrace.wire import span_line
from lumitrace.wire.context import is_id

_KEY = re.compile(r'(?!\[")[ !#-\[\]-~]+')  # a link key whose JSON is its text


def is_as_written(item: dict[str, Any]) -> bool:
    """Tell whether what the steps read of the span line *item* has the types of the contract."""
    if "name" in item and not (isinstance(item["name"], str) and item["name"]):
        return False
    if "parentSpanId" in item and not is_id(item["parentSpanId"], 16):
        return False
    if item["record"] == span_line.START and not _LISTS.keys() & item.keys() <= _IN_START:
        return False
    timed = [item[name] for name in ("startUs", "durationUs", "offsetUs") if name in item]
    if not all(_is_number(number) for number in timed):
        return False
    tells = "name" in item or any(name in item for name in ("calls", "open", "records"))
    if tells and item["record"] != span_line.HEALTH and not item.get("startUs"):
        return False  # what it lists counts from there
    return all(is_one(item[name]) for name, is_one in _LISTS.items() if name in item)


def _is_number(value: object) -> bool:
    return type(value) is int and 0 <= value <= MAX_NUMBER


def _is_key(value: object) -> bool:
    return isinstance(value, str) and _KEY.fullmatch(value) is not None


def _are_keys(value: object) -> bool:
    return isinstance(value, list) and all(map(_is_key, value))


def _is_received(value: object) -> bool:
    """Tell whether *value* is a key, or a key and how it relates."""
    return _is_key(value) or (_are_keys(value) and isinstance(value, list) and len(value) == 2)


def _is_entry(entry: list[Any]) -> bool:
    """Tell whether *entry* is a call: id, two names, three numbers, keys, what is rare."""
    if not 6 <= len(entry) <= 8 or not _is_open(entry[:4]):
        return False
    if not all(map(_is_number, entry[4:6])):
        return False
    if len(entry) > 6 and not _are_keys(entry[6]):
        return False
    return len(entry) < 8 or (isinstance(entry[7], dict) and not entry[7].get("bound"))


def _is_open(entry: object) -> bool:
    return (
        isinstance(entry, list)
        and len(entry) == 4
        and is_id(entry[0], 16)
        and all(isinstance(text, str) for text in entry[1:3])
        and _is_number(entry[3])
    )


def _is_record(entry: list[Any]) -> bool:
    """Tell whether *entry* is a record: three ids, its own, two numbers, key, what is rare."""
    if not 7 <= len(entry) <= 8 or not (is_id(entry[0], 16) and is_id(entry[1], 32)):
        return False
    if not (entry[2] == "" or is_id(entry[2], 16)) or not isinstance(entry[3], str):
        return False
    if not all(map(_is_number, entry[4:6])) or not (entry[6] == "" or _is_received(entry[6])):
        return False
    links = rare(entry).get("links", [])
    last = [one for one in links if isinstance(one, list) and one[2:] == [span_line.LAST_WRITER]]
    return (len(entry) == 7 or isinstance(entry[7], dict)) and len(last) == len(links)


def _is_sum(entry: list[Any]) -> bool:
    if not 4 <= len(entry) <= 5 or not all(isinstance(text, str) for text in entry[:2]):
        return False
    return all(map(_is_number, entry[2:4])) and (len(entry) == 4 or _are_keys(entry[4]))


def _is_link(entry: list[Any]) -> bool:
    if not 2 <= len(entry) <= 3:
        return False
    relation = entry[2:]
    return is_id(entry[0], 32) and is_id(entry[1], 16) and all(map(_is_key, relation))


def _each(is_one: Callable[[list[Any]], bool]) -> Callable[[object], bool]:
    """Return what tells whether a value is a list of lists, each of which *is_one*."""

    def told(value: object) -> bool:
        if not isinstance(value, list):
            return False
        return all(isinstance(entry, list) and is_one(entry) for entry in value)

    return told


def _are_records(value: object) -> bool:
    """Tell whether *value* is what ``records`` holds: on some lines it is their number."""
    return _is_number(value) or _each(_is_record)(value)


def _are_received(value: object) -> bool:
    return isinstance(value, list) and all(map(_is_received, value))


_LISTS: dict[str, Callable[[object], bool]] = {
    "calls": _each(_is_entry),
    "open": _is_open,
    "records": _are_records,
    "links": _each(_is_link),
    "linkIn": _are_received,
    "linkOut": _are_keys,
    "summary": _each(_is_sum),
}
_IN_START = frozenset(("records", "links", "linkIn", "linkOut"))
