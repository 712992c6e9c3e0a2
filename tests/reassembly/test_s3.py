"""Objects of S3, as moto plays it on the loopback: the same night, the same answer."""

import gzip
import io
import json
from datetime import datetime, timezone

import pytest
from tests.reassembly.histories import charge
from tests.reassembly.test_access_logs import rest, till

from lumitrace.reassembly import aws
from lumitrace.reassembly.aws import Account
from lumitrace.reassembly.events import Counts
from lumitrace.reassembly.problem import Problem
from lumitrace.reassembly.sources import s3
from lumitrace.reassembly.sources.manifest import Manifest
from lumitrace.reassembly.sources.progress import Progress
from lumitrace.reassembly.sources.s3 import Bucket
from lumitrace.reassembly.sources.window import Window

ALL = Window()


@pytest.fixture(scope="module")
def endpoint():
    """The address of S3, played by moto on the loopback."""
    server = pytest.importorskip("moto.server").ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def client(endpoint, monkeypatch):
    """A client of it with an empty bucket, in the environment of somebody who is signed in."""
    import boto3

    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    client = boto3.client("s3", endpoint_url=endpoint)
    client.create_bucket(Bucket="logs")
    yield client
    for one in client.list_objects_v2(Bucket="logs").get("Contents", ()):
        client.delete_object(Bucket="logs", Key=one["Key"])
    client.close()


@pytest.fixture
def bucket(client, endpoint):
    """The bucket as lumitrace reads it."""
    return Bucket("s3://logs/night/", Account("us-east-1", "", endpoint))


def put(client, key, content):
    """Put an object."""
    client.put_object(Bucket="logs", Key=key, Body=content)


def split(night, parts):
    """Return the night's lines in *parts* pieces."""
    lines = night.lines().splitlines(keepends=True)
    return ["".join(lines[number::parts]).encode() for number in range(parts)]


def moment(event):
    """Return the time of *event*, as an export writes it."""
    at = datetime.fromtimestamp(event["timestamp"] / 1000, timezone.utc)
    return at.replace(tzinfo=None).isoformat(timespec="milliseconds")


def messages(bucket, objects=None, counts=None):
    """Return the messages of *objects*, or of all."""
    found = []
    objects = bucket.objects(ALL) if objects is None else iter(objects)
    for _, events in bucket.events(objects, counts or Counts()):
        found += [event.message for event in events]
    return found


def test_all_objects_below_a_prefix_are_read(night, client, endpoint, tmp_path, answer):
    """Compressed or not, with folders' own objects and empty ones between: the same answer."""
    for number in range(5):
        night.sale(number, number * 1000, bad=number in {1, 3})
    for number, part in enumerate(split(night, 20)):
        put(client, f"night/2026/11/{number:02d}", gzip.compress(part) if number % 2 else part)
    put(client, "night/", b"")
    put(client, "night/empty", b"")
    put(client, "other/x", b"no log line of the night")

    there = answer("why", "s3://logs/night/", "--endpoint-url", endpoint)

    assert there == answer("why", night.write(tmp_path / "night.jsonl"))


def test_an_export_is_read_where_it_lies(night, client, endpoint, answer):
    """The stream is named by the folder, as on a disk."""
    night.sale(1, 0, bad=True)
    for stream in sorted({event["logGroupName"][-9:] for event in night.events}):
        own = [event for event in night.events if event["logGroupName"].endswith(stream)]
        lines = [f"{moment(event)}Z {event['message'].rstrip()}\n" for event in own]
        for number, part in enumerate((lines[:3], lines[3:])):
            key = f"export/id/2026-11-21-[$LATEST]{stream}/{number:06d}.gz"
            put(client, key, gzip.compress("".join(part).encode()))
    put(client, "export/aws-logs-write-test", b"Permission Check Successful")

    code, said = answer("why", "s3://logs/export", "--endpoint-url", endpoint)

    assert (code, said["impact"]["lost"]) == (0, 1)
    assert (said["seen"]["untrusted"], said["seen"]["skipped"]) == (0, 0)


