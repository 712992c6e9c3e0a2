"""All log lines of the invocations asked about, where Logs Insights gave no more than ours."""

import pytest
from tests.cloudwatch import limits
from tests.cloudwatch.server import CloudWatch as Play
from tests.reassembly.test_cloudwatch import INSIGHTS, USHOP, WINDOW, at, held

from lumitrace.reassembly.sources.cloudwatch import invocations

HUNG = [
    "Timeout (0:00:02.900000)!",
    "Thread 0x00007f0000000000 (most recent call first):",
    '  File "/var/task/app.py", line 31 in ask',
]

pytestmark = pytest.mark.usefixtures("signed_in")


@pytest.fixture
def sales(night):
    """Ten sales in one sandbox a function, a minute apart; the second is refused."""
    for number in range(10):
        night.sale(number, number * 50_000, bad=number == 1)
    return night


def by_insights(play, *more):
    """Return the arguments that ask the play."""
    return (*USHOP, *WINDOW, *at(play), *INSIGHTS, *more)


def spoken(said):
    """Return what was logged, and by whom."""
    return [(one["source"], one["attempt"], one["message"]) for one in said["logs"]]


def test_the_transaction_asked_about_has_all_its_lines(sales, log_file, answer):
    """START, REPORT and the application's: those of the whole logs, and of few requests."""
    whole = answer("show", "sale-0001", sales.write(log_file))[1]

    with Play(held(sales)) as play:
        code, asked = answer("show", "sale-0001", *by_insights(play))

    read = [one for name, one in play.requests if name == "FilterLogEvents"]
    assert code == 0
    assert spoken(asked) == spoken(whole)
    assert any("REPORT" in message for _, _, message in spoken(asked))
    assert [one["logStreamNames"] for one in read] == [["s1"], ["s1"]]
    assert all(one["endTime"] - one["startTime"] < 30_000 for one in read)


def test_infrequent_access_is_asked_for_its_streams(sales, log_file, answer):
    """By Logs Insights, which scans for it, and says what that cost."""
    whole = answer("show", "sale-0001", sales.write(log_file))[1]

    with Play(held(sales, limits.INFREQUENT)) as play:
        code, asked = answer("show", "sale-0001", *by_insights(play))
        listed = answer("transactions", *by_insights(play))[1]

    assert code == 0
    assert sorted(spoken(asked)) == sorted(spoken(whole))
    assert "FilterLogEvents" not in play.calls
    assert asked["scanned"]["bytes"] > listed["scanned"]["bytes"]


def test_without_leave_to_filter_the_streams_are_asked_of_insights(sales, log_file, answer):
    """Either permission serves."""
    whole = answer("show", "sale-0001", sales.write(log_file))[1]

    with Play(held(sales)) as play:
        play.denied = {"FilterLogEvents"}
        code, asked = answer("show", "sale-0001", *by_insights(play))

    assert code == 0
    assert sorted(spoken(asked)) == sorted(spoken(whole))
    assert play.calls.count("FilterLogEvents") == 1


def test_what_could_not_be_read_is_told(sales, command):
    """The transaction is shown with what there is, and the exit code is 1."""
    with Play(held(sales)) as play:
        play.faults["FilterLogEvents"] = [("ExpiredTokenException", "expired")]
        done = command("show", "sale-0001", *by_insights(play))

    assert done.returncode == 1
    assert "credentials have expired" in done.stderr.decode()
    assert "4 invocations were not read whole" in done.stderr.decode()
    assert "PutItem ushop_sales" in done.stdout.decode()


def test_the_budget_holds_for_these_lines_too(sales, command, answer):
    """What the first queries scanned is allowed, the rest is not."""
    with Play(held(sales, limits.INFREQUENT)) as play:
        spent = answer("transactions", *by_insights(play))[1]["scanned"]["usd"]
        done = command("show", "sale-0001", *by_insights(play, "--budget-usd", spent))

    assert done.returncode == 1
    assert "of --budget-usd" in done.stderr.decode()
    assert "transaction  " in done.stdout.decode()


def test_pages_are_bounded(sales, command, monkeypatch):
    """A stream that never ends does not hold up the answer."""
    monkeypatch.setattr(limits, "FILTER_PAGE_EVENTS", 1)
    monkeypatch.setattr(invocations, "MOST_PAGES", 5)

    with Play(held(sales)) as play:
        done = command("show", "sale-0001", *by_insights(play))

    assert done.returncode == 1
    assert "more than 5 pages" in done.stderr.decode()
    assert play.calls.count("FilterLogEvents") == 5


def test_no_request_names_more_streams_than_aws_takes():
    """A hundred; more are asked in several."""
    places = [invocations.Place("g", f"s{number}", 0, 10) for number in range(250)]

    found = invocations.pieces(places)

    assert [len(one.streams) for one in found] == [100, 100, 50]
    assert {stream for one in found for stream in one.streams} == {one.stream for one in places}


def test_a_stream_that_no_query_can_name_is_told(sales, command):
    """Its lines are missing, and whoever asks is told so."""
    for event in sales.events:
        event["logStreamName"] = 's"1'

    with Play(held(sales, limits.INFREQUENT)) as play:
        done = command("show", "sale-0001", *by_insights(play))

    assert done.returncode == 1
    assert "has a name that no query can hold" in done.stderr.decode()
    assert "4 invocations were not read whole" in done.stderr.decode()


def test_of_two_regions_each_is_asked_for_its_own(sales, log_file, answer):
    """Streams of the same name stay apart, and get their lines."""
    whole = answer("show", "sale-0001", sales.write(log_file))[1]
    regions = ("--region", "eu-west-1,us-east-1")

    with Play(held(sales)) as play:
        asked = answer("show", "sale-0001", *by_insights(play, *regions))[1]

    assert set(spoken(whole)) <= set(spoken(asked))
    assert {one["stream"] for one in asked["logs"]} >= {"s1 (eu-west-1)"}


def test_why_says_where_a_function_hung(night, command):
    """The watchdog's lines are the application's: they are read of the example alone."""
    run = night.begin("ushop_charge", 0, trigger="sqs", source="ushop_charges")
    for line in HUNG:
        night.say(run.function, run.stream, 2900, line)
    stamp = "2026-11-21T02:00:03.000Z"
    night.say(
        run.function, run.stream, 3000, f"{stamp} {run.request} Task timed out after 3.00 seconds"
    )
    night.close(run, 3001, 3000, report="Status: timeout")

    with Play(held(night)) as play:
        page = command("why", *by_insights(play)).stdout.decode()

    assert "app.py:31 ask" in page
    assert play.calls.count("FilterLogEvents") == 1
