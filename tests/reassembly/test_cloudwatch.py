"""CloudWatch Logs as tests/cloudwatch plays it: one night by every way, and what goes wrong."""

import dataclasses
import functools
from datetime import datetime, timezone

import pytest
from tests.cloudwatch import limits
from tests.cloudwatch.data import Groups
from tests.cloudwatch.server import CloudWatch as Play
from tests.cloudwatch.shop import Shops
from tests.reassembly.histories import charge

from lumitrace.reassembly import read
from lumitrace.reassembly.aws import Account
from lumitrace.reassembly.events import Counts
from lumitrace.reassembly.problem import Problem
from lumitrace.reassembly.sources.cloudwatch import CloudWatch, Position, cold, insights, logs, ways
from lumitrace.reassembly.sources.window import Window

START_MS = 1_795_226_400_000  # 2026-11-21T02:00:00Z, when the night begins
WINDOW = ("--since", "2026-11-21T01:59", "--until", "2026-11-21T02:10")
USHOP = ("--log-group", "/aws/lambda/ushop_*")
INSIGHTS = ("--by", "insights")
UNIMPORTABLE = "Runtime.ImportModuleError: Unable to import module 'app': No module named 'nope'"

pytestmark = pytest.mark.usefixtures("signed_in")


@pytest.fixture
def play(night):
    """A server that holds a night with two lost sales of five."""
    for number in range(5):
        night.sale(number, number * 1000, bad=number in {1, 3})
    with Play(held(night)) as server:
        yield server


def held(night, kind="STANDARD"):
    """Return the log groups of a night."""
    data = Groups()
    for event in night.events:
        data.group(event["logGroupName"], kind)
        data.put(
            event["logGroupName"], event["logStreamName"], event["timestamp"], event["message"]
        )
    return data


def at(play):
    """Return the option that names the server."""
    return ("--endpoint-url", play.endpoint)


def summary(said):
    """Return what must not depend on the way."""
    impact, issue = said["impact"], said["issue"]
    return impact["ids"], impact["total"], issue["function"], issue["all"], said["cause"]


def test_insights_says_what_whole_logs_say(play, night, log_file, answer):
    """The counts, the impact and the cause of the same night."""
    whole = answer("why", night.write(log_file))[1]
    few = answer("why", *USHOP, *WINDOW, *at(play))[1]
    play.calls.clear()

    code, asked = answer("why", *USHOP, *WINDOW, *at(play), *INSIGHTS)

    assert code == 0
    assert summary(asked) == summary(few) == summary(whole)
    assert "FilterLogEvents" not in play.calls
    assert asked["seen"]["sample"] is None


def test_insights_leaves_the_logs_of_other_services_to_filter_log_events(night, log_file, answer):
    """No query asks for histories and access logs: they are read whole, the functions' are not."""
    history, run = charge(night)
    for ms, message in history.logged():
        where = {"logGroupName": "/aws/vendedlogs/states/ushop_fulfil", "logStreamName": "s"}
        night.events.append({**where, "timestamp": ms, "message": message})
    whole = answer("show", run.request, night.write(log_file))[1]

    with Play(held(night)) as play:
        asked = ("--log-group", "/aws/vendedlogs/states/*", *USHOP, *WINDOW, *at(play), *INSIGHTS)
        code, shown = answer("show", run.request, *asked)

    assert code == 0
    assert [one["name"] for one in shown["spans"]] == [one["name"] for one in whole["spans"]]
    assert shown["transaction"]["entry"] == "Step Functions ushop_fulfil"
    assert play.calls.count("FilterLogEvents") == 3  # two look into it, one reads the invocation


def test_a_function_that_never_starts_is_told_by_insights_too(night, log_file, command):
    """Why, in the runtime's words; that nobody counted its invocations, instead of a rate."""
    night.sale(1, 0)
    for number in range(3):
        request, ms = night.request(), 5000 + 1000 * number
        says = functools.partial(night.say, "ushop_charge", "s9")
        says(ms, f"START RequestId: {request} Version: $LATEST\n")
        says(ms + 1, f"[ERROR] {UNIMPORTABLE}\nTraceback (most recent call last):")
        says(ms + 2, f"END RequestId: {request}\n")
        measured = "Duration: 1.00 ms\tStatus: error\tError Type: Runtime.ImportModuleError"
        says(ms + 3, f"REPORT RequestId: {request}\t{measured}\n")
    whole = command("why", night.write(log_file)).stdout.decode()

    with Play(held(night)) as play:
        page = command("why", *USHOP, *WINDOW, *at(play), *INSIGHTS).stdout.decode()

    cause = [line for line in whole.splitlines() if "No module named" in line]
    assert len(cause) == 2
    assert [line for line in page.splitlines() if "No module named" in line] == cause
    assert "ushop_charge   3 invocations failed, of how many is not known" in page


