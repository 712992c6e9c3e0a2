"""Which transactions of a store an id or a tag names: by its tables, in the order of ``find``."""

import re
from collections.abc import Collection
from dataclasses import dataclass, field

from lumitrace.reassembly.answers.find import SHORTEST
from lumitrace.reassembly.pipeline.duckdb import Row
from lumitrace.reassembly.store.reading import Number, Reading
from lumitrace.wire import link_key

_HEX = re.compile(r"[0-9a-f]{1,32}\Z")
_REQUEST = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{0,4}){1,3}(?:-[0-9a-f]{0,12})?\Z|[0-9a-f]{1,8}\Z")
_LAST = "\U0010ffff"
OWN, TRACE, SPAN, REQUEST = range(4)
NAMING = (link_key.LAMBDA, link_key.DESTINATION)  # keys that are request ids


@dataclass
class Named:
    """What an id names.

    Attributes:
        by: what kind of id it is, in words; "" where nothing is called so.
        numbers: of transactions.
        alone: requests that belong to none.
    """

    by: str = ""
    numbers: list[Number] = field(default_factory=list)
    alone: list[Row] = field(default_factory=list)


def lookup(reading: Reading, wanted: str) -> Named:
    """Return what *wanted* names."""
    wanted = wanted.strip()
    ids = _ids(reading, wanted)
    for kind, by in ((OWN, "trace id"), (TRACE, "trace id"), (SPAN, "span id")):
        if ids.get(kind):
            return Named(by, ids[kind])
    if ids.get(REQUEST):
        return Named("request id", ids[REQUEST])
    tagged = _tagged(reading, wanted) if "=" in wanted else []
    keys = {} if tagged else _keys(reading, wanted)
    if keys.get("request"):
        return Named("request id", keys["request"])
    messages = [one for kind, found in keys.items() if kind != "request" for one in found]
    said, _, request = wanted.partition(":")
    if said in NAMING:  # every invocation has such a key; the tables hold those that somebody sent
        messages += _ids(reading, request).get(REQUEST, [])
    if messages:
        return Named("message id", sorted(set(messages)))
    tagged = tagged or _tagged(reading, wanted)
    if tagged:
        return Named("tag", tagged)
    alone = _alone(reading, wanted) if len(wanted) >= SHORTEST else []
    return Named("request id", alone=alone) if alone else Named()


def _ids(reading: Reading, wanted: str) -> dict[int, list[Number]]:
    """Return the numbers of the transactions, by the kind of the id."""
    low = wanted.lower()
    if len(wanted) < SHORTEST:
        return {}
    kinds = [OWN, TRACE, SPAN] if _HEX.match(low) else []
    if _REQUEST.match(wanted):
        kinds.append(REQUEST)
    digits = low.replace("-", "")
    table = reading.table("ids")
    if not kinds or not table:
        return {}
    head, tail = digits[:16], digits[16:]
    said = [_between("head", head)]
    if tail:
        said.append(_between("tail", tail))
    rows = reading.database.rows(
        f"SELECT DISTINCT kind, hour, no FROM {table} "  # noqa: S608  # numbers
        f"WHERE {' AND '.join(said)} AND kind IN ({', '.join(map(str, kinds))}) ORDER BY ALL"
    )
    found: dict[int, list[Number]] = {}
    for kind, hour, number in rows:
        found.setdefault(kind, []).append((hour, number))
    if len(digits) > 16:
        found.pop(SPAN, None)
    return found


def _between(column: str, digits: str) -> str:
    low, high = int(f"{digits:0<16}", 16), int(f"{digits:f<16}", 16)
    return f"{column} BETWEEN {low} AND {high}"


def _keys(reading: Reading, wanted: str) -> dict[str, list[Number]]:
    """Return the transactions by the kind of the key: of a whole key, else of what begins so.

    A query a scan: each opens the files of all hours, which is most of its time.
    """
    table = reading.table("keys")
    if not table:
        return {}
    asked = f"SELECT DISTINCT kind, hour, no FROM {table} WHERE"  # noqa: S608  # our own names
    kind, colon, rest = wanted.partition(":")
    rows: list[Row] = []
    if colon:
        rows = reading.database.rows(f"{asked} named = ? AND kind = ?", [rest, kind])
    if not rows and len(wanted) >= SHORTEST:
        rows = reading.database.rows(f"{asked} named >= ? AND named < ?", [wanted, wanted + _LAST])
    elif not rows:
        rows = reading.database.rows(f"{asked} named = ?", [wanted])
    found: dict[str, list[Number]] = {}
    for name, hour, number in rows:
        found.setdefault(name, []).append((hour, number))
    return found


def _tagged(reading: Reading, wanted: str) -> list[Number]:
    """Return the transactions with the tag of that name and value, else of that value."""
    table = reading.table("tags")
    if not table:
        return []
    asked = f"SELECT DISTINCT hour, no FROM {table} WHERE"  # noqa: S608  # our own names
    name, equals, value = wanted.partition("=")
    rows: list[Row] = []
    if equals:
        rows = reading.database.rows(f"{asked} said = ? AND name = ?", [value, name])
    rows = rows or reading.database.rows(f"{asked} said = ?", [wanted])
    return [(hour, number) for hour, number in rows]


def _alone(reading: Reading, wanted: str) -> list[Row]:
    table = reading.table("alone")
    if not table:
        return []
    return reading.database.rows(
        f"SELECT request_id, stream_key, from_ms, until_ms FROM {table} "  # noqa: S608
        "WHERE request_id >= ? AND request_id < ? ORDER BY ALL",
        [wanted, wanted + _LAST],
    )


def of_traces(reading: Reading, traces: Collection[str]) -> set[Number]:
    """Return the transactions that hold one of *traces*."""
    table = reading.table("ids")
    heads = ", ".join(str(int(one[:16], 16)) for one in sorted(traces) if _HEX.match(one))
    if not heads or not table:
        return set()
    query = f"SELECT DISTINCT hour, no FROM {table} WHERE head IN ({heads}) AND kind = {TRACE}"  # noqa: S608
    return {(hour, number) for hour, number in reading.database.rows(query)}


def of_keys(reading: Reading, keys: Collection[str]) -> set[Number]:
    """Return the transactions in which one of the link *keys* was sent or received."""
    return {one for key in sorted(keys) for found in _keys(reading, key).values() for one in found}
