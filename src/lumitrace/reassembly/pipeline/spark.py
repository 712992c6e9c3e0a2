"""Runs steps.sql on Spark, for logs that one machine is too small for.

The text is the same: sqlglot translates it. What comes in is read line by line in Python on the
workers, so lumitrace must be installed there, or handed out with ``--py-files``.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from lumitrace.reassembly.events import LogEvent
from lumitrace.reassembly.pipeline.apart import (
    NAMES,
    PLAIN,
    STRETCHES,
    Stretches,
    request_of,
    rows_apart,
)
from lumitrace.reassembly.pipeline.apart import TABLES as ODD_TABLES
from lumitrace.reassembly.pipeline.lines import (
    LINE_COLUMNS,
    LISTS,
    NUMBER,
    PLATFORM_COLUMNS,
    TAGS,
    TEXT,
    TEXTS,
    Row,
    platform_rows,
    span_rows,
)
from lumitrace.reassembly.problem import Problem
from lumitrace.wire.span_line import MARK

if TYPE_CHECKING:
    from pyspark import RDD
    from pyspark.sql import DataFrame, SparkSession

_TYPES = {
    TEXT: "STRING",
    NUMBER: "BIGINT",
    TEXTS: "ARRAY<STRING>",
    LISTS: "ARRAY<ARRAY<STRING>>",
    TAGS: "MAP<STRING,STRING>",
}
# Integers and text need none of it; the array index beyond the end is NULL, as in DuckDB.
# What a checkpoint inherits of constraints breaks on a union with itself: "key not found" in 4.3.
_SETTINGS = {
    "spark.sql.ansi.enabled": "false",
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.constraintPropagation.enabled": "false",
}


def session(
    master: str, *, memory: str = "", settings: Mapping[str, str] | None = None
) -> "SparkSession":
    """Return a session at *master*, ``local[2]`` or ``spark://host:7077``.

    Args:
        master: where Spark runs; "" where spark-submit has said so.
        memory: of each executor, as Spark spells it: ``2g``.
        settings: Spark's own, by name.

    Raises:
        Problem: Spark is not installed.
    """
    try:
        from pyspark.sql import SparkSession  # noqa: PLC0415  # the door of this room
    except ImportError:
        message = "--engine spark needs pyspark and sqlglot: pip install 'lumitrace[spark]'"
        raise Problem(message) from None
    builder = SparkSession.builder.appName("lumitrace")
    if master:
        builder = builder.master(master)
    for name, value in {**_SETTINGS, **(settings or {})}.items():
        builder = builder.config(name, value)
    if memory:
        builder = builder.config("spark.executor.memory", memory)
    return builder.getOrCreate()


class Spark:
    """A Spark session, as the engine of the steps.

    Each table is computed before the next reads it: a walk over the plans of all the steps before
    it would not end. Where the folder *work* is given, one that every worker reaches, tables are
    written there; else they stay on the workers, which is faster and does not outlive them.
    """

    def __init__(self, spark: "SparkSession", work: str = "") -> None:
        self.spark, self.work = spark, work.rstrip("/")
        self.written = 0
        self.apart: Callable[[Spark], None] = lambda _: None

    def make(self, table: str, select: str) -> bool:
        """Let the rows of *select* become *table*."""
        self.keep(table, self.spark.sql(translated(select)))
        return False  # to count them would be a job more

    def see(self, table: str, select: str) -> bool:
        """Let *table* be the rows of *select*."""
        return self.make(table, select)  # found anew each time, the plans would grow

    def add(self, table: str, select: str) -> None:
        """Add the rows of *select* to *table*."""
        self.keep(table, self.spark.table(table).union(self.spark.sql(translated(select))))

    def number(self, query: str) -> int:
        """Return the one number that *query* asks for."""
        return int(self.rows(query)[0][0])

    def rows(self, query: str) -> list[Row]:
        """Return all rows of *query*."""
        return [tuple(row) for row in self.spark.sql(translated(query)).collect()]

    def read_apart(self) -> None:
        """Make the tables of what is read line by line, as whoever loaded the lines said."""
        self.apart(self)

    def write(self, table: str, address: str) -> None:
        """Write *table* to the folder at *address*, ``file:///…`` or ``s3://…``, as Parquet."""
        self.spark.table(table).write.parquet(address)

    def keep(self, table: str, frame: "DataFrame") -> None:
        """Compute *frame* and let it be *table*."""
        if not self.work:
            frame.localCheckpoint().createOrReplaceTempView(table)
            return
        self.written += 1
        path = f"{self.work}/{self.written:04d}-{table}"
        frame.write.parquet(path)
        self.spark.read.schema(frame.schema).parquet(path).createOrReplaceTempView(table)


