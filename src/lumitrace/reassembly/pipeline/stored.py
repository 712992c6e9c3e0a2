"""Log events in a table of DuckDB, ``stored``: of a store, or of a source in whichever form.

Its columns are ``stream_id``, ``time_ms`` (NULL where its source has none) and ``message``. A row's
id is its place: the lines of a stream stand in their order, others may stand between them.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

from lumitrace.reassembly.events import LogEvent
from lumitrace.reassembly.pipeline.apart import Stretches
from lumitrace.reassembly.pipeline.duckdb import DuckDb
from lumitrace.reassembly.pipeline.load import Apart, Loading, Placed
from lumitrace.reassembly.pipeline.texts import SAYS, WHAT, Source, paged, read
from lumitrace.wire.span_line import MARK

CHUNK = 20_000  # events in one statement
_BETWEEN = "\x1e"  # two messages; longer where a message has it


def load_stored(engine: DuckDb, streams: Sequence[tuple[str, str]]) -> Loading:
    """Load the table ``stored`` of *engine*: events of *streams*, by their places in that list."""
    loading = Loading(engine, lines="other_lines")
    for group, stream in streams:
        loading.stream(group, stream)
    _load(loading, tags=True)
    return loading


def load_read(engine: DuckDb, events: Iterable[LogEvent]) -> Loading:
    """Load *events* into ``stored``, in their order, and then what they say but for tags."""
    loading = Loading(engine, lines="other_lines")
    engine.connection.execute(
        "CREATE OR REPLACE TEMP TABLE stored (stream_id BIGINT, time_ms BIGINT, message VARCHAR)"
    )
    waiting = iter(events)
    while chunk := list(islice(waiting, CHUNK)):
        _store(engine, chunk, [loading.stream(event.group, event.stream) for event in chunk])
    _load(loading, tags=False)
    return loading


def _store(engine: DuckDb, events: Sequence[LogEvent], numbers: Sequence[int]) -> None:
    """Add *events* of the streams with these *numbers*, as texts: lists take twice as long."""
    between = _BETWEEN
    while any(between in event.message for event in events):
        between += "\x1f"
    times = ("" if event.time_ms is None else str(event.time_ms) for event in events)
    engine.connection.execute(
        "INSERT INTO stored SELECT CAST(UNNEST(string_split(?::VARCHAR, ',')) AS BIGINT), "
        "CAST(NULLIF(UNNEST(string_split(?::VARCHAR, ',')), '') AS BIGINT), "
        "UNNEST(string_split(?::VARCHAR, ?::VARCHAR))",
        [
            *(",".join(map(str, numbers)), ",".join(times)),
            *(between.join(event.message for event in events), between),
        ],
    )


def _load(loading: Loading, *, tags: bool) -> None:
    engine = loading.engine
    placed = "SELECT rowid AS place, stream_id, time_ms, message"
    ours = f"({placed} FROM stored WHERE starts_with(message, '{MARK}'))"
    others = (
        f"({placed}, {WHAT} AS what FROM stored "
        f"WHERE NOT starts_with(message, '{MARK}') AND ({SAYS}))"
    )
    read(loading, Source(ours, "place", others=others), tags=tags)
    engine.apart = Apart(loading, lambda wanted: _again(loading, wanted)).read


def _again(loading: Loading, wanted: Stretches) -> Iterator[Placed]:
    """Yield the events of the *wanted* streams, a stream after the other."""
    engine, names = loading.engine, list(loading.streams)
    numbers = ", ".join(map(str, wanted.spans))
    engine.connection.execute(
        "CREATE OR REPLACE TEMP TABLE asked_again AS SELECT "  # noqa: S608  # numbers
        "ROW_NUMBER() OVER (ORDER BY stream_id, rowid) AS place, rowid AS at, stream_id, time_ms, "
        f"message FROM stored WHERE stream_id IN ({numbers})"
    )
    for _, place, stream, time_ms, message in paged(engine, "SELECT * FROM asked_again"):
        group, name = names[stream]
        yield stream, place, LogEvent(group, name, time_ms, message, place)
    engine.connection.execute("DROP TABLE asked_again")
