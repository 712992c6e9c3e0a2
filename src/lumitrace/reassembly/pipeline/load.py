"""Log events loaded into DuckDB as the tables that the steps begin with: each read in Python."""

import json
from collections.abc import Callable, Iterable, Iterator

from lumitrace.reassembly.events import LogEvent
from lumitrace.reassembly.pipeline.apart import (
    NAMES,
    STRETCHES,
    Stretches,
    request_of,
    rows_apart,
)
from lumitrace.reassembly.pipeline.apart import TABLES as ODD_TABLES
from lumitrace.reassembly.pipeline.duckdb import DuckDb
from lumitrace.reassembly.pipeline.lines import (
    LINE_COLUMNS,
    NUMBER,
    PLATFORM_COLUMNS,
    TAGS,
    TEXT,
    Row,
    platform_rows,
    span_rows,
)
from lumitrace.wire import span_line

STREAM_COLUMNS = {"stream_id": "BIGINT", "log_group": "VARCHAR", "log_stream": "VARCHAR"}
CHUNK = 20_000  # rows in one statement
BATCH = 50_000  # lines that Python holds at a time, and what is left of a stretch

Placed = tuple[int, int, LogEvent]  # the number of its stream, its own, and the event


class Loading:
    """The tables that the steps begin with, while they are filled.

    Attributes:
        places: how many lines there are so far.
    """

    def __init__(self, engine: DuckDb, lines: str = "lines") -> None:
        self.engine = engine
        self.places = 0
        self.streams: dict[tuple[str, str], int] = {}
        self.tables = {
            name: Table(engine, lines if name == "lines" else name, columns)
            for name, columns in TABLES.items()
        }

    def stream(self, log_group: str, log_stream: str) -> int:
        """Return the number of a stream."""
        key = (log_group, log_stream)
        if key not in self.streams:
            self.streams[key] = len(self.streams)
            self.tables["streams"].add((self.streams[key], *key))
        return self.streams[key]

    def add(self, stream: int, place: int, time_ms: int | None, message: str) -> None:
        """Load what *message* says."""
        moment = place if time_ms is None else time_ms
        if span_line.MARK in message:
            for row in span_rows(message, place, stream, moment):
                self.tables["lines"].add(row)
        else:
            for row in platform_rows(message, stream, moment):
                self.tables["platform"].add(row)

    def flush(self) -> None:
        """Load what waits."""
        for table in self.tables.values():
            table.flush()


def load_events(engine: DuckDb, events: Iterable[LogEvent]) -> Loading:
    """Load *events*, each line read in Python."""
    loading = Loading(engine)
    kept: list[Placed] = []
    for event in events:
        loading.places += 1
        stream = loading.stream(event.group, event.stream)
        loading.add(stream, loading.places, event.time_ms, event.message)
        kept.append((stream, loading.places, event))
    loading.flush()
    kept.sort(key=lambda one: one[0])  # a stream's lines after one another
    engine.apart = Apart(loading, lambda _: kept).read
    return loading


class Apart:
    """Reads what is not plain: *again* yields the lines of the stretches that it is asked for."""

    def __init__(self, loading: Loading, again: Callable[[Stretches], Iterable[Placed]]) -> None:
        self.loading, self.again = loading, again

    def read(self, engine: DuckDb) -> None:
        """Make the tables of what is read line by line."""
        stretches = Stretches(engine.rows(STRETCHES))
        tables = {name: Table(engine, name, columns) for name, columns in ODD_TABLES.items()}
        if stretches.spans:
            batches = (self._odd(engine, batch) for batch in self._batches(stretches))
            names: dict[int, str] = dict(engine.rows(NAMES))
            for table, row in rows_apart(batches, self.loading.streams, names):
                tables[table].add(row)
        for loaded in tables.values():
            loaded.flush()

    def _batches(self, stretches: Stretches) -> Iterator[list[Placed]]:
        """Yield the lines in the stretches: whole stretches of one stream, many at a time."""
        batch: list[Placed] = []
        last = (-1, -1)
        for stream, place, event in self.again(stretches):
            moment = place if event.time_ms is None else event.time_ms
            at = (stream, stretches.which(stream, moment))
            if at[1] < 0:
                continue
            if at != last and len(batch) >= BATCH:
                yield batch
                batch = []
            last = at
            batch.append((stream, place, event))
        yield batch

    def _odd(self, engine: DuckDb, batch: list[Placed]) -> list[LogEvent]:
        """Return the events of *batch* but for those of plain invocations beside it."""
        said = [request_of(event.message) for _, _, event in batch]
        asked = [(stream, request) for (stream, _, _), request in zip(batch, said, strict=True)]
        plain = _plain(engine, {one for one in asked if one[1]})
        return [event for one, (_, _, event) in zip(asked, batch, strict=True) if one not in plain]


def _plain(engine: DuckDb, requests: set[tuple[int, str]]) -> set[Row]:
    """Return those of *requests*, each with its stream, that are plain."""
    asked = Table(engine, "asked_requests", {"stream_id": NUMBER, "request_id": TEXT})
    for one in requests:
        asked.add(one)
    asked.flush()
    query = "SELECT stream_id, request_id FROM plain_requests INTERSECT FROM asked_requests"
    return set(engine.rows(query))


TABLES = {"streams": STREAM_COLUMNS, "lines": LINE_COLUMNS, "platform": PLATFORM_COLUMNS}


class Table:
    """A table while its rows are loaded, as JSON lines in one text: quick on DuckDB 1.4 too."""

    def __init__(self, engine: DuckDb, name: str, columns: dict[str, str]) -> None:
        self.engine, self.name, self.waiting = engine, name, list[str]()
        kinds = {column: duckdb_type(kind) for column, kind in columns.items()}
        declared = ", ".join(f"{column} {kind}" for column, kind in kinds.items())
        engine.make_room(name)
        engine.connection.execute(f"CREATE OR REPLACE TEMP TABLE {name} ({declared})")
        fields = ", ".join(
            f"from_json(line[{place}], '{spelt(kind)}')"
            if "[" in kind or "MAP" in kind
            else f"CAST(line[{place}]->>'$' AS {kind})"
            for place, kind in enumerate(kinds.values(), 1)
        )
        self.statement = (
            f"INSERT INTO {name} SELECT {fields} FROM "  # noqa: S608  # our own names
            """(SELECT from_json(item, '["JSON"]') AS line FROM """
            "(SELECT unnest(string_split(?::VARCHAR, chr(10))) AS item))"
        )
        self.encode = json.JSONEncoder().encode

    def add(self, row: Row) -> None:
        """Let *row* wait to be loaded."""
        self.waiting.append(self.encode(row))
        if len(self.waiting) >= CHUNK:
            self.flush()

    def flush(self) -> None:
        """Load what waits."""
        if self.waiting:
            self.engine.connection.execute(self.statement, ["\n".join(self.waiting)])
            self.waiting.clear()


def duckdb_type(kind: str) -> str:
    """Return what DuckDB calls the *kind* of a column."""
    return "MAP(VARCHAR, VARCHAR)" if kind == TAGS else kind


def spelt(kind: str) -> str:
    """Return the structure that from_json takes for a column of lists or tags."""
    return {"VARCHAR[]": '["VARCHAR"]', "VARCHAR[][]": '[["VARCHAR"]]'}.get(kind, f'"{kind}"')
