"""A table of log lines, read: what is regular by DuckDB, the rest one by one in Python.

A source is a query of place, stream_id, time_ms and message; it is asked a few times.
"""

from collections.abc import Iterator

from lumitrace.reassembly.pipeline import regular
from lumitrace.reassembly.pipeline.duckdb import DuckDb, Row
from lumitrace.reassembly.pipeline.load import Loading
from lumitrace.wire.span_line import MARK

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
SAYS = f"contains(message, '{MARK}') OR {_LAMBDAS}"  # of a line that says nothing, its place counts


def read(loading: Loading, source: str, *, tags: bool) -> None:
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
        f"WHERE NOT starts_with(message, '{MARK}') AND ({SAYS})"
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
    for place, stream, time_ms, message in paged(
        loading.engine, "SELECT place, stream_id, time_ms, message FROM rests WHERE what IS NULL"
    ):
        loading.add(stream, place, time_ms, message)
    loading.flush()
    execute("DROP TABLE rests")


def paged(engine: DuckDb, query: str) -> Iterator[Row]:
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
    ends = "chr(9) || chr(10) || chr(13) || ' '"  # an event may end its line
    request = f"CASE what WHEN 'start' THEN said[3] WHEN 'end' THEN rtrim(said[3], {ends}) "
    request += "ELSE split_part(said[3], chr(9), 1) END"
    measured = (_measured(place, name) for name, place in _MEASURED.items())
    return ", ".join(("stream_id", moment, "what", request, "''", *measured, "NULL, NULL"))


def _measured(place: int, name: str) -> str:
    number = f"CASE WHEN what = 'report' THEN said[{place}] END"
    if name.endswith("_us"):
        return f"CAST(TRY_CAST({number} AS DECIMAL(18, 3)) * 1000 AS BIGINT)"
    return f"CAST({number} AS BIGINT)"
