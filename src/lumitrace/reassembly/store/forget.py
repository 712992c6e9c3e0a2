"""Takes out of a store all that concerns one value of a tag: a customer, for example."""

import json
import re
from collections import defaultdict
from dataclasses import dataclass, replace

from lumitrace.reassembly.store.counted import forget_counted
from lumitrace.reassembly.store.database import Database, quoted
from lumitrace.reassembly.store.derive import Deriving
from lumitrace.reassembly.store.folder import Folder, Hour
from lumitrace.reassembly.store.incoming import LINES_A_GROUP, NAMES, WRITTEN
from lumitrace.reassembly.store.reading import NOWHERE, Reading, Stored


@dataclass
class Forgotten:
    """What was taken out.

    Attributes:
        transactions: those that had the tag, with all lines that are theirs alone.
        events: log events, of those and of others that named the value.
    """

    transactions: int = 0
    events: int = 0


def forget(folder: Folder, name: str, value: str, memory: str = "") -> Forgotten:
    """Remove the transactions whose tag *name* is *value*, and every other line that names it.

    What several transactions share, a batch's lines for example, stays where it does not name the
    value. The tables are made anew, and the files that held it are gone when this returns.

    Raises:
        Problem: another writes to the store.
    """
    with folder.writing(), Database.bounded(memory, folder.path / "spill") as database:
        Deriving(folder, database).run()
        reading = Reading(folder)
        numbers = []
        if reading.table("tags"):
            numbers = reading.database.rows(
                f"SELECT DISTINCT hour, no FROM {reading.table('tags')} "  # noqa: S608
                "WHERE said = ? AND name = ?",
                [value, name],
            )
        forgotten = Forgotten(len(numbers))
        stored = reading.stored([(hour, number) for hour, number in numbers])
        own = _own(reading, stored, set(map(tuple, numbers)))
        for hour in folder.hours():
            forgotten.events += _rewrite(folder, database, hour, own.get(hour.number, []), value)
        Deriving(folder, database).run()
        folder.sweep()
    return forgotten


def _own(
    reading: Reading, stored: Stored, numbers: set[tuple[int, ...]]
) -> dict[int, list[tuple[int, int, str]]]:
    """Return the lines that no other transaction has a part in: clump, stream, request by hour."""
    asked = [(hour, clumps) for hour, clumps in stored.units.items()]
    shared = _shared(reading, stored, numbers)
    found: dict[int, list[tuple[int, int, str]]] = defaultdict(list)
    for hour, clumps in asked:
        for clump, units in clumps.items():
            found[hour] += [(clump, *unit) for unit in units if unit not in shared]
    return found


def _shared(
    reading: Reading, stored: Stored, numbers: set[tuple[int, ...]]
) -> set[tuple[int, str]]:
    """Return the units that transactions other than those of *numbers* have a part in."""
    table = reading.table("ways")
    if not table or not stored.wanted:
        return set()
    keys = sorted({key for key, _ in stored.wanted})
    rows = reading.database.rows(
        "SELECT hour, no, unit.stream_key, unit.request_id FROM "  # noqa: S608  # our own names
        "(SELECT hour, no, UNNEST(from_json(way->'units', "
        """'[{"stream_key": "BIGINT", "request_id": "VARCHAR"}]')) """
        f"AS unit FROM {table}) "
        "WHERE list_contains(?, unit.stream_key)",
        [keys],
    )
    others = {(row[2], row[3]) for row in rows if (row[0], row[1]) not in numbers}
    return others & stored.wanted


def _rewrite(
    folder: Folder,
    database: Database,
    hour: Hour,
    own: list[tuple[int, int, str]],
    value: str,
) -> int:
    """Write the lines of *hour* without those, and return how many went."""
    place = folder.place(hour.number)
    files = ", ".join(quoted(place / name) for name in hour.lines)
    database.execute("CREATE OR REPLACE TEMP TABLE gone (c BIGINT, k BIGINT, r VARCHAR)")
    for clump, key, request in own:
        database.execute("INSERT INTO gone VALUES (?, ?, ?)", [clump, key, request])
    named = " OR ".join(
        f"(contains(message, {quoted(text)}) AND regexp_matches(message, {quoted(_whole(text))}))"
        for text in {value, json.dumps(value)[1:-1]}
    )
    database.execute(
        "CREATE OR REPLACE TEMP TABLE kept AS SELECT * "  # noqa: S608  # quoted
        f"FROM read_parquet([{files}]) AS line WHERE NOT ({named}) AND NOT EXISTS ("
        f"FROM gone WHERE k = line.stream_key AND r = line.request_id "
        f"AND c = COALESCE(line.clump, {NOWHERE}))"
    )
    before = database.number(f"SELECT COUNT(*) FROM read_parquet([{files}])")  # noqa: S608
    gone = before - database.number("SELECT COUNT(*) FROM kept")
    if not gone:
        return 0
    forget_counted(folder, hour.number)
    for beside in (hour.number - 1, hour.number + 1):
        folder.mark_stale(beside)
    if gone == before:
        folder.remove(hour.number)
        return gone
    name = f"lines-{folder.settings()['fetches']}-forgotten-{hour.lines[0]}"[:120]
    name = name if name.endswith(".parquet") else f"{name}.parquet"
    database.execute(
        f"COPY (SELECT {NAMES} FROM kept ORDER BY clump, stream_key, request_id, time_ms, place) "  # noqa: S608
        f"TO {quoted(place / name)} {WRITTEN.format(LINES_A_GROUP)}"
    )
    folder.put(replace(hour, lines=(name,), tables="", stale=True, facts={}))
    return gone


def _whole(text: str) -> str:
    """Return a pattern for *text* as a word of its own."""
    return rf"(^|[^A-Za-z0-9_-]){re.escape(text)}($|[^A-Za-z0-9_-])"
