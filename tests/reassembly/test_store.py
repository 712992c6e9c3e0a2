"""A store: what goes in comes out, once, whatever happens on the way."""

import json
import os
import shutil
import stat
from pathlib import Path

import pytest

from lumitrace.reassembly.answers.describe import tags
from lumitrace.reassembly.answers.show import show, shown
from lumitrace.reassembly.assemble import assemble
from lumitrace.reassembly.cli import main
from lumitrace.reassembly.events import Counts
from lumitrace.reassembly.sources.file import read_file
from lumitrace.reassembly.store import derive
from lumitrace.reassembly.store.folder import Folder
from lumitrace.reassembly.store.one import one
from lumitrace.reassembly.store.reading import Reading

NIGHT = Path(__file__).parents[2] / "examples" / "ushop" / "recorded" / "night.jsonl"


@pytest.fixture(scope="module")
def night_store(tmp_path_factory):
    """A store that holds the recorded night."""
    folder = tmp_path_factory.mktemp("night") / "store"
    assert main(["fetch", "--store", str(folder), "--keep", "forever", str(NIGHT)]) == 0
    return ("--store", folder)


@pytest.fixture
def store(tmp_path):
    """Where a store is to be, as an option."""
    return ("--store", tmp_path / "store")


@pytest.fixture
def fetch(answer, store):
    """Fill the store from files, and return what the command said."""

    def run(*sources):
        code, said = answer("fetch", *store, "--keep", "forever", *sources)
        assert code == 0, said
        return said

    return run


def files(folder):
    """Return the bytes of every file of a store but those that count fetches."""
    apart = {"store.json", "lock"}
    paths = (path for path in Path(folder).rglob("*") if path.is_file())
    return {path: path.read_bytes() for path in paths if path.name not in apart}


def events_of(path):
    """Return the log events of a file, in their order."""
    events = [event for source in read_file(str(path), Counts()) for event in source]
    for place, event in enumerate(events):
        event.order = place
    return events


def test_a_transaction_out_of_a_store_is_the_one_of_the_files(night_store):
    """Every transaction of the recorded night, by its id and by a tag: no field differs."""
    whole = assemble(events_of(NIGHT))
    reading = Reading(Folder.opened(str(night_store[1])))

    for transaction in whole.transactions:
        tag = f"saleId={tags(whole, transaction)['saleId']}"
        for name in (transaction.id, tag):
            assert shown(*one(reading, name)[::-1]) == show(whole, name)


@pytest.mark.parametrize("kind", ["trace", "span", "request", "beginning", "message", "value"])
def test_any_id_finds_its_transaction(kind, fetch, store, answer, night, log_file):
    """By whole ids and by their beginnings, as without a store."""
    tills = [night.sale(number, number * 1000, bad=number == 1) for number in range(3)]
    path = night.write(log_file)
    fetch(path)
    wanted = {
        "trace": tills[1].trace,
        "span": tills[1].span,
        "request": tills[1].request,
        "beginning": tills[1].trace[:6],
        "message": "sns:msg-0001-0000",
        "value": "sale-0001",
    }[kind]

    assert answer("show", wanted, *store) == answer("show", wanted, path)
    assert answer("show", wanted, *store)[1]["matchedBy"]


def test_a_second_fetch_changes_no_byte(fetch, store):
    """The same file again, alone and twice at once: nothing is new, no file is written."""
    assert fetch(NIGHT)["new"] == 1954
    before = files(store[1])

    assert fetch(NIGHT, NIGHT)["new"] == 0
    assert files(store[1]) == before


def test_what_comes_late_joins_what_is_there(fetch, store, tmp_path):
    """The night in two halves, its milliseconds in turns: after the second it is whole."""
    lines = NIGHT.read_text("utf-8").splitlines(keepends=True)
    for number in (1, 0):
        half = [line for line in lines if json.loads(line)["timestamp"] % 2 == number]
        path = tmp_path / f"{number}.jsonl"
        path.write_text("".join(half), "utf-8")
        fetch(path)
    whole, reading = assemble(events_of(NIGHT)), Reading(Folder.opened(str(store[1])))

    for transaction in whole.transactions[:10]:
        assert shown(*one(reading, transaction.id)[::-1]) == show(whole, transaction.id)


