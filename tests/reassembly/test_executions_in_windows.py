"""Windows of time and executions: which are asked for, and what is read of each."""

import pytest
from tests.reassembly.histories import START_MS, History
from tests.reassembly.states import States

HOUR_MS = 3_600_000
MINUTE_MS = 60_000
WINDOW = ("--since", "2026-11-21T02:00", "--until", "2026-11-21T02:10")

pytestmark = pytest.mark.usefixtures("signed_in")


def waited(name, began_ms, ended_ms=None):
    """Return the history of an execution of two states that began and ended so."""
    history = History(name=name)
    history.start(began_ms)
    at = history.leave(began_ms + 2, "First", history.enter(began_ms + 1, "First"))
    at = history.enter(began_ms + 3, "Second", at)
    if ended_ms is not None:
        history.end(ended_ms, history.leave(ended_ms - 1, "Second", at))
    return history


EXECUTIONS = {
    "over": (-3 * MINUTE_MS, -1),
    "just over": (-2 * MINUTE_MS, 0),
    "from before": (-MINUTE_MS, MINUTE_MS),
    "within": (MINUTE_MS, 2 * MINUTE_MS),
    "beyond": (9 * MINUTE_MS, HOUR_MS),
    "just late": (10 * MINUTE_MS, 11 * MINUTE_MS),
    "late": (10 * MINUTE_MS + 1, 11 * MINUTE_MS),
    "still running": (-23 * HOUR_MS, None),
    "of the day before": (-25 * HOUR_MS, MINUTE_MS),
    "running since the day before": (-25 * HOUR_MS, None),
}
ASKED = {"just over", "from before", "within", "beyond", "just late", "still running"}


@pytest.fixture
def play():
    """A server with an execution of each kind."""
    with States() as server:
        for name, (began_ms, ended_ms) in EXECUTIONS.items():
            server.hold(waited(name.replace(" ", "-"), began_ms, ended_ms))
        yield server


def test_executions_that_ran_within_a_window_are_read_whole(play, answer):
    """From their first state to their last, also where these lie outside."""
    where = ("--state-machine", "ushop_fulfil", *WINDOW, "--endpoint-url", play.endpoint)

    _, listed = answer("transactions", *where)

    began = {one["startUs"] // 1000 for one in listed["transactions"]}
    assert began == {START_MS + EXECUTIONS[name][0] for name in ASKED}
    for name in ASKED:
        _, shown = answer("show", History(name=name.replace(" ", "-")).arn, *where)
        assert [one["name"] for one in shown["spans"]] == ["ushop_fulfil", "First", "Second"]


def test_an_execution_that_is_named_is_read_whenever_it_ran(play, answer):
    """No window cuts it."""
    arn = play.histories[-2][0].arn
    where = ("--execution", arn, *WINDOW, "--endpoint-url", play.endpoint)

    _, shown = answer("show", arn, *where)

    assert [one["name"] for one in shown["spans"]] == ["ushop_fulfil", "First", "Second"]
    assert shown["spans"][0]["durationUs"] == (25 * HOUR_MS + MINUTE_MS) * 1000


def test_of_a_history_in_a_file_a_window_leaves_what_lies_in_it(tmp_path, answer):
    """What was entered before it is missing, and how the execution ended is not."""
    path = tmp_path / "fulfil.json"
    path.write_text(waited("from-before", -MINUTE_MS, MINUTE_MS).answer())

    _, listed = answer("transactions", path, *WINDOW)
    [one] = listed["transactions"]
    _, shown = answer("show", one["id"], path, *WINDOW)

    assert one["state"] == "ok"
    assert [span["name"] for span in shown["spans"]] == ["fulfil"]
