"""The server itself: AWS's limits, and a refusal for what is not sent."""

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from tests.cloudwatch import limits
from tests.cloudwatch.data import Groups
from tests.cloudwatch.insights import Query
from tests.cloudwatch.server import CloudWatch
from tests.cloudwatch.shop import Shops

from lumitrace.reassembly.sources.cloudwatch import queries


@pytest.fixture
def play():
    """A server with a few log groups."""
    data = Groups()
    for number in range(60):
        data.group(f"g{number:02d}")
    for number in range(limits.FILTER_PAGE_EVENTS + 1):
        data.put("g00", "s", number, "x")
    data.group("rare", limits.INFREQUENT)
    with CloudWatch(data) as server:
        yield server


@pytest.fixture
def logs(play):
    """A client of it that tries nothing twice."""
    keys = {"aws_access_key_id": "k", "aws_secret_access_key": "s"}
    once = Config(retries={"total_max_attempts": 1})
    client = boto3.client("logs", "eu-west-1", endpoint_url=play.endpoint, config=once, **keys)
    yield client
    client.close()


def start(logs, text, names):
    """Start a query of a second."""
    return logs.start_query(logGroupNames=names, startTime=0, endTime=1, queryString=text)


def test_a_query_takes_fifty_log_groups(logs):
    """One more is refused."""
    names = [f"g{number:02d}" for number in range(51)]

    assert start(logs, queries.everything("STANDARD"), names[:50])["queryId"]
    with pytest.raises(ClientError, match="at most 50"):
        start(logs, queries.everything("STANDARD"), names)


@pytest.mark.parametrize(
    "text",
    [
        "fields @timestamp, @message",
        queries.everything("STANDARD") + "\n| dedup traceId",
        queries.everything("STANDARD").replace("lumitrace = 1", "lumitrace = 2"),
    ],
)
def test_a_query_that_is_not_ours_is_refused(logs, text):
    """Rather than answered with everything."""
    with pytest.raises(ClientError, match="MalformedQueryException"):
        start(logs, text, ["g00"])


def test_an_operation_or_a_parameter_that_is_not_sent_is_refused(logs):
    """The play grows with what is sent."""
    with pytest.raises(ClientError, match="UnknownOperationException"):
        logs.describe_log_streams(logGroupName="g00")
    with pytest.raises(ClientError, match="interleaved is not played"):
        logs.filter_log_events(logGroupName="g00", interleaved=True)


def test_a_page_holds_ten_thousand_events(logs):
    """And says that there is more."""
    page = logs.filter_log_events(logGroupName="g00")
    more = logs.filter_log_events(logGroupName="g00", nextToken=page["nextToken"])

    assert (len(page["events"]), len(more["events"])) == (10_000, 1)
    assert "nextToken" not in more


def test_the_sixth_request_of_a_second_is_throttled(play, logs):
    """FilterLogEvents: five a second for an account and region."""
    play.seen["FilterLogEvents"].extend([float("inf")] * 4)  # as if just now, however long it takes

    assert logs.filter_log_events(logGroupName="g01")["events"] == []
    with pytest.raises(ClientError, match="ThrottlingException"):
        logs.filter_log_events(logGroupName="g01")


def test_infrequent_access_knows_no_fields_and_no_filter_log_events(logs):
    """What Standard discovers must be parsed there."""
    with pytest.raises(ClientError, match="not supported"):
        logs.filter_log_events(logGroupName="rare")
    with pytest.raises(ClientError, match="of class"):
        start(logs, queries.everything("STANDARD"), ["g00", "rare"])


def test_a_query_runs_before_it_is_complete(logs):
    """Who takes the first answer for the last loses rows."""
    query = start(logs, queries.everything("STANDARD"), ["g00"])["queryId"]

    found = [logs.get_query_results(queryId=query)["status"] for _ in range(2)]
    assert found == ["Running", "Complete"]


def test_a_limit_names_the_page_that_states_it():
    """What no page states is not called confirmed."""
    assert set(limits.CONFIRMED) <= {*vars(limits), *limits.PER_SECOND}
    assert all(page.startswith("https://") for page in limits.CONFIRMED.values())


def test_the_shops_count_as_reading_every_line_would():
    """What is counted beforehand is what a scan counts."""
    shops = Shops(per_second=20, minutes=1)
    since_s = shops.began_ms // 1000

    def counted(data):
        query = Query(queries.counts("STANDARD", "1m"), ["STANDARD"], since_s, since_s + 70)
        query.run(data, shops.names)
        return sorted(map(sorted, (row.items() for row in query.rows))), query.statistics

    class Scanned:
        """The same data, without the short cuts."""

        scan, bytes = shops.scan, shops.bytes

    rows, statistics = counted(Scanned())
    assert counted(shops)[0] == rows
    assert counted(shops)[1]["recordsMatched"] == statistics["recordsMatched"] > 0
