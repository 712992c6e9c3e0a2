"""Log events loaded into DuckDB as the tables that the steps begin with: each read in Python."""

import json
from collections.abc import Callable, Collection, Iterable, Iterator

from lumitrace.reassembly.events import LogEvent
from lumitrace.reassembly.pipeline.apart import NAMES, PLAIN, STRETCHES, Stretches, rows_apart
from lumitrace.reassembly.pipeline.apart import TABLES as ODD_TABLES
from lumitrace.reassembly.pipeline.duckdb import DuckDb
from lumitrace.reassembly.pipeline.lines import (
    LINE_COLUMNS,
    PLATFORM_COLUMNS,
    TAGS,
    Row,
    platform_rows,
    span_rows,
)
from lumitrace.wire import span_line

STREAM_COLUMNS = {"stream_id": "BIGINT", "log_group": "VARCHAR", "log_stream": "VARCHAR"}
CHUNK = 20_000  # rows in one statement

Placed = tuple[int, int, LogEvent]  # the number of its stream, its own, and the event


class Loading:
    """The tables that the steps begin with, while they are filled."""

    def __init__(self, engine: DuckDb) -> None:
        self.engine = engine
        self.places = 0  # lines so far
        self.streams: dict[tuple[str, str], int] = {}
        self.tables = {name: Table(engine, name, columns) for name, columns in TABLES.items()}

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
    engine.apart = Apart(loading, lambda _: kept).read
    return loading


class Apart:
    """Reads what is not plain: *again* yields the lines of the streams that it is asked for."""

    def __init__(
        self, loading: Loading, again: Callable[[Collection[int]], Iterable[Placed]]
    ) -> None:
        self.loading, self.again = loading, again

    def read(self, engine: DuckDb) -> None:
        """Make the tables of what is read line by line."""
        stretches = Stretches.of(*map(engine.rows, (STRETCHES, PLAIN, NAMES)))
        tables = {name: Table(engine, name, columns) for name, columns in ODD_TABLES.items()}
        events = list(self._events(stretches)) if stretches.spans else []
        for table, row in rows_apart(events, self.loading.streams, stretches.names):
            tables[table].add(row)
        for loaded in tables.values():
            loaded.flush()

    def _events(self, stretches: Stretches) -> Iterator[LogEvent]:
        for stream, place, event in self.again(stretches.spans.keys()):
            moment = place if event.time_ms is None else event.time_ms
            if stretches.holds(stream, moment) and stretches.is_read(stream, event.message):
                yield event


TABLES = {"streams": STREAM_COLUMNS, "lines": LINE_COLUMNS, "platform": PLATFORM_COLUMNS}


class Table:
    """A table while its rows are loaded, as JSON lines in one text: quick on DuckDB 1.4 too."""

    def __init__(self, engine: DuckDb, name: str, columns: dict[str, str]) -> None:
        self.engine, self.name, self.waiting = engine, name, list[str]()
        kinds = {column: duckdb_type(kind) for column, kind in columns.items()}
        declared = ", ".join(f"{column} {kind}" for column, kind in kinds.items())
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
