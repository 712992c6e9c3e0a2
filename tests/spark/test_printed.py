"""The statements as other engines spell them: they say the same, as far as that can be tried here.

None of these engines is here. Each statement is spelt for the engine, read back by sqlglot, and run
on DuckDB: the rows are those of the statement as it was.
"""

import re
import subprocess
import sys
from pathlib import Path

import pytest

sqlglot = pytest.importorskip("sqlglot", reason="scripts/test --spark brings it")

import duckdb  # noqa: E402  # as sqlglot

from lumitrace.reassembly.cli.assemble import DIALECTS  # noqa: E402
from lumitrace.reassembly.pipeline import printed, sources  # noqa: E402
from lumitrace.reassembly.pipeline.duckdb import DuckDb  # noqa: E402
from lumitrace.reassembly.pipeline.steps import RESULTS, Steps  # noqa: E402

NIGHT = Path(__file__).parents[2] / "examples" / "ushop" / "recorded" / "night.jsonl"


def rows(spelt):
    """Return what the steps make of the recorded night, each statement as *spelt*."""

    class Spelt(DuckDb):
        def make(self, table, select):
            super().make(table, spelt(select))

        def add(self, table, select):
            super().add(table, spelt(select))

    with duckdb.connect() as connection:
        connection.execute("SET threads = 1")
        # ClickHouse's own, of which sqlglot knows no other spelling.
        connection.execute("CREATE MACRO accurateCastOrNull(x, kind) AS TRY_CAST(x AS BIGINT)")
        engine = Spelt(connection)
        sources.load(engine, [str(NIGHT)])
        steps = Steps(engine)
        steps.unfold()
        steps.join()
        steps.figures()
        query = "SELECT * FROM {} ORDER BY ALL"
        return {one: connection.execute(query.format(one)).fetchall() for one in RESULTS}


@pytest.fixture(scope="module")
def as_it_is():
    """The rows of the statements as they stand in steps.sql."""
    return rows(str)


@pytest.mark.parametrize("dialect", DIALECTS)
def test_what_is_spelt_for_an_engine_says_the_same(dialect, as_it_is):
    """Read back and run here, it finds the same transactions."""
    level = sqlglot.ErrorLevel.RAISE

    def spelt(select):
        text = printed.translated(dialect, select)
        return sqlglot.transpile(text, read=dialect, write="duckdb", unsupported_level=level)[0]

    assert rows(spelt) == as_it_is
    assert len(as_it_is["members"]) > 100


@pytest.mark.parametrize("dialect", DIALECTS)
def test_the_whole_text_can_be_parsed(dialect):
    """Statement by statement, and every part of steps.sql is in it."""
    command = [sys.executable, "-m", "lumitrace.reassembly.cli", "assemble", "--print", dialect]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout

    found = sqlglot.parse(text, read=dialect, error_level=sqlglot.ErrorLevel.RAISE)
    source = (Path(printed.__file__).parent / "steps.sql").read_text("utf-8")
    made = {line.split()[2] for line in source.splitlines() if line.startswith("-- make ")}
    assert {f"CREATE TABLE {table} AS" for table in made} <= set(text.splitlines())
    assert len(found) > 2 * len(made)
    asked = re.findall(r"^-- part (\w+)$", source, re.MULTILINE)
    assert sorted(re.findall(r"^-- part (\w+)", text, re.MULTILINE)) == sorted(asked)
    assert "Never run" in text.splitlines()[0]


def test_athena_is_asked_for_what_may_be_missing_in_a_way_that_does_not_raise():
    """No array is indexed by brackets, and no sequence is made of an empty one."""
    text = "\n".join(printed.printed("athena"))

    assert "ELEMENT_AT(" in text
    assert "SEQUENCE(" not in text
    assert not [line for line in text.splitlines() if "[1]" in line or "[2]" in line]


def test_clickhouse_is_asked_for_null():
    """Where a text is no number, and where an outer join finds nothing."""
    text = "\n".join(printed.printed("clickhouse"))

    assert "accurateCastOrNull(" in text
    assert "CAST(u.entry" not in text
    assert "SET join_use_nulls = 1;" in text
