"""Plain log lines in files, read by DuckDB: a file is a stream.

A line's place is its row id in a table of all lines: ``read_lines``, or one of their texts.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

from lumitrace.reassembly.events import LogEvent
from lumitrace.reassembly.pipeline.apart import Stretches
from lumitrace.reassembly.pipeline.duckdb import DuckDb
from lumitrace.reassembly.pipeline.load import Apart, Loading, Placed
from lumitrace.reassembly.pipeline.texts import SAYS, WHAT, Source, read
from lumitrace.wire.span_line import MARK

# A log event is at most 1 MiB, and an export may put a time before it.
# https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/cloudwatch_limits_cwl.html
MAX_LINE = 2 * 1024 * 1024  # bytes; buffers grow with it: with 32 MB reading took ten times as long

_TEXT = (
    "read_csv(?::VARCHAR[], columns = {'message': 'VARCHAR'}, delim = '\x01', quote = '', "
    "escape = '', header = false, auto_detect = false, strict_mode = false, filename = true, "
    f"max_line_size = {MAX_LINE}, null_padding = true, new_line = '\\n')"
)
_STREAM = "CAST(list_position(?::VARCHAR[], filename) - 1 AS BIGINT) AS stream_id"
_NO_TIME = "CAST(NULL AS BIGINT) AS time_ms"
HEAD = 65_536  # bytes that are looked at, to tell what a file holds


def load_text(engine: DuckDb, paths: Sequence[Path], *, tags: bool = True) -> Loading:
    """Load plain log lines of *paths*, a stream a file, and return what is loaded.

    Without *tags* those of the regular lines are left out.
    """
    loading = Loading(engine, lines="other_lines")
    names = [str(path) for path in paths]
    files = {loading.stream("", name): path for name, path in zip(names, paths, strict=True)}
    placed = "read_lines" if _are_ours(head_of(paths[0])) else "texts"
    if placed == "read_lines":
        query = f"(SELECT {_STREAM}, {_NO_TIME}, message FROM {_TEXT})"  # noqa: S608  # our own names
        read(loading, Source(query, "rowid", [names, names]), tags=tags)
    else:
        _read_texts(loading, names, tags=tags)
    first: dict[int, int] = dict(
        engine.rows(f"SELECT stream_id, MIN(rowid) FROM {placed} GROUP BY stream_id")  # noqa: S608
    )
    engine.connection.execute("DROP TABLE IF EXISTS texts")
    engine.apart = Apart(loading, lambda wanted: _again(files, first, wanted)).read
    return loading


def _read_texts(loading: Loading, names: Sequence[str], *, tags: bool) -> None:
    """Load lines of which many are not ours.

    A row for these is wide and mostly empty: with Lambda's lines between, reading them as the
    others are read took a third more.
    """
    loading.engine.connection.execute(
        f"CREATE OR REPLACE TEMP TABLE texts AS SELECT {_STREAM}, {WHAT} AS what, "  # noqa: S608
        f"CASE WHEN {SAYS} THEN message END AS message FROM {_TEXT}",
        [names, names],
    )
    placed = f"SELECT rowid AS place, stream_id, {_NO_TIME}, message"
    ours = f"({placed} FROM texts WHERE starts_with(message, '{MARK}'))"
    others = f"({placed}, what FROM texts WHERE NOT starts_with(message, '{MARK}'))"
    read(loading, Source(ours, "place", others=others), tags=tags)


def head_of(path: Path) -> bytes:
    """Return how the file at *path* begins; nothing where it cannot be read."""
    try:
        with path.open("rb") as file:
            return file.read(HEAD)
    except OSError:
        return b""  # whoever reads it says why


def _are_ours(head: bytes) -> bool:
    """Tell whether most lines of *head* begin as ours do."""
    several = head.splitlines()
    return sum(line.startswith(MARK.encode()) for line in several) * 2 > len(several)


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
