"""Every function of the capture is made to raise, and the host does not notice."""

import json
import os

import pytest
from tests.twin.twins import ALIVE, ROOT, asked, pieces

# The seams: what the function, botocore or a `with` calls straight away. What they do is guarded;
# that they are called at all cannot be. The guard is what holds everything else.
DOORS = (
    "api.py tag",
    "api.py span",
    "botocore.py __get__",
    "botocore.py _emit_api_params",
    "botocore.py _before_call",
    "botocore.py _needs_retry",
    "botocore.py _response_received",
    "botocore.py _after_call",
    "doors.py __get__",
    "frame.py cut",
    "guard.py __enter__",
    "guard.py __exit__",
    "record.py __init__",
    "record.py records",
    "record.py raw_records",
    "scope.py __init__",
    "scope.py __enter__",
    "scope.py __exit__",
)
ROUNDS = int(os.environ.get("TWIN_ROUNDS", "12"))  # of random faults a play


def plays():
    """Return the events: over HTTP, from a queue and from a table's stream; healthy and failing."""
    for name in ("api_gateway_http", "sqs", "dynamodb"):
        event = json.loads((ROOT / f"tests/events/{name}.json").read_text("utf-8"))
        yield event
        yield {**event, "fails": True}


PLAYS = list(plays())


@pytest.fixture(scope="module")
def bare(twins):
    """Return what each play looks like without us, and the state of the process."""
    outcome = twins.run("calls.sweep", [*PLAYS, *PLAYS], traced=False)
    found = list(pieces(outcome))
    assert [it[0] for it in found[6:]] == [it[0] for it in found[:6]], (
        "it is not the same each time"
    )
    return found[:6], outcome.noted[-1]


@pytest.fixture(scope="module")
def called(twins):
    """Return the functions of ours that each play calls, once all is loaded."""
    plan = [None] * 6 + ["look"] * 6
    outcome = twins.run("calls.sweep", [*PLAYS, *PLAYS], traced=True, faults=plan, doors=DOORS)
    return [it["called"] for it in _records(outcome)[6:]]


def _records(outcome):
    text = (outcome.folder / "faults").read_text("utf-8")
    return [json.loads(line) for line in text.splitlines()]


def play(twins, bare, steps):
    """Run the *steps*, pairs of a play's number and its faults; return what went wrong."""
    wrong = []
    plan = [*(faults for _, faults in steps), None]
    events = [*(PLAYS[number] for number, _ in steps), PLAYS[0]]
    outcome = twins.run("calls.sweep", events, traced=True, faults=plan, doors=DOORS)
    if outcome.seen["exit code"] != ALIVE:
        wrong.append(
            f"the process has ended: {outcome.seen['exit code']}, {outcome.seen['stderr']}"
        )
    records = _records(outcome)
    for (number, faults), found, record in zip(steps, pieces(outcome), records, strict=False):
        seen, requests = bare[0][number]
        if found[0] != seen:
            wrong.append(f"{faults} {number}: {_first(seen, found[0])}")
        elif len(found[1]) != len(requests):
            wrong.append(f"{faults} {number}: {len(found[1])} requests")
        elif any(one != other for one, other in map(asked, requests, found[1])):
            wrong.append(f"{faults} {number}: another request")
        if record["stuck"]:
            wrong.append(f"{faults} {number}: the invocation is not over")
    if outcome.noted[-1] != bare[1]:
        wrong.append("the process is another")
    return outcome, records, wrong


def _first(one, other):
    return next((b for a, b in zip(one, other, strict=True) if a != b), b"")[-300:]


def test_each_function_raises(twins, bare, called):
    """One at a time, in every play that calls it: the twins stay alike, and a line names it."""
    steps = [(n, [it]) for n, names in enumerate(called) for it in names if _door(it) not in DOORS]

    outcome, records, wrong = play(twins, bare, steps)

    assert wrong == []
    hit = {name for record in records for name in record["hit"]}
    told = " ".join(line["message"] for line in outcome.lines if line["record"] == "health")
    assert [name for name in sorted(hit) if f"Fault in {_place(name)}" not in told] == []
    assert len(hit) > 150


def _door(name):
    place, _, function = name.partition(" ")
    return f"{place.partition(':')[0]} {function}"


def _place(name):
    return name.partition(" ")[0].rpartition("/")[2]


@pytest.mark.parametrize("odds", [5, 30, 200])
def test_functions_raise_at_random(twins, bare, odds):
    """Calls of ours fail here and there, another one each time."""
    steps = [(number, odds) for _ in range(ROUNDS) for number in range(6)]

    _, records, wrong = play(twins, bare, steps)

    assert wrong == []
    assert any(record["hit"] for record in records)
