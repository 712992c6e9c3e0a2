"""The SQL against an independent oracle: what a transaction is, said a second time in Python."""

import re
import sys
import types
from importlib.resources import files
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lumitrace.reassembly.pipeline import duckdb
from lumitrace.reassembly.pipeline.duckdb import DuckDb
from lumitrace.reassembly.pipeline.joined import Joined, Rows
from lumitrace.reassembly.pipeline.load import load_events
from lumitrace.reassembly.pipeline.steps import Steps, parts
from lumitrace.reassembly.problem import Problem

NAMES = "abcdefgh"
TRACES = st.sampled_from(NAMES)
ROW_LISTS = {
    "started": st.dictionaries(TRACES, st.integers(0, 5), min_size=1, max_size=8),
    "linked": st.lists(st.tuples(TRACES, TRACES), max_size=10),
    "keyed": st.lists(st.tuples(TRACES, TRACES, st.sampled_from("xyz")), max_size=6),
}


def rows_of(started, linked, keyed):
    """Return rows in which the traces *started* receive what the pairs say they receive."""
    rows = Rows()
    rows.spans = [
        (name, f"{name}1", "", began, "invocation", began) for name, began in started.items()
    ]
    rows.links = [
        (receiver, f"{receiver}1", sender, f"{sender}1")
        for sender, receiver in linked
        if receiver in started
    ]
    for sender, receiver, key in keyed:
        if sender in started and receiver in started:
            rows.sent.append((f"{key}{sender}{receiver}", sender, f"{sender}1"))
            rows.received.append((f"{key}{sender}{receiver}", receiver, f"{receiver}1"))
    return rows


def oracle(rows):
    """Return the transactions by entry: everything reached from it along sender to receiver."""
    edges = {(link[2], link[0]) for link in rows.links}
    edges |= {(o[1], i[1]) for o in rows.sent for i in rows.received if o[0] == i[0]}
    edges = {edge for edge in edges if edge[0] != edge[1]}
    began = {}
    for span in rows.spans:
        began[span[0]] = min(span[3], began.get(span[0], span[3]))
    unread = {sender for sender, _ in edges} - began.keys()
    known = dict(began)
    for trace in unread:
        known[trace] = min(began[receiver] for sender, receiver in edges if sender == trace)
    reach = {trace: reached(trace, edges) for trace in known}
    entries = [trace for trace in known if all(receiver != trace for _, receiver in edges)]
    covered = {member for entry in entries for member in reach[entry]}
    for trace in known.keys() - covered:
        above = {other for other in known if trace in reach[other]}
        if above <= reach[trace] and trace == min(above, key=lambda one: (known[one], one)):
            entries.append(trace)
    return {entry: sorted(reach[entry]) for entry in entries}


def reached(trace, edges):
    """Return *trace* and all that it leads to."""
    found, waiting = {trace}, [trace]
    while waiting:
        at = waiting.pop()
        more = {receiver for sender, receiver in edges if sender == at} - found
        found |= more
        waiting += more
    return found


@settings(max_examples=15, deadline=None)
@given(**ROW_LISTS)
def test_the_sql_finds_the_transactions_that_the_oracle_finds(started, linked, keyed):
    """Entries, rings, unread senders and shared traces: both agree on all of them."""
    rows = rows_of(started, linked, keyed)

    result = Joined(rows).run()

    expected = oracle(rows)
    assert result.members == expected
    assert result.cut == set()
    every = [member for members in expected.values() for member in members]
    assert result.fans == {trace: every.count(trace) for trace in every}


def test_a_batch_belongs_to_every_transaction_that_fed_it():
    """Two sales in one batch stay two transactions, and the batch is shared by two."""
    rows = rows_of({"a": 1, "b": 2, "c": 3}, [("a", "c"), ("b", "c")], [])

    result = Joined(rows).run()

    assert result.members == {"a": ["a", "c"], "b": ["b", "c"]}
    assert result.fans["c"] == 2


def test_a_walk_past_the_guard_is_cut_and_loses_nothing():
    """A chain longer than the guard is cut, says so, and goes on as a transaction of its own."""
    chain = {name: place for place, name in enumerate(NAMES)}
    rows = rows_of(chain, list(pairwise(NAMES)), [])

    result = Joined(rows, max_rounds=3).run()

    assert result.members["a"] == ["a", "b", "c", "d"]
    assert "a" in result.cut
    assert {trace for members in result.members.values() for trace in members} == set(NAMES)


def test_the_strongest_witness_of_a_hop_speaks():
    """A hop known by context and by link key is told as known by context."""
    rows = rows_of({"a": 1, "b": 2}, [("a", "b")], [("a", "b", "x")])

    assert Joined(rows).run().hops == [("a", "a1", "b", "b1", 1)]


