"""Every form in which log events come out of AWS: the recorded night, written so, says the same."""

import base64
import csv
import gzip
import io
import json
from datetime import datetime, timezone
from itertools import groupby
from pathlib import Path

import pytest

from lumitrace.reassembly.events import Counts
from lumitrace.reassembly.sources.file import files_of, read_file

NIGHT = Path(__file__).parents[2] / "examples" / "ushop" / "recorded" / "night.jsonl"
WHERE = ("logGroupName", "logStreamName")


@pytest.fixture(scope="module")
def recorded():
    """The log events of the recorded night."""
    return [json.loads(line) for line in NIGHT.read_text("utf-8").splitlines()]


@pytest.fixture(scope="module")
def expected():
    """Hold the answer of `why` about the recorded night, once it was asked for."""
    return {}


@pytest.fixture
def same(answer, expected):
    """Compare the answer about *paths* with that about the recorded night."""

    def compare(*paths, without=""):
        if not expected:
            expected.update(summary(answer("why", NIGHT)[1]))
        _, said = answer("why", *paths)
        assert isinstance(said, dict), said
        told, known = summary(said), dict(expected)
        for one in (told, known) if without else ():
            one["issue"] = {name: one["issue"][name] for name in one["issue"] if name != without}
        assert told == known

    return compare


def summary(said):
    """Return what must not depend on the form."""
    kept = ("issue", "otherIssues", "impact", "cause", "otherCauses", "stack", "example")
    seen = ("invocations", "spanLines", "functions", "broken", "untrusted", "skipped", "unplaced")
    return {name: said[name] for name in kept} | {name: said["seen"][name] for name in seen}


def moment(event, spec="milliseconds"):
    """Return the time of *event* in UTC, without a zone."""
    seconds, ms = divmod(event["timestamp"], 1000)
    at = datetime.fromtimestamp(seconds, timezone.utc).replace(tzinfo=None, microsecond=ms * 1000)
    return at.isoformat(timespec=spec)


def by_stream(events):
    """Yield each group and stream with its events."""
    ordered = sorted(events, key=lambda event: [event[name] for name in WHERE])
    for where, found in groupby(ordered, key=lambda event: [event[name] for name in WHERE]):
        yield (*where, list(found))


def ids(events):
    """Return *events* with an id each, as CloudWatch Logs gives them."""
    return [{**event, "eventId": f"{number:056d}"} for number, event in enumerate(events, 1)]


# The forms. Each writer returns what a program of AWS's, or a service, writes of *events*.


def filter_log_events(events):
    """`aws logs filter-log-events`, of one group.

    https://docs.aws.amazon.com/cli/latest/reference/logs/filter-log-events.html
    """
    said = [
        {"logStreamName": f"{event['logGroupName']} {event['logStreamName']}"}
        | {name: event[name] for name in ("timestamp", "message")}
        | {"ingestionTime": event["timestamp"] + 400}
        for event in events
    ]
    return json.dumps({"events": said, "searchedLogStreams": []}, indent=4).encode()


def documents(events):
    """Several answers of it in one file, on one line each."""
    half = len(events) // 2
    return b"".join(filter_log_events(part) for part in (events[:half], events[half:]))


def listed(events):
    """`--query events`, as other programs print it: a list on one line."""
    return json.dumps(events).encode()


def envelopes(events):
    """The JSON that a subscription delivers, with its test message first.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/SubscriptionFilters.html
    """
    head = {"owner": "123456789012", "subscriptionFilters": ["lumitrace"]}
    test = {"id": "", "timestamp": 1, "message": "CWL CONTROL MESSAGE: Checking health of ..."}
    control = {"messageType": "CONTROL_MESSAGE", "owner": "CloudwatchLogs", "logGroup": ""}
    found = [json.dumps({**control, "logStream": "", "logEvents": [test]})]
    for group, stream, own in by_stream(ids(events)):
        for first in range(0, len(own), 40):
            said = [
                {"id": event["eventId"], "timestamp": event["timestamp"]}
                | {"message": event["message"]}
                for event in own[first : first + 40]
            ]
            where = {"logGroup": group, "logStream": stream}
            envelope = {"messageType": "DATA_MESSAGE", **head, **where, "logEvents": said}
            found.append(json.dumps(envelope))
    return found


def firehose_as_delivered(events):
    """Records of gzip one after another, as a subscription hands them to Firehose."""
    return b"".join(gzip.compress(one.encode(), mtime=0) for one in envelopes(events))


