"""Coverage out of a store: what AWS counted is kept with the hours that were fetched."""

import json

import pytest
from tests.cloudwatch.data import Groups
from tests.cloudwatch.server import CloudWatch as Play

from lumitrace.reassembly.store import counted

START_MS = 1_795_226_400_000  # 2026-11-21T02:00:00Z, as the night of conftest.py begins
MINUTE_MS, HOUR_MS = 60_000, 3_600_000
WINDOW = ("--since", "2026-11-21T01:59", "--until", "2026-11-21T02:10")
USHOP = ("--log-group", "/aws/lambda/ushop_*")
TILL, CONFIRM = "ushop_new-sale-processing", "ushop_sale-confirmations"
NOW_MS = START_MS + 20 * HOUR_MS

pytestmark = pytest.mark.usefixtures("signed_in")


class Clock:
    """The time, as a test sets it."""

    def __init__(self, now_ms):
        self.now_ms = now_ms

    def time(self):
        """Return seconds since 1970."""
        return self.now_ms / 1000


@pytest.fixture
def clock(monkeypatch):
    """What AWS still knows, and has counted, at a moment that a test sets."""
    one = Clock(NOW_MS)
    monkeypatch.setattr(counted, "time", one)
    monkeypatch.setattr(counted, "ready_ms", lambda: one.now_ms - 3 * MINUTE_MS)
    return one


@pytest.fixture
def play(night):
    """A server that holds a night with two lost sales of five."""
    for number in range(5):
        night.sale(number, number * 1000, bad=number in {1, 3})
    with Play(Groups.of(night.events)) as server:
        yield server


@pytest.fixture
def fetch(answer, tmp_path):
    """Fetch log groups into the store, and return what was said."""

    def run(play, *given):
        at = ("--store", tmp_path / "store", "--keep", "forever")
        code, said = answer("fetch", *at, *given, "--endpoint-url", play.endpoint)
        assert code == 0, said
        return said

    return run


@pytest.fixture
def covered(answer, tmp_path):
    """Return the coverage that the store's why says."""

    def run(*window):
        return answer("why", "--store", tmp_path / "store", *window)[1]["seen"]["coverage"]

    return run


def count(play, function, metric, *pairs):
    """Let AWS have counted values in minutes of the night."""
    times = [(START_MS + minute * MINUTE_MS + 500, value) for minute, value in pairs]
    play.data.metrics[function, metric] = times


def told(coverage):
    """Return what a live answer says too."""
    return {name: coverage[name] for name in coverage if name not in {"hours", "uncompared"}}


@pytest.mark.usefixtures("clock")
def test_a_store_says_the_coverage_that_the_log_groups_say(
    play, fetch, covered, answer, command, tmp_path
):
    """One invocation left no line, 1,204 never began; what lies behind the window is left out."""
    count(play, TILL, "Invocations", (0, 5), (30, 99))
    count(play, CONFIRM, "Invocations", (0, 10))
    count(play, CONFIRM, "Throttles", (0, 1200), (1, 4))
    count(play, CONFIRM, "AsyncEventsDropped", (2, 3))
    live = answer("why", *USHOP, *WINDOW, "--endpoint-url", play.endpoint)[1]["seen"]["coverage"]

    said = fetch(play, *USHOP, *WINDOW)

    assert said["metrics"] == 8
    assert told(covered(*WINDOW)) == live
    assert (live["seen"], live["counted"], live["throttled"], live["dropped"]) == (14, 15, 1204, 3)
    page = command("why", "--store", tmp_path / "store", *WINDOW).stdout.decode()
    assert "seen 14 of 15 invocations that AWS counted; 1,204 throttled, 3 events" in page
    assert covered()["hours"] == {"compared": 1, "of": 1}


@pytest.mark.usefixtures("clock")
def test_a_window_that_cuts_an_hour_compares_its_minutes(night, fetch, covered, answer):
    """Sales in the minutes 0, 20 and 40: each window has the counts and the lines of its own."""
    for number in range(3):
        night.sale(number, number * 20 * MINUTE_MS)
    with Play(Groups.of(night.events)) as play:
        count(play, TILL, "Invocations", (0, 1), (20, 2), (40, 1))
        count(play, CONFIRM, "Invocations", (0, 1), (20, 1), (40, 1))
        fetch(play, *USHOP, "--since", "2026-11-21T01:59", "--until", "2026-11-21T02:50")
        for since, until, numbers in (
            ("01:59", "02:30", (4, 5)),
            ("02:10", "02:30:20", (2, 3)),
            ("02:30:30", "02:50", (2, 2)),
        ):
            window = ("--since", f"2026-11-21T{since}", "--until", f"2026-11-21T{until}")
            at = ("--endpoint-url", play.endpoint)
            live = answer("why", *USHOP, *window, *at)[1]["seen"]["coverage"]
            said = covered(*window)

            assert told(said) == live
            assert (said["seen"], said["counted"]) == numbers