def arrival(trace, **changes):
    """Return an invocation that an SNS message of the root r began."""
    said = {"service": "sns", "place": "topic", "start_us": 1000, "entrance": 0, "polled": 0}
    said |= {"request": f"req-{trace}"} | changes
    head = ("r", trace, f"{trace}1", said["request"])
    return (*head, *(said[key] for key in ("service", "place", "start_us", "entrance", "polled")))


def departure(trace, start_us=0, span="1"):
    """Return a Publish of the root r."""
    return ("r", trace, f"{trace}{span}", f"req-{trace}", "sns", "topic", start_us)


def xray_hops(arrivals, departures):
    """Return the hops that X-Ray's root alone can tell of."""
    rows = rows_of({"a": 0, "b": 1, "c": 2}, [], [])
    rows.arrivals, rows.departures = arrivals, departures
    return [(hop[0], hop[2], hop[4]) for hop in Joined(rows).run().hops]


def test_an_xray_root_joins_one_sender_to_one_receiver():
    """Where nothing exact is known, one Publish and one receiver of one root are likely a hop."""
    assert xray_hops([arrival("b")], [departure("a")]) == [("a", "b", 5)]


def test_an_xray_root_joins_all_attempts_of_one_request():
    """Retries are one receiver."""
    twice = [arrival("b", request="same"), arrival("c", request="same")]

    assert xray_hops(twice, [departure("a")]) == [("a", "b", 5), ("a", "c", 5)]


def test_an_xray_root_says_nothing_where_it_is_not_one_to_one():
    """Two receivers, two senders, an entrance, a poller, another topic, or 15 minutes: no hop."""
    late = 15 * 60 * 1_000_000 + 1

    assert xray_hops([arrival("b"), arrival("c")], [departure("a")]) == []
    assert xray_hops([arrival("b")], [departure("a"), departure("a", span="2")]) == []
    assert xray_hops([arrival("b", entrance=1)], [departure("a")]) == []
    assert xray_hops([arrival("b", polled=1)], [departure("a")]) == []
    assert xray_hops([arrival("b", place="other")], [departure("a")]) == []
    assert xray_hops([arrival("b", start_us=late)], [departure("a")]) == []


def test_a_root_seen_at_two_entrances_joins_nothing():
    """A root that a caller uses for two requests tells nothing about either."""
    entrances = [arrival("a", entrance=1), arrival("c", entrance=1)]

    assert xray_hops([arrival("b"), *entrances], [departure("a")]) == []


def test_every_step_is_one_plain_statement():
    """The file is read as parts of SELECT statements, and none of them holds another."""
    text = files("lumitrace.reassembly.pipeline").joinpath("steps.sql").read_text("utf-8")

    steps = [step for part in parts(text).values() for step in part]

    assert len(steps) > 20
    assert all(step.select.lstrip().startswith("SELECT") for step in steps)
    assert not any(";" in step.select for step in steps)


def every_part_run():
    """Return the engine after each part of the file ran, on no lines."""
    engine = DuckDb()
    load_events(engine, [])
    steps = Steps(engine)
    steps.unfold()
    steps.join()
    for part in steps.parts:
        steps.part(part)
    return engine


def test_no_alias_hides_a_column_of_its_source():
    """ClickHouse reads such an alias in the place of the column, silently, but for h.column."""
    engine, columns = every_part_run(), {}
    for table, column in engine.rows("SELECT table_name, column_name FROM duckdb_columns()"):
        columns.setdefault(table, set()).add(column)
    text = files("lumitrace.reassembly.pipeline").joinpath("steps.sql").read_text("utf-8")
    inner = re.compile(r"\(SELECT [^()]*\) \w+")

    wrong = [
        (part, step.table, alias)
        for part, steps in parts(text).items()
        for step in steps
        for block in re.split(r"UNION|FROM \(|JOIN \(", inner.sub("", step.select))
        for said, alias in re.findall(r"([\w.]+|\)|') AS (\w+)", block)
        for table in re.findall(r"(?:FROM|JOIN) (\w+)", block)
        if alias in columns.get(table, ()) and said.rpartition(".")[2] != alias
        if re.search(rf"(?<![\w.']){alias}\b(?!')", block.replace(f" AS {alias}", ""))
    ]

    assert wrong == []


def test_the_engine_is_duckdbs_own_module_or_else_the_package(monkeypatch):
    """Its name is no promise: where it is none, the package around it is as good."""
    package = types.SimpleNamespace(connect=None)
    monkeypatch.setitem(sys.modules, "_duckdb", types.ModuleType("_duckdb"))
    monkeypatch.setitem(sys.modules, "duckdb", package)

    assert duckdb.library.__wrapped__() is package


def test_without_duckdb_one_sentence_says_what_to_install(monkeypatch):
    """The Lambda's side of lumitrace needs none."""
    for name in ("_duckdb", "duckdb"):
        monkeypatch.setitem(sys.modules, name, None)

    with pytest.raises(Problem, match="pip install"):
        duckdb.library.__wrapped__()
