"""What has no rows is left out of the statements, and that changes no result."""

import functools
import importlib.util
import io
import re
from pathlib import Path

import pytest

from lumitrace.reassembly.pipeline.duckdb import DuckDb
from lumitrace.reassembly.pipeline.files import load_text
from lumitrace.reassembly.pipeline.steps import OUT, Step, Steps

HERE = Path(__file__).parent
SHOP = HERE.parents[1] / "benchmarks" / "reassembly" / "generate.py"
KILLED = "2026-11-22T23:26:41.000Z {} Task timed out after 3.00 seconds"


class Thorough(Steps):
    """Runs every statement as it stands."""

    def _step(self, step):
        getattr(self.engine, step.verb)(step.table, step.select)


@functools.cache
def logs():
    """Return logs by what is rare in them."""
    spec = importlib.util.spec_from_file_location("generate", SHOP)
    shop = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(shop)

    def written(*, mixed):
        out = io.StringIO()
        shop.write(out, 200, mixed=mixed)
        return out.getvalue().splitlines()

    plain, mixed = written(mixed=False), written(mixed=True)
    killed = [
        KILLED.format(re.search('"requestId":"([^"]+)"', line)[1])
        if '"record":"invocation"' in line and place % 5 == 0
        else line
        for place, line in enumerate(mixed)
    ]
    start = next(
        line for line in plain if '"record":"start"' in line and "parentSpanId" not in line
    )
    return {
        "all at once": killed,
        "Lambda's lines, nobody killed": mixed,
        "our lines alone": plain,
        "every line twice": [line for line in plain for _ in range(2)],
        "one line": [start],
        "one death": [start, KILLED.format(re.search('"requestId":"([^"]+)"', start)[1])],
    }


def results(path, steps, *, lines=0, drop=False):
    """Return what comes out of the log at *path*: the columns of each table, and its rows.

    With *drop* what is not read any more is dropped on the way, as by ``assemble``.
    """
    engine = DuckDb()
    load_text(engine, [path])
    engine.expect(lines or 10**9)
    ran = steps(engine)
    ran.unfold()
    if drop:
        engine.keep(ran.after_unfolding())
        left = {row[0] for row in engine.rows("SELECT table_name FROM duckdb_tables()")}
        assert not left & {"read_lines", "lines", "platform", "told", "spoken"}
    ran.join()
    return {
        table: (
            [row[:2] for row in engine.rows(f"DESCRIBE {table}")],
            engine.rows(f"FROM {table} ORDER BY ALL"),
        )
        for table in OUT
    }


@pytest.mark.parametrize("name", logs())
def test_a_statement_without_its_empty_branches_finds_the_same(tmp_path, name):
    """The rows, and the types of the columns, are those of all statements as they stand."""
    path = tmp_path / "some.log"
    path.write_text("\n".join(logs()[name]) + "\n", "ascii")

    assert results(path, Steps) == results(path, Thorough)


@pytest.mark.parametrize("name", logs())
def test_what_is_not_read_any_more_is_dropped_and_missed_by_nobody(tmp_path, name):
    """The memory of the lines is free when transactions are walked and written."""
    path = tmp_path / "some.log"
    path.write_text("\n".join(logs()[name]) + "\n", "ascii")

    assert results(path, Steps, drop=True) == results(path, Steps)


def test_a_small_log_whose_views_are_copied_finds_the_same(tmp_path):
    """So does a log of which so little is there that planning is dearer than copying."""
    path = tmp_path / "some.log"
    path.write_text("\n".join(logs()["all at once"]) + "\n", "ascii")

    assert results(path, Steps, lines=100) == results(path, Steps)


def test_types_do_not_depend_on_what_is_in_the_log(tmp_path):
    """A table has the same columns, of the same types, whichever branches of it live."""
    path, seen = tmp_path / "some.log", set()
    for lines in logs().values():
        path.write_text("\n".join(lines) + "\n", "ascii")
        seen.add(str({table: columns for table, (columns, _) in results(path, Steps).items()}))

    assert len(seen) == 1


def test_every_statement_is_written_so_that_its_branches_can_be_told():
    """One kind of UNION a statement; within FROM ( alone is a LEFT JOIN ( read as within."""
    for several in Steps(DuckDb()).parts.values():
        for step in several:
            kinds = set(re.findall(r"^UNION(?: ALL)?$", step.select, re.MULTILINE))
            assert len(kinds) <= 1, step.table
            assert not re.search(r"^LEFT JOIN \($", step.select, re.MULTILINE), step.table


def test_the_only_branch_of_a_union_still_has_each_row_once():
    """The other one has no table to read, and is left out."""
    engine = DuckDb()
    engine.make("thrice", "SELECT 1 AS one FROM range(3)")
    step = Step("make", "once_each", "SELECT one FROM thrice\nUNION\nSELECT one FROM none_there\n")
    step.split()
    steps = Steps(engine)
    steps.empty.add("none_there")

    steps._step(step)

    assert engine.rows("FROM once_each") == [(1,)]


def test_of_nothing_nothing_comes(tmp_path):
    """No statement has a row where all tables are empty, as a sum without a GROUP would have."""
    path, engine = tmp_path / "some.log", DuckDb()
    path.write_text("Hello.\n", "ascii")
    load_text(engine, [path])

    steps = Thorough(engine)
    steps.unfold()
    steps.join()

    made = {step.table for name in steps.parts for step in steps.parts[name]}
    there = {row[0] for row in engine.rows("SELECT name FROM (SHOW ALL TABLES)")}
    rows = {one: engine.rows(f"SELECT COUNT(*) FROM {one}") for one in made & there}  # noqa: S608
    assert {one for one, ((count,),) in rows.items() if count} == set()
    assert len(rows) > 80
