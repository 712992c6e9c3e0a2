"""Log lines read into DuckDB: what is regular by its own readers, the rest one by one in Python.

A line's place is its row id in a table of all lines, which holds the text of those that say
something. `regular` says which of them DuckDB reads, and how.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

from lumitrace.reassembly.events import LogEvent
from lumitrace.reassembly.pipeline import regular
from lumitrace.reassembly.pipeline.apart import Stretches
from lumitrace.reassembly.pipeline.duckdb import DuckDb, Row
from lumitrace.reassembly.pipeline.load import Apart, Loading, Placed
from lumitrace.wire.span_line import MARK

# A log event is at most 1 MiB, and an export may put a time before it.
# https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/cloudwatch_limits_cwl.html
MAX_LINE = 2 * 1024 * 1024  # bytes; buffers grow with it: with 32 MB reading took ten times as long
PAGE = 10_000  # lines that Python reads at a time

_REPORT = (
    r"REPORT RequestId: (\S+)\tDuration: (\d{1,12}\.?\d{0,3}) ms\tBilled Duration: (\d{1,12}) ms"
    r"\tMemory Size: (\d{1,9}) MB\tMax Memory Used: (\d{1,9}) MB\t"
    r"(?:Init Duration: (\d{1,12}\.?\d{0,3}) ms\t)?\s*"
)
# The word of a REPORT that says it: REPORT RequestId: id\tDuration: 2.5 ms\tBilled …
_MEASURED = {
    "duration_us": 4,
    "billed_ms": 7,
    "memory_mb": 10,
    "max_memory_mb": 14,
    "init_us": 17,
}
_FRAME = {
    "start": r"START RequestId: (\S+) Version: \S+\s*",
    "end": r"END RequestId: (\S+)\s*",
    "report": _REPORT,
}
_HEADS = ("START ", "END ", "REPORT ", "INIT_", "RESTORE_", "RequestId: ", "[ERROR] ")
_LAMBDAS = " OR ".join(
    (
        *(f"starts_with(message, '{head}')" for head in _HEADS),
        "contains(message, ' Task timed out after ')",
        "starts_with(message, '{') AND contains(message, '\"platform.')",
        "starts_with(message, '{') AND contains(message, '\"errorType\"')",
    )
)
_SAYS = f"contains(message, '{MARK}') OR {_LAMBDAS}"
_TEXT = (
    "read_csv(?::VARCHAR[], columns = {'message': 'VARCHAR'}, delim = '\x01', quote = '', "
    "escape = '', header = false, auto_detect = false, strict_mode = false, filename = true, "
    f"max_line_size = {MAX_LINE}, null_padding = true, new_line = '\\n')"
)


def load_text(engine: DuckDb, paths: Sequence[Path], *, tags: bool = True) -> Loading:
    """Load plain log lines of *paths*, a stream a file, and return what is loaded.

    Without *tags* those of the regular lines are left out.
    """
    loading = Loading(engine, lines="other_lines")
    names = [str(path) for path in paths]
    files = {loading.stream("", name): path for name, path in zip(names, paths, strict=True)}
    engine.connection.execute(
        "CREATE OR REPLACE TEMP TABLE texts AS SELECT "  # noqa: S608  # our own names
        "CAST(list_position(?::VARCHAR[], filename) - 1 AS BIGINT) AS stream_id, "
        f"CASE WHEN {_SAYS} THEN message END AS message FROM {_TEXT}",
        [names, names],
    )
    first: dict[int, int] = dict(
        engine.rows("SELECT stream_id, MIN(rowid) FROM texts GROUP BY stream_id")
    )
    loading.places = engine.number("SELECT COUNT(*) FROM texts")
    source = (
        "(SELECT rowid AS place, stream_id, CAST(NULL AS BIGINT) AS time_ms, message FROM texts)"
    )
    _read(loading, source, tags=tags)
    engine.connection.execute("DROP TABLE texts")
    engine.apart = Apart(loading, lambda wanted: _again(files, first, wanted)).read
    return loading


def load_stored(engine: DuckDb, streams: Sequence[tuple[str, str]]) -> Loading:
    """Load the table ``stored`` of *engine*: log events of *streams*, by their places in that list.

    Its columns are ``stream_id``, ``time_ms`` (NULL where its source has none) and ``message``; its
    rows stand in the order of each stream.
    """
    loading = Loading(engine, lines="other_lines")
    for group, stream in streams:
        loading.stream(group, stream)
    loading.places = engine.number("SELECT COUNT(*) FROM stored")
    said = "rtrim(message, chr(10) || chr(13))"
    source = f"(SELECT rowid AS place, stream_id, time_ms, {said} AS message FROM stored)"  # noqa: S608
    _read(loading, source, tags=True)
    engine.apart = Apart(loading, lambda wanted: _stored_again(engine, streams, wanted)).read
    return loading


def _read(loading: Loading, source: str, *, tags: bool) -> None:
    """Load the rows of *source*: place, stream_id, time_ms and message."""
    engine = loading.engine
    engine.connection.execute(regular.read_lines(source, tags=tags))
    _read_rest(loading, source)
    others = engine.number("SELECT COUNT(*) FROM other_lines")
    more = " UNION ALL SELECT * FROM other_lines" if others else ""
    engine.see("lines", regular.lines(tags=tags) + more)


def _read_rest(loading: Loading, source: str) -> None:
    """Turn the lines that are Lambda's, or not regular, into rows."""
    execute = loading.engine.connection.execute
    kinds = " ".join(
        f"WHEN starts_with(message, '{what.upper()} ') AND regexp_full_match(message, '{pattern}') "
        f"THEN '{what}'"
        for what, pattern in _FRAME.items()
    )
    execute(
        "CREATE OR REPLACE TEMP TABLE rests AS SELECT place, stream_id, time_ms, message, "  # noqa: S608
        f"CASE {kinds} END AS what FROM {source} "
        f"WHERE NOT starts_with(message, '{MARK}') AND ({_SAYS})"
    )
    if loading.engine.number("SELECT COUNT(*) FROM read_lines WHERE unread"):
        execute(
            "INSERT INTO rests SELECT s.place, s.stream_id, s.time_ms, s.message, NULL "  # noqa: S608
            f"FROM read_lines r JOIN {source} s ON s.place = r.place WHERE r.unread"
        )
    execute(
        f"INSERT INTO platform SELECT {_frame()} FROM (SELECT place, stream_id, time_ms, what, "  # noqa: S608
        "string_split(message, ' ') AS said FROM rests WHERE what IS NOT NULL)"
    )
    for place, stream, time_ms, message in _paged(
        loading.engine, "SELECT place, stream_id, time_ms, message FROM rests WHERE what IS NULL"
    ):
        loading.add(stream, place, time_ms, message)
    loading.flush()
    execute("DROP TABLE rests")


