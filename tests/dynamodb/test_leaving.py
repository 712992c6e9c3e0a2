"""What is written with marks and read later in every other way, each in an interpreter of its own.

docs/dynamodb.md says what each of them sees.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from lumitrace.wire.mark import ATTRIBUTE, parse_mark

pytest.importorskip("boto3")
pytest.importorskip("moto")

SOURCE = Path(__file__).parents[2] / "src"
WROTE = {
    "put": {"id": "put", "x": "1"},
    "update": {"id": "update", "x": "1"},
    "batch": {"id": "batch", "x": "1"},
    "transaction": {"id": "transaction", "x": "1"},
}

WRITER = """
import boto3
from types import SimpleNamespace
from lumitrace import traced

table = boto3.resource("dynamodb").Table("notes")

@traced
def handler(event, context):
    table.put_item(Item={"id": "put", "x": "1"})
    table.update_item(
        Key={"id": "update"}, UpdateExpression="SET x = :x", ExpressionAttributeValues={":x": "1"}
    )
    with table.batch_writer() as batch:
        batch.put_item(Item={"id": "batch", "x": "1"})
    put = {"Put": {"TableName": "notes", "Item": {"id": "transaction", "x": "1"}}}
    table.meta.client.transact_write_items(TransactItems=[put])

handler({}, SimpleNamespace(aws_request_id="r", function_name="f"))
"""

# The client is made before lumitrace is imported, and reads in a handler and outside of one.
READER = """
import json, sys
import boto3
from types import SimpleNamespace

table = boto3.resource("dynamodb").Table("notes")
if WITH_LUMITRACE:
    from lumitrace import traced
else:
    sys.modules["lumitrace"] = None
    traced = lambda function: function

def read():
    return {
        "scan": sorted(table.scan()["Items"], key=lambda item: item["id"]),
        "query": table.meta.client.execute_statement(
            Statement="SELECT * FROM notes WHERE id = 'put'"
        )["Items"],
        "get": table.get_item(Key={"id": "update"})["Item"],
        "deleted": table.delete_item(Key={"id": "none"}).get("Attributes"),
    }

def function(event, context):
    image = event["Records"][0]["dynamodb"]["NewImage"]
    found = {"inside": read(), "image": image}
    table.put_item(Item={"id": "later", "x": "1"})
    table.put_item(Item={**table.get_item(Key={"id": "put"})["Item"], "x": "2"})
    return found

handler = traced(function)
found = handler(json.loads(sys.argv[1]), SimpleNamespace(aws_request_id="r", function_name="f"))
found["outside"] = read()
from botocore.client import BaseClient
found["patched"] = hasattr(BaseClient.__dict__["_emit_api_params"], "__wrapped__")
found["the same"] = handler is function
print("\\n" + json.dumps(found))
"""


def made(proxy):
    """Make the table; return a client that lumitrace never sees."""
    client = proxy.client("dynamodb")
    client.create_table(
        TableName="notes",
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
    )
    return client


@pytest.fixture(scope="module")
def _written(_behind):
    """The items as a traced function wrote them, in a process of its own."""
    _behind.forget()
    client = made(_behind)
    run(_behind, WRITER)
    return client.scan(TableName="notes")["Items"]


@pytest.fixture
def notes(_written, proxy):
    """What an untraced reader finds in the table that the traced function wrote."""
    client = made(proxy)
    wanted = [{"PutRequest": {"Item": item}} for item in _written]
    client.batch_write_item(RequestItems={"notes": wanted})

    def notes():
        found = client.scan(TableName="notes")["Items"]
        return {item["id"]["S"]: {k: v["S"] for k, v in item.items()} for item in found}

    return notes


def run(proxy, code, *arguments, **environ):
    """Run *code* in a fresh interpreter, as Lambda would; return what it printed."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "LUMITRACE_"))}
    answer = subprocess.run(
        [sys.executable, "-W", "error", "-c", code, *arguments],
        capture_output=True,
        text=True,
        check=False,
        env={
            **kept,
            "PYTHONPATH": str(SOURCE),
            "AWS_ENDPOINT_URL": proxy.url,
            "AWS_REGION": "eu-west-1",
            "AWS_DEFAULT_REGION": "eu-west-1",
            "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE",
            "AWS_SECRET_ACCESS_KEY": "none",
            "AWS_LAMBDA_FUNCTION_NAME": "f",
            **environ,
        },
    )
    assert (answer.returncode, answer.stderr) == (0, "")
    return answer.stdout


