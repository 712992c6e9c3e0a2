"""Runs steps.sql on DuckDB."""

import contextlib
import functools
import importlib
import os
import re
import shutil
from collections.abc import Callable, Container, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lumitrace.reassembly.problem import Problem

if TYPE_CHECKING:
    from types import ModuleType

    import duckdb

# Ids are all different: a dictionary of them is not tried for long, and the second version's way of
# writing texts keeps only where one differs from that before it. They are digits: zstd halves them,
# at its lowest level in the time that Snappy takes to leave them as they are. The order of rows
# means nothing, so threads need not wait for one another.
_WRITTEN = (
    "(FORMAT parquet, PARQUET_VERSION v2, DICTIONARY_SIZE_LIMIT 1000, "
    "COMPRESSION zstd, COMPRESSION_LEVEL 1, PRESERVE_ORDER false)"
)

_ANOTHER_NAME = re.compile(r"SELECT (\w+)\.\* FROM \w+ \1\s*\Z")

FEW = 10_000  # lines: below, planning a view again takes longer than copying its rows

Row = tuple[Any, ...]


class DuckDb:
    """A connection, as the engine of the steps."""

    def __init__(
        self, connection: "duckdb.DuckDBPyConnection | None" = None, *, alone: bool = False
    ) -> None:
        self.connection = connection or _database().cursor()
        self.apart: Callable[[DuckDb], None] = lambda _: None
        self.views: set[str] = set()
        self.copies = False  # whether what may be found anew is copied
        self.alone = alone  # whether nobody else has this database

    @classmethod
    @contextlib.contextmanager
    def bounded(cls, memory: str, spill: Path) -> "Iterator[DuckDb]":
        """Yield an engine that keeps within *memory*: what is more goes to the folder *spill*.

        Args:
            memory: as ``2GB``, or "" for a quarter of the machine.
            spill: removed at the end; beside the result, where there is room for it.
        """
        connection = library().connect(":memory:")
        try:
            connection.execute(f"SET memory_limit = '{memory or _quarter()}'")
            connection.execute(f"SET temp_directory = '{str(spill).replace(chr(39), chr(39) * 2)}'")
            connection.execute(
                "SET preserve_insertion_order = true"
            )  # a line's number is its place
            connection.execute("SET enable_progress_bar = true")  # it is asked for, not printed
            connection.execute("SET enable_progress_bar_print = false")
            yield cls(connection, alone=True)
        finally:
            connection.close()
            shutil.rmtree(spill, ignore_errors=True)

    def expect(self, lines: int) -> None:
        """Get ready for so many *lines*. Of few, most of the time goes into planning statements.

        Waking a second thread takes longer than what it could do of them.
        """
        self.copies = lines < FEW
        if self.copies and "lines" in self.views:
            self.connection.execute("CREATE OR REPLACE TEMP TABLE few_lines AS FROM lines")
            self.make_room("lines")
            self.connection.execute("ALTER TABLE few_lines RENAME TO lines")
        if self.alone:
            self.connection.execute("SET threads = 1" if self.copies else "RESET threads")

    def progress(self) -> float:
        """Return how much of the statement that runs is done, in percent; -1 where none says it.

        Any thread may ask.
        """
        return float(self.connection.query_progress())

    def keep(self, names: Container[str]) -> None:
        """Drop the tables and views that are none of *names*: nobody reads them any more."""
        for what in ("view", "table"):
            query = f"SELECT {what}_name FROM duckdb_{what}s() WHERE temporary AND NOT internal"  # noqa: S608
            for (name,) in self.rows(query):
                if name not in names:
                    self.connection.execute(f"DROP {what} {name}")
                    self.views.discard(name)

    def write(self, table: str, path: Path) -> None:
        """Write *table* to *path* as Parquet."""
        to = str(path).replace("'", "''")
        self.connection.execute(f"COPY (FROM {table}) TO '{to}' {_WRITTEN}")

    def make(self, table: str, select: str) -> bool:
        """Let the rows of *select* become *table*; tell whether there are none."""
        self.make_room(table)
        return not self.number(f"CREATE OR REPLACE TEMP TABLE {table} AS {select}")

    def see(self, table: str, select: str) -> bool:
        """Let *table* be the rows of *select*, found anew whenever they are asked for."""
        if self.copies and not _ANOTHER_NAME.match(select):
            return self.make(table, select)
        if table not in self.views:
            self.connection.execute(f"DROP TABLE IF EXISTS {table}")
            self.views.add(table)
        self.connection.execute(f"CREATE OR REPLACE TEMP VIEW {table} AS {select}")
        return False

    def make_room(self, table: str) -> None:
        """Drop the view of the name *table*: DuckDB lets no table take its place."""
        if table in self.views:
            self.views.remove(table)
            self.connection.execute(f"DROP VIEW {table}")

    def add(self, table: str, select: str) -> None:
        """Add the rows of *select* to *table*."""
        self.connection.execute(f"INSERT INTO {table} {select}")

    def read_apart(self) -> None:
        """Make the tables of what is read line by line, as whoever loaded the lines said."""
        self.apart(self)

    def number(self, query: str) -> int:
        """Return the one number that *query* asks for."""
        return int(self.rows(query)[0][0])

    def rows(self, query: str) -> list[Row]:
        """Return all rows of *query*."""
        return self.connection.execute(query).fetchall()


def _quarter() -> str:
    """Return a quarter of the machine's memory, as DuckDB spells it."""
    return f"{os.sysconf('SC_PHYS_PAGES') * os.sysconf('SC_PAGE_SIZE') // 4 // 2**20}MiB"


@functools.cache
def library() -> "ModuleType":
    """Return DuckDB: the engine's own module, where it stands alone.

    The package around it makes ways to ask that nothing here uses, and takes 0.1 s to import: a
    quarter of the time of a small log.

    Raises:
        Problem: it is not installed.
    """
    for name in ("_duckdb", "duckdb"):
        with contextlib.suppress(ImportError):
            found = importlib.import_module(name)
            if hasattr(found, "connect"):
                return found
    sentence = "lumitrace needs duckdb for this: pip install 'lumitrace[tools]'"
    raise Problem(sentence)


@functools.cache
def _database() -> "duckdb.DuckDBPyConnection":
    """Return the one database of this process: opening one takes 22 ms, a connection nothing.

    Temporary tables are a connection's own, and every question has a connection.
    """
    connection: duckdb.DuckDBPyConnection = library().connect(":memory:")
    return connection
