"""Files in every form, and CloudWatch Logs as moto plays it: the same night, the same answer."""

import json
import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

GROUPS = ("/aws/lambda/ushop_new-sale-processing", "/aws/lambda/ushop_sale-confirmations")


def a_night(night):
    """Write five sales, two of them lost."""
    for number in range(5):
        night.sale(number, number * 1000, bad=number in {1, 3})
    return night


def summary(said):
    """Return what must not depend on how the lines came in."""
    kept = ("issue", "impact", "cause", "stack", "example")
    counted = ("invocations", "spanLines", "untrusted", "logEvents")
    return {name: said[name] for name in kept} | {name: said["seen"][name] for name in counted}


def test_a_filter_log_events_document_is_read(night, tmp_path, answer):
    """As the AWS CLI prints it: indented, without the group's name."""
    a_night(night)
    for event in night.events:
        event["logStreamName"] = event.pop("logGroupName")
    path = tmp_path / "document.json"
    path.write_text(json.dumps({"events": night.events}, indent=4))

    assert answer("why", path)[1]["impact"]["lost"] == 2


def test_plain_lines_are_read_as_one_stream(night, tmp_path, answer):
    """Without times of their own, the lines keep their order."""
    a_night(night)
    path = tmp_path / "plain.log"
    path.write_text("".join(event["message"].rstrip("\n") + "\n" for event in night.events))

    _, said = answer("why", path)

    assert said["impact"]["lost"] == 2
    assert said["seen"]["untrusted"] == 0


def test_standard_input_is_read(night, command):
    """``-`` and no path at all are the same where something is piped in."""
    lines = a_night(night).lines().encode()

    named = command("why", "-", "--json", stdin=lines)
    unnamed = command("why", "--json", stdin=lines)

    assert named.stdout == unnamed.stdout
    assert json.loads(named.stdout)["impact"]["lost"] == 2


def test_crlf_a_bom_and_invalid_bytes_do_no_harm(night, tmp_path, answer):
    """As an editor on another system may leave a file."""
    text = a_night(night).lines().replace("\n", "\r\n").encode()
    path = tmp_path / "edited.jsonl"
    path.write_bytes(b"\xef\xbb\xbf" + text + b"\xff\xfe no event\r\n")

    _, said = answer("why", path)

    assert said["impact"]["lost"] == 2
    assert said["seen"]["skipped"] == 1