def test_one_object_is_read_in_parts_and_in_its_order(client, bucket, monkeypatch):
    """Many requests at a time, and no more in memory than was asked for ahead."""
    monkeypatch.setattr(s3, "RANGE", 10_000)
    monkeypatch.setattr(s3, "AHEAD", 4)
    lines = [f"line {number:06d}" for number in range(20_000)]
    put(client, "night/large", "\n".join(lines).encode())
    put(client, "night/small", b"the last")
    asked = []
    get = bucket.get
    monkeypatch.setattr(bucket, "get", lambda one, first: asked.append(first) or get(one, first))

    reading = bucket.events(bucket.objects(ALL), Counts())
    _, events = next(reading)
    first = next(events).message
    held = len(asked)
    rest = [event.message for event in events]
    rest += [event.message for _, events in reading for event in events]

    assert [first, *rest] == [*lines, "the last"]
    # The head that tells one form from another, and what is asked for ahead of it.
    assert held <= 7 + s3.AHEAD + 1
    assert len(asked) == 25


def test_an_object_that_is_left_does_not_stop_the_next(client, bucket, monkeypatch):
    """One that is damaged at its beginning: its other parts are not waited for."""
    monkeypatch.setattr(s3, "RANGE", 1000)
    put(client, "night/1", b"\x1f\x8b" + b"rubbish" * 9999)
    put(client, "night/2", b"hello\n")
    said = []

    for _, events in bucket.events(bucket.objects(ALL), Counts()):
        try:
            said += [event.message for event in events]
        except Problem as problem:
            said.append(problem.sentence)

    assert said == ["s3://logs/night/1: it is no gzip data; what came before was read", "hello"]


def test_what_was_written_before_the_window_is_not_read(client, bucket):
    """An object holds nothing that is newer than itself."""
    put(client, "night/1", b"hello\n")

    assert len(list(bucket.objects(Window(since_ms=0)))) == 1
    assert list(bucket.objects(Window(since_ms=2**43))) == []


def test_objects_that_change_meanwhile_are_told_one_by_one(night, client, bucket):
    """Deleted after it was listed: a sentence, and the others are read."""
    for number in range(3):
        put(client, f"night/{number}", f"hello {number}\n".encode())
    listed = list(bucket.objects(ALL))
    client.delete_object(Bucket="logs", Key="night/1")
    said = []

    for _, events in bucket.events(iter(listed), Counts()):
        try:
            said += [event.message for event in events]
        except Problem as problem:
            said.append(problem.sentence)

    assert said == [
        "hello 0",
        "reading s3://logs/night/1: it was deleted meanwhile; run again",
        "hello 2",
    ]


def test_an_object_written_anew_meanwhile_is_told(client, bucket):
    """Its parts would not fit together."""
    put(client, "night/1", b"hello\n")
    listed = list(bucket.objects(ALL))
    put(client, "night/1", b"hello again\n")

    with pytest.raises(Problem, match="it was written anew meanwhile; run again"):
        messages(bucket, listed)


@pytest.mark.parametrize(
    ("address", "code", "sentence"),
    [
        ("s3://logs/nothing/", 1, "no object begins with s3://logs/nothing/"),
        ("s3://nobody/night/", 1, "listing s3://nobody/night/: there is no such bucket"),
        ("s3:///night/", 2, "names no bucket"),
    ],
)
@pytest.mark.usefixtures("client")
def test_what_is_not_there_is_told(endpoint, command, address, code, sentence):
    """One sentence, exit code 1; 2 where it is no address."""
    done = command("why", address, "--endpoint-url", endpoint)

    assert done.returncode == code
    assert done.stderr.count(b"\n") == 1
    assert sentence in done.stderr.decode()


