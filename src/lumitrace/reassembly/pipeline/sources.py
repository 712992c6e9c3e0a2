"""What the command line names, loaded into DuckDB: plain files by itself, others through Python."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from lumitrace.reassembly.events import Counts, LogEvent
from lumitrace.reassembly.pipeline.duckdb import DuckDb, library
from lumitrace.reassembly.pipeline.files import load_text
from lumitrace.reassembly.pipeline.stored import load_read
from lumitrace.reassembly.platform_events import json_object
from lumitrace.reassembly.sources.file import files_of, read_file
from lumitrace.reassembly.sources.path import STANDARD_INPUT
from lumitrace.wire.span_line import MARK

HEAD = 65_536  # bytes that are looked at
_LAMBDAS = ("START RequestId: ", "INIT_START ", "END RequestId: ", "REPORT RequestId: ")


def load(engine: DuckDb, paths: Sequence[str]) -> int:
    """Load the files that *paths* stand for, and return how many bytes they are.

    Where all of them are plain log lines, DuckDB reads them. A source of any other form is unpacked
    by Python first; so are all where one has bytes that are no UTF-8, or a line that no log event
    can be long as.

    Raises:
        Problem: a file cannot be read.
    """
    files = [file for path in dict.fromkeys(paths) for file in files_of(path)]
    plain = all(file != STANDARD_INPUT and is_plain(Path(file)) for file in files)
    if not plain or not _is_taken(engine, files):
        load_read(engine, _events(files))
    return sum(Path(file).stat().st_size for file in files if file != STANDARD_INPUT)


def _is_taken(engine: DuckDb, files: Sequence[str]) -> bool:
    """Load *files* as DuckDB reads them, and tell whether it takes them."""
    try:
        load_text(engine, [Path(file) for file in files], tags=False)
    except library().InvalidInputException:
        return False
    return True


def is_plain(path: Path) -> bool:
    """Tell whether the file at *path* holds log lines as a function prints them: one begins so.

    Lines after a time, JSON that holds events, and what is compressed are not.
    """
    try:
        with path.open("rb") as file:
            head = file.read(HEAD)
    except OSError:
        return False
    for line in head.decode("utf-8", "replace").splitlines()[:20]:
        if line.startswith(MARK) or line.startswith(_LAMBDAS):
            return True
        if json_object(line) is not None:
            return False
    return False


def _events(files: Sequence[str]) -> Iterator[LogEvent]:
    counts, order = Counts(), 0
    for file in files:
        for source in read_file(file, counts):
            for event in source:
                order += 1
                event.order = order
                yield event