def firehose_compressed(events):
    """The same from a delivery stream that compresses its objects."""
    return gzip.compress(firehose_as_delivered(events), mtime=0)


def firehose_decompressed(events):
    """Decompression switched on: envelopes without anything between them.

    https://docs.aws.amazon.com/firehose/latest/dev/writing-with-cloudwatch-logs-decompression.html
    """
    return "".join(envelopes(events)).encode()


def firehose_with_newlines(events):
    """And with AppendDelimiterToRecord.

    https://docs.aws.amazon.com/firehose/latest/APIReference/API_Processor.html
    """
    return "".join(f"{one}\n" for one in envelopes(events)).encode()


def packed(events):
    """Return each envelope as base64 of gzip."""
    return [
        base64.b64encode(gzip.compress(one.encode(), mtime=0)).decode() for one in envelopes(events)
    ]


def subscription_of_a_function(events):
    """The events that a function which is subscribed is handed, one a line.

    https://docs.aws.amazon.com/lambda/latest/dg/services-cloudwatchlogs.html
    """
    return "\n".join(json.dumps({"awslogs": {"data": one}}) for one in packed(events)).encode()


def subscription_of_a_stream(events):
    """The event of a function that reads the Kinesis stream of a subscription.

    https://docs.aws.amazon.com/lambda/latest/dg/with-kinesis.html
    """
    records = [{"kinesis": {"data": one}, "eventSource": "aws:kinesis"} for one in packed(events)]
    return json.dumps({"Records": records}, indent=2).encode()


def firehose_transformation(events):
    """What Firehose hands to a function that transforms records.

    https://docs.aws.amazon.com/firehose/latest/dev/data-transformation.html
    """
    records = [{"recordId": str(n), "data": one} for n, one in enumerate(packed(events))]
    return json.dumps({"invocationId": "i", "records": records}).encode()


def bare_base64(events):
    """The data alone, one a line."""
    return "\n".join(packed(events)).encode()


def rows(events):
    """Return the rows of `fields @timestamp, @message, @logStream, @log | sort @timestamp asc`."""
    return [
        {
            "@timestamp": moment(event).replace("T", " "),
            "@message": event["message"],
            "@logStream": event["logStreamName"],
            "@log": f"123456789012:{event['logGroupName']}",
        }
        for event in sorted(events, key=lambda event: event["timestamp"])
    ]


def insights_query_results(events):
    """`aws logs get-query-results`.

    https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_GetQueryResults.html
    """
    results = [
        [{"field": name, "value": value} for name, value in (*row.items(), ("@ptr", "Cn0KM"))]
        for row in rows(events)
    ]
    about = {"statistics": {"recordsMatched": 1.0}, "status": "Complete"}
    return json.dumps({"queryLanguage": "CWLI", "results": results, **about}, indent=4).encode()


def insights_console_json(events):
    """As the console saves it: a message that is JSON is an object."""
    found = rows(events)
    for row in found:
        if row["@message"].startswith("{"):
            row["@message"] = json.loads(row["@message"])
    return json.dumps(found, indent=2).encode()


def insights_console_csv(events):
    """As the console saves it."""
    written = io.StringIO()
    table = csv.DictWriter(written, ["@timestamp", "@message", "@logStream", "@log"])
    table.writeheader()
    table.writerows(rows(events))
    return written.getvalue().encode()


CARRY_ALL = [
    listed,
    firehose_as_delivered,
    firehose_compressed,
    firehose_decompressed,
    firehose_with_newlines,
    subscription_of_a_function,
    subscription_of_a_stream,
    firehose_transformation,
    bare_base64,
    insights_query_results,
    insights_console_csv,
]


@pytest.mark.parametrize("write", CARRY_ALL, ids=lambda write: write.__name__)
def test_a_form_that_carries_group_stream_and_time_says_the_same(write, recorded, tmp_path):
    """Its log events are those of the night, one by one: every answer is the same."""
    path = tmp_path / "night"
    path.write_bytes(write(recorded))

    found, counts = read(path)

    assert found == {row(event) for event in recorded}
    assert counts == Counts()


def read(path):
    """Return the log events of *path* without their order, and the counts."""
    counts = Counts()
    found = {
        (event.group, event.stream, event.time_ms, event.message.rstrip())
        for file in files_of(str(path))
        for source in read_file(file, counts)
        for event in source
    }
    return found, counts


