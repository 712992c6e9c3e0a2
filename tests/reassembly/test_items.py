"""Marks in the items of a table: who wrote one, how many there are, and taking them off."""

import json
import shlex
import time

import pytest

from lumitrace.reassembly.items.table import Table
from lumitrace.wire.context import SpanContext
from lumitrace.wire.mark import format_mark, table_hash

pytest.importorskip("moto")
from tests.aws.proxy import before_moto
from tests.aws.refusal import Refusal

REGION, TABLE = "eu-west-1", "ushop_sales"
HERE = table_hash(REGION, TABLE)
START_MS = 1_795_226_400_000


@pytest.fixture(scope="module")
def aws():
    """DynamoDB, as moto plays it."""
    with before_moto() as proxy:
        yield proxy


@pytest.fixture
def table(aws, monkeypatch):
    """An empty table with a stream, and the environment of a person who may read it."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "none")
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    aws.forget()
    client = aws.client("dynamodb")
    client.create_table(
        TableName=TABLE,
        KeySchema=[
            {"AttributeName": "saleId", "KeyType": "HASH"},
            {"AttributeName": "line", "KeyType": "RANGE"},
        ],
        AttributeDefinitions=[
            {"AttributeName": "line", "AttributeType": "N"},
            {"AttributeName": "saleId", "AttributeType": "S"},
        ],
        BillingMode="PAY_PER_REQUEST",
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
    )
    return client


@pytest.fixture
def ask(aws, table, answer):
    """A command that knows where the table is: exit code and JSON."""
    del table
    where = ("--region", REGION, "--endpoint-url", aws.url)
    return lambda *arguments: answer(*arguments, *where)


def mark(trace="a" * 32, span="b" * 16, table=HERE, ms=START_MS):
    """Return what a traced writer puts into an item."""
    return format_mark(SpanContext(trace, span), table, ms)


def put(client, number, text=None, **more):
    """Write the item of this number, with *text* as its mark."""
    item = {"saleId": {"S": f"sale-{number:04d}"}, "line": {"N": "1"}, **more}
    if text is not None:
        item["_lumitrace"] = {"S": text}
    client.put_item(TableName=TABLE, Item=item)


def marked(client):
    """Return the items that bear an attribute of our name."""
    return [one for one in client.scan(TableName=TABLE)["Items"] if "_lumitrace" in one]


def good_sale(night):
    """Write a sale; return its trace and the span of the write."""
    till = night.sale(7, 100)
    lines = [json.loads(one["message"]) for one in night.events if "PutItem" in one["message"]]
    return till.trace, lines[0]["calls"][0][0]


def test_blame_leads_from_the_item_to_the_sale_that_wrote_it(table, ask, night, log_file):
    """Transaction, function, call and tags; without a log, at least the span."""
    trace, span = good_sale(night)
    put(table, 7, mark(trace, span, ms=START_MS + 123))
    named = ("blame", TABLE, "line=1", "saleId=sale-0007")

    code, told = ask(*named, night.write(log_file))
    _, alone = ask(*named)

    assert code == 0, told
    assert told["writer"]["function"] == "ushop_sale-confirmations"
    assert told["writer"]["call"] == "DynamoDB PutItem ushop_sales"
    assert [one["tags"]["saleId"] for one in told["transactions"]] == ["sale-0007"]
    assert told["writtenMs"] == START_MS + 123
    assert not told["elsewhere"]
    assert (alone["traceId"], alone["spanId"], alone["writer"]) == (trace, span, None)


def test_blame_names_the_release_of_the_process(table, ask, night, log_file):
    """A process says its release once, in its first line; later invocations have it too."""
    first = {"service.version": "42"}
    for ms, attributes in ((0, first), (50, {})):
        run = night.begin("ushop_restock", ms, attributes=attributes)
        span = night.span()
        call = [span, "dynamodb.UpdateItem", TABLE, 100, 200, 200, []]
        night.end(run, ms + 20, began=ms, lasted=10, calls=[call])
    put(table, 1, mark(run.trace, span))

    _, told = ask("blame", TABLE, "saleId=sale-0001", "line=1", night.write(log_file))

    assert told["writer"]["release"] == "42"


def test_blame_says_where_an_item_is_a_copy(table, ask, command):
    """The mark names another table: whoever copied the item, the mark's writer did not."""
    put(table, 1, mark(table=table_hash("us-east-1", TABLE)))

    _, told = ask("blame", TABLE, "saleId=sale-0001", "line=1")
    where = ("--region", REGION, "--endpoint-url", table.meta.endpoint_url)
    page = command("blame", TABLE, "saleId=sale-0001", "line=1", *where).stdout.decode()

    assert told["elsewhere"]
    assert "copy" in page
    assert "a" * 32 in page