@pytest.mark.parametrize(
    ("code", "sentence"),
    [
        ("ExpiredToken", "have expired"),
        ("InvalidAccessKeyId", "does not know these credentials"),
        ("AccessDenied", "access denied; allow s3:ListBucket, s3:GetObject"),
        ("SlowDown", "SlowDown: No; try again"),
    ],
)
def test_what_s3_refuses_on_the_way_is_told_once(
    night, client, endpoint, command, monkeypatch, code, sentence
):
    """What was read before is used; the sentence, exit code 1."""
    from botocore.exceptions import ClientError

    night.sale(1, 0)
    put(client, "night/00", night.lines().encode())
    for number in range(1, 40):
        put(client, f"night/{number:02d}", b"hello\n")
    made = aws.AWS._client

    def refusing(self):
        real = made(self)
        get = real.get_object

        def refused(**request):
            if request["Key"] >= "night/10":
                raise ClientError({"Error": {"Code": code, "Message": "No."}}, "GetObject")
            return get(**request)

        real.get_object = refused
        return real

    monkeypatch.setattr(aws.AWS, "_client", refusing)

    done = command("transactions", "s3://logs/night/", "--endpoint-url", endpoint)

    assert done.returncode == 1
    assert "saleId=sale-0001" in done.stdout.decode()
    assert done.stderr.count(b"\n") == 1
    assert sentence in done.stderr.decode()


def test_a_connection_that_breaks_is_taken_up_again(client, bucket, monkeypatch):
    """The part that was cut is asked for once more; at some time it is told."""
    from botocore.exceptions import IncompleteReadError

    put(client, "night/1", b"hello\n")
    breaks = [0]
    get = bucket.aws.client.get_object

    class Cut:
        def read(self):
            raise IncompleteReadError(actual_bytes=1, expected_bytes=6)

    def cutting(**request):
        said = get(**request)
        if breaks[0]:
            breaks[0] -= 1
            said["Body"].close()
            said["Body"] = Cut()
        return said

    bucket.aws.client.get_object = cutting
    breaks[0] = 3

    assert messages(bucket) == ["hello"]

    breaks[0] = 4
    with pytest.raises(Problem, match="reading s3://logs/night/1: "):
        messages(bucket)


def test_no_text_below_a_prefix_is_counted(client, bucket):
    """Nobody named the object."""
    put(client, "night/1", bytes(999))
    counts = Counts()

    assert messages(bucket, counts=counts) == []
    assert counts.skipped == 1


# What a later run leaves out


def test_a_later_run_leaves_out_what_is_safe(client, bucket, tmp_path):
    """By what was noted; an object that was written anew is read again."""
    for number in range(3):
        put(client, f"night/{number}", f"hello {number}\n".encode())
    first = Manifest(tmp_path / "read.jsonl")
    for stored, events in bucket.events(bucket.objects(ALL), Counts()):
        list(events)
        first.add(stored)
    put(client, "night/1", b"anew\n")
    put(client, "night/3", b"new\n")

    later = Manifest(tmp_path / "read.jsonl").without_known(bucket.objects(ALL))

    assert messages(bucket, later) == ["anew", "new"]


def test_half_a_note_is_none(client, bucket, tmp_path):
    """A run that was killed while it noted: that object is read again, and noted again."""
    for number in range(2):
        put(client, f"night/{number}", f"hello {number}\n".encode())
    listed = list(bucket.objects(ALL))
    path = tmp_path / "read.jsonl"
    for one in listed:
        Manifest(path).add(one)
    path.write_bytes(path.read_bytes()[:-20])

    assert list(Manifest(path).without_known(listed)) == listed[1:]

    Manifest(path).add(listed[1])
    assert list(Manifest(path).without_known(listed)) == []


# Progress


@pytest.mark.parametrize("terminal", [True, False])
def test_progress_is_shown_to_a_person_alone(monkeypatch, terminal):
    """On a terminal one line that goes away; in a file nothing."""
    shown = io.StringIO()
    shown.isatty = lambda: terminal
    monkeypatch.setattr("sys.stderr", shown)

    with Progress("s3://logs/night/") as progress:
        progress.add(1_500_000, whole=True)

    line = "\r\x1b[Klumitrace: s3://logs/night/: 1 objects, 1.5 MB read\r\x1b[K"
    assert shown.getvalue() == (line if terminal else "")


