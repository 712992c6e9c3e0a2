"""Files read into DuckDB: what is regular by DuckDB's own readers, the rest line by line in Python.

A line is regular where both readers see the same in it: `lines` says what that is. A regular line
costs a few microseconds here, and thirty there.
"""

from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

from lumitrace.reassembly.events import LogEvent
from lumitrace.reassembly.pipeline.duckdb import DuckDb
from lumitrace.reassembly.pipeline.lines import LINE_COLUMNS
from lumitrace.reassembly.pipeline.load import Apart, Loading, Placed
from lumitrace.wire.span_line import MARK

# A log event is at most 1 MiB, and an export may put a time before it.
# https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/cloudwatch_limits_cwl.html
MAX_LINE = 2 * 1024 * 1024  # bytes; buffers grow with it: with 32 MB reading took ten times as long
BATCH = 10_000  # lines that Python reads at a time

_SCHEMA = (
    '{"record":"VARCHAR","traceId":"VARCHAR","spanId":"VARCHAR","parentSpanId":"VARCHAR",'
    '"requestId":"VARCHAR","name":"VARCHAR","kind":"VARCHAR","startUs":"BIGINT",'
    '"durationUs":"BIGINT","offsetUs":"BIGINT","status":"BIGINT","trigger":"VARCHAR",'
    '"route":"VARCHAR","source":"VARCHAR","xrayRoot":"VARCHAR","operation":"VARCHAR",'
    '"resource":"VARCHAR","httpStatus":"BIGINT","receiveCount":"BIGINT","recordId":"VARCHAR",'
    '"error":{"type":"VARCHAR","code":"VARCHAR","message":"VARCHAR"},"calls":[["VARCHAR"]],'
    '"open":["VARCHAR"],"records":[["VARCHAR"]],"links":[["VARCHAR"]],"linkIn":["VARCHAR"],'
    '"linkOut":["VARCHAR"],"failedRecords":["VARCHAR"],"summary":[["VARCHAR"]],"sampled":"VARCHAR","detail":"VARCHAR","tags":"MAP(VARCHAR,VARCHAR)"}'
)
_ID = "regexp_full_match({0}, '[0-9a-f]{{{1}}}') AND trim({0}, '0') <> ''"

# Python reads where a text escapes a character by its number, where another mark or other tags
# stand in the line, and where a number would be written otherwise than it was said: 42.50, 20
# digits.
_REGULAR = (
    f"starts_with(message, '{MARK}') AND NOT regexp_matches(message, '"
    r"\\u|.\{"
    '"lumitrace":1,|"tags":.*"tags":|":-?[0-9]+'
    r"\.[0-9]*0[,}]|"
    '":-?[0-9][-+.eE0-9]{16,}|"bound":|"failedRecords":'
    "')"
)
_SAID = f"CASE WHEN {_REGULAR} THEN TRY(from_json(message, '{_SCHEMA}')) END"
_REPORT = (
    r"REPORT RequestId: (\S+)\tDuration: (\d{1,12}\.?\d{0,3}) ms\tBilled Duration: (\d{1,12}) ms"
    r"\tMemory Size: (\d{1,9}) MB\tMax Memory Used: (\d{1,9}) MB\t"
    r"(?:Init Duration: (\d{1,12}\.?\d{0,3}) ms\t)?\s*"
)
_FRAME = {
    "start": r"START RequestId: (\S+) Version: \S+\s*",
    "end": r"END RequestId: (\S+)\s*",
    "report": _REPORT,
}
_LAMBDAS = " OR ".join(
    (
        *(
            f"starts_with(message, '{head}')"
            for head in (
                "START ",
                "END ",
                "REPORT ",
                "INIT_",
                "RESTORE_",
                "RequestId: ",
                "[ERROR] ",
            )
        ),
        "contains(message, ' Task timed out after ')",
        "starts_with(message, '{') AND contains(message, '\"platform.')",
        "starts_with(message, '{') AND contains(message, '\"errorType\"')",
    )
)

_NUMBERS = {"startUs", "durationUs", "offsetUs", "status", "httpStatus", "receiveCount"}