def test_blame_finds_an_item_by_its_partition_key_where_it_is_the_only_one(table, ask, command):
    """Who knows the sale's id need not know the rest of the key; of several, all are named."""
    put(table, 1, mark())
    for line in "12":
        put(table, 2, mark(), line={"N": line})

    _, told = ask("blame", TABLE, "saleId=sale-0001")
    where = ("--region", REGION, "--endpoint-url", table.meta.endpoint_url)
    several = command("blame", TABLE, "saleId=sale-0002", *where)

    assert told["key"] == "saleId=sale-0001 line=1"
    assert several.returncode == 2
    assert b"saleId=sale-0002 line=1, or saleId=sale-0002 line=2" in several.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (("blame", TABLE, "saleId=nobody", "line=1"), 1, "has no item saleId=nobody line=1"),
        (("blame", TABLE, "saleId=sale-0001", "line=1"), 1, "bears no mark"),
        (("blame", TABLE, "line=1"), 2, "saleId=VALUE line=VALUE"),
        (("blame", TABLE, "saleId=\x1b[31m"), 1, "has no item saleId=␛[31m"),
        (("blame", TABLE, "saleId=nobody"), 1, "has no item saleId=nobody"),
        (("blame", TABLE, "saleId=sale-0001", "more=1"), 2, "saleId=VALUE line=VALUE"),
        (("blame", TABLE, "saleId=a", "line=1", "line=2"), 2, "saleId=VALUE line=VALUE"),
        (("blame", TABLE, "saleId=sale-0001", "line=one"), 2, "is a number, 'one' is none"),
        (("blame", "nowhere", "a=1"), 1, "there is no such table"),
        (("dynamodb", "marks", "nowhere"), 1, "there is no such table"),
        (("dynamodb", "clean", TABLE, "--from", "here"), 2, "--from takes the key"),
        (("dynamodb", "clean", TABLE, "--rate", "0"), 2, "no number above 0"),
    ],
)
def test_what_cannot_be_answered_is_told_in_one_sentence(  # the rows are the arguments
    table, ask, command, arguments, code, sentence
):
    """No traceback, an exit code, and what to do."""
    del ask
    put(table, 1)
    where = ("--region", REGION, "--endpoint-url", table.meta.endpoint_url)

    done = command(*arguments, *where)

    assert done.returncode == code
    assert done.stderr.decode().count("\n") == 1
    assert sentence in done.stderr.decode()


def test_marks_are_counted_and_others_left_out(table, ask):
    """Ours, copies among them, and an attribute of the same name that is not ours."""
    for number in range(6):
        put(table, number, mark(ms=START_MS + number) if number < 4 else None)
    put(table, 6, mark(table=table_hash(REGION, "other")))
    put(table, 7, "mine")

    code, told = ask("dynamodb", "marks", TABLE, "--all")

    assert code == 0, told
    counted = (told["items"], told["marked"], told["elsewhere"], told["others"])
    assert counted == (8, 5, 1, 1)
    assert (told["oldestMs"], told["newestMs"]) == (START_MS, START_MS + 3)
    assert told["whole"]


def test_a_sample_looks_at_a_part(table, ask):
    """Enough is enough; and a small table is looked at whole."""
    for number in range(40):
        put(table, number, mark())

    _, few = ask("dynamodb", "marks", TABLE, "--sample", "5")
    _, many = ask("dynamodb", "marks", TABLE, "--sample", "1000")

    assert 5 <= few["items"] < 40
    assert not few["whole"]
    assert (many["items"], many["whole"]) == (40, True)


def test_clean_changes_nothing_before_it_is_told_to(table, aws, ask):
    """The dry run says how many writes, units and stream records there will be."""
    for number in range(3):
        put(table, number, mark(), note={"S": "x" * (1100 if number else 1)})
    before = len(aws.requests)

    _, told = ask("dynamodb", "clean", TABLE)

    asked = {one.operation for one in aws.requests[before:]}
    assert asked == {"DescribeTable", "Scan"}
    assert (told["marked"], told["writeUnits"], told["hasStream"]) == (3, 5, True)
    assert len(marked(table)) == 3


def test_clean_takes_off_our_marks_and_nothing_else(table, ask):
    """Items, another's attribute of that name and every other attribute stay as they are."""
    for number in range(30):
        put(table, number, mark() if number % 2 else None, total={"N": str(number)})
    put(table, 30, "mine")
    before = {one["saleId"]["S"]: one for one in table.scan(TableName=TABLE)["Items"]}

    code, told = ask("dynamodb", "clean", TABLE, "--apply", "--rate", "1000")

    after = {one["saleId"]["S"]: one for one in table.scan(TableName=TABLE)["Items"]}
    assert code == 0, told
    assert (told["removed"], told["changed"]) == (15, 0)
    assert [one["_lumitrace"]["S"] for one in marked(table)] == ["mine"]
    for key, item in before.items():
        if item.get("_lumitrace", {}).get("S") != "mine":
            item.pop("_lumitrace", None)
        assert after[key] == item


def test_clean_leaves_alone_what_is_written_meanwhile(table, aws, ask):
    """A write between the scan and the removal has its own mark, or none: the condition holds."""
    put(table, 1, mark())
    newer = mark(span="c" * 16)

    def meanwhile(request, _):
        if request.operation == "UpdateItem":
            aws.checks.remove(meanwhile)
            put(aws.client("dynamodb"), 1, newer)

    aws.checks.append(meanwhile)

    _, told = ask("dynamodb", "clean", TABLE, "--apply")

    assert (told["removed"], told["changed"]) == (0, 1)
    assert [one["_lumitrace"]["S"] for one in marked(table)] == [newer]


