"""The catalogue's rows of reassembly, R09 to R21: what is wrong with how things are joined.

Each row is played to the reading of ``why`` and ``show``, and to the engine, which has to find the
same (both.py).
"""

import importlib.util
import json
from pathlib import Path

import pytest

_SPEC = importlib.util.spec_from_file_location("both", Path(__file__).with_name("both.py"))
both = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(both)

HOUR_MS = 3_600_000


@pytest.fixture
def alike(night, tmp_path):
    """What the reading makes of the night; it fails where the engine makes something else."""
    return lambda: both.of_night(night, tmp_path)


def one(night, function, ms=0, ended=(), **said):
    """Write one invocation that went well, and return it."""
    run = night.begin(function, ms, **said)
    night.end(run, ms + 10, began=ms, lasted=9, **dict(ended))
    return run


def sends(night, key, operation="sqs.SendMessage"):
    """Return what an invocation's end says of a message that it sent."""
    call = [night.span(), operation, "place", 1000, 2000, 200, [key]]
    return {"calls": [call]}


def custom(night, run, span, parent):
    """Write a span of *run* below another."""
    times = {"startUs": night.us(3), "offsetUs": 2000, "durationUs": 2000}
    run = type(run)(run.function, run.request, run.stream, run.trace, span)
    night.line(run, 5, "span", parentSpanId=parent, name="x", **times)


def functions(assembled):
    """Return the functions of each transaction, the latest first."""
    return [[attempt.function for attempt in one.attempts] for one in assembled.transactions]


def linked(night, run, to):
    """Let *run*'s start line say that *to* caused it."""
    for event in night.events:
        if event["message"].startswith("{") and f'"spanId":"{run.span}"' in event["message"]:
            said = json.loads(event["message"])
            if said["record"] == "start":
                said["links"] = [[to.trace, to.span]]
                event["message"] = json.dumps(said, separators=(",", ":"))


def test_r09_rings_of_parents_and_of_links_are_cut_and_nothing_is_lost(
    night, alike, log_file, answer
):
    """Two spans each below the other, one below itself; two traces and one that sent to itself."""
    run = night.begin("rings", 0)
    first, second, own = night.span(), night.span(), night.span()
    for span, parent in ((first, second), (second, first), (own, own)):
        custom(night, run, span, parent)
    night.end(run, 10, began=0, lasted=9)
    here, there = one(night, "here", 1000), one(night, "there", 2000)
    linked(night, here, there)
    linked(night, there, here)
    selfish = one(night, "selfish", 3000)
    linked(night, selfish, selfish)

    assembled = alike()
    _, shown = answer("show", run.trace, night.write(log_file))

    assert functions(assembled) == [["rings"], ["here", "there"], ["selfish"]]
    assert {row["spanId"] for row in shown["spans"]} == {run.span, first, second, own}


def test_r09_two_entries_in_one_batch_stay_two_transactions(night, alike):
    """What both sent to belongs to both."""
    senders = [one(night, f"till{n}", n * 100, ended=sends(night, f"sqs:m{n}")) for n in range(2)]
    one(night, "worker", 1000, trigger="sqs", linkIn=["sqs:m0", "sqs:m1"])

    assembled = alike()

    assert functions(assembled) == [["till0", "worker"], ["till1", "worker"]]
    assert [one.id for one in assembled.transactions] == [run.trace for run in senders]


def test_r10_a_thousand_spans_below_each_other_and_a_thousand_receivers(
    night, alike, log_file, answer
):
    """Deeper than Python's own stack, and wider than any page: no recursion, nothing left out."""
    run = night.begin("deep", 0)
    spans = [run.span]
    for _ in range(1100):
        spans.append(night.span())
        custom(night, run, spans[-1], spans[-2])
    night.end(run, 10, began=0, lasted=9)
    wide = one(night, "wide", 1000, ended=sends(night, "sns:m", "sns.Publish"))
    for number in range(1000):
        at = 2000 + number
        start = night.begin("mail", at, stream=f"s{number}", trigger="sns", linkIn=["sns:m"])
        night.end(start, at + 10, began=at, lasted=9)
    path = night.write(log_file)

    assembled, differ = both.of_events(night.events)
    code, shown = answer("show", run.trace, path)

    assert differ == {}
    assert [len(one.spans) for one in assembled.transactions] == [1101, 1002]
    assert assembled.transactions[1].id == wide.trace
    assert code == 0
    assert [row["depth"] for row in shown["spans"]] == list(range(1101))


