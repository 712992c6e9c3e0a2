"""Budgets of spans, bytes and time: less detail, then counts, and the last line says so."""

import re
from pathlib import Path

import pytest

import lumitrace
from lumitrace import traced
from lumitrace.capture.calls import LiveCall
from lumitrace.capture.config import settings
from lumitrace.capture.current import current
from lumitrace.capture.output import output
from lumitrace.capture.services._call import Call

ROOT = Path(__file__).parents[2]
MANY = 10_000
MEGABYTE = 1 << 20


def call(resource="t", keys=()):
    """Do at a call what botocore's hooks do."""
    live = LiveCall(Call("dynamodb", "GetItem", {}), None, current(), None)
    live.resource = resource
    live.begin()
    live.end(200, list(keys), None, None)


def run(work, context):
    """Run *work* as a traced handler."""
    return traced(lambda *_: work())({}, context)


def told(captured):
    """Return how many calls were told one by one, and how many in sums."""
    calls = [entry for line in captured.lines for entry in line.get("calls", ())]
    sums = [element for line in captured.lines for element in line.get("summary", ())]
    return len(calls), sum(element[2] for element in sums)


def test_of_ten_thousand_calls_none_goes_uncounted(captured, context):
    """2,000 one by one, the rest in a sum, and the last line says how many."""
    run(lambda: [call() for _ in range(MANY)], context)

    end = captured.all("invocation")[0]
    assert told(captured) == (settings.max_spans, MANY - settings.max_spans)
    assert end["dropped"] == {"spans": MANY - settings.max_spans}
    assert sum(map(len, captured.writes)) < settings.max_bytes


def test_of_ten_thousand_spans_the_first_are_told(captured, context):
    """Steps of the application's own beyond the budget are counted."""

    def work():
        for number in range(MANY):
            with lumitrace.span(f"step {number}"):
                pass

    run(work, context)

    [end] = captured.all("invocation")
    spans, written = len(captured.all("span")), sum(map(len, captured.writes))
    assert written <= settings.max_bytes + len(captured.text[-1]) + 1
    assert spans + end["dropped"]["spans"] <= MANY
    assert end["dropped"]["spans"] == MANY - settings.max_spans


@pytest.mark.parametrize("threshold", ["", "g"])
def test_values_of_a_megabyte_are_cut(captured, context, monkeypatch, threshold):
    """As attributes, tags, names and error messages; a line stays what a pipe takes whole."""
    monkeypatch.setattr(settings, "threshold", threshold)
    huge = "ä" * MEGABYTE

    def work():
        lumitrace.tag(**{f"tag{n}": huge for n in range(100)}, **{huge: 1})
        for _ in range(3):
            with lumitrace.span(huge, **{f"attribute{n}": huge for n in range(100)}):
                pass
        raise ValueError(huge)

    with pytest.raises(ValueError, match="ä"):
        run(work, context)

    dropped = captured.all("invocation")[0]["dropped"]
    assert dropped["tags"] > 0
    assert dropped["attributes"] == 3 * (100 - 16)
    assert max(map(len, captured.text)) < 32 * 1024
    assert sum(map(len, captured.writes)) < 200_000


def test_beyond_the_budget_of_bytes_calls_are_told_in_sums(captured, context, monkeypatch):
    """Nothing more is written before the last line, which is written whatever was."""
    monkeypatch.setattr(settings, "max_bytes", 20_000)

    run(lambda: [call() for _ in range(1_000)], context)

    one_by_one, in_sums = told(captured)
    [end] = captured.all("invocation")
    lost = end["dropped"]["bytes"]
    assert one_by_one > 100
    assert 1_000 - one_by_one - in_sums <= lost / 60  # those of the one line that had no room
    assert sum(map(len, captured.writes)) < 20_000 + 4_096


