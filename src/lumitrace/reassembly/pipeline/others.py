"""How much of what was read other services wrote: executions and requests, which no table holds."""

from collections.abc import Iterable

from lumitrace.reassembly.api_gateway.entry import is_entry
from lumitrace.reassembly.pipeline.duckdb import DuckDb
from lumitrace.reassembly.step_functions.executions import is_logged
from lumitrace.reassembly.stream import LAMBDA_GROUP

LOOKED_AT = 5  # events of a stream

# Where Lambda or a function of ours speaks, what looks like another service was printed.
_SILENT = (
    f"SELECT stream_id FROM streams WHERE NOT starts_with(log_group, '{LAMBDA_GROUP}') "  # noqa: S608
    "EXCEPT SELECT stream_id FROM platform EXCEPT SELECT stream_id FROM lines"
)
_NAMED = 'regexp_extract(message, \'"execution_arn":\\s*"([^"]+)"\', 1)'


def others(engine: DuckDb) -> tuple[int, int]:
    """Return how many executions, and how many requests, the table ``stored`` tells of."""
    silent = [row[0] for row in engine.rows(_SILENT)]
    if not silent:
        return 0, 0
    first = engine.rows(
        f"SELECT stream_id, message FROM stored WHERE stream_id IN ({_listed(silent)}) "  # noqa: S608  # numbers
        "AND starts_with(message, '{') "
        f"QUALIFY ROW_NUMBER() OVER (PARTITION BY stream_id ORDER BY rowid) <= {LOOKED_AT}"
    )
    logged = {stream for stream, message in first if is_logged(message)}
    entries = {stream for stream, message in first if is_entry(message)}
    named = f"DISTINCT coalesce(nullif({_NAMED}, ''), CAST(stream_id AS VARCHAR))"
    return _count(engine, named, logged), _count(engine, "DISTINCT message", entries)


def _count(engine: DuckDb, what: str, streams: set[int]) -> int:
    if not streams:
        return 0
    where = f"stream_id IN ({_listed(streams)}) AND starts_with(message, '{{')"
    return engine.number(f"SELECT COUNT({what}) FROM stored WHERE {where}")  # noqa: S608  # as above


def _listed(streams: Iterable[int]) -> str:
    return ", ".join(map(str, sorted(streams)))