def test_r10_a_chain_that_is_too_long_is_cut_and_said_to_be(night, alike):
    """70 hops: two transactions, the first of them cut; every span is in one."""
    for number in range(70):
        received = {"linkIn": [f"sqs:m{number - 1}"], "trigger": "sqs"} if number else {}
        one(night, "chain", number * 100, ended=sends(night, f"sqs:m{number}"), **received)

    assembled = alike()

    assert [(len(one.traces), one.cut) for one in assembled.transactions] == [
        (65, True),
        (5, False),
    ]


TIMES_US = {
    "1970": 1,
    "9999": 253_402_300_799_000_000,
    "nanoseconds": 1_795_226_400_000_000_000,
    "milliseconds": 1_795_226_400_000,
    "seconds": 1_795_226_400,
    "just too late": 2**52 + 1,
    "below": -5,
    "half": 0.5,
    "text": "1795226400000000",
}
CAST = frozenset(("half", "text"))  # in a plain file, as DuckDB does (docs/engine.md)
TOO_LATE = frozenset(("9999", "nanoseconds", "just too late", "below", "half", "text"))


def test_r11_a_clock_that_is_an_hour_behind_is_shown_and_joins_as_before(
    night, alike, log_file, answer
):
    """What a message joins stays joined; the receiver is shown where its own clock says."""
    till = one(night, "till", HOUR_MS, ended=sends(night, "sns:m", "sns.Publish"))
    one(night, "mail", 500, trigger="sns", linkIn=["sns:m"])

    [transaction] = alike().transactions
    _, shown = answer("show", till.trace, night.write(log_file))

    assert transaction.id == till.trace
    offsets = {row["name"]: row["offsetUs"] for row in shown["spans"] if row["depth"] != 1}
    assert offsets == {"till": 0, "mail": (500 - HOUR_MS) * 1000}


def test_r11_times_in_other_units_are_taken_as_they_are_or_for_none(night, tmp_path):
    """Nothing is guessed: beyond the year 2112 a number is no time in microseconds."""
    for number, (name, said) in enumerate(TIMES_US.items()):
        one(night, name, number * 1000)
        for event in night.events[-5:]:
            written = f'"startUs":{night.us(number * 1000 + 1)}'
            event["message"] = event["message"].replace(written, f'"startUs":{json.dumps(said)}')

    assembled, differ = both.of_events(night.events)
    fast = both.run(*both.streams(night.events, tmp_path))

    starts = {one.function: one.invocation.start_us for one in assembled.attempts}
    assert differ == {}
    taken = dict(fast.rows("SELECT function_name, start_us FROM invocations"))
    assert {name: taken[name] for name in starts.keys() - CAST} == {
        name: start for name, start in starts.items() if name not in CAST
    }
    assert starts == {name: 0 if name in TOO_LATE else us for name, us in TIMES_US.items()}


def test_r15_two_entries_under_one_trace_id_are_told_to_be_two(
    night, alike, log_file, command, answer
):
    """Nobody loses a span, and who reads it is warned. Retries of one request are no strangers."""
    trace = "7" * 32
    runs = [one(night, name, ms, trace=trace) for name, ms in (("pay", 0), ("ship", 90_000_000))]
    night.sale(1, 1000, bad=True)

    assembled = alike()
    page = command("show", trace, night.write(log_file)).stdout.decode()

    assert functions(assembled)[0] == ["pay", "ship"]
    requests = ", ".join(run.request for run in runs)
    assert f"2 requests begin here under one trace id, and may be strangers: {requests}" in page
    assert answer("show", "sale-0001", log_file)[1]["doubts"] == {"unread": [], "beginnings": []}


def change(key, second=1_795_226_400):
    """Return what a record of a table's stream says of a write."""
    return f"dynamodb:{second}:{key}:{'e' * 6}"