def load_text(engine: DuckDb, paths: Sequence[Path]) -> Loading:
    """Load plain log lines of *paths*, a stream a file, and return what is loaded."""
    loading = Loading(engine)
    read: dict[int, tuple[Path, int]] = {}
    for path in paths:
        stream = loading.stream("", str(path))
        read[stream] = (path, loading.places)
        _make_raw(
            engine, path, f"CASE WHEN {_REGULAR} THEN TRY(from_json(message, '{_SCHEMA}')) END"
        )
        _read_raw(loading, stream)
    engine.apart = Apart(loading, lambda streams: _again(engine, read, streams)).read
    return loading


def _make_raw(engine: DuckDb, path: Path, said: str) -> None:
    """Make the table ``raw``: a row a line of the file at *path*."""
    engine.connection.execute(
        "CREATE OR REPLACE TEMP TABLE raw AS SELECT NULL::BIGINT AS time_ms, message, "  # noqa: S608
        f"{said} AS said FROM "
        "read_csv(?, columns = {'message': 'VARCHAR'}, delim = '\x01', quote = '', escape = '', "
        "header = false, auto_detect = false, strict_mode = false, "
        f"max_line_size = {MAX_LINE}, null_padding = true, new_line = '\\n')",
        [str(path)],
    )


def _again(
    engine: DuckDb, read: dict[int, tuple[Path, int]], streams: Collection[int]
) -> Iterator[Placed]:
    """Yield the lines of the files that are *streams* once more."""
    for stream in streams:
        path, first = read[stream]
        _make_raw(engine, path, "NULL")
        query = engine.connection.execute(
            "SELECT rowid, message FROM raw WHERE message IS NOT NULL"
        )
        while several := query.fetchmany(BATCH):
            for place, message in several:
                event = LogEvent("", str(path), None, message, first + place)
                yield stream, first + place, event
        engine.connection.execute("DROP TABLE raw")


def _read_raw(loading: Loading, stream: int | str) -> None:
    """Turn the table ``raw`` into rows of ``lines`` and ``platform``.

    Args:
        loading: what is being loaded.
        stream: the number of the stream, or the column of ``raw`` that says it.
    """
    execute = loading.engine.connection.execute
    first = loading.places
    execute(
        f"INSERT INTO lines SELECT {_line(stream, first)} FROM raw WHERE said IS NOT NULL "  # noqa: S608
        f"AND {_ID.format('said.traceId', 32)} AND {_ID.format('said.spanId', 16)} "
        "AND said.record IN ('start', 'calls', 'span', 'invocation', 'health')"
    )
    for what, pattern in _FRAME.items():
        head = pattern.split(" ")[0]
        execute(
            f"INSERT INTO platform SELECT {_frame(what, stream, first)} FROM ("  # noqa: S608
            f"SELECT rowid AS place, {stream}, time_ms, "
            "string_split(rtrim(message), chr(9)) AS said "
            f"FROM raw WHERE starts_with(message, '{head} ') "
            "AND regexp_full_match(message, ?))",
            [pattern],
        )
    regular = " OR ".join(f"regexp_full_match(message, '{one}')" for one in _FRAME.values())
    rest = execute(
        f"SELECT {stream}, rowid, time_ms, message FROM raw WHERE said IS NULL "  # noqa: S608
        f"AND (contains(message, '{MARK}') OR (({_LAMBDAS}) AND NOT ({regular})))"
    )
    while rows := rest.fetchmany(BATCH):
        for number, place, time_ms, message in rows:
            loading.add(number, first + place, time_ms, message)
    loading.flush()
    loading.places += loading.engine.number("SELECT COUNT(*) FROM raw")
    execute("DROP TABLE raw")


def _frame(what: str, stream: int | str, first: int) -> str:
    """Return what each column of ``platform`` is of a line of _FRAME, split at its tabs."""
    measured = ["NULL"] * 5
    if what == "report":
        measured = [
            _measured(2, "Duration: ", thousandths=True),
            _measured(3, "Billed Duration: "),
            _measured(4, "Memory Size: "),
            _measured(5, "Max Memory Used: "),
            _measured(6, "Init Duration: ", thousandths=True),
        ]
    moment = f"coalesce(time_ms, place + {first})"
    return ", ".join(
        (
            str(stream),
            moment,
            f"'{what}'",
            "split_part(said[1], ' ', 3)",
            "''",
            *measured,
            "NULL",
            "NULL",
        )
    )


def _measured(place: int, name: str, *, thousandths: bool = False) -> str:
    number = f"substr(said[{place}], {len(name) + 1}, length(said[{place}]) - {len(name) + 3})"
    if thousandths:
        return f"CAST(TRY_CAST({number} AS DECIMAL(18, 3)) * 1000 AS BIGINT)"
    return f"CAST({number} AS BIGINT)"


