"""Executions that a fetch asks AWS for: whole, once, and again while they run."""

import duckdb
import pytest
from tests.cloudwatch.data import Groups
from tests.reassembly.histories import History, answered, raised
from tests.reassembly.states import States

from lumitrace.reassembly.sources import step_functions

WINDOW = ("--since", "2026-11-21T01:59", "--until", "2026-11-21T02:10")

pytestmark = pytest.mark.usefixtures("signed_in")


class Shop:
    """A function that charges, and executions that call it."""

    def __init__(self, night):
        self.night, self.histories = night, []

    def charge(self, name, ms, *, well=True, ends=True):
        """Let an execution charge; it may go on."""
        error = {} if well else {"error": {"type": "ValueError", "message": "card refused"}}
        run = self.night.begin("ushop_charge", ms + 20, trigger="other")
        tags = {"saleId": f"sale-{name}"}
        self.night.end(run, ms + 28, began=ms + 20, lasted=7, tags=tags, **error)
        history = History(name=name)
        history.start(ms)
        history.events[0]["executionStartedEventDetails"]["input"] = '{"card":"4111"}'
        at = history.call(ms + 12, history.enter(ms + 10, "Charge"), "ushop_charge")
        if well:
            at = history.done(ms + 40, at, {**answered(run.request), "Payload": {"pin": "s3same"}})
        else:
            at = history.failed(ms + 40, at, raised(run.request))
        if ends:
            self.end(history, ms + 50, at, None if well else raised(run.request))
        self.histories.append(history)
        return history

    @staticmethod
    def end(history, ms, at, failure=None):
        """End an execution."""
        history.end(ms, at, failure, "Failed" if failure else "Succeeded")

    def play(self):
        """Return the server that holds all."""
        play = States(Groups.of(self.night.events))
        for history in self.histories:
            play.hold(history)
        return play


@pytest.fixture
def shop(night):
    """An empty shop."""
    return Shop(night)


@pytest.fixture
def fetch(answer, tmp_path):
    """Fetch into the store, and return what was said."""

    def run(play, *given):
        at = ("--store", tmp_path / "store", "--keep", "forever")
        code, said = answer("fetch", *at, *given, "--endpoint-url", play.endpoint)
        assert code == 0, said
        return said

    return run


def test_executions_out_of_a_store_are_those_of_aws(shop, fetch, answer, tmp_path):
    """One went well and one failed: every answer is the one that is given without a store."""
    for name, well in (("1", True), ("2", False)):
        shop.charge(name, int(name) * 1000, well=well)
    asked = ("--state-machine", "ushop_fulfil", "--log-group", "/aws/lambda/ushop_*", *WINDOW)
    store = ("--store", tmp_path / "store")

    with shop.play() as play:
        said = fetch(play, *asked)
        again = fetch(play, *asked)
        live = (*asked, "--endpoint-url", play.endpoint)
        for question in (("transactions",), ("show", "sale-2"), ("show", "sale-1")):
            of_aws = answer(*question, *live)[1]
            of_aws.pop("scanned")
            assert answer(*question, *store)[1] == of_aws
        impacts = [answer("why", *one)[1]["impact"] for one in (live, store)]

    assert (said["new"], again["new"]) == (said["read"], 0)
    assert impacts[0] == impacts[1]
    assert impacts[1]["lost"] == 1


def test_what_has_ended_is_not_read_again_and_what_runs_is(shop, fetch, answer, tmp_path):
    """One that ran at the first fetch has ended at the second; the third reads none."""
    shop.charge("1", 1000)
    running = shop.charge("2", 2000, ends=False)
    asked = ("--state-machine", "ushop_fulfil", *WINDOW)
    reads, new = [], []
    with shop.play() as play:
        for number in range(3):
            play.requests.clear()
            new.append(fetch(play, *asked)["new"])
            reads.append(
                sorted(
                    request["executionArn"][-1]
                    for operation, request in play.requests
                    if operation == "GetExecutionHistory"
                )
            )
            if number == 0:
                shop.end(running, 2900, len(running.events))

    assert reads == [["1", "2"], ["2"], []]
    assert new == [6 + 5, 1, 0]