def test_r16_who_wrote_an_item_before_caused_nothing(night, alike):
    """A last writer relates; so does a replica, an expiry, a copy. None of them is a parent."""
    writer = one(night, "writer", 0)
    last = [[writer.trace, writer.span, "last-writer"]]
    one(night, "reader", 1000, trigger="dynamodb", links=last, origins={"ttl": 1, "replica": 2})

    assembled = alike()

    assert functions(assembled) == [["writer"], ["reader"]]
    assert assembled.hops == {}


def test_r17_of_several_writers_none_is_picked(night, alike):
    """Two wrote the same key within a second: candidates, and no hop."""
    key = "k" + "1" * 15
    for number in range(2):
        call = sends(night, f"dynamodb:{key}", "dynamodb.UpdateItem")
        one(night, f"till{number}", number * 100, ended=call)
    one(night, "analytics", 1000, trigger="dynamodb", linkIn=[change(key)])

    assembled = alike()

    assert functions(assembled) == [["till0"], ["till1"], ["analytics"]]
    [found] = assembled.candidates.values()
    assert [len(writers) for writers in found.values()] == [2]


def test_r18_a_death_is_told_from_lambdas_lines_and_costs_no_neighbour(night, alike):
    """A timeout, an exit, an error of the init: by the request id that Lambda names."""
    said = {
        "timeout": "2026-11-21T02:00:03.000Z {} Task timed out after 3.00 seconds\n\n",
        "exit": "RequestId: {} Error: Runtime exited with error: signal: killed\nRuntime.ExitError",
    }
    for number, (name, text) in enumerate(said.items()):
        one(night, name, number * 10_000)
        run = night.begin(name, number * 10_000 + 1000)
        night.say(name, "s1", number * 10_000 + 4000, text.format(run.request))
        night.close(run, number * 10_000 + 4001, 3000)
        one(night, name, number * 10_000 + 5000)

    assembled, differ = both.of_events(night.events)

    assert differ == {}
    failed = [(one.function, one.failure.type) for one in assembled.attempts if one.failed]
    assert failed == [("exit", "Runtime.ExitError"), ("timeout", "Sandbox.Timedout")]
    assert len(assembled.attempts) == 6


def test_r19_attempts_replays_and_redrives_are_told_apart(night, alike):
    """A request that is tried three times; an event that is replayed months later."""
    night.sale(1, 0, bad=True)
    months = 90 * 24 * HOUR_MS
    bus = one(night, "bus", 1000, ended=sends(night, "events:e1", "events.PutEvents"))
    one(night, "listener", 1100, trigger="events", linkIn=["events:e1"])
    one(night, "listener", months, trigger="events", linkIn=[["events:e1", "replay"]])

    assembled = alike()

    tries = [one.number for one in assembled.attempts if one.of == 3]
    assert tries == [1, 2, 3]
    assert functions(assembled)[1:] == [["bus", "listener"], ["listener"]]
    assert assembled.transactions[1].id == bus.trace


def test_r20_functions_of_one_name_in_two_log_groups_stay_two(night, alike):
    """Two accounts print the same names: their streams are told apart by the group."""
    runs = []
    for number, account in enumerate(("prod", "test")):
        runs.append(one(night, "pay", number * 10, ended=sends(night, f"sqs:{account}")))
        for event in night.events[-5:]:
            event["logGroupName"] = f"/{account}/pay"

    assembled, differ = both.of_events(night.events)

    assert differ == {}
    assert functions(assembled) == [["pay"], ["pay"]]
    assert {one.group for one in assembled.attempts} == {"/prod/pay", "/test/pay"}
    assert {run.span for run in runs} <= set(assembled.span_by_id)


def test_r21_a_whole_line_of_ours_that_somebody_printed_is_untrusted(night, alike):
    """Another invocation's lines within this one's brackets, and a call of its own forged."""
    victim = one(night, "victim", 0)
    run = night.begin("forger", 1000)
    forged = type(victim)("forger", victim.request, "s1", victim.trace, victim.span)
    night.line(forged, 1002, "invocation", name="victim", startUs=night.us(1), status=2)
    night.end(run, 1010, began=1000, lasted=9)

    assembled = alike()

    assert assembled.counts.untrusted == 1
    assert functions(assembled) == [["victim"], ["forger"]]
    assert not any(one.failed for one in assembled.attempts)
