"""TestMetricFilter, as the pages on filter patterns say it answers, asked by a real client."""

import boto3
import pytest
from botocore.exceptions import ClientError
from tests.cloudwatch.data import Groups
from tests.cloudwatch.server import CloudWatch

UPDATE = '{"eventType":"UpdateTrail","ip":"111.1.1.1","list":[{"id":1},{"id":2}],"n":null,"t":true}'


@pytest.fixture(scope="module")
def logs():
    """A client of a server without log groups."""
    with CloudWatch(Groups()) as play:
        keys = {"aws_access_key_id": "k", "aws_secret_access_key": "s"}
        client = boto3.client("logs", "eu-west-1", endpoint_url=play.endpoint, **keys)
        client.play = play
        yield client
        client.close()


def matched(logs, pattern, messages):
    """Return the messages that *pattern* matches."""
    logs.play.seen.clear()  # these tests are not about the pace
    found = logs.test_metric_filter(filterPattern=pattern, logEventMessages=messages)
    return [one["eventMessage"] for one in found["matches"]]


@pytest.mark.parametrize(
    ("pattern", "hits", "misses"),
    [
        ("ERROR", ["[ERROR] bad", "ERRORCODE: -1"], ["error"]),
        ("ERROR Exception", ["ERROR and Exception"], ["ERROR"]),
        ('"Task timed out"', ["1 Task timed out after 3 s"], ["Task was timed out"]),
        ("?ERROR ?WARN", ["ERROR", "WARN"], ["INFO"]),
        ('ERROR -"Exiting"', ["ERROR"], ["ERROR Exiting"]),
        ("-ERROR", ["WARN"], ["ERROR"]),
        ("?ERROR ?WARN INFO", ["INFO"], ["ERROR", "WARN"]),  # "?" beside other terms is ignored
        ('"say \\"no\\""', ['say "no"'], ["say no"]),
        ("%ERR[A-Z]+%", ["ERROR"], ["ERR"]),
        ("%AUTHORIZED%", ["[ERROR 401] UNAUTHORIZED REQUEST", "[SUCCESS 200] AUTHORIZED"], ["x"]),
        (r"%\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}%", ["from 10.0.0.1"], ["from 10.0.1"]),
        ("%[Ee]rror|[Ff]ail%", ["Error", "fail"], ["ERROR"]),
        ("%^[hc]at%", ["hat", "cat"], ["a hat"]),
        ("%[hc]at$%", ["a hat"], ["hats"]),
        ("%colou?r%", ["color", "colour"], ["colouur"]),
        ("{ $.eventType = %Trail$% }", [UPDATE], ['{"eventType":"Trails"}']),
        ('{ $.eventType = "UpdateTrail" }', [UPDATE], ["UpdateTrail", '{"eventType":"x"}']),
        ("{ $.ip != 123.123.* }", [UPDATE], ['{"ip":"123.123.1.1"}', '{"other":1}']),
        ("{ $.list[1].id = 2 }", [UPDATE], ['{"list":[{"id":2}]}']),
        ("{ $.list = 1 }", [], [UPDATE]),
        ("{ $.n IS NULL }", [UPDATE], ['{"n":1}', "{}"]),
        ("{ $.other NOT EXISTS }", [UPDATE], ['{"other":1}']),
        ("{ $.t IS TRUE }", [UPDATE], ['{"t":false}']),
        ("{ $.a >= 5e1 && ($.b = 1 || $.b = x) }", ['{"a":50,"b":"x"}'], ['{"a":49,"b":1}']),
        ("[ip, user, status = 4* && status != 403]", ["1 a 404"], ["1 a 403", "1 a 200"]),
        ("[..., bytes > 1000]", ["1 [2 3] 1534"], ["1 2 3", "1 2 x"]),
    ],
)
def test_a_pattern_matches_what_the_guide_says(logs, pattern, hits, misses):
    """Terms, JSON and columns."""
    assert matched(logs, pattern, [*hits, *misses]) == hits


@pytest.mark.parametrize(
    "pattern",
    [
        "a-b",
        "{ $.a = }",
        "{ $.a ~ 1 }",
        "{ $.a[*] = 1 }",
        "[a, b",
        '{ $.a > "x" }',
        "%something!%",
        "%(a|b)%",
        "%a b%",
        "%é%",
        "%[a%",
        "{ $.a = %x% && $.b = %y% && $.c = %z% }",
        "a" * 1025,
    ],
)
def test_what_is_no_pattern_is_refused(logs, pattern):
    """And nothing is matched by accident."""
    with pytest.raises(ClientError, match="InvalidParameterException"):
        matched(logs, pattern, ['{"a":"y"}'])


def test_fifty_messages_are_tried_at_once(logs):
    """One more is refused."""
    assert matched(logs, "ERROR", ["ERROR"] * 50) == ["ERROR"] * 50
    with pytest.raises(ClientError, match="InvalidParameterException"):
        matched(logs, "ERROR", ["ERROR"] * 51)
