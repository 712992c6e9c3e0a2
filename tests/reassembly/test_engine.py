"""The engine beside the Python reading: the same log, the same spans, hops and transactions."""

import copy
import functools
import importlib.util
import io
import json
import re
from pathlib import Path

import pytest

from lumitrace.reassembly.assemble import assemble
from lumitrace.reassembly.events import Counts, LogEvent
from lumitrace.reassembly.pipeline import load, stored
from lumitrace.reassembly.pipeline.duckdb import DuckDb
from lumitrace.reassembly.pipeline.files import load_text
from lumitrace.reassembly.pipeline.lines import LINE_COLUMNS, PLATFORM_COLUMNS
from lumitrace.reassembly.pipeline.load import load_events
from lumitrace.reassembly.pipeline.steps import Steps
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
    events = [event for source in read_file(str(NIGHT), Counts()) for event in source]
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


def odd_streams():
    """Return the log events of functions that died, and of text that only looks like it."""
    lines = (HERE / "odd_streams.jsonl").read_text("utf-8").splitlines()
    return [LogEvent(*json.loads(line), order) for order, line in enumerate(lines)]


def test_odd_streams_are_the_same_for_both():
    """Deaths, forged lines, cut logs, processes side by side: none of it differs."""
    events = odd_streams()

    assert oracle.differences(events, assemble(events)) == {}


KILLED = "2026-11-22T23:26:41.000Z {} Task timed out after 3.00 seconds"
# The numbers of streams are those of the reading, and no result.
RESULTS = {
    "spans": "*",
    "hops": "*",
    "members": "*",
    "fans": "*",
    "candidates": "*",
    "cut": "*",
    "invocations": "* EXCLUDE (at_stream)",
    "details": "* EXCLUDE (at_stream)",
}


def shop_with_deaths(spans):
    """Return the log events of a shop of which every seventh invocation is killed."""
    out = io.StringIO()
    shop.write(out, spans, mixed=True)
    events, sandbox = [], 0
    for place, line in enumerate(out.getvalue().splitlines()):
        sandbox += line.startswith("START ")
        if sandbox % 7 == 0 and '"record":"invocation"' in line:
            said = KILLED.format(re.search('"requestId":"([^"]+)"', line)[1])
        else:
            said = line
        where = ("/aws/lambda/shop", f"sandbox {sandbox}")
        events.append(LogEvent(*where, 1_795_390_000_000 + place, said, place))
    return events


def results_of(events):
    """Return every row of every result."""
    engine = oracle.engine_of(events)
    return {
        table: sorted(engine.rows(f"SELECT {columns} FROM {table}"), key=repr)  # noqa: S608
        for table, columns in RESULTS.items()
    }


SMALL_SHOP = shop_with_deaths(120)


@functools.cache
def plainly():
    """Return the results of the small shop as it was written."""
    return results_of(SMALL_SHOP)


def test_a_shop_with_deaths_is_the_same_for_both():
    """Some invocations are killed, and those beside them in the stream are not touched."""
    events = [copy.copy(event) for event in SMALL_SHOP]

    assert oracle.differences(events, assemble(events)) == {}
    assert {row[9] for row in plainly()["invocations"]} >= {None, "Sandbox.Timedout"}


def test_stretches_read_apart_in_batches_give_the_same_rows(monkeypatch):
    """Python holds so many lines at a time, and what is left of a stretch."""
    expected = plainly()
    monkeypatch.setattr(load, "BATCH", 4)

    assert results_of(SMALL_SHOP) == expected


def test_events_of_any_source_are_read_to_the_rows_that_python_reads(monkeypatch):
    """The archive has many streams in a file: dead and odd ones, and texts with any separator."""
    monkeypatch.setattr(stored, "CHUNK", 50)
    monkeypatch.setattr(load, "BATCH", 4)
    events = SMALL_SHOP + odd_streams()
    events += [LogEvent("", "any", None, f"\x1e\x1f{n}\n, ''", n) for n in range(3)]
    events.sort(key=lambda event: event.order)  # those of all streams between one another
    fast, slow = DuckDb(), oracle.engine_of(events)

    stored.load_read(fast, events)
    steps = Steps(fast)
    steps.unfold()
    steps.join()

    for table, columns in {**RESULTS, "platform": "*", "streams": "*"}.items():
        query = f"SELECT {columns} FROM {table} ORDER BY ALL"  # noqa: S608  # our own names
        assert fast.rows(query) == slow.rows(query), table
    messages = [row[0] for row in fast.rows("SELECT message FROM stored ORDER BY rowid")]
    assert messages == [event.message for event in events]
