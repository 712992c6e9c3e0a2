"""Files read into DuckDB: what is regular by DuckDB's own readers, the rest line by line in Python.

A line is regular where both readers see the same in it: `lines` says what that is. A regular line
costs a few microseconds here, and thirty there.

All lines are read once, to the table ``read_lines``: a row a line, so that its row id is the line's
place. Of our lines it holds the fields; of Lambda's, and of what is not regular, the text; of any
other nothing.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

from lumitrace.reassembly.events import LogEvent
from lumitrace.reassembly.fields import MAX_NUMBER
from lumitrace.reassembly.pipeline.apart import Stretches
from lumitrace.reassembly.pipeline.duckdb import DuckDb, Row
from lumitrace.reassembly.pipeline.lines import LINE_COLUMNS
from lumitrace.reassembly.pipeline.load import Apart, Loading, Placed
from lumitrace.wire.span_line import MARK, RECORDS

# A log event is at most 1 MiB, and an export may put a time before it.
# https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/cloudwatch_limits_cwl.html
MAX_LINE = 2 * 1024 * 1024  # bytes; buffers grow with it: with 32 MB reading took ten times as long
PAGE = 10_000  # lines that Python reads at a time

# What holds a list stays JSON until a step unfolds it: a table of lists takes longer to write.
_SCHEMA = (
    '{"record":"VARCHAR","traceId":"VARCHAR","spanId":"VARCHAR","parentSpanId":"VARCHAR",'
    '"requestId":"VARCHAR","name":"VARCHAR","kind":"VARCHAR","startUs":"BIGINT",'
    '"durationUs":"BIGINT","offsetUs":"BIGINT","status":"BIGINT","trigger":"VARCHAR",'
    '"route":"VARCHAR","source":"VARCHAR","xrayRoot":"VARCHAR","operation":"VARCHAR",'
    '"resource":"VARCHAR","httpStatus":"BIGINT","receiveCount":"BIGINT","recordId":"VARCHAR",'
    '"error":"JSON","calls":"JSON","open":"JSON","records":"JSON","links":"JSON","linkIn":"JSON",'
    '"linkOut":"JSON","summary":"JSON","sampled":"JSON","detail":"JSON","tags":"JSON"}'
)
_KEPT = (
    *("traceId", "spanId", "parentSpanId", "requestId", "name", "kind"),
    *("startUs", "durationUs", "offsetUs", "status"),
    *("trigger", "route", "source", "xrayRoot", "operation", "resource", "httpStatus"),
    *("receiveCount", "recordId", "error", "calls", "open", "records", "links", "linkIn"),
    *("linkOut", "summary", "sampled", "detail", "tags"),
)
_KNOWN = (
    "strlen(said.traceId) = 32 AND strlen(said.spanId) = 16 "
    "AND NOT regexp_matches(said.traceId || said.spanId, '[^0-9a-f]') "
    f"AND said.traceId <> '{'0' * 32}' AND said.spanId <> '{'0' * 16}'"
)

# Python reads where a text escapes a character by its number, where only the whole attempt explains
# the line ("bound", "failedRecords"), and where a tag's number would be written otherwise than it
# was said: 42.50, 20 digits. Of each name an end that begins with a rare letter is looked for: a
# sixth of the time.
_REGULAR = (
    f"starts_with(message, '{MARK}') AND NOT contains(message, '\\u') "
    "AND NOT contains(message, 'ound\":') AND NOT contains(message, 'Records\":') "
    "AND CASE WHEN contains(message, 'gs\":') THEN NOT "
    r"""(regexp_matches(message, '":-?[0-9]+\.[0-9]*0[,}]') """
    r"""OR regexp_matches(message, '":-?[0-9][-+.eE0-9]{16,}')) ELSE true END"""
)
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
_TEXT = (
    "read_csv(?::VARCHAR[], columns = {'message': 'VARCHAR'}, delim = '\x01', quote = '', "
    "escape = '', header = false, auto_detect = false, strict_mode = false, filename = true, "
    f"max_line_size = {MAX_LINE}, null_padding = true, new_line = '\\n')"
)
_START = f"CASE WHEN startUs BETWEEN 1 AND {MAX_NUMBER} THEN startUs ELSE 0 END"
_WHEN_FAILED = "CASE WHEN coalesce(status, 0) <> 0 THEN"
_AWS = r"^An error occurred \((\w+)\) when calling the \w+ operation[^:]{0,64}: "
_TEXTS = {
    "line_parent": "parentSpanId",
    "line_request": "requestId",
    "line_name": "name",
    "line_kind": "kind",
    "line_trigger": "trigger",
    "line_route": "route",
    "line_source": "source",
    "line_xray": "xrayRoot",
    "line_operation": "operation",
    "line_resource": "resource",
    "line_record_id": "recordId",
}
_NUMBERS = {
    "offset_us": "offsetUs",
    "line_status": "status",
    "line_http": "httpStatus",
    "line_received": "receiveCount",
}
_LISTS = {"calls": "calls", "records": "records", "line_links": "links", "summary": "summary"}
_LISTS_OF_TEXT = {"opened": "open", "line_in": "linkIn", "line_out": "linkOut"}
# What each column of ``lines`` is of a row of ``read_lines``.
_COLUMNS = {
    "place": "rowid",
    "stream_id": "stream_id",
    "moment": "coalesce(time_ms, rowid)",
    "at_start": "CAST(1 AS BIGINT)",
    "record": "record",  # as it stands there, so that a scan for one kind reads no other
    "line_trace": "traceId",
    "line_span": "spanId",
    **{column: f"coalesce({name}, '')" for column, name in _TEXTS.items()},
    **{column: f"coalesce({name}, 0)" for column, name in _NUMBERS.items()},
    **{column: f"""from_json({name}, '[["VARCHAR"]]')""" for column, name in _LISTS.items()},
    **{column: f"""from_json({name}, '["VARCHAR"]')""" for column, name in _LISTS_OF_TEXT.items()},
    "line_duration_us": "CASE WHEN durationUs < 0 THEN 0 ELSE durationUs END",
    "line_start_us": _START,
    "base_us": f"CASE WHEN record = 'span' THEN {_START} - coalesce(offsetUs, 0) ELSE {_START} END",
    "has_record": "CAST(recordId IS NOT NULL AS BIGINT)",
    "line_error_type": f"{_WHEN_FAILED} coalesce(nullif(error->>'type', ''), 'Error') END",
    "line_error_code": f"{_WHEN_FAILED} coalesce(nullif(error->>'code', ''), "
    f"regexp_extract(error->>'message', '{_AWS}', 1), '') END",
    "line_error_message": f"{_WHEN_FAILED} coalesce(regexp_replace(error->>'message', "
    f"'{_AWS}', ''), '') END",
    "failed_records": "CAST(NULL AS VARCHAR[])",
    "unsampled": "CAST(coalesce(sampled = 'false' OR detail = 'false', false) AS BIGINT)",
    "is_odd": "CAST(0 AS BIGINT)",
    "tags": """from_json(tags, '"MAP(VARCHAR,VARCHAR)"')""",
}


def load_text(engine: DuckDb, paths: Sequence[Path]) -> Loading:
    """Load plain log lines of *paths*, a stream a file, and return what is loaded."""
    loading = Loading(engine, lines="other_lines")
    names = [str(path) for path in paths]
    files = {loading.stream("", name): path for name, path in zip(names, paths, strict=True)}
    stream = "CAST(list_position(?::VARCHAR[], filename) - 1 AS BIGINT)"
    what = f"{stream} AS stream_id, CAST(NULL AS BIGINT) AS time_ms, message"
    _read(loading, what, _TEXT, [names, names])
    engine.apart = Apart(loading, lambda wanted: _again(engine, files, wanted)).read
    return loading


def load_stored(engine: DuckDb, streams: Sequence[tuple[str, str]]) -> Loading:
    """Load the table ``stored`` of *engine*: log events of *streams*, by their places in that list.

    Its columns are ``stream_id``, ``time_ms`` (NULL where its source has none) and ``message``; its
    rows stand in the order of each stream.
    """
    loading = Loading(engine, lines="other_lines")
    for group, stream in streams:
        loading.stream(group, stream)
    what = "stream_id, time_ms, rtrim(message, chr(10) || chr(13)) AS message"
    _read(loading, what, "stored", [])
    engine.apart = Apart(loading, lambda wanted: _stored_again(engine, streams, wanted)).read
    return loading


def _read(loading: Loading, what: str, source: str, values: list[list[str]]) -> None:
    """Load the rows of *source*, in their order: *what* is stream_id, time_ms and message."""
    engine = loading.engine
    kept = ", ".join(f"said.{name} AS {name}" for name in _KEPT)
    # No IN: DuckDB makes a join of it, and joined rows come out in any order.
    kinds = " ".join(f"WHEN '{kind}' THEN '{kind}'" for kind in sorted(RECORDS))
    engine.connection.execute(
        "CREATE OR REPLACE TEMP TABLE read_lines AS SELECT stream_id, time_ms, "  # noqa: S608
        f"CASE WHEN {_KNOWN} THEN CASE said.record {kinds} END END AS record, {kept}, "
        f"CASE WHEN said IS NULL AND (contains(message, '{MARK}') OR {_LAMBDAS}) "
        "THEN message END AS rest FROM (SELECT stream_id, time_ms, message, "
        f"TRY(from_json(CASE WHEN {_REGULAR} THEN message END, '{_SCHEMA}')) AS said "
        f"FROM (SELECT {what} FROM {source}))",
        values,
    )
    loading.places = engine.number("SELECT COUNT(*) FROM read_lines")
    _read_rest(loading)
    columns = ", ".join(f"{_COLUMNS[column]} AS {column}" for column in LINE_COLUMNS)
    regular = f"SELECT {columns} FROM read_lines WHERE record IS NOT NULL"  # noqa: S608  # as above
    others = engine.number("SELECT COUNT(*) FROM other_lines")
    more = " UNION ALL SELECT * FROM other_lines" if others else ""
    engine.see("lines", regular + more)


def _read_rest(loading: Loading) -> None:
    """Turn the lines that are Lambda's, or not regular, into rows."""
    execute = loading.engine.connection.execute
    kinds = " ".join(
        f"WHEN starts_with(rest, '{what.upper()} ') AND regexp_full_match(rest, '{pattern}') "
        f"THEN '{what}'"
        for what, pattern in _FRAME.items()
    )
    execute(
        "CREATE OR REPLACE TEMP TABLE rests AS SELECT rowid AS place, stream_id, time_ms, rest, "  # noqa: S608
        f"CASE {kinds} END AS what FROM read_lines WHERE rest IS NOT NULL"
    )
    execute(
        f"INSERT INTO platform SELECT {_frame()} FROM (SELECT place, stream_id, time_ms, what, "  # noqa: S608
        "string_split(rest, ' ') AS said FROM rests WHERE what IS NOT NULL)"
    )
    for place, stream, time_ms, message in _paged(
        loading.engine, "SELECT place, stream_id, time_ms, rest FROM rests WHERE what IS NULL"
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


def _again(engine: DuckDb, files: dict[int, Path], wanted: Stretches) -> Iterator[Placed]:
    """Yield the lines of the files that are *wanted* once more."""
    places: dict[int, int] = dict(
        engine.rows("SELECT stream_id, MIN(rowid) FROM read_lines GROUP BY stream_id")
    )
    for stream in wanted.spans:
        path = files[stream]
        for place, line in enumerate(lines_of(path), places.get(stream, 0)):
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
