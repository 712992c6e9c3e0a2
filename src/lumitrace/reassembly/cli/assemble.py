"""``lumitrace assemble``: all transactions of many logs, as tables."""

import argparse
import contextlib
import re
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lumitrace.reassembly.problem import DECORATE, FAILURE, MISUSE, Problem
from lumitrace.reassembly.sources.path import S3_SCHEME

if TYPE_CHECKING:
    from lumitrace.reassembly.pipeline.duckdb import DuckDb
    from lumitrace.reassembly.pipeline.sources import Loaded

DUCKDB, SPARK = "duckdb", "spark"
DIALECTS = ("athena", "clickhouse", "spark")
SPILL = "spill"  # a folder in --out
EVERY_S = 1.0  # how often it is said how far it is
_MEMORY = re.compile(r"[1-9]\d{0,5}(?:\.\d)?\s?(?:MB|GB|TB)")


def add(commands: "argparse._SubParsersAction[Any]") -> None:
    """Add ``assemble`` to *commands*."""
    purpose = "all spans, hops and transactions of many logs, as Parquet tables"
    sentence = f"{purpose[0].upper()}{purpose[1:]}."
    command = commands.add_parser("assemble", help=purpose, description=sentence)
    command.add_argument("paths", nargs="*", metavar="PATH", help="a log file, or a folder of them")
    command.add_argument("--out", default="", metavar="FOLDER", help="where the tables go")
    command.add_argument(
        "--engine", choices=(DUCKDB, SPARK), default=DUCKDB, help="what computes (default duckdb)"
    )
    command.add_argument(
        "--memory",
        default="",
        metavar="SIZE",
        help="how much memory to use, 2GB; beyond it DuckDB writes to disk (default: a quarter of "
        "the machine); of Spark, each executor's",
    )
    command.add_argument(
        "--master",
        default="local[*]",
        metavar="URL",
        help="Spark's master (default local[*]); '' leaves it to spark-submit",
    )
    command.add_argument(
        "--work", default="", metavar="FOLDER", help="Spark: a folder that all workers reach"
    )
    command.add_argument(
        "--print",
        choices=DIALECTS,
        help="read nothing; print the statements as this engine spells them",
    )


def run(asked: argparse.Namespace) -> int:
    """Assemble what was *asked* for, and say on standard error how far it is.

    Raises:
        Problem: it cannot be read, or not be written there.
    """
    if asked.print:
        return _print(asked.print)
    if not asked.paths or not asked.out:
        sentence = "assemble needs logs to read and --out FOLDER; see lumitrace assemble --help"
        raise Problem(sentence, MISUSE)
    check_memory(asked.memory)
    remote = next((path for path in asked.paths if path.startswith(S3_SCHEME)), "")
    if remote and asked.engine != SPARK:
        sentence = f"assemble reads files alone; copy them: aws s3 sync {remote} FOLDER"
        raise Problem(sentence, MISUSE)
    if asked.engine == SPARK and "://" in asked.out:  # Spark refuses a folder that is there
        return _on_spark(asked, asked.out.rstrip("/"))
    out = _folder(Path(asked.out))
    if asked.engine == SPARK:
        return _on_spark(asked, out.absolute().as_uri())
    return _on_duckdb(asked, out)


def _folder(out: Path) -> Path:
    """Return the folder *out*, which is empty.

    Raises:
        Problem: it is not empty, no folder, or cannot be made.
    """
    try:
        out.mkdir(parents=True, exist_ok=True, mode=0o700)
        taken = any(out.iterdir())
    except OSError as error:
        sentence = f"{out} cannot be written: {error.strerror}; give another folder as --out"
        raise Problem(sentence) from error
    if taken:
        sentence = f"{out} is not empty; give a new folder as --out"
        raise Problem(sentence, MISUSE)
    return out


def _print(dialect: str) -> int:
    from lumitrace.reassembly.pipeline.printed import printed  # noqa: PLC0415  # sqlglot

    for line in printed(dialect):
        print(line)  # noqa: T201  # it is a command
    return 0


def check_memory(text: str) -> None:
    """Raise a problem where *text* is no size that DuckDB takes; "" is its own choice."""
    if text and not _MEMORY.fullmatch(text):
        sentence = f"--memory {text} is no size; give one like 2GB or 500MB"
        raise Problem(sentence, MISUSE)