def _line(stream: int | str, first: int) -> str:
    """Return what each column of ``lines`` is of a regular line."""
    said = {
        "place": f"rowid + {first}",
        "stream_id": str(stream),
        "moment": f"coalesce(time_ms, rowid + {first})",
        "at_start": "1",
        "line_duration_us": "CASE WHEN said.durationUs < 0 THEN 0 ELSE said.durationUs END",
        "base_us": "CASE WHEN said.record = 'span' THEN coalesce(said.startUs, 0) - "
        "coalesce(said.offsetUs, 0) ELSE coalesce(said.startUs, 0) END",
        "has_record": "CASE WHEN said.recordId IS NULL THEN 0 ELSE 1 END",
        "line_error_type": f"{_WHEN_FAILED} coalesce(nullif(said.error.type, ''), 'Error') END",
        "line_error_code": f"{_WHEN_FAILED} coalesce(nullif(said.error.code, ''), "
        f"regexp_extract(said.error.message, '{_AWS}', 1), '') END",
        "line_error_message": f"{_WHEN_FAILED} coalesce(regexp_replace(said.error.message, "
        f"'{_AWS}', ''), '') END",
        "calls": "said.calls",
        "opened": "said.open",
        "records": "said.records",
        "line_links": "said.links",
        "line_in": "said.linkIn",
        "line_out": "said.linkOut",
        "failed_records": "said.failedRecords",
        "summary": "said.summary",
        "unsampled": "CASE WHEN said.sampled = 'false' OR said.detail = 'false' THEN 1 ELSE 0 END",
        "is_odd": "0",
        "tags": "said.tags",
    }
    return ", ".join(
        said.get(column) or f"coalesce(said.{_FIELDS[column]}, {_default(_FIELDS[column])})"
        for column in LINE_COLUMNS
    )


_WHEN_FAILED = "CASE WHEN coalesce(said.status, 0) <> 0 THEN"
_AWS = r"^An error occurred \((\w+)\) when calling the \w+ operation[^:]{0,64}: "
_FIELDS = {
    "record": "record",
    "line_trace": "traceId",
    "line_span": "spanId",
    "line_parent": "parentSpanId",
    "line_request": "requestId",
    "line_name": "name",
    "line_kind": "kind",
    "line_start_us": "startUs",
    "offset_us": "offsetUs",
    "line_status": "status",
    "line_trigger": "trigger",
    "line_route": "route",
    "line_source": "source",
    "line_xray": "xrayRoot",
    "line_operation": "operation",
    "line_resource": "resource",
    "line_http": "httpStatus",
    "line_received": "receiveCount",
    "line_record_id": "recordId",
}


def _default(field: str) -> str:
    return "0" if field in _NUMBERS else "''"


def load_stored(engine: DuckDb, streams: Sequence[tuple[str, str]]) -> Loading:
    """Load the table ``stored`` of *engine*: log events of *streams*, by their places in that list.

    Its columns are ``stream_id``, ``time_ms`` (NULL where its source has none) and ``message``; its
    rows stand in the order of each stream.
    """
    loading = Loading(engine)
    for group, stream in streams:
        loading.stream(group, stream)
    loading.flush()
    engine.connection.execute(
        f"CREATE OR REPLACE TEMP TABLE raw AS SELECT *, {_SAID} AS said FROM ("  # noqa: S608
        "SELECT stream_id, time_ms, rtrim(message, chr(10) || chr(13)) AS message "
        "FROM stored ORDER BY rowid)"
    )
    _read_raw(loading, "stream_id")
    engine.apart = Apart(loading, lambda wanted: _stored_again(engine, streams, wanted)).read
    return loading


def _stored_again(
    engine: DuckDb, streams: Sequence[tuple[str, str]], wanted: Collection[int]
) -> Iterator[Placed]:
    found = engine.connection.execute(
        "SELECT stream_id, rowid, time_ms, message FROM stored "  # noqa: S608  # numbers
        f"WHERE stream_id IN ({', '.join(map(str, wanted))}) ORDER BY rowid"
    )
    while several := found.fetchmany(BATCH):
        for stream, place, time_ms, message in several:
            group, name = streams[stream]
            yield stream, place, LogEvent(group, name, time_ms, message, place)
