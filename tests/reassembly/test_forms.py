"""Every form in which log events come out of AWS: the recorded night, written so, says the same."""

import gzip
import json
from pathlib import Path

import pytest
from tests.reassembly import forms
from tests.reassembly.forms import moment

from lumitrace.reassembly.events import Counts
from lumitrace.reassembly.sources.file import files_of, read_file

NIGHT = Path(__file__).parents[2] / "examples" / "ushop" / "recorded" / "night.jsonl"


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


@pytest.mark.parametrize("write", forms.CARRY_ALL, ids=lambda write: write.__name__)
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
    for number, (_, stream, own) in enumerate(forms.by_stream(events)):
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


@pytest.mark.parametrize(
    "write", [forms.filter_log_events, forms.documents, forms.insights_console_json]
)
def test_what_the_api_and_the_console_write_answers_the_same(write, recorded, tmp_path, same):
    """A document has no group; the console's JSON has numbers as JavaScript writes them."""
    path = tmp_path / "written"
    path.write_bytes(write(recorded))

    same(path)
