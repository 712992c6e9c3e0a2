"""A store while it is written: killed, interrupted, read, forgotten, grown old."""

import dataclasses
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import duckdb
import pytest
from tests.cloudwatch import limits
from tests.cloudwatch.data import Groups
from tests.cloudwatch.server import CloudWatch as Play

from lumitrace.reassembly.problem import Problem
from lumitrace.reassembly.sources.cloudwatch import logs
from lumitrace.reassembly.store import figures
from lumitrace.reassembly.store.folder import Folder
from lumitrace.reassembly.store.reading import Reading

HERE = Path(__file__).parent
NIGHT = HERE.parents[1] / "examples" / "ushop" / "recorded" / "night.jsonl"
CLI = [sys.executable, "-m", "lumitrace.reassembly.cli"]
DAY_MS = 86_400_000


def fetching(store, *sources):
    """Start a fetch in a process of its own."""
    command = [*CLI, "fetch", "--store", store, "--keep", "forever", *sources]
    return subprocess.Popen(
        [str(word) for word in command], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )


def listed(store):
    """Return the ids of all transactions in a store, and their states."""
    found = figures.transactions(Reading(Folder.opened(str(store))), limit=10_000)
    return {row["id"]: row["state"] for row in found["transactions"]}


def halves(tmp_path):
    """Return two files that are the recorded night together, and the ids of its first half."""
    lines = NIGHT.read_text("utf-8").splitlines(keepends=True)
    middle = sorted(json.loads(line)["timestamp"] for line in lines)[len(lines) // 2]
    first, second = tmp_path / "first.jsonl", tmp_path / "second.jsonl"
    first.write_text("".join(x for x in lines if json.loads(x)["timestamp"] < middle), "utf-8")
    second.write_text("".join(x for x in lines if json.loads(x)["timestamp"] >= middle), "utf-8")
    return first, second


def test_a_kill_at_any_moment_loses_and_breaks_nothing(tmp_path):
    """Killed four times while the second half comes in: whole before and after each; then it is in.

    All the while somebody reads, and sees the old hour or the new one.
    """
    first, second = halves(tmp_path)
    store, whole = tmp_path / "store", tmp_path / "whole"
    assert fetching(store, first).wait() == 0
    began = time.monotonic()
    assert fetching(whole, NIGHT).wait() == 0
    lasts = time.monotonic() - began
    old, new = listed(store), listed(whole)
    rng, seen, stop = random.Random(7), [], threading.Event()  # noqa: S311  # which moments

    def read():
        while not stop.is_set():
            seen.append(listed(store))
            time.sleep(0.05)

    reader = threading.Thread(target=read)
    reader.start()
    try:
        for _ in range(4):
            running = fetching(store, second)
            time.sleep(rng.uniform(0.5, 1.0) * lasts)
            os.kill(running.pid, signal.SIGKILL)
            running.wait()
            seen.append(listed(store))
        assert fetching(store, second).wait() == 0
    finally:
        stop.set()
        reader.join()

    assert all(one in (old, new) for one in seen)
    assert len(seen) > 4
    assert listed(store) == new
    assert not list(store.glob("incoming-*"))


def test_ctrl_c_leaves_a_store_that_answers(tmp_path, command):
    """Interrupted: exit code 130, no word, what was there answers, and the next run goes on."""
    first, second = halves(tmp_path)
    store = tmp_path / "store"
    assert fetching(store, first).wait() == 0
    before = listed(store)
    os.mkfifo(tmp_path / "pipe")
    listening = (
        "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler); "
        "from lumitrace.reassembly.cli import main; sys.exit(main())"
    )
    asked = ["fetch", "--store", str(store), str(second), str(tmp_path / "pipe")]
    with subprocess.Popen([sys.executable, "-c", listening, *asked]) as running:
        writing = os.open(tmp_path / "pipe", os.O_WRONLY)  # waits until the command reads
        running.send_signal(signal.SIGINT)
        assert running.wait(timeout=300) == 130
        os.close(writing)

    assert listed(store) == before
    assert fetching(store, second).wait() == 0
    assert len(listed(store)) == 36


FULL = """
import resource, sys
from lumitrace.reassembly.cli import main
most = int(sys.argv.pop(1))
resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))  # a write beyond it fails
sys.exit(main())
"""


def test_a_disk_that_is_full_costs_nothing_that_was_there(tmp_path):
    """No file may grow beyond so many bytes: the lines, a table, the word of what counts."""
    first, second = halves(tmp_path)
    store = tmp_path / "store"
    assert fetching(store, first).wait() == 0
    before = listed(store)

    for most in (50, 12_000, 40_000):
        asked = ["fetch", "--store", store, "--keep", "forever", second]
        command = [sys.executable, "-c", FULL, str(most), *map(str, asked)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)

        assert done.returncode == 1
        assert "Traceback" not in done.stderr
        assert done.stderr.startswith("lumitrace: ")
        assert listed(store) == before

    assert fetching(store, second).wait() == 0
    assert len(listed(store)) == 36


def test_one_writes_at_a_time(tmp_path, command):
    """Another fetch is told so; a reader is not kept waiting."""
    store = tmp_path / "store"
    assert fetching(store, NIGHT).wait() == 0

    with Folder.opened(str(store)).writing():
        refused = command("fetch", "--store", store, NIGHT)
        assert len(listed(store)) == 36

    assert refused.returncode == 1
    assert b"another lumitrace is writing" in refused.stderr


def texts(store):
    """Return every text of every file of a store, Parquet's columns unpacked."""
    found = []
    for path in Path(store).rglob("*"):
        if path.suffix == ".parquet":
            rows = duckdb.connect().execute(f"FROM '{path}'").fetchall()  # a test's
            found.append(repr(rows))
        elif path.is_file():
            found.append(path.read_text("utf-8"))
    return "\n".join(found)


def test_what_is_to_be_forgotten_is_in_no_file(tmp_path, night, log_file, answer):
    """A customer of two sales: in no line, tag, index or message; the others stay as they are."""
    for number in range(6):
        run = night.sale(number, number * 1000, bad=number == 3)
        night.log(run, number * 1000 + 5, f"greeting c00{number // 2}, and c00{number // 2}9")
    stray = night.begin("ushop_mailer", 9000, trigger="api-gateway-rest")
    night.log(stray, 9001, "who is c001")
    night.end(stray, 9009, began=9000, lasted=8)
    store = tmp_path / "store"
    code, _ = answer("fetch", "--store", store, "--keep", "forever", night.write(log_file))
    assert code == 0
    assert "c001" in texts(store)

    code, said = answer("store", "forget", "--where", "customerId=c001", "--store", store)

    assert (code, said["transactions"]) == (0, 2)
    left = texts(store)
    assert "c001," not in left
    assert "who is c001" not in left
    assert '"c001"' not in left
    assert "sale-0002" not in left
    rows = answer("transactions", "--store", store)[1]["transactions"]
    assert [row["tags"].get("saleId") for row in rows] == [
        *("sale-0000", "sale-0001", "sale-0004", "sale-0005"),
        None,
    ]


def test_what_is_too_old_is_left_out_and_removed(tmp_path, night, log_file, answer):
    """Kept for 14 days unless told otherwise; what was kept longer goes when the time is cut."""
    now_ms = int(time.time() * 1000)
    for number, age in enumerate((20, 10, 1)):
        night.sale(number, 0)
        for event in night.events:
            if event["timestamp"] < now_ms - 300 * DAY_MS or number == 0 or "moved" not in event:
                event.setdefault("moved", now_ms - age * DAY_MS)
                event["timestamp"] = event["moved"]
    path = night.write(log_file)
    store = ("--store", tmp_path / "store")

    _, said = answer("fetch", *store, path)
    assert said["older"] > 0
    assert len(answer("store", "info", *store)[1]["hours"]) == 2
    _, said = answer("fetch", *store, "--keep", "5d", path)

    assert said["hoursRemoved"] == 1
    assert answer("store", "info", *store)[1]["keepDays"] == 5
    assert len(answer("store", "info", *store)[1]["hours"]) == 1
    assert len(list((tmp_path / "store" / "hours").iterdir())) == 1


# Log groups


@pytest.fixture
def _pages_of_ten(monkeypatch, signed_in):
    monkeypatch.setattr(limits, "FILTER_PAGE_EVENTS", 10)


@pytest.mark.usefixtures("_pages_of_ten")
def test_a_fetch_of_log_groups_reads_what_is_new(tmp_path, night, answer):
    """Twice: nothing is asked again but what is young; a late event and a new sale come in."""
    now_ms = int(time.time() * 1000)
    night.sale(0, 0)
    night.sale(1, 1000)
    late = night.events.pop()
    moved = now_ms - 5 * 60_000 - night.events[0]["timestamp"]
    for event in (*night.events, late):
        event["timestamp"] += moved
    store = ("--store", tmp_path / "store")
    group = ("--log-group", "/aws/lambda/ushop_*", "--since", "1h")
    with Play(Groups.of(night.events)) as play:
        at = ("--endpoint-url", play.endpoint)
        assert answer("fetch", *store, *group, *at)[1]["new"] == len(night.events)
    with Play(Groups.of([*night.events, late])) as play:
        at = ("--endpoint-url", play.endpoint)
        assert answer("fetch", *store, *group, *at)[1]["new"] == 1
        assert answer("fetch", *store, *group, *at, "--overlap", "0s")[1]["new"] == 0
        said = answer("fetch", *store, *group, *at)[1]

    assert (said["read"], said["new"]) == (0, 0)
    assert len(answer("transactions", *store)[1]["transactions"]) == 2


@pytest.mark.usefixtures("_pages_of_ten")
def test_a_fetch_that_was_stopped_goes_on_where_it_was(tmp_path, night, answer, monkeypatch):
    """Refused after the first page: told, what came is in; the next run goes on behind it."""
    for number in range(6):
        night.sale(number, number * 1000)
    store = ("--store", tmp_path / "store")
    group = ("--log-group", "/aws/lambda/ushop_*")
    window = ("--since", "2026-11-21T01:59", "--until", "2026-11-21T02:10")
    pages = logs.CloudWatch._page
    asked = []

    def refused(self, group, request):
        asked.append(request["startTime"])
        if len(asked) == 2:
            raise Problem("CloudWatch Logs throttles; ask again")
        return pages(self, group, request)

    def noted(self, group, request):
        asked.append(request["startTime"])
        return pages(self, group, request)

    with Play(Groups.of(night.events)) as play:
        at = ("--endpoint-url", play.endpoint)
        monkeypatch.setattr(logs.CloudWatch, "_page", refused)
        code, first = answer("fetch", *store, "--keep", "forever", *group, *window, *at)
        monkeypatch.setattr(logs.CloudWatch, "_page", noted)
        begin, *_ = asked
        asked.clear()
        done, second = answer("fetch", *store, *group, *window, *at)

    assert (code, len(first["incomplete"])) == (1, 1)
    assert (done, second["incomplete"]) == (0, [])
    assert 0 < first["new"] < len(night.events)
    assert first["new"] + second["new"] == len(night.events)
    assert begin not in asked


@pytest.mark.usefixtures("_pages_of_ten")
@pytest.mark.parametrize("code", ["ExpiredTokenException", "ThrottlingException"])
def test_what_aws_refuses_on_the_way_is_told_and_fetched_the_next_time(
    tmp_path, night, answer, monkeypatch, code
):
    """The credentials expire, or throttling does not end, behind the first page of a log group."""
    for number in range(6):
        night.sale(number, number * 1000)
    given = ("--store", tmp_path / "store", "--log-group", "/aws/lambda/ushop_sale-confirmations")
    window = ("--since", "2026-11-21T01:59", "--until", "2026-11-21T02:10")
    monkeypatch.setattr(limits, "FILTER_PAGE_EVENTS", 9)
    monkeypatch.setattr(logs, "LOGS", dataclasses.replace(logs.LOGS, retries=0))
    wanted = [one for one in night.events if "sale-confirmations" in one["logGroupName"]]

    with Play(Groups.of(night.events)) as play:
        at = ("--endpoint-url", play.endpoint)
        page = play.answer

        def once(target, request, scope=""):
            if "nextToken" in request and not play.faults["told"]:
                play.faults["told"], play.faults["FilterLogEvents"] = [1], [(code, "no")]
            return page(target, request, scope)

        monkeypatch.setattr(play, "answer", once)
        failed, first = answer("fetch", *given, "--keep", "forever", *window, *at)
        done, second = answer("fetch", *given, *window, *at)

    assert (failed, done) == (1, 0)
    assert len(first["incomplete"]) == 1
    assert first["new"] == 9
    assert first["new"] + second["new"] == len(wanted)