def test_an_hour_that_grows_is_asked_again(night, fetch, covered, clock):
    """What was counted late replaces what was there; what has settled is not asked again."""
    night.sale(0, 0)
    night.sale(1, 10 * MINUTE_MS)
    with Play(Groups.of(night.events)) as play:
        count(play, TILL, "Invocations", (0, 1))
        count(play, CONFIRM, "Invocations", (0, 1), (10, 4))
        clock.now_ms = START_MS + 15 * MINUTE_MS
        fetch(play, *USHOP, *WINDOW[:2], "--until", "2026-11-21T02:15")
        first = covered()
        count(play, TILL, "Invocations", (0, 7), (10, 1))
        count(play, CONFIRM, "Invocations", (0, 7), (10, 1))
        clock.now_ms = START_MS + 21 * MINUTE_MS
        fetch(play, *USHOP, *WINDOW[:2], "--until", "2026-11-21T02:21")
        second = covered()
        clock.now_ms = NOW_MS
        fetch(play, *USHOP, *WINDOW[:2], "--until", "2026-11-21T02:21")
        play.requests.clear()
        fetch(play, *USHOP, *WINDOW[:2], "--until", "2026-11-21T02:21")

    assert (first["seen"], first["counted"]) == (4, 6)
    assert (second["seen"], second["counted"]) == (4, 16)
    assert "GetMetricData" not in [operation for operation, _ in play.requests]


@pytest.mark.usefixtures("clock")
def test_hours_that_aws_was_not_asked_of_are_told(
    night, log_file, fetch, covered, command, tmp_path
):
    """A second hour comes from a file: seen and counted are of the first, and the page says so."""
    night.sale(0, 0)
    with Play(Groups.of(night.events)) as play:
        count(play, TILL, "Invocations", (0, 1))
        count(play, CONFIRM, "Invocations", (0, 1))
        fetch(play, *USHOP, *WINDOW)
        night.events.clear()
        night.sale(1, HOUR_MS)
        fetch(play, night.write(log_file))

    said = covered()

    assert (said["seen"], said["counted"], said["uncompared"]) == (2, 2, 2)
    assert said["hours"] == {"compared": 1, "of": 2}
    page = command("why", "--store", tmp_path / "store").stdout.decode()
    assert "seen 2 of 2 invocations that AWS counted in 1 of 2 hours" in page
    assert covered("--since", "2026-11-21T03:00", "--until", "2026-11-21T04:00") == "unknown"


@pytest.mark.usefixtures("clock")
def test_an_hour_in_which_nothing_ran_tells_what_was_throttled(play, fetch, covered):
    """No line is there; AWS counted 300 that were turned away."""
    count(play, TILL, "Invocations", (0, 5))
    count(play, CONFIRM, "Throttles", (70, 300))

    fetch(play, *USHOP, *WINDOW[:2], "--until", "2026-11-21T03:30")

    assert covered()["throttled"] == 300
    assert covered()["hours"] == {"compared": 1, "of": 1}


@pytest.mark.usefixtures("clock")
def test_without_leave_to_ask_coverage_is_unknown_and_asked_the_next_time(play, fetch, covered):
    """The fetch goes well without it; once it is allowed, what was fetched before is asked too."""
    count(play, TILL, "Invocations", (0, 5))
    play.denied = {"GetMetricData"}
    said = fetch(play, *USHOP, *WINDOW)
    before = covered()
    play.denied = set()
    fetch(play, *USHOP, *WINDOW)

    assert (said["incomplete"], said["metrics"], before) == ([], 0, "unknown")
    assert covered()["counted"] == 5


def test_what_aws_does_not_keep_is_not_asked(play, fetch, covered, clock):
    """Sixteen days later the minutes are gone: unknown, not nought."""
    count(play, TILL, "Invocations", (0, 5))
    clock.now_ms = START_MS + 16 * 24 * HOUR_MS

    said = fetch(play, *USHOP, *WINDOW)

    assert (said["metrics"], covered()) == (0, "unknown")


@pytest.mark.usefixtures("clock")
def test_functions_of_a_shared_log_group_are_asked_by_their_own_names(night, fetch, covered):
    """The group is named after nobody; its lines say who wrote them."""
    night.sale(0, 0)
    for event in night.events:
        event["logStreamName"] = f"{event['logGroupName'][12:]}/{event['logStreamName']}"
        event["logGroupName"] = "/ushop/all"
    with Play(Groups.of(night.events)) as play:
        count(play, TILL, "Invocations", (0, 2))
        count(play, CONFIRM, "Invocations", (0, 1))
        fetch(play, "--log-group", "/ushop/all", *WINDOW)

    said = covered(*WINDOW)
    assert (said["seen"], said["counted"]) == (2, 3)


@pytest.mark.usefixtures("clock")
def test_what_was_counted_stands_with_its_hour(play, fetch, covered, tmp_path):
    """It lies in the folder of the hour, is not swept, and goes when the hour is old."""
    count(play, TILL, "Invocations", (0, 5))
    fetch(play, *USHOP, *WINDOW)
    file = tmp_path / "store" / "hours" / "2026-11-21T02" / "counted.json"

    assert [one["function"] for one in json.loads(file.read_text())["functions"]] == [TILL, CONFIRM]
    counted.Folder.opened(str(tmp_path / "store")).sweep()
    assert covered()["counted"] == 5


@pytest.mark.usefixtures("clock")
def test_an_hour_that_lacks_what_was_forgotten_is_not_compared(
    play, fetch, covered, answer, tmp_path
):
    """AWS counted what the store does not hold any more: unknown, not lost."""
    count(play, TILL, "Invocations", (0, 5))
    fetch(play, *USHOP, *WINDOW)

    answer("store", "forget", "--where", "customerId=c001", "--store", tmp_path / "store")

    assert covered() == "unknown"
