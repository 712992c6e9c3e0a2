"""What the command line names, loaded into DuckDB: plain files by itself, others through Python."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from lumitrace.reassembly.events import Counts, LogEvent
from lumitrace.reassembly.pipeline.duckdb import DuckDb, library
from lumitrace.reassembly.pipeline.files import head_of, load_text
from lumitrace.reassembly.pipeline.others import others
from lumitrace.reassembly.pipeline.stored import load_read
from lumitrace.reassembly.platform_events import json_object
from lumitrace.reassembly.problem import Problem
from lumitrace.reassembly.sources.file import files_of, of_files, until_it_fails
from lumitrace.reassembly.sources.path import STANDARD_INPUT
from lumitrace.wire.span_line import MARK

TOLD = 20_000  # log events between two words about them
_LAMBDAS = ("START RequestId: ", "INIT_START ", "END RequestId: ", "REPORT RequestId: ")


@dataclass
class Loaded:
    """What was loaded.

    Attributes:
        size: bytes of the files.
        skipped: pieces that are no log event.
        executions: of state machines, which the steps do not read.
        requests: of access logs, which they do not read either.
        problems: what could not be read; the rest was.
    """

    size: int = 0
    skipped: int = 0
    executions: int = 0
    requests: int = 0
    problems: list[Problem] = field(default_factory=list)


def load(
    engine: DuckDb, paths: Sequence[str], progress: Callable[[str], None] = lambda _: None
) -> Loaded:
    """Load the files that *paths* stand for; *progress* is told how far it is.

    Where all of them are plain log lines, DuckDB reads them. A source of any other form is unpacked
    by Python first; so are all where one has bytes that are no UTF-8, or a line that no log event
    can be long as.
    """
    loaded, counts = Loaded(), Counts()
    named = dict.fromkeys(paths)
    several = (until_it_fails(files_of(path), loaded.problems) for path in named)
    files = [file for path, found in zip(named, several, strict=True) for file in found]
    plain = all(file != STANDARD_INPUT and is_plain(head_of(Path(file))) for file in files)
    if not files or not plain or not _is_taken(engine, files):
        loaded.problems.clear()  # the files are opened anew
        load_read(engine, _events(named, counts, loaded.problems, progress))
        loaded.executions, loaded.requests = others(engine)
    loaded.skipped = counts.skipped
    loaded.size = sum(Path(file).stat().st_size for file in files if Path(file).is_file())
    return loaded


def _is_taken(engine: DuckDb, files: Sequence[str]) -> bool:
    """Load *files* as DuckDB reads them, and tell whether it takes them."""
    try:
        load_text(engine, [Path(file) for file in files], tags=False)
    except library().InvalidInputException:
        return False
    return True


def is_plain(head: bytes) -> bool:
    """Tell whether a file with this *head* holds log lines as a function prints them.

    Lines after a time, JSON that holds events, and what is compressed are not.
    """
    for line in head.decode("utf-8", "replace").splitlines()[:20]:
        if line.startswith(MARK) or line.startswith(_LAMBDAS):
            return True
        if json_object(line) is not None:
            return False
    return False


def _events(
    paths: Iterable[str],
    counts: Counts,
    problems: list[Problem],
    progress: Callable[[str], None],
) -> Iterator[LogEvent]:
    order = 0
    for path in paths:
        for source in of_files(path, counts, problems):
            for event in source:
                order += 1
                event.order = order
                if order % TOLD == 0:
                    progress(f"reading, {order:,} log events")
                yield event