class Progress:
    """Says on standard error what is being done, and how fast the logs were read."""

    def __init__(self) -> None:
        self.began = self.said = time.monotonic()
        self.doing = "reading"

    def part(self, name: str) -> None:
        """Say that the part *name* begins, unless something was said just now."""
        self.doing = name
        self._say_seldom(name)

    @contextlib.contextmanager
    def watching(self, engine: "DuckDb") -> Iterator[None]:
        """Say meanwhile how much of a long statement *engine* has done."""
        done = threading.Event()

        def watch() -> None:
            while not done.wait(EVERY_S):
                percent = engine.progress()
                if percent > 0:
                    self._say_seldom(f"{self.doing}, {percent:.0f} % of this step")

        watcher = threading.Thread(target=watch, daemon=True)
        watcher.start()
        try:
            yield
        finally:
            done.set()
            watcher.join()

    def _say_seldom(self, what: str) -> None:
        now = time.monotonic()
        if now - self.said >= EVERY_S:
            self.said = now
            self.say(f"{now - self.began:.0f} s: {what}")

    def read(self, rows: int, size: int) -> None:
        """Say that so many *rows* were read, of *size* bytes."""
        took = max(time.monotonic() - self.began, 0.001)
        self.say(f"read {size / 1e6:,.1f} MB, {rows:,} span lines, {size / 1e6 / took:,.0f} MB/s")

    def left_out(self, loaded: "Loaded") -> int:
        """Say what of the logs was not read; return the exit code that it makes."""
        for problem in loaded.problems:
            self.say(problem.sentence)
        if loaded.skipped:
            several = (
                "pieces of it are no log events" if loaded.skipped > 1 else "piece is no log event"
            )
            self.say(f"{loaded.skipped:,} {several}, and left out")
        others = [
            f"{count:,} {one if count == 1 else several}"
            for count, one, several in (
                (loaded.executions, "execution", "executions"),
                (loaded.requests, "request of an access log", "requests of access logs"),
            )
            if count
        ]
        if others:
            told = "ask lumitrace transactions, why or show about them"
            self.say(f"{' and '.join(others)} stand in no table; {told}")
        return FAILURE if loaded.problems else 0

    def known(self, transactions: int) -> None:
        """Say that so many *transactions* were found, and are written now."""
        took = time.monotonic() - self.began
        self.say(f"{transactions:,} transactions known after {took:.2f} s")

    @staticmethod
    def say(sentence: str) -> None:
        """Say *sentence*."""
        print(f"lumitrace: {sentence}", file=sys.stderr)  # noqa: T201  # it is a command


def _on_duckdb(asked: argparse.Namespace, out: Path) -> int:
    from lumitrace.reassembly.pipeline import sources  # noqa: PLC0415  # what --help can spare
    from lumitrace.reassembly.pipeline.duckdb import DuckDb  # noqa: PLC0415  # as above
    from lumitrace.reassembly.pipeline.steps import Steps  # noqa: PLC0415  # as above

    progress = Progress()
    with (
        DuckDb.bounded(asked.memory, out / SPILL) as engine,
        _told(out),
        progress.watching(engine),
    ):
        loaded = sources.load(engine, asked.paths, progress.part)
        lines = engine.number("SELECT COUNT(*) FROM lines")
        progress.read(lines, loaded.size)
        code = progress.left_out(loaded)
        if not lines:
            sentence = f"no span lines in {' '.join(asked.paths)}; {DECORATE}"
            raise Problem(sentence)
        engine.expect(lines)
        steps = Steps(engine, progress=progress.part)
        steps.unfold()
        if not engine.copies:  # of a small log dropping takes longer than it is worth
            engine.keep(steps.after_unfolding())
        steps.join()
        progress.known(engine.number("SELECT COUNT(DISTINCT entry_trace) FROM members"))
        steps.figures()
        progress.part("writing")
        _write(engine, out)
        _close(progress, engine.number("SELECT COUNT(*) FROM spans"), out)
    return code


def _write(engine: "DuckDb", out: Path) -> None:
    """Write all tables to *out*, or none: what is in the spill goes with it."""
    from lumitrace.reassembly.pipeline.steps import RESULTS  # noqa: PLC0415  # as above

    spill = out / SPILL
    spill.mkdir(exist_ok=True)
    names = [f"{table}.parquet" for table in RESULTS]
    for table, name in zip(RESULTS, names, strict=True):
        engine.write(table, spill / name)
    for name in names:
        (spill / name).replace(out / name)


@contextlib.contextmanager
def _told(out: Path) -> Iterator[None]:
    """Say in one sentence what keeps DuckDB from going on."""
    from lumitrace.reassembly.pipeline.duckdb import library  # noqa: PLC0415  # as above

    duckdb = library()
    try:
        yield
    except duckdb.OutOfMemoryException:
        sentence = "the memory does not suffice for these logs; give more with --memory 2GB, say, "
        sentence += "and room on the disk beside --out"
        raise Problem(sentence) from None
    except duckdb.IOException as error:
        said = str(error).partition("\n")[0][:200]
        sentence = f"{out} cannot be written ({said}); make room, or give another --out"
        raise Problem(sentence) from None


def _on_spark(asked: argparse.Namespace, out: str) -> int:
    from lumitrace.reassembly.pipeline import spark, spark_load  # noqa: PLC0415  # as above
    from lumitrace.reassembly.pipeline.steps import RESULTS, Steps  # noqa: PLC0415  # as above

    progress = Progress()
    session = spark.session(asked.master, memory=asked.memory.replace(" ", "")[:-1].lower())
    try:
        engine = spark.Spark(session, asked.work)
        code = progress.left_out(spark_load.load(engine, asked.paths))
        steps = Steps(engine, progress=progress.part)
        steps.unfold()
        steps.join()
        steps.figures()
        for table in RESULTS:
            engine.write(table, f"{out}/{table}.parquet")
        _close(progress, engine.number("SELECT COUNT(*) FROM spans"), out)
    finally:
        session.stop()
    return code


def _close(progress: Progress, spans: int, out: Path | str) -> None:
    took = time.monotonic() - progress.began
    progress.say(f"{spans:,} spans in {took:.1f} s, in {out}")