def row(event):
    """Return *event* as `read` returns it."""
    where = (event["logGroupName"], event["logStreamName"])
    return (*where, event["timestamp"], event["message"].rstrip())


# Forms that carry less: the answer is the same, as far as it does not need what is lost.


def export(folder, events):
    """CreateExportTask: a folder a stream, a time before each event; no group.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/S3ExportTasks.html
    """
    (folder / "aws-logs-write-test").write_text("Permission Check Successful")
    for number, (_, stream, own) in enumerate(by_stream(events)):
        task = folder / f"00000000-0000-4000-8000-{number:012d}" / stream.replace("/", "-")
        task.mkdir(parents=True)
        lines = [f"{moment(event)}Z {event['message'].rstrip()}\n" for event in own]
        half = len(lines) // 2
        for part, said in enumerate((lines[:half], lines[half:])):
            (task / f"{part:06d}.gz").write_bytes(gzip.compress("".join(said).encode(), mtime=0))


def tail_detailed(events):
    """`aws logs tail`.

    https://github.com/aws/aws-cli, awscli/customizations/logs/tail.py
    """
    return "".join(
        f"{moment(event, 'microseconds')}+00:00 {event['logStreamName']} "
        f"{event['message'].rstrip()}\n"
        for event in events
    )


def tail_json(events):
    """`aws logs tail --format json`: the message on a line of its own, indented, if it is JSON."""
    found = []
    for event in events:
        at = moment(event, "microseconds").removesuffix(".000000")
        said = indented(event["message"], 4)
        said = said if said == event["message"] else f"\n{said}"
        found.append(f"{at}+00:00 {event['logStreamName']} {said.rstrip()}\n")
    return "".join(found)


def indented(message, spaces):
    """Return *message* as the AWS CLI and SAM show JSON."""
    return json.dumps(json.loads(message), indent=spaces) if message[0] == "{" else message


def tail_in_colour(events):
    """`aws logs tail --color on`."""
    return "".join(
        f"\x1b[32m{moment(event, 'microseconds')}+00:00\x1b[0m "
        f"\x1b[36m{event['logStreamName']}\x1b[0m {event['message'].rstrip()}\n"
        for event in events
    )


def sam_logs(events):
    """`sam logs`.

    https://github.com/aws/aws-sam-cli, samcli/lib/observability/cw_logs/cw_log_formatters.py
    """
    return "".join(
        f"{event['logStreamName']} {moment(event, 'microseconds')} "
        f"{indented(event['message'], 2).rstrip()}\n"
        for event in events
    )


def tail_short(events):
    """`aws logs tail --format short`: time to the second, message."""
    return "".join(
        f"{moment(event, 'seconds')} {event['message'].rstrip()}\n" for event in in_turn(events)
    )


def firehose_messages(events):
    """Message extraction: what functions wrote, from all streams, one after another.

    https://docs.aws.amazon.com/firehose/latest/dev/Message_extraction.html
    """
    return "".join(event["message"].rstrip() + "\n" for event in in_turn(events))


def in_turn(events):
    """Return *events* of all streams by their time."""
    return sorted(events, key=lambda event: event["timestamp"])


@pytest.mark.parametrize("write", [tail_short, firehose_messages])
def test_a_form_without_streams_answers_the_same(write, recorded, tmp_path, same):
    """Sandboxes are told apart by the requests that their lines name; a START has no time."""
    path = tmp_path / "lines"
    path.write_text(write(recorded), "utf-8")

    same(path, without="sinceMs")


def test_an_export_to_s3_answers_the_same(recorded, tmp_path, same):
    """The folder as it lies in the bucket; the group is not in it."""
    export(tmp_path, recorded)

    same(tmp_path)


@pytest.mark.parametrize(
    "write", [tail_detailed, tail_json, tail_in_colour, sam_logs], ids=lambda write: write.__name__
)
def test_what_a_program_prints_answers_the_same(write, recorded, tmp_path, same):
    """Stream and time are in it, the group is not: functions are named by their span lines."""
    path = tmp_path / "printed"
    path.write_text(write(recorded), "utf-8")

    same(path)


@pytest.mark.parametrize("write", [filter_log_events, documents, insights_console_json])
def test_what_the_api_and_the_console_write_answers_the_same(write, recorded, tmp_path, same):
    """A document has no group; the console's JSON has numbers as JavaScript writes them."""
    path = tmp_path / "written"
    path.write_bytes(write(recorded))

    same(path)
