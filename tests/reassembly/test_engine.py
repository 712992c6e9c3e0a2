"""The engine beside the Python reading: the same log, the same spans, hops and transactions."""

import importlib.util
from pathlib import Path

import pytest

from lumitrace.reassembly.assemble import assemble
from lumitrace.reassembly.events import Counts, LogEvent
from lumitrace.reassembly.pipeline.duckdb import DuckDb
from lumitrace.reassembly.pipeline.files import load_text
from lumitrace.reassembly.pipeline.lines import LINE_COLUMNS, PLATFORM_COLUMNS
from lumitrace.reassembly.pipeline.load import load_events
from lumitrace.reassembly.sources.file import read_file

HERE = Path(__file__).parent
NIGHT = HERE.parents[1] / "examples" / "ushop" / "recorded" / "night.jsonl"


def module_at(path):
    """Return the module at *path*: test folders are no packages."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


oracle = module_at(HERE / "oracle.py")
shop = module_at(HERE.parents[1] / "benchmarks" / "reassembly" / "generate.py")


def test_the_recorded_night_is_the_same_for_both():
    """A night that real functions wrote: no span, hop or transaction differs."""
    events = list(read_file(str(NIGHT), Counts()))
    for place, event in enumerate(events):
        event.order = place

    assert oracle.differences(events, assemble(events)) == {}


def generated(path, spans, *, mixed):
    """Write the log of a shop of that many *spans* to *path* and return its lines."""
    with path.open("w", encoding="ascii") as out:
        shop.write(out, spans, mixed=mixed)
    return path.read_text("ascii").splitlines()


@pytest.mark.parametrize("mixed", [False, True])
def test_duckdb_reads_regular_lines_to_the_rows_that_python_reads(tmp_path, mixed):
    """The fast way in and the way that defines it: the same rows of both tables."""
    path = tmp_path / "shop.log"
    lines = generated(path, 1500, mixed=mixed)
    slow, fast = DuckDb(), DuckDb()

    load_events(slow, [LogEvent("", str(path), None, line, 0) for line in lines])
    load_text(fast, [path])

    for table, columns in (("lines", LINE_COLUMNS), ("platform", PLATFORM_COLUMNS)):
        said = ", ".join(column for column in columns if column not in {"place", "moment"})
        query = f"SELECT {said} FROM {table} ORDER BY ALL"  # noqa: S608  # our own names
        assert fast.rows(query) == slow.rows(query)
        assert bool(fast.rows(query)) == (mixed or table == "lines")


@pytest.mark.parametrize("mixed", [False, True])
def test_a_generated_shop_is_the_same_for_both(tmp_path, mixed):
    """Batches, retries and failures of a shop: no span, hop or transaction differs."""
    events, sandbox = [], 0
    for place, line in enumerate(generated(tmp_path / "shop.log", 1200, mixed=mixed)):
        sandbox += line.startswith("START ")
        events.append(LogEvent("", f"sandbox {sandbox}", None, line, place))

    assert oracle.differences(events, assemble(events)) == {}
