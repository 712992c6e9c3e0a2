"""A store while it is read: its tables as one, and the lines of single transactions."""

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from lumitrace.reassembly.assemble import attempts_of, together
from lumitrace.reassembly.events import LogEvent
from lumitrace.reassembly.model import Attempt
from lumitrace.reassembly.pipeline.duckdb import Row
from lumitrace.reassembly.pipeline.joined import Result
from lumitrace.reassembly.problem import DECORATE, Problem
from lumitrace.reassembly.silent import Ways
from lumitrace.reassembly.sources.window import Window
from lumitrace.reassembly.store.database import Database, Unreadable, quoted
from lumitrace.reassembly.store.folder import HOUR_MS, READS, Folder, Hour
from lumitrace.reassembly.store.incoming import stream_key
from lumitrace.reassembly.transaction import Assembled

CALLERS = "callers.parquet"
NOWHERE = 2147483647  # the clump of lines that stand with no transaction of their hour
TOLD = "id, traces, cut, units, hops, candidates, fans"
_LINE = "log_group, log_stream, time_ms, timed, place, message, stream_key, request_id"

T = TypeVar("T")
Number = tuple[int, int]  # of a transaction: its hour, and its number there
Unit = tuple[int, str]  # the number of a log stream, and a request


@dataclass
class Stored:
    """Transactions as the tables tell of them: what is needed to read their lines.

    Attributes:
        units: where their lines stand: by the hour, and by the transaction they stand with.
    """

    result: Result = field(default_factory=lambda: Result([], [], {}, set(), {}))
    wanted: set[Unit] = field(default_factory=set)
    hops: set[Row] = field(default_factory=set)
    units: dict[int, dict[int, set[Unit]]] = field(
        default_factory=lambda: defaultdict(lambda: defaultdict(set))
    )