def test_a_line_that_stands_twice_in_one_source_counts_twice(fetch, store, answer, night, log_file):
    """Two log events of the same text and millisecond are two."""
    till = night.sale(0, 0)
    for _ in range(2):
        night.log(till, 4, "tick")
    path = night.write(log_file)

    fetch(path)
    fetch(path, path)

    shown = answer("show", till.trace, *store)[1]
    assert [line["message"] for line in shown["logs"]].count("[INFO] tick") == 2


def test_a_transaction_over_the_edge_of_an_hour_is_whole(
    fetch, store, answer, night, log_file, monkeypatch
):
    """It begins a second before the full hour; its retries and a second sale come after it."""
    monkeypatch.setattr(derive, "BLOCK", 1)  # each hour by itself
    edge = 3_600_000
    first = night.sale(0, edge - 1000, bad=True)
    long = night.begin("ushop_slow", edge - 500, trigger="api-gateway-rest", route="GET /slow")
    night.end(long, edge + 700, began=edge - 500, lasted=1200)
    second = night.sale(1, edge + 60_000)
    path = night.write(log_file)

    fetch(path)

    assert len(list((store[1] / "hours").iterdir())) == 2
    for run in (first, long, second):
        assert answer("show", run.trace, *store) == answer("show", run.trace, path)


def test_only_the_owner_can_read_a_store(fetch, store):
    """Folders 0700, files 0600, under any umask."""
    before = os.umask(0)
    try:
        fetch(NIGHT)
    finally:
        os.umask(before)

    for path in (store[1], *store[1].rglob("*")):
        mode = stat.S_IMODE(path.stat().st_mode)
        assert mode == (0o700 if path.is_dir() else 0o600), path


def test_a_copy_of_the_folder_is_a_store(night_store, answer, tmp_path):
    """Copied elsewhere: it answers, whatever became of the original."""
    shutil.copytree(night_store[1], tmp_path / "first")
    (tmp_path / "first").rename(tmp_path / "copy")

    code, said = answer("show", "saleId=21615022", "--store", tmp_path / "copy")

    assert (code, said["transaction"]["state"]) == (0, "failed")


def test_what_is_no_store_is_told_in_a_sentence(night_store, command, tmp_path):
    """A folder of something else, none at all, one of a later version, one with a damaged hour."""
    other = tmp_path / "other"
    other.mkdir()
    (other / "notes.txt").write_text("mine")
    later, damaged = tmp_path / "later", tmp_path / "damaged"
    for copy in (later, damaged):
        shutil.copytree(night_store[1], copy)
    said = json.loads((later / "store.json").read_text())
    (later / "store.json").write_text(json.dumps({**said, "lumitrace store": 99}))
    for path in damaged.rglob("lines-*.parquet"):
        path.write_bytes(b"PAR1 no more")

    for folder, words in (
        (other, "is no store"),
        (tmp_path / "none", "there is no store"),
        (later, "later lumitrace"),
        (damaged, "cannot be read"),
    ):
        ran = command("show", "saleId=21615022", "--store", folder)
        assert ran.returncode == 1
        assert words in ran.stderr.decode()
        assert ran.stderr.count(b"\n") == 1
    refused = command("fetch", "--store", other, NIGHT)
    assert (refused.returncode, b"holds other files" in refused.stderr) == (2, True)
    assert [path.name for path in other.iterdir()] == ["notes.txt"]


def test_payloads_stay_out_unless_they_are_asked_in(fetch, store, answer, night, log_file):
    """Their texts are in no file; the rest of the line is; --payloads keeps them."""
    run = night.begin("ushop_till", 0, trigger="api-gateway-rest", event='{"card":"4111"}')
    call = [night.span(), "sns.Publish", "topic", 1, 2, 200, [], {"params": '{"secret":"s3same"}'}]
    night.end(run, 9, began=0, lasted=8, calls=[call], tags={"saleId": "sale-1"})
    path = night.write(log_file)

    fetch(path)
    shown = answer("show", run.trace, *store)[1]
    kept_at = store[1].parent / "kept"
    kept = answer("fetch", "--store", kept_at, "--payloads", "--keep", "forever", path)
    whole = answer("show", run.trace, "--store", kept_at)[1]

    assert kept[0] == 0
    assert [span["payloads"] for span in shown["spans"]] == [{}, {}]
    assert shown["transaction"]["tags"] == {"saleId": "sale-1"}
    assert "4111" in whole["spans"][0]["payloads"]["event"]
