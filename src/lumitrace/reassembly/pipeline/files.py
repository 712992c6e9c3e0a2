"""Plain log lines in files, read by DuckDB: a file is a stream.

A line's place is its row id in a table of all lines, which holds the text of those that say
something.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

from lumitrace.reassembly.events import LogEvent
from lumitrace.reassembly.pipeline.apart import Stretches
from lumitrace.reassembly.pipeline.duckdb import DuckDb
from lumitrace.reassembly.pipeline.load import Apart, Loading, Placed
from lumitrace.reassembly.pipeline.texts import SAYS, read

# A log event is at most 1 MiB, and an export may put a time before it.
# https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/cloudwatch_limits_cwl.html
MAX_LINE = 2 * 1024 * 1024  # bytes; buffers grow with it: with 32 MB reading took ten times as long

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
        f"CASE WHEN {SAYS} THEN message END AS message FROM {_TEXT}",
        [names, names],
    )
    first: dict[int, int] = dict(
        engine.rows("SELECT stream_id, MIN(rowid) FROM texts GROUP BY stream_id")
    )
    loading.places = engine.number("SELECT COUNT(*) FROM texts")
    source = (
        "(SELECT rowid AS place, stream_id, CAST(NULL AS BIGINT) AS time_ms, message FROM texts)"
    )
    read(loading, source, tags=tags)
    engine.connection.execute("DROP TABLE texts")
    engine.apart = Apart(loading, lambda wanted: _again(files, first, wanted)).read
    return loading


def _again(files: dict[int, Path], first: dict[int, int], wanted: Stretches) -> Iterator[Placed]:
    """Yield the lines of the files that are *wanted* once more; *first*: a file's first place."""
    for stream in wanted.spans:
        path = files[stream]
        for place, line in enumerate(lines_of(path), first.get(stream, 0)):
            if line and wanted.which(stream, place) >= 0:
                message = line.decode("utf-8", "replace")
                yield stream, place, LogEvent("", str(path), None, message, place)


def lines_of(path: Path) -> Iterator[bytes]:
    """Yield the lines of the file at *path* as DuckDB counts them: each CR and LF ends one."""
    with path.open("rb") as file:
        for line in file:
            whole = line.removesuffix(b"\n")
            if b"\r" in whole:
                yield from whole.split(b"\r")
            else:
                yield whole