class Reading:
    """Reads the store in *folder*, within *window*; every question sees each hour at one moment."""

    def __init__(self, folder: Folder, window: Window | None = None) -> None:
        self.folder, self.window = folder, window or Window()
        self.database = Database()
        self.hours: list[Hour] = []
        self.look()

    def look(self) -> None:
        """See which hours there are now."""
        self.hours = self.folder.hours()

    def ask(self, question: Callable[[], T]) -> T:
        """Return what *question* finds; it is asked again where an hour was replaced meanwhile.

        Raises:
            Problem: a file is damaged, or gone.
        """
        for _ in range(READS):
            before = self.hours
            try:
                return question()
            except Unreadable as error:
                self.look()
                if self.hours == before:
                    sentence = f"{self.folder.path} cannot be read ({_short(error)}); "
                    sentence += "copy the store again, or remove the folder of that hour"
                    raise Problem(sentence) from None
        message = f"{self.folder.path} is being written all the time; ask again"
        raise Problem(message)

    @property
    def asked(self) -> list[Hour]:
        """Return the hours that the window touches."""
        since, until = self.window.since_ms, self.window.until_ms
        return [
            one
            for one in self.hours
            if (since is None or (one.number + 1) * HOUR_MS > since)
            and (until is None or one.number * HOUR_MS <= until)
        ]

    @property
    def first_ms(self) -> int:
        """Return the time of the first event in the window, 0 where there is none."""
        first = next((int(one.facts.get("firstMs", 0)) for one in self.asked), 0)
        return max(first, self.window.since_ms or 0) if first else 0

    @property
    def last_ms(self) -> int:
        """Return the time of the latest event in the window, 0 where there is none."""
        last = max((int(one.facts.get("lastMs", 0)) for one in self.asked), default=0)
        return last if self.window.until_ms is None else min(last, self.window.until_ms)

    def table(self, name: str) -> str:
        """Return the table *name* of the hours that are asked, as SQL; "" where there is none."""
        since = self.window.since_ms or 0
        asked = {one.number for one in self.asked} | {since // HOUR_MS - 1}
        near = (one for one in self.hours if one.number in asked)  # its first line may stand before
        return self._files(f"{name}.parquet", near)

    def windowed(self, name: str) -> str:
        """Return the rows of the table *name* that began within the window, as SQL.

        Raises:
            Problem: no hour of the window is there.
        """
        if not self.table(name):
            raise self.nothing
        since, until = self.window.since_ms, self.window.until_ms
        column, unit = ("start_us", 1000) if name == "tx" else ("start_ms", 1)
        said = []
        if since is not None:
            said.append(f"{column} >= {since * unit}")
        if until is not None:
            said.append(f"{column} < {(until + 1) * unit}")
        where = f" WHERE {' AND '.join(said)}" if said else ""
        return f"(FROM {self.table(name)}{where})"

    def needed(self, name: str) -> str:
        """Return what ``windowed`` returns, where there is a row.

        Raises:
            Problem: nothing began within the window.
        """
        rows = self.windowed(name)
        if not self.database.rows(f"SELECT 1 FROM {rows} LIMIT 1"):  # noqa: S608  # our own names
            raise self.nothing
        return rows

    @property
    def nothing(self) -> Problem:
        """Return that the store has no answer for this window."""
        if self.window == Window():
            return Problem(f"no span lines in {self.folder.path}; {DECORATE}")
        return Problem(
            f"{self.folder.path} holds nothing of this window; fetch it, or widen --since"
        )

    def _files(self, name: str, hours: Iterable[Hour]) -> str:
        paths = [
            quoted(self.folder.place(one.number) / one.tables / name) for one in hours if one.tables
        ]
        return f"read_parquet([{', '.join(paths)}])" if paths else ""

    @property
    def unmade(self) -> str:
        """Return a sentence about hours whose lines are not put together yet; "" for none."""
        missing = [one.name for one in self.hours if one.stale]
        if not missing:
            return ""
        several = f"{len(missing)} hours hold" if len(missing) > 1 else "an hour holds"
        return (
            f"{several} lines that are not put together yet ({missing[0]} …): a fetch is under "
            "way, or was stopped; then run it again"
        )

    # Transactions

    def transactions(self, numbers: Sequence[Number]) -> Assembled:
        """Return the transactions of these *numbers*, read from their lines."""
        return self.read(self.stored(numbers))

    def stored(self, numbers: Sequence[Number]) -> Stored:
        """Return what the tables tell of the transactions of these *numbers*."""
        stored = Stored()
        by_hour: dict[int, list[int]] = defaultdict(list)
        for hour, number in numbers:
            by_hour[hour].append(number)
        for hour, own in by_hour.items():
            one = next((one for one in self.hours if one.number == hour and one.tables), None)
            if one is not None:
                several = ", ".join(map(str, own))
                rows = self.database.rows(
                    "SELECT way "  # noqa: S608  # numbers
                    f"FROM {self._files('ways.parquet', [one])} WHERE no IN ({several})"
                )
                for (way,) in rows:
                    note(stored, tuple(json.loads(way).values()))
        return stored

    def read(self, stored: Stored) -> Assembled:
        """Return the transactions of *stored*, each line of theirs read."""
        events = self.events(stored)

        def is_wanted(attempt: Attempt) -> bool:
            key = (stream_key(attempt.group, attempt.stream), attempt.request_id)
            return key in stored.wanted

        attempts, counts = attempts_of(events, is_wanted, self._called)
        assembled = together(attempts, counts, stored.result)
        for changes in assembled.candidates.values():  # of writers that were not read
            for change, writers in changes.items():
                changes[change] = [one for one in writers if one in assembled.span_by_id]
        return assembled

    def _called(self, functions: set[str]) -> Ways:
        """Return what calls *functions*, as all hours know it that say so."""
        hours = [one for one in self.hours if one.tables]
        paths = [self.folder.place(one.number) / one.tables / CALLERS for one in hours]
        files = ", ".join(quoted(path) for path in paths if path.exists())
        return ways_of(self.database, f"read_parquet([{files}])", functions) if files else {}

    def events(self, stored: Stored) -> list[LogEvent]:
        """Return the log events of *stored*, in their order."""
        found: list[Row] = []
        for hour in self.hours:
            clumps = stored.units.get(hour.number)
            if clumps and hour.lines:
                found += self._lines(hour, clumps)
                found += self._elsewhere(hour, clumps[NOWHERE] - {row[6:8] for row in found})
        return [
            LogEvent(row[0], row[1], row[2] if row[3] else None, row[5], row[4])
            for row in found
            if (row[6], row[7]) in stored.wanted
        ]

    def _lines(self, hour: Hour, clumps: dict[int, set[Unit]]) -> list[Row]:
        own = [clump for clump in clumps if clump != NOWHERE]
        file = quoted(self.folder.place(hour.number) / hour.lines[0])
        asked = []
        if own:
            several = ", ".join(map(str, own))
            asked.append(f"SELECT {_LINE} FROM {file} WHERE clump IN ({several})")  # noqa: S608
        if clumps.get(NOWHERE):
            keys = ", ".join(str(key) for key, _ in clumps[NOWHERE])
            asked.append(
                f"SELECT {_LINE} FROM {file} WHERE clump = {NOWHERE} AND stream_key IN ({keys})"  # noqa: S608
            )
        return self.database.rows(" UNION ALL ".join(asked)) if asked else []

    def _elsewhere(self, hour: Hour, units: set[Unit]) -> list[Row]:
        """Return the lines of *units* wherever they stand in *hour*.

        They stand with a transaction of that hour where it was not put together since it is known
        that they belong to one far away.
        """
        if not units:
            return []
        keys = ", ".join(str(key) for key, _ in units)
        file = quoted(self.folder.place(hour.number) / hour.lines[0])
        rows = self.database.rows(f"SELECT {_LINE} FROM {file} WHERE stream_key IN ({keys})")  # noqa: S608
        return [row for row in rows if row[6:8] in units]


def ways_of(database: Database, callers: str, functions: set[str]) -> Ways:
    """Return what calls *functions*, as the table *callers* says."""
    found: Ways = {}
    for name, trigger, source in database.rows(
        "SELECT DISTINCT function_name, trigger_name, source_name "  # noqa: S608  # our own names
        f"FROM {callers} WHERE list_contains(?, function_name)",
        [sorted(functions)],
    ):
        found.setdefault(name, set()).add((trigger, source))
    return found


def note(stored: Stored, row: Row) -> None:
    """Note a *row* of the columns in TOLD."""
    entry, traces, cut, units, hops, candidates, fans = row
    result = stored.result
    result.members[entry] = traces
    if cut:
        result.cut.add(entry)
    for hop in hops or ():
        told = (*hop[:4], int(hop[4]))
        if told not in stored.hops:  # of a batch that several of them share
            stored.hops.add(told)
            result.hops.append(told)
    result.candidates.extend(tuple(one) for one in candidates or ())
    result.fans.update((trace, int(fan)) for trace, fan in fans or ())
    for unit in units or ():
        note_unit(stored, unit)


def note_unit(stored: Stored, unit: dict[str, Any]) -> None:
    """Let the lines of *unit* be read."""
    key = (unit["stream_key"], unit["request_id"])
    stored.wanted.add(key)
    for hour in range(unit["from_ms"] // HOUR_MS, unit["until_ms"] // HOUR_MS + 1):
        clump = unit["home_no"] if unit.get("home_hour") == hour else NOWHERE
        stored.units[hour][clump].add(key)


def _short(error: OSError) -> str:
    return str(error).partition("\n")[0][:200]