def test_one_that_was_redriven_is_read_again(shop, fetch):
    """It ended a second time, later."""
    failed = shop.charge("1", 1000, well=False)
    asked = ("--state-machine", "ushop_fulfil", *WINDOW)
    with shop.play() as play:
        fetch(play, *asked)
        at = failed.add(5000, "ExecutionRedriven", len(failed.events))
        shop.end(failed, 6000, at)
        said = fetch(play, *asked)

    assert said["new"] == 2


def test_more_executions_than_a_fetch_reads_come_with_the_next(
    shop, fetch, answer, tmp_path, monkeypatch
):
    """One at a time: told, and the second fetch reads the other."""
    monkeypatch.setattr(step_functions, "MOST", 1)
    for name in ("1", "2"):
        shop.charge(name, int(name) * 1000)
    asked = ("--state-machine", "ushop_fulfil", *WINDOW)
    store = ("--store", tmp_path / "store", "--keep", "forever")
    with shop.play() as play:
        code, first = answer("fetch", *store, *asked, "--endpoint-url", play.endpoint)
        second = fetch(play, *asked)

    assert (code, first["incomplete"]) == (
        1,
        ["1 more executions of ushop_fulfil were not read; fetch again, and they will be"],
    )
    assert (first["new"], second["new"], second["incomplete"]) == (6, 6, [])


def test_one_execution_is_fetched_by_its_arn(shop, fetch, answer, tmp_path):
    """Whenever it ran; twice, and nothing is doubled."""
    history = shop.charge("1", 1000)
    with shop.play() as play:
        new = [fetch(play, "--execution", history.arn)["new"] for _ in range(2)]

    assert new == [6, 0]
    rows = answer("transactions", "--store", tmp_path / "store")[1]["transactions"]
    assert [row["entry"] for row in rows] == ["Step Functions ushop_fulfil"]


@pytest.mark.parametrize("payloads", [False, True])
def test_what_states_were_given_stays_out_unless_it_is_asked_in(shop, fetch, tmp_path, payloads):
    """The card in the input, the pin in the function's answer."""
    history = shop.charge("1", 1000)
    with shop.play() as play:
        fetch(play, "--execution", history.arn, *(["--payloads"] if payloads else []))

    held = "".join(
        row[0]
        for path in (tmp_path / "store").rglob("lines-*.parquet")
        for row in duckdb.connect()
        .execute("SELECT message FROM read_parquet(?)", [str(path)])
        .fetchall()
    )
    assert ("4111" in held, "s3same" in held) == (payloads, payloads)
    assert "SdkResponseMetadata" in held


def test_the_children_of_a_distributed_map_come_with_it(shop, fetch, answer, tmp_path):
    """The transaction of the store is the one that AWS is asked for."""
    parent = shop.charge("1", 1000, ends=False)
    run = parent.arn.replace(":execution:", ":mapRun:") + "/Each:run-1"
    at = parent.enter(1100, "Each", len(parent.events), kind="Map")
    at = parent.add(1101, "MapRunStarted", at, mapRunStarted={"mapRunArn": run})
    child = History(machine="ushop_fulfil/Each", name="child-1")
    child.end(1200, child.start(1110))
    at = parent.add(1300, "MapRunSucceeded", at)
    shop.end(parent, 1400, parent.leave(1301, "Each", at, kind="Map"))
    with shop.play() as play:
        play.hold(child, run)
        fetch(play, "--state-machine", "ushop_fulfil", *WINDOW)
        at = ("--execution", parent.arn, "--endpoint-url", play.endpoint)
        of_aws = answer("show", parent.arn, *at)[1]

    of_store = answer("show", parent.arn, "--store", tmp_path / "store")[1]

    assert "child-1" in str(of_aws["spans"])
    assert of_store == of_aws
