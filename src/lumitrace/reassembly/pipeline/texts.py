"""Log lines, read: what is regular by DuckDB, the rest one by one in Python."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

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
# Of a line that says nothing, its place counts. What most lines are is asked first.
SAYS = " OR ".join(
    (
        *(f"starts_with(message, '{head}')" for head in (MARK, *_HEADS)),
        f"contains(message, '{MARK}')",
        "contains(message, ' Task timed out after ')",
        "starts_with(message, '{') AND contains(message, '\"platform.')",
        "starts_with(message, '{') AND contains(message, '\"errorType\"')",
    )
)
_KINDS = " ".join(
    f"WHEN starts_with(message, '{what.upper()} ') AND regexp_full_match(message, '{pattern}') "
    f"THEN '{what}'"
    for what, pattern in _FRAME.items()
)
WHAT = f"CASE {_KINDS} END"  # of Lambda's own lines: which it is, where DuckDB can read it


@dataclass
class Source:
    """Where the lines come from, each a row.

    Attributes:
        query: of stream_id, time_ms and message, in brackets, for ``read_lines``; it is asked once.
        place: its column that is a line's place, or ``rowid``: that of its row in ``read_lines``.
        parameters: of the query.
        others: of place, stream_id, time_ms, message and ``what`` (WHAT), in brackets, of the lines
            that do not begin as ours; "" where *query* has them all.
    """

    query: str
    place: str
    parameters: Sequence[object] = ()
    others: str = ""


def read(loading: Loading, source: Source, *, tags: bool) -> None:
    """Load the rows of *source*."""
    engine = loading.engine
    query = regular.read_lines(source.query, SAYS, tags=tags)
    engine.connection.execute(query, list(source.parameters))
    unread = (
        f"(SELECT {source.place} AS place, stream_id, time_ms, message, {WHAT} AS what "  # noqa: S608
        "FROM read_lines WHERE message IS NOT NULL)"
    )
    _read_rest(loading, f"({unread} UNION ALL {source.others})" if source.others else unread)
    others = engine.number("SELECT COUNT(*) FROM other_lines")
    more = " UNION ALL SELECT * FROM other_lines" if others else ""
    engine.see("lines", regular.lines(source.place, tags=tags) + more)


def _read_rest(loading: Loading, rest: str) -> None:
    """Turn the lines of *rest*, which are Lambda's or not regular, into rows."""
    execute = loading.engine.connection.execute
    execute(
        f"INSERT INTO platform SELECT {_frame()} FROM (SELECT place, stream_id, time_ms, what, "  # noqa: S608
        f"string_split(message, ' ') AS said FROM {rest} WHERE what IS NOT NULL)"
    )
    execute(
        "CREATE OR REPLACE TEMP TABLE rests AS SELECT place, stream_id, time_ms, message "  # noqa: S608
        f"FROM {rest} WHERE what IS NULL"
    )
    for place, stream, time_ms, message in paged(loading.engine, "SELECT * FROM rests"):
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
