"""What belongs to an hour and stands far from it: more than 16 minutes over its edge.

``ends.parquet`` of an hour lists what its lines name and what does not stand near: traces,
requests, link keys. The tables of the other hours, in which every id and key is looked for anyway,
say whose they are. The lines of those transactions, and no others, are read where either hour is
put together.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable
from hashlib import blake2b
from pathlib import Path

from lumitrace.reassembly.pipeline.duckdb import Row
from lumitrace.reassembly.store.database import Database, quoted
from lumitrace.reassembly.store.folder import HOUR_MS, Folder, Hour

# An invocation lasts 15 minutes at most: lines of so long before and after an hour are read too.
# https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
BESIDE_MS = 16 * 60_000
PARTNERS = 100  # transactions that one name stands for; where there are more it tells nothing
MOST = 10_000  # pairs of an hour with others; where there are more its hour stays as it is
ROUNDS = 4  # of hours put together again, as what they are one with may have others again
ENDS = "ends.parquet"

_PAIRS = """
SELECT e.hour, e.units, p.hour, p.no
FROM (
  SELECT e.n, i.hour, i.no FROM far_ends e
  JOIN {ids} i ON i.head = e.head AND i.tail = e.tail AND i.kind = e.kind
  WHERE e.kind <> 4
  UNION
  SELECT e.n, k.hour, k.no FROM far_ends e
  JOIN {keys} k ON k.named = e.named AND k.kind = e.key_kind
  WHERE e.kind = 4 AND (e.write_hour IS NULL OR k.hour BETWEEN e.write_hour - 1 AND e.write_hour)
) p
JOIN far_ends e ON e.n = p.n
QUALIFY COUNT(*) OVER (PARTITION BY p.n) <= {partners}
"""

Unit = tuple[int, str, int, int]  # a stream, a request, and from when until when: Unix ms


class Far:
    """What each hour of *folder* is to be put together with, as its tables say now."""

    def __init__(self, folder: Folder, database: Database) -> None:
        self.folder, self.database = folder, database
        self.hours = [one for one in folder.hours() if one.tables]
        self.units: dict[int, set[Unit]] = defaultdict(set)
        known = [one for one in self.hours if self._file(one, ENDS).exists()]
        if known:
            self._find(self._read(ENDS, known))

    def _file(self, hour: Hour, name: str) -> Path:
        return self.folder.place(hour.number) / hour.tables / name

    def _read(self, name: str, hours: Iterable[Hour]) -> str:
        files = ", ".join(quoted(self._file(hour, name)) for hour in hours)
        return f"read_parquet([{files}])"

    def _find(self, ends: str) -> None:
        self.database.execute(
            "CREATE OR REPLACE TEMP TABLE far_ends AS "  # noqa: S608  # our own names
            f"SELECT ROW_NUMBER() OVER () AS n, * FROM {ends}"
        )
        ids, keys = (self._read(f"{name}.parquet", self.hours) for name in ("ids", "keys"))
        found = self.database.rows(_PAIRS.format(ids=ids, keys=keys, partners=PARTNERS))
        pairs = [row for row in found if row[0] != row[2]]
        many = Counter(hour for row in pairs for hour in (row[0], row[2]))
        pairs = [row for row in pairs if max(many[row[0]], many[row[2]]) <= MOST]
        partners = self._partners(pairs)
        for hour, units, partner, number in pairs:
            self.units[hour] |= partners[partner, number]
            self.units[partner].update(
                (int(key), request, int(from_ms), int(until_ms))
                for key, request, from_ms, until_ms in json.loads(units)
            )

    def _partners(self, pairs: Iterable[Row]) -> dict[tuple[int, int], set[Unit]]:
        """Return the units of the transactions that are the second of *pairs*."""
        wanted: dict[int, set[int]] = defaultdict(set)
        for row in pairs:
            wanted[row[2]].add(row[3])
        found: dict[tuple[int, int], set[Unit]] = defaultdict(set)
        for hour in self.hours:
            numbers = ", ".join(map(str, sorted(wanted.get(hour.number, ()))))
            if not numbers:
                continue
            for number, way in self.database.rows(
                f"SELECT no, way FROM {self._read('ways.parquet', [hour])} WHERE no IN ({numbers})"  # noqa: S608
            ):
                for one in json.loads(way)["units"] or ():
                    unit = (one["stream_key"], one["request_id"], one["from_ms"], one["until_ms"])
                    found[hour.number, number].add(unit)
        return found

    def of(self, first: int, last: int, hours: Iterable[int]) -> set[Unit]:
        """Return what belongs to *hours* and does not stand near those from *first* to *last*."""
        begin_ms, end_ms = near(first, last)
        every: set[Unit] = set().union(*(self.units.get(hour, set()) for hour in hours))
        return {one for one in every if one[2] < begin_ms or one[3] > end_ms}

    def facts(self, hour: int, first: int, last: int) -> dict[str, object]:
        """Return what is noted of an hour that is put together with those around it."""
        return {"madeWith": [first, last], "far": _digest(self.of(first, last, [hour]))}

    def changed(self) -> list[Hour]:
        """Return the hours that were put together with less, or more, than there is now."""
        return [
            hour
            for hour in self.hours
            if self.facts(hour.number, *hour.facts.get("madeWith", [hour.number] * 2))["far"]
            != hour.facts.get("far", "")
        ]

    def load(self, units: set[Unit], first: int, last: int, names: str) -> None:
        """Add the lines of *units* to the table ``read`` that holds all that stands near."""
        numbers = {
            hour for unit in units for hour in range(unit[2] // HOUR_MS, unit[3] // HOUR_MS + 1)
        }
        files = ", ".join(
            quoted(self.folder.place(hour.number) / hour.lines[0])
            for hour in self.hours
            if hour.number in numbers
        )
        several = sorted({unit[:2] for unit in units})
        begin_ms, end_ms = near(first, last)
        self.database.execute(
            f"INSERT INTO read SELECT {names} FROM read_parquet([{files}]) SEMI JOIN "  # noqa: S608
            "(SELECT UNNEST(?::BIGINT[]) AS stream_key, UNNEST(?::VARCHAR[]) AS request_id) "
            f"USING (stream_key, request_id) WHERE time_ms < {begin_ms} OR time_ms > {end_ms}",
            [[one[0] for one in several], [one[1] for one in several]],
        )


def near(first: int, last: int) -> tuple[int, int]:
    """Return from when until when lines stand near the hours from *first* to *last*."""
    return first * HOUR_MS - BESIDE_MS, (last + 1) * HOUR_MS + BESIDE_MS - 1


def _digest(units: set[Unit]) -> str:
    return blake2b(repr(sorted(units)).encode(), digest_size=8).hexdigest() if units else ""