def test_two_files_that_overlap_count_each_event_once(night, tmp_path, answer):
    """Exports of the same hour: duplicates change nothing."""
    a_night(night)
    night.write(tmp_path / "a.jsonl")
    alone = answer("why", tmp_path / "a.jsonl")[1]
    night.events = night.events[len(night.events) // 2 :]
    night.write(tmp_path / "b.jsonl")

    both = answer("why", tmp_path / "a.jsonl", tmp_path / "b.jsonl")[1]

    assert summary(both) == summary(alone)


def test_one_stream_under_two_names_counts_once(night, tmp_path, answer):
    """A document of the AWS CLI does not say its group: the same night as in the log events."""
    a_night(night)
    night.write(tmp_path / "night.jsonl")
    alone = answer("why", tmp_path / "night.jsonl")[1]
    events = [{**event, "logStreamName": event["logGroupName"]} for event in night.events]
    for event in events:
        del event["logGroupName"]
    (tmp_path / "document.json").write_text(json.dumps({"events": events}))

    both = answer("why", tmp_path / "night.jsonl", tmp_path / "document.json")[1]

    assert both["impact"] == alone["impact"]
    assert both["issue"] == alone["issue"]


@settings(
    max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(seed=st.integers(0, 10_000), doubled=st.integers(0, 60), files=st.integers(1, 3))
def test_order_files_and_duplicates_do_not_change_the_answer(  # the dice
    tmp_path_factory, answer, sample, seed, doubled, files
):
    """Any order of the events, any split into files, any event twice: one answer."""
    events, expected = sample.events, sample.answer
    dice = random.Random(seed)  # noqa: S311  # a shuffle that can be repeated
    mixed = [*events]
    dice.shuffle(mixed)
    folder = tmp_path_factory.mktemp("mixed")
    for number in range(files):
        lines = [json.dumps(event) for event in mixed[number::files]]
        (folder / f"{number}.jsonl").write_text("\n".join(lines))
    # In a file of their own: twice in one source are two log events.
    again = [json.dumps(event) for event in dice.sample(events, doubled)]
    (folder / "again.jsonl").write_text("\n".join(again))

    _, said = answer("why", *dice.sample(sorted(folder.iterdir()), files + 1))

    assert summary(said) == expected


class Sample:
    """Events, and what they say."""

    def __init__(self, events, answer):
        self.events, self.answer = events, answer


@pytest.fixture
def sample(night, log_file, answer):
    """A night in which no two events of a stream share a millisecond, and its answer."""
    a_night(night)
    taken = set()
    for event in night.events:
        while (event["logGroupName"], event["timestamp"]) in taken:
            event["timestamp"] += 1
        taken.add((event["logGroupName"], event["timestamp"]))
    return Sample(night.events, summary(answer("why", night.write(log_file))[1]))


def test_the_window_leaves_out_what_lies_outside(night, log_file, answer):
    """``--since`` and ``--until`` hold for files too."""
    a_night(night)
    window = ["--since", "2026-11-21T02:00:02", "--until", "2026-11-21T02:00:02.900Z"]

    _, listed = answer("transactions", night.write(log_file), *window)

    assert [row["tags"]["saleId"] for row in listed["transactions"]] == ["sale-0002"]


# CloudWatch Logs


@pytest.fixture(scope="module")
def endpoint():
    """The address of CloudWatch Logs, played by moto on the loopback."""
    server = pytest.importorskip("moto.server").ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def logs(endpoint, monkeypatch):
    """A client of it, in the environment of somebody who is signed in."""
    import boto3

    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    client = boto3.client("logs", endpoint_url=endpoint)
    yield client
    for group in client.describe_log_groups()["logGroups"]:
        client.delete_log_group(logGroupName=group["logGroupName"])
    client.close()


def ship(logs, night):
    """Put the night into log groups, as if it were a minute ago."""
    now_ms = int(time_s() * 1000)
    late = max(event["timestamp"] for event in night.events)
    for group in sorted({event["logGroupName"] for event in night.events}):
        logs.create_log_group(logGroupName=group)
        logs.create_log_stream(logGroupName=group, logStreamName="s1")
        own = [event for event in night.events if event["logGroupName"] == group]
        events = [
            {"timestamp": event["timestamp"] - late + now_ms - 60_000, "message": event["message"]}
            for event in sorted(own, key=lambda event: event["timestamp"])
        ]
        logs.put_log_events(logGroupName=group, logStreamName="s1", logEvents=events)


def time_s():
    """Return the time now."""
    import time

    return time.time()


def test_log_groups_are_read_through_a_prefix(night, logs, endpoint, answer):
    """All groups that begin so, within the last 15 minutes unless told otherwise."""
    ship(logs, a_night(night))

    code, said = answer("why", "--log-group", "/aws/lambda/ushop_*", "--endpoint-url", endpoint)

    assert code == 0
    assert said["impact"]["ids"] == ["sale-0001", "sale-0003"]
    assert said["seen"]["functions"] == 2


def test_a_page_may_be_empty_and_yet_not_the_last(night, logs, endpoint, answer, monkeypatch):
    """FilterLogEvents hands out a nextToken with no events: more may come."""
    from lumitrace.reassembly import aws

    ship(logs, a_night(night))
    client = aws.AWS._client

    def paging(self):
        real = client(self)
        if self.service.client != "logs":
            return real
        asked = real.filter_log_events

        def a_few(**request):
            if request.get("nextToken") == "empty":
                return asked(**{**request, "nextToken": kept[-1], "limit": 7})
            page = asked(**{**request, "limit": 7})
            if "nextToken" in page and not kept:
                kept.append(page["nextToken"])
                return {**page, "nextToken": "empty"}
            return page

        kept = []
        real.filter_log_events = a_few
        return real

    monkeypatch.setattr(aws.AWS, "_client", paging)
    by = ["--by", "filter-log-events"]  # so many pages are no small group

    _, said = answer("why", "--log-group", "/aws/lambda/ushop_*", "--endpoint-url", endpoint, *by)

    assert said["impact"]["lost"] == 2
    assert said["seen"]["logEvents"] == len(night.events)


@pytest.mark.usefixtures("logs")
def test_an_unknown_log_group_is_told(endpoint, command):
    """By name and by prefix."""
    by_name = command("why", "--log-group", "nope", "--endpoint-url", endpoint)
    by_prefix = command("why", "--log-group", "nope*", "--endpoint-url", endpoint)

    assert (by_name.returncode, by_prefix.returncode) == (1, 1)
    assert "there is no such log group" in by_name.stderr.decode()
    assert "no log group begins with 'nope'" in by_prefix.stderr.decode()


def test_one_group_that_cannot_be_read_leaves_the_others_useful(night, logs, endpoint, command):
    """The answer, the sentence, exit code 1, and the doubt is in the answer."""
    ship(logs, a_night(night))
    groups = [argument for group in (*GROUPS, "nope") for argument in ("--log-group", group)]

    done = command("why", *groups, "--endpoint-url", endpoint)

    page = done.stdout.decode()
    assert done.returncode == 1
    assert "2 sales lost" in page
    assert "asked since 15m" in page
    assert "not read: reading the log group nope" in page


@pytest.mark.parametrize(
    ("code", "sentence"),
    [
        ("ExpiredTokenException", "have expired"),
        ("UnrecognizedClientException", "does not know these credentials"),
        ("AccessDeniedException", "access denied"),
        ("ThrottlingException", "try again"),
    ],
)
@pytest.mark.usefixtures("logs")
def test_what_aws_refuses_is_told_in_one_sentence(endpoint, monkeypatch, capsys, code, sentence):
    """Expired, unknown, denied, throttled: each says what to do."""
    from botocore.exceptions import ClientError

    from lumitrace.reassembly import aws
    from lumitrace.reassembly.cli import main

    client = aws.AWS._client

    def refusing(self):
        real = client(self)

        def refused(**_):
            raise ClientError({"Error": {"Code": code, "Message": "No."}}, "FilterLogEvents")

        real.filter_log_events = refused
        return real

    monkeypatch.setattr(aws.AWS, "_client", refusing)

    assert main(["why", "--log-group", "g", "--endpoint-url", endpoint]) == 1
    assert sentence in capsys.readouterr().err