def test_infrequent_access_is_asked_by_parsing(night, log_file, answer):
    """Its fields are not discovered; the answer is the same, and FilterLogEvents is not tried."""
    night.sale(1, 0, bad=True)
    whole = answer("why", night.write(log_file))[1]

    with Play(held(night, limits.INFREQUENT)) as play:
        code, asked = answer("why", *USHOP, *WINDOW, *at(play))

    assert code == 0
    assert summary(asked) == summary(whole)
    assert "FilterLogEvents" not in play.calls


def test_a_class_that_cannot_be_read_is_told(play, command):
    """The other groups are read, and the answer says what is missing."""
    play.data.group("/aws/lambda/ushop_sent", limits.DELIVERY)

    done = command("why", *USHOP, *WINDOW, *at(play))

    assert done.returncode == 1
    assert "2 sales lost" in done.stdout.decode()
    assert "is of the class DELIVERY" in done.stdout.decode()


def test_log_groups_are_found_by_a_pattern(play):
    """By what they begin with, end in, or contain."""
    play.data.group("/aws/lambda/other", limits.INFREQUENT)
    cloudwatch = CloudWatch(Account(endpoint_url=play.endpoint))

    def found(name):
        return dict(cloudwatch.groups(name))

    assert list(found("*new-sale*")) == ["/aws/lambda/ushop_new-sale-processing"]
    assert found("*other") == {"/aws/lambda/other": limits.INFREQUENT}
    assert len(found("/aws/lambda/ushop_*ing")) == 1
    with pytest.raises(Problem, match=r"no log group is called '\*nope\*'"):
        found("*nope*")


def test_more_than_a_page_and_more_than_a_query_gives(play, answer, monkeypatch):
    """Pages are followed, and where a query gives no more its time is halved: nothing is lost."""
    lines = sum(
        "lumitrace" in event.message for event in play.data.scan(play.data.kinds(), 0, 9e15)
    )
    monkeypatch.setattr(limits, "QUERY_PAGE", 4)
    monkeypatch.setattr(insights, "MOST_ROWS", 30)

    asked = answer("transactions", "--failed", *USHOP, *WINDOW, *at(play), *INSIGHTS)[1]

    assert lines > 30
    assert (asked["total"], asked["matching"]) == (5, 2)


def test_throttling_is_waited_out(play, answer):
    """The SDK tries again, slower; the answer is whole."""
    play.faults["StartQuery"] = [("ThrottlingException", "Rate exceeded")]
    play.faults["GetQueryResults"] = [("ThrottlingException", "Rate exceeded")]

    code, asked = answer("why", *USHOP, *WINDOW, *at(play), *INSIGHTS)

    assert (code, asked["impact"]["lost"]) == (0, 2)


@pytest.mark.parametrize(
    ("operation", "by"), [("FilterLogEvents", "filter-log-events"), ("GetQueryResults", "insights")]
)
def test_throttling_that_does_not_end_is_told(play, command, monkeypatch, operation, by):
    """By AWS's own word, where the SDK has given up, with what to do."""
    monkeypatch.setattr(logs, "LOGS", dataclasses.replace(logs.LOGS, retries=0))
    play.faults[operation] = [("ThrottlingException", "Rate exceeded")] * 20

    done = command("why", *USHOP, *WINDOW, *at(play), "--by", by)

    assert done.returncode == 1
    assert "ThrottlingException: Rate exceeded; try again" in done.stderr.decode()


def test_more_lines_of_one_second_than_a_query_gives_are_told(play, command, monkeypatch):
    """A second is not halved; how many lines are missing stands in the answer."""
    monkeypatch.setattr(insights, "MOST_ROWS", 4)

    done = command("why", *USHOP, *WINDOW, *at(play), *INSIGHTS)

    assert done.returncode == 1
    assert "lines of one second were not read: a query gives 4 rows" in done.stderr.decode()


def test_more_counts_than_a_query_gives_are_told(play, command, monkeypatch):
    """Counts cannot be halved."""
    monkeypatch.setattr(insights, "MOST_ROWS", 2)

    done = command("why", *USHOP, *WINDOW, *at(play), *INSIGHTS)

    assert "a query gave 2 rows, which is all it may" in done.stderr.decode()