def test_a_prefix_with_an_equals_sign_is_no_key(night, client, endpoint, answer):
    """Firehose's partitions are called so; `blame` takes KEY=VALUE beside paths."""
    from lumitrace.reassembly.cli.arguments import parse

    asked = parse(["blame", "ushop_sales", "saleId=1", "s3://logs/night/day=1/"])

    assert (asked.key, asked.paths) == (["saleId=1"], ["s3://logs/night/day=1/"])


# What other services write


def envelope(group, events):
    """Return what Firehose delivers of a log group: an envelope a line, gzip."""
    body = {"messageType": "DATA_MESSAGE", "owner": "1", "logGroup": group, "logStream": "s"}
    told = [{"id": f"{n:056d}", "timestamp": ms, "message": m} for n, (ms, m) in enumerate(events)]
    return gzip.compress(json.dumps({**body, "logEvents": told}).encode())


def exported(events):
    """Return what an export holds of one stream: a time before each event."""
    lines = (f"{moment({'timestamp': ms})}Z {message}\n" for ms, message in events)
    return gzip.compress("".join(lines).encode())


@pytest.fixture
def sold(night):
    """A request, its function, an execution and its task: the parts in which they are told."""
    before = till(night)
    history, run = charge(night)
    entry = json.dumps(rest(2, 200, invoked=before.request))
    return history, entry, run, before


SPANS = {
    "execution": ["Charge", "Invoke ushop_charge", "ushop_charge"],
    "request": ["POST /sales", "ushop_till"],
}


@pytest.mark.parametrize("form", ["history", "history, gzip", "envelopes", "export"])
def test_executions_below_a_prefix_join_their_tasks(night, client, endpoint, answer, sold, form):
    """As get-execution-history prints them, and as the log of the state machine is delivered."""
    history, _, run, _ = sold
    put(client, "sales/2026/functions.jsonl", night.lines().encode())
    key, content = {
        "history": ("execution.json", history.answer().encode()),
        "history, gzip": ("execution.json.gz", gzip.compress(history.answer().encode())),
        "envelopes": ("1-2026", envelope("/aws/vendedlogs/states/ushop", history.logged())),
        "export": ("0a/states-ushop_fulfil/000000.gz", exported(history.logged())),
    }[form]
    put(client, f"sales/2026/{key}", content)

    code, said = answer("show", run.request, "s3://logs/sales/", "--endpoint-url", endpoint)

    assert code == 0
    named = "execution" if "history" in form else "ushop_fulfil"  # such a document names no ARN
    assert [one["name"] for one in said["spans"]] == [named, *SPANS["execution"]]
    assert said["spans"][-1]["witness"] == "link key"


@pytest.mark.parametrize("form", ["straight to Firehose", "envelopes", "export"])
def test_access_logs_below_a_prefix_join_their_functions(
    night, client, endpoint, answer, sold, form
):
    """As API Gateway hands them to Firehose itself, and through a log group."""
    _, entry, _, before = sold
    put(client, "sales/2026/functions.jsonl", night.lines().encode())
    event = (night.events[0]["timestamp"] + 9, entry)
    key, content = {
        "straight to Firehose": ("amazon-apigateway-1.gz", gzip.compress(f"{entry}\n".encode())),
        "envelopes": ("1-2026", envelope("/aws/apigateway/ushop", [event])),
        "export": ("0a/a1b2/000000.gz", exported([event])),
    }[form]
    put(client, f"sales/2026/{key}", content)

    code, said = answer("show", before.request, "s3://logs/sales/", "--endpoint-url", endpoint)

    assert code == 0
    assert [one["name"] for one in said["spans"]] == SPANS["request"]
    assert said["spans"][0]["service"] == "API Gateway"
