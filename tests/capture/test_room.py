"""How much of an event is looked at: a bounded amount of work, and what it leaves out is told."""

import copy
import json
import sys

import pytest

import lumitrace
from lumitrace import traced
from lumitrace.capture import chosen, inbound
from lumitrace.capture.config import settings
from lumitrace.capture.services import _room

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
MAX_CALLS = 20_000  # of functions, in Python and in C: 256 records need 16,000 at most


def batch(event, name, count, **members):
    """Return the event *name* with *count* records, each of an id and a sender of its own."""
    found = event(name)
    text = json.dumps({**found["Records"][0], **members})
    found["Records"] = [
        {**json.loads(text.replace(TRACE, f"{n + 1:032x}")), "messageId": f"m{n}"}
        for n in range(count)
    ]
    return found


def calls(event):
    """Return how many functions reading *event* calls."""
    count = 0

    def profile(frame, what, argument):
        nonlocal count
        count += what in {"call", "c_call"}

    sys.setprofile(profile)
    try:
        inbound.extract(inbound.recognise(event), event, None)
    finally:
        sys.setprofile(None)
    return count


def test_what_is_not_opened_is_counted_and_keeps_its_own_key(captured, context, event):
    """Of a batch of 100 SNS messages 64 are opened before the handler; the others are counted."""
    traced(lambda event, context: None)(batch(event, "sqs_sns", 100), context)

    starts = captured.all("start")
    assert sum(len(start["links"]) for start in starts if "links" in start) == 64
    keys = [key for start in starts for key in start.get("linkIn", ())]
    assert keys == [f"sqs:m{n}" for n in range(64, 100)]
    assert captured.one("invocation")["dropped"]["bodies"] == 36


def test_a_record_is_opened_when_it_is_asked_for(captured, context, event):
    """The room of a record is its own: nobody who asks for it comes too late."""
    many = batch(event, "sqs_sns", 300)

    @traced
    def handler(event, context):
        with lumitrace.record(event["Records"][299]):
            return lumitrace.trace_id()

    assert handler(many, context) == f"{300:032x}"


def test_text_is_parsed_within_the_room(monkeypatch, event):
    """Three hundred notifications of 15 KB cost as much as two of them."""
    parsed = []
    monkeypatch.setattr(_room, "_decode", lambda text: parsed.append(len(text)) or json.loads(text))
    many = batch(event, "sqs_sns", 1)
    body = json.loads(many["Records"][0]["body"])
    many["Records"][0]["body"] = json.dumps({**body, "Message": "x" * 15_000})
    many["Records"] *= 300

    _, found = inbound.extract(inbound.recognise(many), many, None)

    assert 0 < sum(parsed) <= _room.MAX_UNITS
    assert [record.context is not None for record in found.records] == [True] * 64 + [False] * 192


def test_a_body_of_many_objects_is_not_parsed(monkeypatch, event):
    """A comma may be an object more: 16 KiB of empty ones take longer than all else."""
    monkeypatch.setattr(_room, "_decode", lambda text: pytest.fail("it was parsed"))
    body = '{"TopicArn":[' + "{}," * 5_000 + "{}]}"

    _, record = inbound.extract_record(batch(event, "sqs", 1, body=body)["Records"][0])

    assert record.link_key == "sqs:m0"


def test_a_body_that_names_nothing_of_ours_is_not_parsed(monkeypatch, event):
    """The application's own JSON is its own."""
    monkeypatch.setattr(_room, "_decode", lambda text: pytest.fail("it was parsed"))
    one = batch(event, "sqs", 1, body='{"a":1}', messageAttributes={})

    assert inbound.extract_record(one["Records"][0])[1].link_key == "sqs:m0"


def wide(members, levels):
    """Return an object of *members* objects of as many objects."""
    return {str(n): wide(members, levels - 1) for n in range(members)} if levels else {}


@pytest.mark.parametrize(
    "case",
    [
        lambda event: batch(event, "sqs", 2_000),
        lambda event: batch(event, "sqs_sns", 2_000),
        lambda event: batch(event, "sqs_sns_s3", 2_000),
        lambda event: batch(event, "sqs_eventbridge", 2_000),
        lambda event: batch(event, "kinesis", 2_000),
        lambda event: batch(event, "s3", 2_000),
        lambda event: batch(event, "dynamodb", 2_000),
        lambda event: [{**event("eventbridge"), "id": "x" * 36}] * 2_000,
        lambda event: {**event("eventbridge"), "detail": wide(32, 3)},
        lambda event: {**event("firehose_sns"), "records": event("firehose_sns")["records"] * 900},
        lambda event: {**event("api_gateway_rest"), "headers": {f"x{n}": "" for n in range(5_000)}},
        lambda event: kafka(event, 256, 50),
    ],
)
def test_the_work_is_bounded(case, event):
    """Whatever the event, it is read with a bounded number of calls."""
    calls(case(event))  # imports what it needs

    assert calls(case(event)) < MAX_CALLS