def test_clean_goes_on_where_it_was_stopped(table, aws, command, monkeypatch):
    """A refusal in the middle: what was done counts, and the command to go on with is printed."""
    for number in range(9):
        put(table, number, mark())
    small(monkeypatch, Table, 3)
    writes = []

    def refuse(request, _):
        if request.operation == "UpdateItem":
            writes.append(request)
            if len(writes) == 5:
                raise Refusal("ValidationException", "not now")

    aws.checks.append(refuse)
    where = ("--region", REGION, "--endpoint-url", aws.url)

    stopped = command("dynamodb", "clean", TABLE, "--apply", "--json", *where)
    told = json.loads(stopped.stdout)
    again = shlex.split(told["goOn"])
    done = command(*again[1:], "--json")

    assert stopped.returncode == 1
    assert "not now" in told["stopped"]
    assert told["removed"] == 4
    assert "--from" in again
    assert done.returncode == 0
    assert json.loads(done.stdout)["removed"] == 5
    assert marked(table) == []


def small(monkeypatch, kind, limit):
    """Let a page of a scan have *limit* items, as a page of 1 MB has only so many."""
    pages = kind.pages

    def of_few(self, *arguments, **named):
        scan = self.aws.client.scan
        self.aws.client.scan = lambda **request: scan(Limit=limit, **request)
        yield from pages(self, *arguments, **named)

    monkeypatch.setattr(kind, "pages", of_few)


def test_clean_writes_no_faster_than_it_was_told(table, ask, monkeypatch):
    """The pauses add up to what the rate asks for."""
    slept = []
    monkeypatch.setattr(time, "sleep", slept.append)
    monkeypatch.setattr(time, "monotonic", lambda: sum(slept))
    for number in range(5):
        put(table, number, mark())

    ask("dynamodb", "clean", TABLE, "--apply", "--rate", "2")

    assert sum(slept) == pytest.approx(2.0)


def readers(night):
    """Write a bad price by release 42, then four readers of it that fail and three that do not."""
    first = {"service.version": "42"}
    writer = night.begin("ushop_price-import", 0, attributes=first)
    bad, good = night.span(), night.span()
    calls = [
        [bad, "dynamodb.PutItem", "ushop_catalog", 100, 200, 200, []],
        [good, "dynamodb.PutItem", "ushop_stock", 400, 200, 200, []],
    ]
    night.end(writer, 10, began=0, lasted=8, calls=calls)
    for number in range(7):
        ms = 1000 + number * 100
        run = night.begin("ushop_checkout", ms, trigger="api-gateway-rest", route="POST /sales")
        wrong = number < 4
        rare = {"readFrom": [[writer.trace, bad if wrong else good, 2], 3]}
        rare["readFrom"].append([writer.trace, "not an id", 1])
        table = "ushop_catalog" if wrong else "ushop_stock"
        read = [night.span(), "dynamodb.Query", table, 100, 200, 200, [], rare]
        raised = {"error": {"type": "KeyError", "message": "'price'"}} if wrong else {}
        night.end(run, ms + 20, began=ms, lasted=10, calls=[read], **raised)
    return writer, bad


def test_show_names_who_wrote_what_was_read(night, log_file, answer, command):
    """The failing request read two items that an import wrote; it was not caused by it."""
    writer, bad = readers(night)
    path = night.write(log_file)

    _, listed = answer("transactions", "--failed", path)
    failed = listed["transactions"][0]["id"]
    _, told = answer("show", failed, path)
    page = command("show", failed, path).stdout.decode()

    (one,) = told["readFrom"]
    assert (one["items"], one["spanId"], one["transactions"]) == (2, bad, [writer.trace])
    assert one["writer"]["function"] == "ushop_price-import"
    assert one["writer"]["release"] == "42"
    assert "read 2 items last written by ushop_price-import release 42" in page
    assert writer.trace not in told["traces"]


def test_why_names_the_writer_that_failing_transactions_read_and_healthy_ones_did_not(
    night, log_file, answer, command
):
    """All that failed read what one writer wrote; of those that did well, none."""
    readers(night)
    path = night.write(log_file)

    _, told = answer("why", path)
    page = command("why", path).stdout.decode()

    assert told["readFrom"]["function"] == "ushop_price-import"
    assert told["readFrom"]["call"] == "DynamoDB PutItem ushop_catalog"
    assert told["readFrom"]["failing"] == {"having": 4, "of": 4}
    assert told["readFrom"]["healthy"]["having"] == 0
    assert "items last written by ushop_price-import, release 42" in page


def test_why_keeps_quiet_of_a_writer_that_everybody_reads(night, log_file, answer):
    """What healthy transactions read as often explains nothing."""
    readers(night)
    for event in night.events:
        event["message"] = event["message"].replace("ushop_stock", "ushop_catalog")

    _, told = answer("why", night.write(log_file))

    assert told["readFrom"] is None