def test_a_page_that_comes_again_and_again_is_told(play, command, monkeypatch):
    """A token that leads to itself ends the reading of that log group, not the answer."""
    page = play.answer

    def again(target, request, scope=""):
        said = page(target, {**request, "nextToken": "0"} if "nextToken" in request else request)
        return {**said, "nextToken": "0"} if target.endswith("FilterLogEvents") else said

    monkeypatch.setattr(play, "answer", again)

    done = command("why", *USHOP, *WINDOW, *at(play), "--by", "filter-log-events")

    assert done.returncode == 1
    assert "CloudWatch Logs repeated a page of" in done.stderr.decode()
    assert "2 sales lost" in done.stdout.decode()


def test_a_place_among_the_queries_is_waited_for(play, answer):
    """Others run queries too: 100 at once an account."""
    play.faults["StartQuery"] = [("LimitExceededException", "too many queries at once")]

    assert answer("why", *USHOP, *WINDOW, *at(play), *INSIGHTS)[1]["impact"]["lost"] == 2


@pytest.mark.parametrize("ends", ["Timeout", "Failed", "Cancelled"])
def test_a_query_that_did_not_complete_is_told(play, command, ends):
    """Its rows are not taken for all."""
    play.ends = ends

    done = command("why", *USHOP, *WINDOW, *at(play), *INSIGHTS)

    assert done.returncode == 1
    assert f"the query ended as {ends}" in done.stderr.decode()


def test_credentials_that_expire_on_the_way_are_told(play, command):
    """What was read before is answered, with the doubt in it."""
    play.faults["StartQuery"] = [("ExpiredTokenException", "expired")]

    done = command("why", *USHOP, *WINDOW, *at(play), *INSIGHTS)

    assert done.returncode == 1
    assert "the AWS credentials have expired" in done.stderr.decode()


def test_without_leave_to_query_whole_logs_are_read(play, answer, monkeypatch):
    """FilterLogEvents serves where Logs Insights is not allowed."""
    monkeypatch.setattr(ways, "FEW_GROUPS", 0)
    play.denied = {"StartQuery"}

    code, asked = answer("why", *USHOP, *WINDOW, *at(play))

    assert (code, asked["impact"]["lost"]) == (0, 2)
    assert {"StartQuery", "FilterLogEvents"} <= set(play.calls)


def test_an_answer_says_what_was_scanned_and_what_it_cost(play, command, answer):
    """In bytes and USD, by a price that can be overridden."""
    play.denied = {"GetMetricData"}
    page = command("why", *USHOP, *WINDOW, *at(play), *INSIGHTS).stdout.decode()
    said = answer("why", *USHOP, *WINDOW, *at(play), *INSIGHTS, "--usd-per-gb", "1000")[1]

    assert "kB, 0.000 USD" in page.splitlines()[-1]
    assert float(said["scanned"]["usd"]) == said["scanned"]["bytes"] / 1e6
    assert said["scanned"]["bytes"] > 0


def test_the_budget_stops_the_queries(play, command):
    """With a sentence, and what still runs is stopped on the other side."""
    bounds = ("--budget-usd", "0.0000001")

    done = command("why", *USHOP, *WINDOW, *at(play), *INSIGHTS, *bounds)

    assert done.returncode == 1
    assert "of --budget-usd" in done.stderr.decode()
    assert play.stopped


def test_reading_goes_on_where_it_stopped(play, monkeypatch):
    """The events before are not read again, those behind are not missed."""
    cloudwatch = CloudWatch(Account(endpoint_url=play.endpoint))
    group, position, seen = "/aws/lambda/ushop_sale-confirmations", Position(), []
    all_events = [event.event_id for event in cloudwatch.read(group, Window())]
    monkeypatch.setattr(limits, "FILTER_PAGE_EVENTS", 7)

    def until_it_expires():
        for event in cloudwatch.read(group, Window(), position):
            seen.append(event.event_id)
            play.faults["FilterLogEvents"] = [("ExpiredTokenException", "expired")]

    with pytest.raises(Problem, match="expired"):
        until_it_expires()
    first = len(seen)
    play.faults.clear()
    seen += [event.event_id for event in cloudwatch.read(group, Window(), position)]

    assert position.done
    assert 0 < first < len(seen) == len(all_events)