def _paged(engine: DuckDb, query: str) -> Iterator[Row]:
    """Yield the rows of *query* by their first column, a place; others may be asked meanwhile.

    A connection has one result: what is asked meanwhile would take the place of a longer one.
    """
    last = -1
    while rows := engine.rows(
        f"SELECT * FROM ({query}) WHERE place > {last} ORDER BY place LIMIT {PAGE}"  # noqa: S608
    ):
        yield from rows
        last = rows[-1][0]


def _frame() -> str:
    """Return what each column of ``platform`` is of a line of _FRAME, split at its spaces."""
    moment = "coalesce(time_ms, place)"
    request = "rtrim(split_part(said[3], chr(9), 1))"
    measured = (_measured(place, name) for name, place in _MEASURED.items())
    return ", ".join(("stream_id", moment, "what", request, "''", *measured, "NULL, NULL"))


def _measured(place: int, name: str) -> str:
    number = f"CASE WHEN what = 'report' THEN said[{place}] END"
    if name.endswith("_us"):
        return f"CAST(TRY_CAST({number} AS DECIMAL(18, 3)) * 1000 AS BIGINT)"
    return f"CAST({number} AS BIGINT)"


def _again(files: dict[int, Path], first: dict[int, int], wanted: Stretches) -> Iterator[Placed]:
    """Yield the lines of the files that are *wanted* once more; *first*: a file's first place."""
    for stream in wanted.spans:
        path = files[stream]
        for place, line in enumerate(lines_of(path), first.get(stream, 0)):
            if line and wanted.which(stream, place) >= 0:
                message = line.decode("utf-8", "replace")
                yield stream, place, LogEvent("", str(path), None, message, place)


def _stored_again(
    engine: DuckDb, streams: Sequence[tuple[str, str]], wanted: Stretches
) -> Iterator[Placed]:
    numbers = ", ".join(map(str, wanted.spans))
    query = (
        "SELECT rowid AS place, stream_id, time_ms, message FROM stored "  # noqa: S608  # numbers
        f"WHERE stream_id IN ({numbers})"
    )
    for place, stream, time_ms, message in _paged(engine, query):
        group, name = streams[stream]
        yield stream, place, LogEvent(group, name, time_ms, message, place)


def lines_of(path: Path) -> Iterator[bytes]:
    """Yield the lines of the file at *path* as DuckDB counts them: each CR and LF ends one."""
    with path.open("rb") as file:
        for line in file:
            whole = line.removesuffix(b"\n")
            if b"\r" in whole:
                yield from whole.split(b"\r")
            else:
                yield whole
