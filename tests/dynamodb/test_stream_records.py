"""What one record of a stream says: a parent where it is proved, and never a false one."""

import base64
import copy
import json

import pytest

import lumitrace
from lumitrace.capture.config import settings
from lumitrace.capture.services import _dynamodb_stream, _kinesis_change, kinesis
from lumitrace.wire.context import SpanContext
from lumitrace.wire.mark import ATTRIBUTE, format_mark, table_hash

HERE, TABLE, MS = "eu-west-1", "ushop_sales", 1_795_311_120_400
WRITER = SpanContext("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7")
BEFORE = SpanContext("c" * 32, "d" * 16)
ARN = f"arn:aws:dynamodb:{HERE}:123456789012:table/{TABLE}/stream/2026-11-22T00:00:00.000"


def mark(context=WRITER, ms=MS, region=HERE, table=TABLE):
    """Return the attribute that *context* wrote."""
    return {"S": format_mark(context, table_hash(region, table), ms)}


def image(value, written=None, **more):
    """Return an image of the item with this *value*, and the mark *written*."""
    found = {"saleId": {"S": "1"}, "n": {"N": str(value)}, **more}
    return {**found, ATTRIBUTE: written} if written else found


def record(name, new=None, old=None, **more):
    """Return a stream record *name* with these images."""
    change = {"ApproximateCreationDateTime": MS // 1000, "Keys": {"saleId": {"S": "1"}}}
    change |= {key: value for key, value in (("NewImage", new), ("OldImage", old)) if value}
    said = {"eventSource": "aws:dynamodb", "awsRegion": HERE, "eventSourceARN": ARN}
    return {"eventID": "e1", "eventName": name, "dynamodb": change, **said, **more}


TTL = {"userIdentity": {"type": "Service", "principalId": "dynamodb.amazonaws.com"}}
REPLICATED = {"aws:rep:updateregion": {"S": "us-east-1"}, "aws:rep:updatetime": {"N": "2"}}
LOCAL = {"aws:rep:updateregion": {"S": HERE}, "aws:rep:updatetime": {"N": "2"}}
LATER = MS + 2000

RECORDS = {
    "a put of a new item": (record("INSERT", image(1, mark())), WRITER, None, ""),
    "a put that replaces": (
        record("MODIFY", image(2, mark(ms=LATER)), image(1, mark(BEFORE))),
        *(WRITER, None, ""),
    ),
    "an update without lumitrace leaves the mark": (
        record("MODIFY", image(2, mark()), image(1, mark())),
        *(None, WRITER, ""),
    ),
    "the same where no old image says so": (
        record("MODIFY", image(2, mark(ms=MS - 3_600_000))),
        *(None, WRITER, ""),
    ),
    "a delete": (record("REMOVE", old=image(1, mark())), None, WRITER, ""),
    "an item that expired": (record("REMOVE", old=image(1, mark()), **TTL), None, WRITER, "ttl"),
    "a stream of keys": (record("MODIFY"), None, None, ""),
    "a stream of old images": (record("MODIFY", old=image(1, mark())), None, WRITER, ""),
    "a copy into another table": (
        record("INSERT", image(1, mark(table="ushop_other"))),
        *(None, WRITER, "copy"),
    ),
    "a copy within the table": (
        record("INSERT", image(1, mark(ms=MS - 60_000))),
        *(None, WRITER, ""),
    ),
    "an older state that was put back": (
        record("MODIFY", image(1, mark(ms=MS - 9_000)), image(2, mark(BEFORE, ms=MS))),
        *(None, WRITER, ""),
    ),
    "another item's state of yesterday": (
        record("MODIFY", image(1, mark(ms=MS - 86_400_000)), image(2)),
        *(None, WRITER, ""),
    ),
    "a write that was retried for a minute": (
        record("MODIFY", image(2, mark(ms=MS - 60_000)), image(1)),
        *(WRITER, None, ""),
    ),
    "a replica of 2019": (
        record("MODIFY", image(2, mark(region="us-east-1")), image(1, mark(BEFORE))),
        *(None, WRITER, "replica"),
    ),
    "a replica of 2019, new": (
        record("INSERT", image(2, mark(region="us-east-1"))),
        *(None, WRITER, "replica"),
    ),
    "a replica of 2017": (
        record("INSERT", image(2, mark(region="us-east-1"), **REPLICATED)),
        *(None, WRITER, "replica"),
    ),
    "a replica of 2017 by a writer without lumitrace": (
        record("MODIFY", image(2, **REPLICATED), image(1)),
        *(None, None, "replica"),
    ),
    "the bookkeeping of 2017 after a write here": (
        record("MODIFY", image(2, mark(), **LOCAL), image(2, mark())),
        *(None, WRITER, ""),
    ),
    "an update here of what was replicated in 2017": (
        record("MODIFY", image(2, mark(), **REPLICATED), image(1, mark(BEFORE), **REPLICATED)),
        *(WRITER, None, ""),
    ),
    "the application's own attribute": (
        record("INSERT", image(1, {"S": "theirs"})),
        *(None, None, ""),
    ),
    "no images at all": ({"eventID": "e1", "dynamodb": "?"}, None, None, ""),
}


def told(found):
    """Return what *found* says of its sender."""
    return found.context, found.last_writer, found.origin


@pytest.mark.parametrize("case", RECORDS)
def test_a_record_has_a_parent_only_where_it_is_proved(case):
    """Whoever else wrote the item is its last writer, a relation at most."""
    given, *wanted = RECORDS[case]

    assert told(_dynamodb_stream.read(copy.deepcopy(given))) == tuple(wanted)


def through_kinesis(given, **style):
    """Return *given* as DynamoDB puts it into a Kinesis stream: JSON in Base64."""
    change = {**given["dynamodb"], "ApproximateCreationDateTime": MS}
    change["ApproximateCreationDateTimePrecision"] = "MILLISECOND"
    said = {"awsRegion": HERE, "eventID": "x", "eventName": given["eventName"]}
    said |= {"userIdentity": given.get("userIdentity"), "recordFormat": "application/json"}
    said |= {"tableName": TABLE, "dynamodb": change, "eventSource": "aws:dynamodb"}
    data = json.dumps(said, **{"separators": (",", ":"), **style}).encode()
    return {
        "eventSource": "aws:kinesis",
        "eventID": "shard:1",
        "kinesis": {"data": base64.b64encode(data).decode()},
    }


@pytest.mark.parametrize("case", [name for name in RECORDS if name != "no images at all"])
def test_a_change_through_kinesis_says_the_same(case):
    """The writer of a change is the same, whichever stream hands it over."""
    given, *wanted = RECORDS[case]

    assert told(kinesis.service.extract_record(through_kinesis(given))) == tuple(wanted)


ORDERS = [
    lambda item: item,
    lambda item: dict(reversed(item.items())),
    lambda item: {ATTRIBUTE: item[ATTRIBUTE]},
]


@pytest.mark.parametrize("order", ORDERS, ids=["last", "first", "alone"])
@pytest.mark.parametrize("style", [{}, {"separators": (", ", ": ")}, {"ensure_ascii": False}])
@pytest.mark.parametrize("pad", range(3))
def test_the_bytes_are_those_that_an_untraced_writer_had_caused(order, style, pad):
    """The mark is cut out; numbers, escapes and spaces stay as they were spelt."""
    text = {"S": 'é {"_lumitrace":{"S":"no"}} \\' + "x" * pad}
    item = image("1.50", mark(), text=text)
    given = record("MODIFY", order(item), order({**item, "n": {"N": "1"}}))
    bare = copy.deepcopy(given)
    for one in ("NewImage", "OldImage"):
        del bare["dynamodb"][one][ATTRIBUTE]
        bare["dynamodb"][one] = bare["dynamodb"][one] or {}
    event = {"Records": [through_kinesis(given, **style)]}

    _kinesis_change.clean_event(event)

    wanted = through_kinesis(bare, **style)["kinesis"]["data"]
    got = event["Records"][0]["kinesis"]["data"]
    assert base64.b64decode(got) == base64.b64decode(wanted)


def test_an_item_inside_an_item_is_the_applications_own():
    """A mark that stands deeper than an image's attributes was put there by the application."""
    inner = {"M": {"copy": {"M": {ATTRIBUTE: mark()}}}}
    given = through_kinesis(record("INSERT", image(1, mark(), inner=inner, quote={"S": '"{'})))
    event = {"Records": [given]}

    _kinesis_change.clean_event(event)

    change = json.loads(base64.b64decode(event["Records"][0]["kinesis"]["data"]))
    new = change["dynamodb"]["NewImage"]
    assert ATTRIBUTE not in new
    assert new["inner"] == inner


@pytest.mark.parametrize("data", [b"plain", b'{"dynamodb": _lumitrace', b'{"a":1}', b"\xff\x00"])
def test_other_records_of_a_stream_stay_as_they_are(data):
    """The application's own bytes are neither read nor written."""
    held = base64.b64encode(data).decode()
    event = {"Records": [{"eventSource": "aws:kinesis", "kinesis": {"data": held}}]}

    _kinesis_change.clean_event(event)

    assert event["Records"][0]["kinesis"]["data"] is held
    assert kinesis.service.extract_record(event["Records"][0]).context is None


@pytest.mark.parametrize(
    ("place", "count"), [({"table": "ushop_other"}, 1), ({"region": "us-east-1"}, 1), ({}, 0)]
)
def test_a_copys_lineage_goes_along_though_its_writer_is_no_parent(place, count):
    """A loop through somebody who copies items with their marks comes to rest too."""
    found = _dynamodb_stream.read(record("INSERT", image(1, mark(ms=MS - 60_000, **place))))

    assert found.context is None
    assert len(found.lineage.tables if found.lineage else ()) == count


def test_a_large_batch_is_keyed_when_a_record_is_asked_for(captured, context, monkeypatch):
    """Before the handler runs 256 fingerprints are told; each record of its own tells its own."""
    monkeypatch.setattr(settings, "fingerprint_key", (b"correct horse battery",))
    marked = [record("MODIFY", image(n, mark()), image(0, mark())) for n in range(1, 300)]
    event = {"Records": [{**one, "eventID": f"e{n}"} for n, one in enumerate(marked)]}

    def handle(event, context):
        with lumitrace.record(event["Records"][298]):
            pass

    lumitrace.traced(handle)(event, context)

    assert sum(len(line.get("linkIn", ())) for line in captured.all("start")) == 256
    ended = [*captured.all("calls"), *captured.all("invocation")]
    [told] = [one for line in ended for one in line.get("records", ())]
    assert told[6].startswith("dynamodb:")
    assert told[7]["links"] == [[WRITER.trace_id, WRITER.span_id, "last-writer"]]