def read(proxy, notes, *, lumitrace=True, **environ):
    """Return what a reader finds, and the span lines that it wrote."""
    marked = {name: {"S": value} for name, value in notes()["put"].items()}
    change = {"NewImage": marked, "Keys": {"id": {"S": "put"}}}
    arn = "arn:aws:dynamodb:eu-west-1:123456789012:table/notes/stream/2026"
    record = {"eventSource": "aws:dynamodb", "eventName": "INSERT", "eventSourceARN": arn}
    event = {"Records": [{**record, "eventID": "e", "dynamodb": change}]}
    code = READER.replace("WITH_LUMITRACE", str(lumitrace))
    printed = run(proxy, code, json.dumps(event), **environ).splitlines()
    found = json.loads(printed.pop())
    return found, [line for line in printed if line]


def items(found):
    """Return every item that a reader found, in a handler, outside, and in an event."""
    image = {name: value["S"] for name, value in found["image"].items()}
    each = [found[where] for where in ("inside", "outside")]
    pages = [page for one in each for page in (one["scan"], one["query"], [one["get"]])]
    return [image, *(item for page in pages for item in page)]


def ours(item):
    """Tell whether *item* has a mark of ours."""
    return parse_mark(item.get(ATTRIBUTE)) is not None


def test_what_a_traced_function_writes_bears_marks(notes):
    """All four kinds of writes, so that the other tests have something to find."""
    found = notes()

    assert {name for name, item in found.items() if ours(item)} == set(WROTE)
    assert [{k: item[k] for k in ("id", "x")} for item in found.values()] == [
        WROTE[name] for name in found
    ]


@pytest.mark.parametrize("lumitrace", [True, False])
def test_switched_off_or_gone_marks_are_seen_everywhere(proxy, notes, lumitrace):
    """LUMITRACE_ENABLED=0, and a function without lumitrace: one more attribute, nothing else."""
    before = notes()

    found, lines = read(proxy, notes, lumitrace=lumitrace, LUMITRACE_ENABLED="0")

    everywhere = items(found)
    assert all(map(ours, [item for item in everywhere if item["id"] in WROTE]))
    assert [
        {k: v for k, v in item.items() if k != ATTRIBUTE} for item in found["inside"]["scan"]
    ] == [WROTE[name] for name in sorted(WROTE)]
    assert found["inside"]["deleted"] is None
    assert (found["patched"], found["the same"], lines) == (False, True, [])
    # Written new: no mark. Read whole and written back whole: the old one, stale.
    after = notes()
    assert after["later"] == {"id": "later", "x": "1"}
    assert after["put"] == {**before["put"], "x": "2"}


def test_stripping_no_mark_is_seen_and_none_is_written(proxy, notes):
    """LUMITRACE_ENABLED=strip: in a handler, outside, in events; and no line is written."""
    found, lines = read(proxy, notes, LUMITRACE_ENABLED="strip")

    assert [item for item in items(found) if ATTRIBUTE in item] == []
    assert found["inside"]["scan"] == [WROTE[name] for name in sorted(WROTE)]
    assert (found["patched"], lines) == (True, [])
    # A mark goes with the item that is written over, and stays with those that are not.
    after = notes()
    assert after["put"] == {"id": "put", "x": "2"}
    assert {name for name, item in after.items() if ours(item)} == set(WROTE) - {"put"}


def test_traced_no_mark_is_seen_and_the_writer_is_known(proxy, notes):
    """The default: items as the application wrote them, their writers in the span lines."""
    writer = parse_mark(notes()["put"][ATTRIBUTE]).trace_id

    found, lines = read(proxy, notes)

    assert [item for item in items(found) if ATTRIBUTE in item] == []
    assert found["inside"]["scan"] == [WROTE[name] for name in sorted(WROTE)]
    calls = [call for line in lines for call in json.loads(line).get("calls", ())]
    [scan] = [call for call in calls if call[1] == "dynamodb.Scan"]
    assert {trace for trace, _, _ in scan[7]["readFrom"]} == {writer}
    assert sum(count for _, _, count in scan[7]["readFrom"]) == len(WROTE)


CLEAN = "import sys; from lumitrace.reassembly.cli import main; sys.exit(main())"


def test_cleaned_nobody_sees_a_mark(proxy, notes):
    """`lumitrace dynamodb clean`: dry first, then done; without lumitrace nothing is seen."""
    pytest.importorskip("duckdb")
    before = notes()
    clean = ("dynamodb", "clean", "notes", "--region", "eu-west-1", "--rate", "1000")

    run(proxy, CLEAN, *clean)
    dry = notes()
    run(proxy, CLEAN, *clean, "--apply")

    assert dry == before
    assert notes() == WROTE
    found, _ = read(proxy, notes, lumitrace=False)
    assert [item for item in items(found) if ATTRIBUTE in item] == []
    assert found["outside"]["get"] == WROTE["update"]