def translated(statement: str) -> str:
    """Return *statement*, DuckDB's spelling, as Spark spells it."""
    import sqlglot  # noqa: PLC0415  # only Spark needs it

    return str(sqlglot.transpile(statement, read="duckdb", write="spark")[0])


def load_text(engine: Spark, paths: Sequence[str]) -> None:
    """Load plain log lines of *paths*, a stream a file."""
    context = engine.spark.sparkContext
    texts = [context.textFile(path, 1).map(_Of(number)) for number, path in enumerate(paths)]
    lines = context.union(texts).zipWithIndex()
    every = lines.mapPartitions(_read)
    _tables(engine, every, {"lines": LINE_COLUMNS, "platform": PLATFORM_COLUMNS})
    names = [(number, "", path) for number, path in enumerate(paths)]
    columns = {"stream_id": NUMBER, "log_group": TEXT, "log_stream": TEXT}
    engine.keep("streams", engine.spark.createDataFrame(names, schema_of(columns)))

    def read(engine: Spark) -> None:
        stretches = Stretches(engine.rows(STRETCHES))
        if not stretches.spans:
            _tables(engine, context.emptyRDD(), ODD_TABLES, empty=True)
            return
        names: dict[int, str] = dict(engine.rows(NAMES))
        plain: dict[int, set[str]] = {}
        for stream, request in engine.rows(PLAIN):
            plain.setdefault(stream, set()).add(request)
        odd = lines.mapPartitions(_Odd(stretches, plain))
        _tables(engine, odd.groupByKey().flatMap(_Apart(list(paths), names)), ODD_TABLES)

    engine.apart = read


def _tables(
    engine: Spark, rows: "RDD[Any]", tables: dict[str, dict[str, str]], *, empty: bool = False
) -> None:
    """Make each of *tables* of those *rows* that bear its name."""
    cached = rows.cache()
    for name, columns in tables.items():
        of_table: Any = [] if empty else cached.filter(_In(name)).map(_second)
        engine.keep(name, engine.spark.createDataFrame(of_table, schema_of(columns)))
    cached.unpersist()


def schema_of(columns: dict[str, str]) -> str:
    """Return *columns* as Spark spells a schema."""
    return ", ".join(f"{name} {_TYPES[kind]}" for name, kind in columns.items())


class _Of:
    """Says of which stream a line is; goes to the workers."""

    def __init__(self, stream: int) -> None:
        self.stream = stream

    def __call__(self, message: str) -> tuple[int, str]:
        return self.stream, message


def _read(lines: Iterable[tuple[tuple[int, str], int]]) -> Iterator[tuple[str, Row]]:
    for (stream, message), place in lines:
        if MARK in message:
            for row in span_rows(message, place, stream, place):
                yield "lines", row
        else:
            for row in platform_rows(message, stream, place):
                yield "platform", row


class _In:
    """Tells the rows of one table; goes to the workers."""

    def __init__(self, table: str) -> None:
        self.table = table

    def __call__(self, row: tuple[str, Any]) -> bool:
        return row[0] == self.table


def _second(row: tuple[str, Row]) -> Row:
    return row[1]


class _Odd:
    """Picks the lines that are read apart; goes to the workers."""

    def __init__(self, stretches: Stretches, plain: dict[int, set[str]]) -> None:
        self.stretches, self.plain = stretches, plain

    def __call__(
        self, lines: Iterable[tuple[tuple[int, str], int]]
    ) -> Iterator[tuple[int, tuple[int, str]]]:
        for (stream, message), place in lines:
            if self.stretches.which(stream, place) < 0:
                continue
            if request_of(message) not in self.plain.get(stream, ()):
                yield stream, (place, message)


class _Apart:
    """Reads the odd lines of a stream; goes to the workers."""

    def __init__(self, paths: list[str], names: dict[int, str]) -> None:
        self.paths, self.names = paths, names

    def __call__(self, group: tuple[int, Iterable[tuple[int, str]]]) -> Iterator[tuple[str, Row]]:
        stream, lines = group
        path = self.paths[stream]
        events = [LogEvent("", path, None, message, place) for place, message in sorted(lines)]
        return rows_apart([events], {("", path): stream}, self.names)
