"""The children of a distributed Map: asked of AWS by its run, and joined to its state."""

import dataclasses
import json

import pytest
from tests.reassembly.histories import ACCOUNT, History, answered, raised
from tests.reassembly.states import States

from lumitrace.reassembly.sources import map_runs, step_functions

RUN = f"arn:aws:states:{ACCOUNT}:mapRun:ushop_fulfil/Pack:0a1b"

pytestmark = pytest.mark.usefixtures("signed_in")


@pytest.fixture
def play():
    """A server without any execution."""
    with States() as server:
        yield server


def parent(run=RUN, name="sale-0001", ends="Succeeded"):
    """Return the history of an execution that is a distributed Map."""
    history = History(name=name)
    history.start(0)
    at = history.enter(10, "Pack", kind="Map")
    at = history.add(11, "MapStateStarted", at, mapStateStarted={"length": 0})
    at = history.add(12, "MapRunStarted", at, mapRunStarted={"mapRunArn": run})
    if ends == "Failed":
        why = {"error": "States.ExceedToleratedFailureThreshold", "cause": "too many"}
        at = history.add(900, "MapRunFailed", at, mapRunFailed=why)
        history.end(910, at, why, "Failed")
        return history
    at = history.add(900, "MapRunSucceeded", at)
    history.end(910, history.leave(901, "Pack", at, "Map"))
    return history


def child(night, number, *, well=True):
    """Return the history of an item whose one task ran a function, which is written too."""
    ms = 100 + number * 100
    error = None if well else {"type": "ValueError", "message": "card refused"}
    run = night.begin("ushop_pack", ms + 20, trigger="other")
    night.end(run, ms + 28, began=ms + 20, lasted=7, **({"error": error} if error else {}))
    history = History("ushop_fulfil/Pack", f"child-{number}")
    history.start(ms)
    at = history.call(ms + 12, history.enter(ms + 10, "Wrap"), "ushop_pack")
    if well:
        at = history.done(ms + 40, at, answered(run.request))
        history.end(ms + 50, history.leave(ms + 41, "Wrap", at))
    else:
        at = history.failed(ms + 40, at, raised(run.request))
        history.end(ms + 50, at, raised(run.request), "Failed")
    return history


@pytest.fixture
def ask(play, night, log_file, answer, command):
    """Ask about the execution, with the functions' log beside it; as JSON, or as a page."""

    def run(word, *more, page=False):
        where = (*more, night.write(log_file), "--endpoint-url", play.endpoint)
        return command(word, *where) if page else answer(word, *where)

    return run


def asked(play):
    """Return the options that name the first execution."""
    return ("--execution", play.histories[0][0].arn)


def names(shown):
    """Return the spans of an answer, each as its depth, service and name."""
    return [(one["depth"], one["service"], one["name"]) for one in shown["spans"]]


ITEM = [
    (2, "Step Functions", "ushop_fulfil/Pack"),
    (3, "state", "Wrap"),
    (4, "Lambda", "Invoke ushop_pack"),
    (5, "Lambda", "ushop_pack"),
]


def test_children_stand_below_the_state_of_their_map(play, night, ask, answer, log_file):
    """Whatever a page holds: each child once, its states and its function below it."""
    play.hold(parent())
    for number in range(3):
        play.hold(child(night, number), RUN)
    play.hold(child(night, 3), RUN.replace("0a1b", "ffff"))  # of another run of the same Map

    code, shown = ask("show", "sale-0001", *asked(play))

    assert code == 0
    assert names(shown) == [
        (0, "Step Functions", "ushop_fulfil"),
        (1, "state", "Pack"),
        *ITEM * 3,
    ]
    assert {one["witness"] for one in shown["spans"] if one["depth"] == 2} == {"link key"}


def test_children_come_in_pages(play, night, ask, monkeypatch):
    """A page of one: nobody is missed, and nobody asked for twice."""
    monkeypatch.setattr(step_functions, "PAGE", 1)
    play.hold(parent())
    for number in range(3):
        play.hold(child(night, number, well=number != 1), RUN)

    _, shown = ask("show", "sale-0001", *asked(play))

    assert sum(depth == 2 for depth, _, _ in names(shown)) == 3
    assert play.calls.count("GetExecutionHistory") == sum(
        len(history.events) for history, _ in play.histories
    )


def test_a_child_that_failed_fails_the_execution_of_its_map(play, night, ask):
    """One transaction is lost, and the child's function is the cause."""
    play.hold(parent(ends="Failed"))
    play.hold(child(night, 0), RUN)
    play.hold(child(night, 1, well=False), RUN)

    code, said = ask("why", *asked(play))

    assert code == 0
    assert (said["impact"]["lost"], said["impact"]["transactions"]) == (1, 1)
    assert said["issue"]["function"] == "ushop_pack"
    assert (said["cause"]["type"], said["cause"]["message"]) == ("ValueError", "card refused")


def test_a_child_that_failed_is_no_loss_where_its_map_tolerates_it(play, night, ask):
    """The execution's end counts, as it does for a function that a task waited for."""
    play.hold(parent())
    play.hold(child(night, 0, well=False), RUN)

    _, listed = ask("transactions", *asked(play))

    assert [(one["entry"], one["state"]) for one in listed["transactions"]] == [
        ("Step Functions ushop_fulfil", "ok")
    ]


