"""The lines that DuckDB reads as Python would: which they are, and what each column is of them.

`lines` says what a line becomes. A line is regular where both readers see the same in it; such a
line costs a few microseconds here, and thirty there.
"""

import json

from lumitrace.reassembly.fields import MAX_NUMBER
from lumitrace.reassembly.pipeline.lines import LINE_COLUMNS
from lumitrace.wire.span_line import MARK, RECORDS

# What holds a list stays JSON until a step unfolds it: a table of lists takes longer to write.
_TEXT_FIELDS = (
    *("traceId", "spanId", "parentSpanId", "requestId", "name", "kind"),
    *("trigger", "route", "source", "xrayRoot", "operation", "resource", "recordId"),
)
_NUMBER_FIELDS = ("startUs", "durationUs", "offsetUs", "status", "httpStatus", "receiveCount")
_OTHER_FIELDS = (
    *("error", "calls", "open", "records", "links", "linkIn", "linkOut", "summary"),
    *("sampled", "detail"),
)
_FIELDS = {
    **dict.fromkeys(_TEXT_FIELDS, "VARCHAR"),
    **dict.fromkeys(_NUMBER_FIELDS, "BIGINT"),
    **dict.fromkeys(_OTHER_FIELDS, "JSON"),
}
_KNOWN = (
    "strlen(said.traceId) = 32 AND strlen(said.spanId) = 16 "
    "AND regexp_full_match(said.traceId || said.spanId, '[0-9a-f]*') "
    f"AND said.traceId <> '{'0' * 32}' AND said.spanId <> '{'0' * 16}'"
)

# Python reads where a text escapes a character by its number, and where only the whole attempt
# explains the line ("bound", "failedRecords"). Of each name an end that begins with a rare letter
# is looked for: a sixth of the time.
_REGULAR = (
    "NOT contains(message, '\\u') AND NOT contains(message, 'ound\":') "
    "AND NOT contains(message, 'Records\":')"
)
# So does it where a tag's number would be written otherwise than it was said: 42.50, 20 digits.
_TAGS_REGULAR = (
    "CASE WHEN contains(message, 'gs\":') THEN NOT "
    r"""(regexp_matches(message, '":-?[0-9]+\.[0-9]*0[,}]') """
    r"""OR regexp_matches(message, '":-?[0-9][-+.eE0-9]{16,}')) ELSE true END"""
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
    "stream_id": "stream_id",
    "at_start": "CAST(1 AS BIGINT)",
    "record": "record",  # as it stands there: a scan for one kind reads no other
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


def read_lines(source: str, rest: str, *, tags: bool) -> str:
    """Return the statement that makes ``read_lines`` of *source*, a row a line.

    Of a regular one it holds the fields; its ``record`` is NULL where it names no span. Of any
    other it holds the ``message`` where *rest* is true of it. Without *tags* none is read: they
    take a fifth of the time.
    """
    fields = {**_FIELDS, "tags": "JSON"} if tags else _FIELDS
    schema = json.dumps({"record": "VARCHAR", **fields}, separators=(",", ":"))
    kept = ", ".join(f"said.{name} AS {name}" for name in fields)
    regular = f"{_REGULAR} AND {_TAGS_REGULAR}" if tags else _REGULAR
    # No IN: DuckDB makes a join of it.
    kinds = " ".join(f"WHEN '{kind}' THEN '{kind}'" for kind in sorted(RECORDS))
    return (
        "CREATE OR REPLACE TEMP TABLE read_lines AS SELECT * EXCLUDE (message, said), "  # noqa: S608
        f"CASE WHEN {_KNOWN} THEN CASE said.record {kinds} END END AS record, {kept}, "
        f"CASE WHEN said IS NULL AND ({rest}) THEN message END AS message FROM (SELECT *, "
        f"TRY(from_json(CASE WHEN starts_with(message, '{MARK}') AND {regular} THEN message END, "
        f"'{schema}')) AS said FROM {source})"
    )


def lines(place: str, *, tags: bool) -> str:
    """Return the query for ``lines`` of ``read_lines``, whose column *place* is a line's place."""
    said = {**_COLUMNS, "place": place, "moment": f"coalesce(time_ms, {place})"}
    if not tags:
        said["tags"] = "CAST(NULL AS MAP(VARCHAR, VARCHAR))"
    columns = ", ".join(f"{said[column]} AS {column}" for column in LINE_COLUMNS)
    return f"SELECT {columns} FROM read_lines WHERE record IS NOT NULL"  # noqa: S608  # our names
