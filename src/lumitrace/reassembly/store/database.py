"""DuckDB as a store uses it: its own connection, bounded memory, errors that are OSErrors."""

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from lumitrace.reassembly.pipeline.duckdb import DuckDb, Row, library


class Unreadable(OSError):  # noqa: N818  # as Problem
    """A file is not there any more, or not what it should be."""


class Database:
    """Runs what it is given on *engine*."""

    def __init__(self, engine: DuckDb | None = None) -> None:
        self.engine = engine or DuckDb()

    @classmethod
    @contextlib.contextmanager
    def bounded(cls, memory: str, spill: Path) -> "Iterator[Database]":
        """Yield one that keeps within *memory*; what is more goes to the folder *spill*."""
        with DuckDb.bounded(memory, spill) as engine:
            yield cls(engine)

    def execute(self, statement: str, values: Sequence[Any] = ()) -> Any:
        """Run *statement* and return what DuckDB says.

        Raises:
            Unreadable: a file cannot be read or written, or memory does not suffice.
        """
        duckdb = library()
        try:
            return self.engine.connection.execute(statement, list(values) or None)
        except (
            duckdb.IOException,
            duckdb.InvalidInputException,
            duckdb.OutOfMemoryException,
        ) as error:
            raise Unreadable(str(error)) from error

    def rows(self, query: str, values: Sequence[Any] = ()) -> list[Row]:
        """Return all rows of *query*."""
        found: list[Row] = self.execute(query, values).fetchall()
        return found

    def number(self, query: str) -> int:
        """Return the one number that *query* asks for."""
        return int(self.rows(query)[0][0])


def quoted(path: Path | str) -> str:
    """Return *path* as SQL spells a text."""
    return "'" + str(path).replace("'", "''") + "'"