def test_beyond_the_budget_of_time_nothing_is_written_before_the_end(
    captured, context, monkeypatch, clock
):
    """A log that takes a second a line would hold up the function at every call."""
    monkeypatch.setattr(settings, "max_ms", 2_000)
    clock.step_us = 400_000  # each time somebody looks: a flush takes twice that
    written = []

    def work():
        for _ in range(50):
            call()
            written.append(len(captured.writes))

    run(work, context)

    [end] = captured.all("invocation")
    assert 0 < written[-1] == written[-40] < 10
    assert end["dropped"] == {"time": 1}
    assert end["summary"][0][2] > 40


def test_many_kinds_of_calls_end_in_few_sums(captured, context, monkeypatch):
    """Resources by their own names first, then operations, then one number; none is lost."""
    monkeypatch.setattr(settings, "threshold", "g")

    run(lambda: [call(f"table{number}") for number in range(500)], context)

    sums = captured.all("invocation")[0]["summary"]
    every = [one for line in captured.lines for one in line["summary"]]
    assert len(sums) <= len(every) <= 130
    assert sum(element[2] for element in every) == 500


def test_link_keys_in_sums_are_bounded(captured, context, monkeypatch):
    """2,000 of an invocation; what is beyond is counted, each line is short."""
    monkeypatch.setattr(settings, "threshold", "g")
    keys = [f"kinesis:shardId-000000000000:{n:056d}" for n in range(16)]

    run(lambda: [call(keys=keys) for _ in range(200)], context)

    lines = captured.all("invocation")
    assert sum(len(e[4]) for line in lines for e in line["summary"] if len(e) > 4) == 2_000
    assert lines[0]["dropped"] == {"links": 200 * 16 - 2_000}
    assert max(map(len, captured.text)) <= 4_096


def test_what_is_held_stays_within_the_budget_of_bytes(captured, context, monkeypatch):
    """A failing invocation that is not sampled has sums of what it could not hold."""
    monkeypatch.setattr(settings, "threshold", "g")
    monkeypatch.setattr(settings, "max_bytes", 10_000)
    held = []

    def work():
        for _ in range(1_000):
            call()
            held.append(len(current().calls))
        raise ValueError

    with pytest.raises(ValueError):  # noqa: PT011  # ours to raise
        run(work, context)

    assert max(held) < 200
    assert sum(told(captured)) == 1_000
    assert captured.lines[0]["record"] == "start"


def test_bytes_that_standard_output_refuses_are_counted(captured, context):
    """A closed pipe or a full disk is no reason to fail, and not to be silent."""
    keep, output.write = output.write, lambda _: False

    def work():
        output.write = keep

    run(work, context)

    [end] = captured.lines
    assert end["dropped"]["unwritten"] > 100


def test_failed_records_beyond_a_thousand_are_counted(captured, context, event):
    """A batch of Kafka or Kinesis may have ten times as many."""
    batch = event("sqs")
    first = batch["Records"][0]
    batch["Records"] = [{**first, "messageId": str(n)} for n in range(1_005)]
    answer = {"batchItemFailures": [{"itemIdentifier": str(n)} for n in range(1_005)]}

    traced(lambda *_: answer)(batch, context)

    lines = captured.all("invocation")
    assert sum(len(line["failedRecords"]) for line in lines) == 1_000
    assert lines[0]["dropped"]["failedRecords"] == 5


def test_every_kind_of_loss_is_named_in_the_docs():
    """What a line may have in ``dropped`` is what the contract says."""
    sources = (ROOT / "src" / "lumitrace" / "capture").rglob("*.py")
    text = "".join(path.read_text("utf-8") for path in sources)
    kinds = set(re.findall(r'drop\(\s*"(\w+)"', text)) | {"links", "bodies"}  # told in a loop
    page = (ROOT / "docs" / "span-line.md").read_text("utf-8")
    said = page[page.index("and `dropped`, an object") :].partition("\n\n")[0]

    assert kinds - set(re.findall(r"`(\w+)`", said)) == set()
