"""Runs steps.sql on Spark, for logs that one machine is too small for.

The text is the same: sqlglot translates it. What comes in is read line by line in Python on the
workers, so lumitrace must be installed there, or handed out with ``--py-files``.
"""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from lumitrace.reassembly.pipeline.lines import LISTS, NUMBER, TAGS, TEXT, TEXTS, Row
from lumitrace.reassembly.problem import Problem

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
            self._without_estimates(frame.localCheckpoint()).createOrReplaceTempView(table)
            return
        self.written += 1
        path = f"{self.work}/{self.written:04d}-{table}"
        frame.write.parquet(path)
        self.spark.read.schema(frame.schema).parquet(path).createOrReplaceTempView(table)

    def _without_estimates(self, frame: "DataFrame") -> "DataFrame":
        """Return *frame*, without what Spark thinks of its size.

        A join is thought as large as the product of what it joins, and a checkpoint keeps that
        number: after a hundred steps the driver multiplies numbers of millions of digits.
        """
        from pyspark.sql import DataFrame  # noqa: PLC0415  # the door of this room

        rows, schema = frame._jdf.queryExecution().toRdd(), frame._jdf.schema()  # noqa: SLF001
        java = self.spark._jsparkSession  # noqa: SLF001
        return DataFrame(java.internalCreateDataFrame(rows, schema, False), self.spark)  # noqa: FBT003


def translated(statement: str) -> str:
    """Return *statement*, DuckDB's spelling, as Spark spells it."""
    import sqlglot  # noqa: PLC0415  # only Spark needs it

    return str(sqlglot.transpile(statement, read="duckdb", write="spark")[0])


def schema_of(columns: dict[str, str]) -> str:
    """Return *columns* as Spark spells a schema."""
    return ", ".join(f"{name} {_TYPES[kind]}" for name, kind in columns.items())
