"""Answers out of a store beside those of whole logs: the same, counts and all."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from lumitrace.reassembly.answers.show import show, shown
from lumitrace.reassembly.answers.transactions import transactions
from lumitrace.reassembly.answers.why import why
from lumitrace.reassembly.assemble import assemble
from lumitrace.reassembly.cli import main
from lumitrace.reassembly.events import Counts
from lumitrace.reassembly.sources.file import read_file
from lumitrace.reassembly.sources.window import Window
from lumitrace.reassembly.store import figures
from lumitrace.reassembly.store.folder import Folder
from lumitrace.reassembly.store.one import one
from lumitrace.reassembly.store.reading import Reading
from lumitrace.reassembly.store.whole import issues as issues_of_files
from lumitrace.reassembly.store.why import why as why_of_store

HERE = Path(__file__).parent
NIGHT = HERE.parents[1] / "examples" / "ushop" / "recorded" / "night.jsonl"
MINUTE_MS = 60_000
START_MS = 1_795_226_400_000  # as the night of conftest.py begins


def both(path, folder):
    """Return what the file at *path* adds up to, and a store that holds it."""
    assert main(["fetch", "--store", str(folder), "--keep", "forever", str(path)]) == 0
    events = [event for source in read_file(str(path), Counts()) for event in source]
    for place, event in enumerate(events):
        event.order = place
    return assemble(events), Reading(Folder.opened(str(folder)))


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    """The recorded night, both ways."""
    return both(NIGHT, tmp_path_factory.mktemp("night") / "store")


@pytest.fixture(scope="module")
def odd(tmp_path_factory):
    """The streams of tests about deaths, forged lines and batches, both ways."""
    folder = tmp_path_factory.mktemp("odd")
    keys = ("logGroupName", "logStreamName", "timestamp", "message")
    lines = (HERE / "odd_streams.jsonl").read_text("utf-8").splitlines()
    text = "".join(
        json.dumps(dict(zip(keys, json.loads(line), strict=True))) + "\n" for line in lines
    )
    (folder / "odd.jsonl").write_text(text, "utf-8")
    return both(folder / "odd.jsonl", folder / "store")


def test_why_is_the_same(recorded):
    """Of the recorded night: issue, impact, cause, example, stack, and all that was seen."""
    whole, reading = recorded

    assert why_of_store(reading) == why(whole)


def test_why_is_the_same_of_what_dies_and_lies(odd):
    """Killed, forged, doubled, shared: but for three counts of unusable lines no field differs."""
    whole, reading = odd
    asked, of_all = why_of_store(reading), why(whole)
    for answer in (asked, of_all):
        for name in ("spanLines", "untrusted", "unplaced"):
            del answer["seen"][name]

    assert asked == of_all


def names_of(whole):
    """Return all that the transactions are called: ids, requests, tags, and some of the keys."""
    spans = [span for one in whole.transactions for span in one.spans]
    keys = sorted({key for span in spans for key in (*span.link_in, *span.link_out)})
    every = {f"{name}={said}" for span in spans for name, said in span.tags.items()}
    every.update(attempt.request_id for one in whole.transactions for attempt in one.attempts)
    own = [key for key in keys if key.startswith(("lambda:", "destination:"))]
    return [*(one.id for one in whole.transactions), *sorted({*every, *keys} - {*own[20:]})]


# Of these two a store's show differs (docs/store.md, Limits): what an application printed in the
# form of Lambda's own lines ends an invocation whose beginning was not read, and two STARTs of an
# ordinary sandbox at one moment.
APART = {
    "0000023c3c3c3c3c3c3c3c3c3c3c3c3c": {"logs"},
    "00000e42424242424242424242424242": {"logs", "matches", "transaction", "relations", "stack"},
}


def test_show_is_the_same_of_what_dies_and_lies(odd):
    """Each of 111 transactions by each of its names: no field differs but of the two above."""
    whole, reading = odd
    apart = {}
    for name in names_of(whole):
        of_files, of_store = show(whole, name), shown(*one(reading, name)[::-1])
        if of_files != of_store:
            fields = {field for field in of_files if of_files[field] != of_store[field]}
            apart.setdefault(of_files["transaction"]["id"], set()).update(fields)

    assert apart == APART


def test_what_called_a_function_that_died_at_once_is_known_from_others(
    night, log_file, tmp_path, answer
):
    """It wrote nothing; one that went well says what calls it, in the list and in show."""
    well = night.begin("ushop_till", 0, trigger="api-gateway-rest", route="POST /sales")
    night.end(well, 9, began=0, lasted=8)
    lost = night.begin("ushop_till", 1000, stream="s2")
    night.events = [one for one in night.events if lost.span not in one["message"]]
    night.close(lost, 1009, 9, "Status: error\tError Type: Runtime.ExitError")
    path, store = night.write(log_file), ("--store", tmp_path / "store")
    answer("fetch", *store, "--keep", "forever", path)

    listed = answer("transactions", *store)

    assert listed == answer("transactions", path)
    assert listed[1]["transactions"][1]["entry"] == "API Gateway → ushop_till"
    assert answer("show", lost.request, *store) == answer("show", lost.request, path)


def test_issues_are_the_same(odd):
    """Functions and kinds of failures, of how many invocations."""
    whole, reading = odd

    assert figures.issues(reading) == issues_of_files(whole)


@pytest.mark.parametrize("failed", [False, True])
def test_the_list_of_transactions_is_the_same(recorded, odd, failed):
    """Entries, functions, states, failures and tags of each, in their order."""
    for whole, reading in (recorded, odd):
        asked = figures.transactions(reading, limit=1000, failed=failed)

        assert asked == transactions(whole, limit=1000, failed=failed)
        assert [list(row["tags"]) for row in asked["transactions"]] == [
            list(row["tags"])
            for row in transactions(whole, limit=1000, failed=failed)["transactions"]
        ]


def test_pending_is_settled_by_what_comes_later(night, log_file, tmp_path, answer):
    """A sale whose first try failed is pending; hours later, with nothing new of it, it is lost."""
    store = ("--store", tmp_path / "store")
    night.sale(0, 0, bad=True, attempts=1)
    code, _ = answer("fetch", *store, "--keep", "forever", night.write(log_file))
    before = answer("why", *store)[1]["impact"]
    night.sale(1, 5 * 3_600_000)
    answer("fetch", *store, night.write(log_file))
    after = answer("why", *store)[1]["impact"]

    assert code == 0
    assert (before["pending"], before["lost"]) == (1, 0)
    assert (after["pending"], after["lost"]) == (0, 1)


def test_a_window_takes_the_transactions_that_began_in_it(night, log_file, tmp_path):
    """Of three minutes with a failure each, the second alone."""
    for number in range(3):
        night.sale(number, number * MINUTE_MS, bad=True, attempts=3)
    _, reading = both(night.write(log_file), tmp_path / "store")
    since_ms = START_MS + MINUTE_MS
    minute = Reading(reading.folder, Window(since_ms, since_ms + MINUTE_MS - 1))

    assert why_of_store(minute)["impact"]["ids"] == ["sale-0001"]
    [issue] = figures.issues(minute)["issues"]
    assert (issue["function"], issue["type"], issue["failed"], issue["invocations"]) == (
        "ushop_sale-confirmations",
        "ValidationException",
        3,
        3,
    )


def test_functions_have_exact_figures(night, log_file, tmp_path):
    """A hundred invocations of 1 to 100 ms, every tenth failed: percentiles are real times."""
    for number in range(100):
        run = night.begin("ushop_stock", number * 200, trigger="api-gateway-rest")
        error = {"error": {"type": "KeyError", "message": "x"}} if number % 10 == 0 else {}
        night.end(run, number * 200 + 101, began=number * 200, lasted=number + 1, **error)
    _, reading = both(night.write(log_file), tmp_path / "store")

    [row] = figures.functions(reading)["functions"]

    assert (row["invocations"], row["failed"]) == (100, 10)
    assert (row["p50Us"], row["p99Us"], row["maxUs"]) == (50_000, 99_000, 100_000)
    assert row["billedMbMs"] == sum(range(1, 101)) * 128


def test_what_a_store_does_not_hold_is_told(recorded, command, tmp_path):
    """A window without anything, and a store and files at once."""
    store = ("--store", recorded[1].folder.path)

    empty = command("why", *store, "--since", "2020-01-01", "--until", "2020-01-02")
    twice = command("why", *store, NIGHT)

    assert (empty.returncode, twice.returncode) == (1, 2)
    assert b"holds nothing of this window" in empty.stderr
    assert b"--store and other sources at once" in twice.stderr


@pytest.mark.parametrize("asked", ["why", "transactions", "functions", "issues"])
@pytest.mark.parametrize(
    "window", [("--since", "1m"), ("--since", "2026-11-22T23:01", "--until", "2026-11-22T23:02")]
)
def test_a_window_without_a_row_has_no_answer(recorded, command, asked, window):
    """None of its hours is there, or the hour is there and nothing began then: exit code 1."""
    done = command(asked, "--store", recorded[1].folder.path, *window)

    assert done.returncode == 1
    assert b"holds nothing of this window" in done.stderr
    assert done.stdout == b""


@pytest.mark.parametrize("asked", ["why", "transactions", "functions"])
def test_a_store_of_other_lines_is_no_healthy_shop(command, tmp_path, asked):
    """Lines of which none is a span line: as of files, one sentence and exit code 1."""
    line = {"logGroupName": "g", "logStreamName": "s", "timestamp": START_MS, "message": "hello"}
    (tmp_path / "other.jsonl").write_text(json.dumps(line) + "\n", "utf-8")
    store = ("--store", tmp_path / "store")
    command("fetch", *store, "--keep", "forever", tmp_path / "other.jsonl")

    done = command(asked, *store)

    assert done.returncode == 1
    assert b"no span lines in" in done.stderr


def test_a_store_of_an_earlier_form_is_told(command, tmp_path):
    """Its tables lack columns that are asked for."""
    (tmp_path / "store.json").write_text('{"lumitrace store": 1, "keepDays": 14, "fetches": 1}')

    done = command("why", "--store", tmp_path)

    assert done.returncode == 1
    assert b"fetch its logs into a new store" in done.stderr


def test_a_reader_that_has_seen_enough_is_no_fault_of_the_store(recorded):
    """A pager that quits: nothing is said."""
    asked = ["transactions", "--json", "--store", str(recorded[1].folder.path)]
    called = [sys.executable, "-u", "-m", "lumitrace.reassembly.cli", *asked]
    with subprocess.Popen(called, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as running:
        running.stdout.close()
        error = running.stderr.read()

    assert (running.returncode, error) == (0, b"")


def test_the_pages_say_what_the_answers_do(recorded, command):
    """why, transactions, functions and issues of the night as a person sees them."""
    store = ("--store", recorded[1].folder.path)
    said = {
        name: command(name, *store).stdout.decode()
        for name in ("why", "transactions", "functions", "issues")
    }

    assert "15 sales lost, total 1,106.80" in said["why"]
    assert f"--store {recorded[1].folder.path}" in said["why"]
    assert "36 of 36 shown" in said["transactions"]
    assert "ushop_price-check" in said["functions"]
    assert "68.2 %" in said["issues"]