def test_of_two_regions_equal_streams_stay_apart(play):
    """The same names twice are two log streams, as in two accounts."""
    account = Account("eu-west-1,us-east-1", endpoint_url=play.endpoint)
    where = read.Where(log_groups=("/aws/lambda/ushop_*",), account=account)

    events = [one for source in read._sources(where, Counts(), []) for one in source]

    assert {one.stream for one in events} == {"s1 (eu-west-1)", "s1 (us-east-1)"}
    assert len({one.event_id for one in events}) == len(events)


# Coverage


def count(play, function, metric, *pairs):
    """Let AWS have counted values at minutes behind two."""
    times = [(START_MS + minute * 60_000 + 500, value) for minute, value in pairs]
    play.data.metrics[function, metric] = times


@pytest.mark.parametrize("by", ["auto", "insights"])
def test_coverage_is_of_what_aws_counted(play, command, answer, by):
    """One invocation left no line, others never began; the window bounds what is asked."""
    count(play, "ushop_new-sale-processing", "Invocations", (0, 5), (30, 99))
    count(play, "ushop_sale-confirmations", "Invocations", (0, 10))
    count(play, "ushop_sale-confirmations", "Throttles", (0, 1200), (1, 4))
    count(play, "ushop_sale-confirmations", "AsyncEventsDropped", (2, 3))
    told = "seen 14 of 15 invocations that AWS counted; 1,204 throttled, 3 events dropped"

    page = command("why", *USHOP, *WINDOW, *at(play), "--by", by).stdout.decode()
    said = answer("why", *USHOP, *WINDOW, *at(play), "--by", by)[1]

    assert f"{told} before any code ran" in page
    assert said["seen"]["coverage"]["throttled"] == 1204
    assert said["scanned"]["metrics"] == 8


def test_coverage_is_unknown_where_it_may_not_be_asked(play, command):
    """The answer stands without it."""
    count(play, "ushop_new-sale-processing", "Invocations", (0, 5))
    play.denied = {"GetMetricData"}

    done = command("why", *USHOP, *WINDOW, *at(play))

    assert done.returncode == 0
    assert "coverage unknown" in done.stdout.decode()


# The cold question, of a small shop


@pytest.fixture
def shops():
    """Two minutes of four shops, 9 invocations a second."""
    return Shops(per_second=9, minutes=2)


def ask(answer, play, shops, *more):
    """Ask why of all of the shops' logs."""
    moments = [shops.began_ms / 1000, shops.began_ms / 1000 + 120]
    since, until = (
        f"{datetime.fromtimestamp(moment, timezone.utc):%Y-%m-%dT%H:%M:%S}" for moment in moments
    )
    window = ("--since", since, "--until", until)
    return answer("why", "--log-group", "*", *window, *at(play), *INSIGHTS, *more)


def test_a_sample_keeps_the_exact_figures(shops, answer, monkeypatch):
    """Rates and impact are those of reading everything; the answer says what is of the sample."""
    with Play(shops) as play:
        _, whole = ask(answer, play, shops)
        monkeypatch.setattr(cold, "ALL_INVOCATIONS", 100)
        monkeypatch.setattr(cold, "HEALTHY_INVOCATIONS", 200)
        code, sampled = ask(answer, play, shops)

    assert code == 0
    assert whole["seen"]["sample"] is None
    assert sampled["issue"] == whole["issue"]
    assert sampled["impact"]["lost"] == whole["impact"]["lost"] > 10
    assert sampled["impact"]["total"] == whole["impact"]["total"]
    assert sampled["cause"]["failing"] == whole["cause"]["failing"]
    assert sampled["seen"]["sample"]["invocations"] == whole["seen"]["invocations"]
    assert sampled["seen"]["invocations"] < whole["seen"]["invocations"] / 2
    assert "impact.lost" in sampled["seen"]["sample"]["exact"]
    coverage = sampled["seen"]["coverage"]
    assert coverage["seen"] == coverage["counted"] > 400


def test_more_failures_than_are_read_make_the_impact_a_lower_bound(
    shops, answer, command, monkeypatch
):
    """The rates stay exact; the answer does not call the impact so."""
    monkeypatch.setattr(cold, "ALL_INVOCATIONS", 100)
    monkeypatch.setattr(cold, "FAILING_TRACES", 5)
    with Play(shops) as play:
        _, said = ask(answer, play, shops)

    sample = said["seen"]["sample"]
    assert sample["failingTraces"]["read"] == 5 < sample["failingTraces"]["of"]
    assert "impact.lost" not in sample["exact"]
    assert "issue.all" in sample["exact"]