def test_a_map_within_an_item_is_followed(play, night, ask):
    """A child's own Map has a run, and children."""
    inner = RUN.replace("Pack:0a1b", "Wrap:77")
    play.hold(parent())
    middle = parent(inner)
    middle.arn = middle.arn.replace("ushop_fulfil:sale-0001", "ushop_fulfil/Pack:child-9")
    play.hold(middle, RUN)
    play.hold(child(night, 0), inner)

    _, shown = ask("show", "sale-0001", *asked(play))

    assert [depth for depth, *_ in names(shown)] == [0, 1, 2, 3, 4, 5, 6, 7]


def test_more_children_than_are_read_are_told(play, night, ask, monkeypatch):
    """Those that failed are read first; the number of the others is the run's own."""
    monkeypatch.setattr(map_runs, "MOST", 2)
    play.hold(parent())
    play.hold(parent(RUN.replace("0a1b", "ffff"), "sale-0002"))
    for number in range(5):
        play.hold(child(night, number, well=number != 4), RUN)
    both = (*asked(play), "--execution", play.histories[1][0].arn)

    shown = ask("show", "sale-0001", *both)[1]
    done = ask("show", "sale-0001", *both, page=True)

    children = [one for one in shown["spans"] if one["depth"] == 2]
    assert [one["failure"] is None for one in children] == [True, False]
    assert done.returncode == 1
    assert "3 more children of distributed Maps were not read; ask" in done.stderr.decode()
    assert "1 run of a distributed Map was not asked for its children" in done.stderr.decode()


@pytest.mark.parametrize("listed", [True, False], ids=["listed", "not listed"])
def test_children_without_a_history_are_told(play, night, ask, monkeypatch, listed):
    """EXPRESS ones, whether AWS lists them or the run's count alone tells of them."""
    play.hold(parent())
    for number in range(3):
        own = play.hold(child(night, number), RUN)
        own.arn = own.arn.replace(":execution:", ":express:")
    monkeypatch.setattr(play, "lists", listed)

    done = ask("show", "sale-0001", *asked(play), page=True)

    assert done.returncode == 1
    assert "state Pack" in done.stdout.decode()
    assert "3 more children of distributed Maps were not read; ask" in done.stderr.decode()


@pytest.mark.parametrize("operation", ["ListExecutions", "DescribeMapRun"])
def test_children_that_may_not_be_asked_for_are_told_once(play, night, ask, monkeypatch, operation):
    """The executions themselves are answered, and the action that is needed is named."""
    monkeypatch.setattr(map_runs, "MOST", 1)
    play.hold(parent())
    play.hold(parent(RUN.replace("0a1b", "ffff"), "sale-0002"))
    play.hold(child(night, 0), RUN)
    play.hold(child(night, 1), RUN)
    play.denied = {operation}

    done = ask(
        "show", "sale-0001", *asked(play), "--execution", play.histories[1][0].arn, page=True
    )

    assert done.returncode == 1
    assert "Step Functions ushop_fulfil" in done.stdout.decode()
    assert done.stderr.decode().count("access denied; allow") == 1
    assert f"states:{operation}" in done.stderr.decode()
    assert "1 run of a distributed Map was not asked for its children" in done.stderr.decode()


def test_throttling_that_does_not_end_is_told(play, night, ask, monkeypatch):
    """By AWS's own word; what was read is answered."""
    fast = dataclasses.replace(step_functions.STATES, retries=0, retry_mode="standard")
    monkeypatch.setattr(step_functions, "STATES", fast)
    play.hold(parent())
    play.hold(child(night, 0), RUN)
    play.faults["ListExecutions"] = [("ThrottlingException", "Rate exceeded")] * 9

    done = ask("show", "sale-0001", *asked(play), page=True)

    assert done.returncode == 1
    assert f"listing the children of {RUN}: ThrottlingException: Rate" in done.stderr.decode()
    assert "state Pack" in done.stdout.decode()


def test_a_child_that_is_asked_for_too_is_there_once(play, night, ask):
    """By its own ARN, before its parent names the run."""
    play.hold(parent())
    own = play.hold(child(night, 0), RUN)

    _, shown = ask("show", "sale-0001", "--execution", own.arn, *asked(play))

    assert names(shown)[2:] == ITEM


@pytest.mark.parametrize("named", [True, False], ids=["named", "not named"])
def test_a_file_joins_where_it_names_the_run(night, tmp_path, log_file, answer, named):
    """What describe-execution says of a child, before its events: else it stands for itself."""
    own = child(night, 0)
    about = {"executionArn": own.arn} | ({"mapRunArn": RUN} if named else {})
    for name, history, said in (("parent", parent(), {}), ("child", own, about)):
        text = {"executionArn": history.arn, **said, **json.loads(history.answer())}
        (tmp_path / f"{name}.json").write_text(json.dumps(text))
    paths = (night.write(log_file), tmp_path / "parent.json", tmp_path / "child.json")

    _, shown = answer("show", "sale-0001", *paths)

    assert names(shown)[2:] == (ITEM if named else [])