def kafka(event, count, headers):
    """Return *count* records of a sender each, the context behind *headers* others."""
    own = [{"name": [120] * 200}] * headers
    records = [
        {
            "topic": "t",
            "partition": 0,
            "offset": n,
            "headers": [*own, {"TraceParent": list(f"00-{n + 1:032x}-{SPAN}-01".encode())}],
        }
        for n in range(count)
    ]
    return {**event("kafka_msk"), "records": {"t-0": records}}


def test_kafka_headers_have_room_and_are_counted(captured, context, event):
    """Forty headers a record leave no room for the last of 30 records: a line says how many."""
    traced(lambda event, context: None)(kafka(event, 30, 40), context)

    assert len(captured.one("start")["links"]) == 25
    assert captured.one("invocation")["dropped"]["bodies"] == 5


def test_kafka_partitions_are_counted(captured, context, event):
    """The records of more partitions than are looked at count too."""
    records = {f"t-{n}": [{"topic": "t"}] * 2 for n in range(300)}

    traced(lambda event, context: None)({**event("kafka_msk"), "records": records}, context)

    assert captured.one("start")["records"] == 600


def test_every_mark_comes_off_and_its_context_stays_known(captured, context, event):
    """A stream's batch is cleaned to its end; a late record is still its writer's."""
    many = event("dynamodb")
    record = many["Records"][0]
    many["Records"] = [copy.deepcopy(record) | {"eventID": f"e{n}"} for n in range(300)]

    @traced
    def handler(event, context):
        with lumitrace.record(event["Records"][299]):
            return lumitrace.trace_id(), "_lumitrace" in str(event)

    assert handler(many, context) == (TRACE, False)


@pytest.mark.parametrize("change", [{"eventName": "REMOVE"}, {"same": True}, {"stale": True}])
def test_a_mark_that_proves_nothing_comes_off_all_the_same(captured, context, event, change):
    """A removed image, one whose mark is the old one's, and an old mark: nobody's parent."""
    many = event("dynamodb")
    record = many["Records"][0]
    image = record["dynamodb"]
    record["eventName"] = change.get("eventName", "MODIFY")
    image["OldImage"] = copy.deepcopy(image["NewImage"]) if "same" in change else {}
    if "stale" in change:
        del image["OldImage"]
        image["ApproximateCreationDateTime"] = 1
    many["Records"] = [record]

    @traced
    def handler(event, context):
        with lumitrace.record(event["Records"][0]):
            return lumitrace.trace_id(), "_lumitrace" in str(event)

    found, dirty = handler(many, context)

    assert found != TRACE
    assert not dirty


def test_long_names_are_cut(captured, context, event):
    """A route of megabytes does not get into a line."""
    request = event("api_gateway_http")
    request["routeKey"] = "POST /" + "x" * 1_000_000

    traced(lambda event, context: None)(request, context)

    assert len(captured.one("start")["route"]) == 100


def test_an_id_of_any_length_is_no_id(event):
    """AWS's ids are short: what is longer than 1,024 characters identifies nobody."""
    one = batch(event, "sqs", 1)["Records"][0] | {"messageId": "x" * 1_025}

    _, record = inbound.extract_record(one)

    assert (record.identifier, record.link_key) == ("", None)


def test_the_paths_of_tags_share_one_room(monkeypatch):
    """Thirty-two paths into bodies of 15 KB parse one of them."""
    paths = ",".join(f"{n}.body.a" for n in range(32))
    settings.load({"LUMITRACE_TAGS": paths})
    parsed = []
    monkeypatch.setattr(chosen, "loads", lambda text: parsed.append(text) or json.loads(text))

    chosen.tags([{"body": json.dumps({"a": n, "b": "x" * 15_000})} for n in range(32)])

    assert len(parsed) == 1


def test_lists_of_several_lines_keep_their_order(captured, context, event):
    """Two hundred links stand in lines of 4 KiB, in the order of the records."""
    traced(lambda event, context: None)(batch(event, "sqs", 200), context)

    links = [link for start in captured.all("start") for link in start.get("links", ())]
    assert [trace for trace, _ in links] == [f"{n + 1:032x}" for n in range(200)]
    assert all(len(line) <= 4096 for line in captured.text)
    assert len(captured.all("start")) <= 6
