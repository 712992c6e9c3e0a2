"""Runs steps.sql on Spark, for logs that one machine is too small for.

The text is the same: sqlglot translates it. What comes in is read line by line in Python on the
workers, so lumitrace must be installed there, or handed out with ``--py-files``.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

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
    from pyspark.sql import DataFrame, SparkSession

_TYPES = {
    TEXT: "STRING",
    NUMBER: "BIGINT",
    TEXTS: "ARRAY<STRING>",
    LISTS: "ARRAY<ARRAY<STRING>>",
    TAGS: "MAP<STRING,STRING>",
}
# Integers and text need none of it; the array index beyond the end is NULL, as in DuckDB.
_SETTINGS = {"spark.sql.ansi.enabled": "false", "spark.sql.session.timeZone": "UTC"}


def session(master: str, *, memory: str = "") -> "SparkSession":
    """Return a session at *master*, ``local[2]`` or ``spark://host:7077``.

    Raises:
        Problem: Spark is not installed.
    """
    try:
        from pyspark.sql import SparkSession  # noqa: PLC0415  # the door of this room
    except ImportError:
        message = "--engine spark needs pyspark and sqlglot: pip install 'lumitrace[spark]'"
        raise Problem(message) from None
    builder = SparkSession.builder.appName("lumitrace").master(master)
    for name, value in _SETTINGS.items():
        builder = builder.config(name, value)
    if memory:
        builder = builder.config("spark.executor.memory", memory)
    return builder.getOrCreate()


class Spark:
    """A Spark session, as the engine of the steps.

    Each table is written to the folder *work* before the next reads it: a walk over the plans of
    all the steps before it would not end. The folder is one that every worker reaches.
    """

    def __init__(self, spark: "SparkSession", work: str) -> None:
        self.spark, self.work = spark, work.rstrip("/")
        self.written = 0

    def make(self, table: str, select: str) -> None:
        """Let the rows of *select* become *table*."""
        self.keep(table, self.spark.sql(translated(select)))

    def add(self, table: str, select: str) -> None:
        """Add the rows of *select* to *table*."""
        self.keep(table, self.spark.table(table).union(self.spark.sql(translated(select))))

    def number(self, query: str) -> int:
        """Return the one number that *query* asks for."""
        return int(self.rows(query)[0][0])

    def rows(self, query: str) -> list[Row]:
        """Return all rows of *query*."""
        return [tuple(row) for row in self.spark.sql(translated(query)).collect()]

    def keep(self, table: str, frame: "DataFrame") -> None:
        """Write *frame* down and let it be *table*."""
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
    for number, path in enumerate(paths):
        stream = context.textFile(path).zipWithIndex().mapPartitions(_Reader(number))
        both = stream.cache()
        for name, columns in (("lines", LINE_COLUMNS), ("platform", PLATFORM_COLUMNS)):
            rows = both.filter(_Of(name)).map(_second)
            frame = engine.spark.createDataFrame(rows, schema_of(columns))
            if number:
                frame = engine.spark.table(name).union(frame)
            engine.keep(name, frame)
        both.unpersist()


def schema_of(columns: dict[str, str]) -> str:
    """Return *columns* as Spark spells a schema."""
    return ", ".join(f"{name} {_TYPES[kind]}" for name, kind in columns.items())


class _Reader:
    """Reads the lines of one stream; goes to the workers."""

    def __init__(self, stream: int) -> None:
        self.stream = stream

    def __call__(self, lines: Iterable[tuple[str, int]]) -> Iterator[tuple[str, Row]]:
        for message, place in lines:
            if MARK in message:
                for row in span_rows(message, place, self.stream, place):
                    yield "lines", row
            else:
                for row in platform_rows(message, self.stream, place):
                    yield "platform", row


class _Of:
    """Tells the rows of one table; goes to the workers."""

    def __init__(self, table: str) -> None:
        self.table = table

    def __call__(self, row: tuple[str, Any]) -> bool:
        return row[0] == self.table


def _second(row: tuple[str, Row]) -> Row:
    return row[1]
