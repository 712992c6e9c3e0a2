"""Every operation that writes items carries the context, and nothing of the caller's changes."""

import copy
import json

import pytest
from tests.capture.conftest import Clock

import lumitrace
from lumitrace import traced
from lumitrace.capture.config import settings
from lumitrace.wire.mark import parse_mark

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
KEY = {"id": {"S": "1"}}
ITEM = {"id": {"S": "1"}, "total": {"N": "42.5"}}


def run(context, work, event=None):
    """Run *work* inside an invocation."""
    return traced(lambda event, context: work())({} if event is None else event, context)


def calls(captured):
    """Return every folded call."""
    return [call for line in captured.lines for call in line.get("calls", ())]


def reason(captured):
    """Return why the last call carries nothing, or None."""
    [*_, last] = calls(captured)
    return last[7].get("notInjected") if len(last) > 7 else None


def marks(value):
    """Return every mark in *value*, in the order of its text."""
    if isinstance(value, dict):
        own = [value["S"]] if set(value) == {"S"} and parse_mark(value["S"]) else []
        return own + [mark for inner in value.values() for mark in marks(inner)]
    return [mark for inner in value for mark in marks(inner)] if isinstance(value, list) else []


def put(table="t", item=None):
    """Return one put of a transaction."""
    return {"Put": {"TableName": table, "Item": item or ITEM}}


def update(table="t", expression="SET a = :a"):
    """Return one update of a transaction."""
    values = {":a": {"S": "x"}}
    inner = {"TableName": table, "Key": KEY, "UpdateExpression": expression}
    return {"Update": {**inner, "ExpressionAttributeValues": values}}


CALLS = [
    ("put_item", {"TableName": "t", "Item": ITEM}, 1),
    ("update_item", update()["Update"], 1),
    (
        "batch_write_item",
        {
            "RequestItems": {
                "t": [{"PutRequest": {"Item": ITEM}}, {"DeleteRequest": {"Key": KEY}}],
                "u": [{"PutRequest": {"Item": ITEM}}],
            }
        },
        2,
    ),
    (
        "transact_write_items",
        {
            "TransactItems": [
                put(),
                update("u"),
                {"Delete": {"TableName": "t", "Key": KEY}},
                {
                    "ConditionCheck": {
                        "TableName": "t",
                        "Key": KEY,
                        "ConditionExpression": "attribute_exists(id)",
                    }
                },
            ]
        },
        2,
    ),
]


def values(value):
    """Return *value* and everything in it, as objects."""
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [value, *(each for one in inner for each in values(one))]


@pytest.mark.parametrize(("operation", "params", "count"), CALLS, ids=lambda one: str(one)[:20])
def test_every_item_that_is_written_names_the_call(
    captured, context, aws, operation, params, count
):
    """Each put and update bears the trace and the call's span; deletes and checks bear nothing."""
    client = aws.client("dynamodb")
    before, objects = copy.deepcopy(params), [id(one) for one in values(params)]

    run(context, lambda: getattr(client, operation)(**params))

    found = [parse_mark(mark) for mark in marks(aws.sent[0])]
    assert len(found) == count
    trace, [call] = captured.one("invocation")["traceId"], calls(captured)
    assert {(one.trace_id, one.span_id) for one in found} == {(trace, call[0])}
    assert params == before
    assert [id(one) for one in values(params)] == objects
    assert reason(captured) is None


@pytest.mark.parametrize(("operation", "params", "count"), CALLS, ids=lambda one: str(one)[:20])
@pytest.mark.parametrize("mode", ["link", "strip", "off"])
def test_a_table_with_another_mode_gets_the_callers_own_bytes(
    captured, context, aws, operation, params, count, mode, monkeypatch
):
    """``link`` without a secret says that the hop is not known; the others say nothing."""
    client = aws.client("dynamodb")
    token = {"ClientRequestToken": "x"} if operation == "transact_write_items" else {}
    getattr(client, operation)(**params, **token)
    monkeypatch.setattr(settings, "dynamodb", mode)

    run(context, lambda: getattr(client, operation)(**params, **token))

    assert aws.requests[0].body == aws.requests[1].body
    assert reason(captured) == ("no-fingerprint-key" if mode == "link" else None)


@pytest.mark.parametrize(("operation", "params", "count"), CALLS[2:], ids=lambda one: str(one)[:20])
def test_each_table_of_a_call_has_its_own_mode(
    captured, context, aws, operation, params, count, monkeypatch
):
    """A call about several tables marks the items of those that take a mark."""
    client = aws.client("dynamodb")
    monkeypatch.setattr(settings, "dynamodb_tables", (("u", "link"),))

    run(context, lambda: getattr(client, operation)(**params))

    assert len(marks(aws.sent[0])) == count - 1
    assert calls(captured)[0][2] == "t,u"


def test_a_transaction_with_the_callers_token_is_the_same_for_ever(captured, context, aws):
    """Same token, same request: whether lumitrace is there, or the second attempt comes later."""
    client = aws.client("dynamodb")
    params = {"TransactItems": [put(), update()], "ClientRequestToken": "order-17"}
    client.transact_write_items(**params)

    for _ in range(2):
        run(context, lambda: client.transact_write_items(**params))

    assert len({request.body for request in aws.requests}) == 1
    assert reason(captured) == "client-token"


def test_an_own_token_of_botocores_is_no_reason(captured, context, aws):
    """Botocore makes a token for each call, which no other call will bear."""
    client = aws.client("dynamodb")

    run(context, lambda: client.transact_write_items(TransactItems=[put()]))

    assert len(marks(aws.sent[0])) == 1
    assert aws.sent[0]["ClientRequestToken"]


def test_a_check_alone_with_a_token_is_no_news(captured, context, aws):
    """What could not carry the context anyway has no reason."""
    client = aws.client("dynamodb")
    delete = {"Delete": {"TableName": "t", "Key": KEY}}

    run(
        context,
        lambda: client.transact_write_items(TransactItems=[delete], ClientRequestToken="x"),
    )

    assert reason(captured) is None


REASONS = [
    ({"aws_dbe_head": {"B": b"x"}}, "signed-item"),
    ({"*amzn-ddb-map-sig*": {"B": b"x"}}, "signed-item"),
    ({"_lumitrace": {"S": "theirs"}}, "own-attribute"),
    ({"_lumitrace": {"N": "1"}}, "own-attribute"),
    ({"a": {"S": "x" * 391 * 1024}}, "item-size"),
    ({"a": {"S": "ä" * 196 * 1024}}, "item-size"),
    ({"a": {"L": [{"M": {"b": {"B": b"x" * 391 * 1024}}}]}}, "item-size"),
    ({"a" * 1024 + str(n): {"NULL": True} for n in range(395)}, "item-size"),
]


@pytest.mark.parametrize(("more", "why"), REASONS, ids=[f"{n}" for n in range(len(REASONS))])
def test_one_entry_stays_out_and_the_others_do_not(captured, context, aws, more, why):
    """Each entry of a batch is judged by itself."""
    client = aws.client("dynamodb")
    entries = [{"PutRequest": {"Item": {**KEY, **more}}}, {"PutRequest": {"Item": ITEM}}]

    run(context, lambda: client.batch_write_item(RequestItems={"t": entries}))

    first, second = (entry["PutRequest"]["Item"] for entry in aws.sent[0]["RequestItems"]["t"])
    assert set(first) == {*KEY, *more}
    assert set(second) == {*ITEM, "_lumitrace"}
    assert reason(captured) == why


@pytest.mark.parametrize(("more", "why"), REASONS, ids=[f"{n}" for n in range(len(REASONS))])
def test_one_put_stays_out(captured, context, aws, more, why):
    """The one request that is made has the caller's item, and the entry says why."""
    client = aws.client("dynamodb")

    run(context, lambda: client.put_item(TableName="t", Item={**KEY, **more}))

    [sent] = aws.sent
    assert set(sent["Item"]) == {*KEY, *more}
    assert reason(captured) == why


def test_large_items_that_leave_room_are_marked(captured, context, aws):
    """389 KiB, counted as DynamoDB does: bytes of names and values, digits by two."""
    client = aws.client("dynamodb")
    items = [
        {**KEY, "a": {"S": "x" * 389 * 1024}},
        {**KEY, "a": {"S": "ä" * 194 * 1024}},
        {**KEY, "a": {"NS": [str(10**30 + n) for n in range(15_000)]}},
    ]

    for item in items:
        run(context, lambda item=item: client.put_item(TableName="t", Item=item))

    assert [len(marks(sent)) for sent in aws.sent] == [1, 1, 1]


def test_a_transaction_near_its_limit_is_left_alone(captured, context, aws):
    """Four MiB for all items together."""
    client = aws.client("dynamodb")
    actions = [put(item={"id": {"S": str(n)}, "a": {"S": "x" * 381_000}}) for n in range(11)]

    run(context, lambda: client.transact_write_items(TransactItems=actions))

    assert marks(aws.sent[0]) == []
    assert reason(captured) == "size"


def test_each_entry_bears_the_context_of_its_own_record(captured, context, aws):
    """What was bound to a record of the event carries that record's span."""
    client = aws.client("dynamodb")
    sources = [f"00-{n:032x}-{n:016x}-01" for n in (1, 2)]
    event = {
        "Records": [
            {
                "messageId": f"m{n}",
                "eventSource": "aws:sqs",
                "eventSourceARN": "arn:aws:sqs:eu-west-1:123456789012:q",
                "body": "hi",
                "messageAttributes": {"traceparent": {"stringValue": source, "dataType": "String"}},
            }
            for n, source in enumerate(sources)
        ]
    }

    def handler(event, context):
        first, second = event["Records"]
        bound = lumitrace.bind({"PutRequest": {"Item": {"id": {"S": "1"}}}}, first)
        delete = {"DeleteRequest": {"Key": KEY}}
        client.batch_write_item(RequestItems={"t": [delete], "u": [bound]})
        inner = lumitrace.bind(update(), second)
        client.transact_write_items(TransactItems=[put(), inner])

    traced(handler)(event, context)

    traces = [parse_mark(mark).trace_id for sent in aws.sent for mark in marks(sent)]
    assert traces == [f"{1:032x}", captured.one("invocation")["traceId"], f"{2:032x}"]


QUEUE = {
    "Records": [
        {
            "messageId": "m",
            "eventSource": "aws:sqs",
            "eventSourceARN": "arn:aws:sqs:eu-west-1:123456789012:q",
            "body": "hi",
        }
    ]
}
TIMER = {"source": "aws.events", "detail-type": "Scheduled Event", "detail": {}, "id": "x"}


@pytest.mark.parametrize(
    ("operation", "params"),
    [(operation, params) for operation, params, _ in CALLS],
    ids=lambda one: str(one)[:20],
)
def test_an_echo_comes_to_rest(captured, context, aws, operation, params):
    """The same write for the fourth time, started by a message: it may be a loop that we feed.

    Where nothing but the mark changes, the write without it ends in no stream record.
    """
    client = aws.client("dynamodb")

    for _ in range(6):
        run(context, lambda: getattr(client, operation)(**params), QUEUE)

    assert [bool(marks(sent)) for sent in aws.sent] == [True, True, True, False, False, False]
    assert reason(captured) == "repeated"


def test_what_differs_is_no_echo(captured, context, aws):
    """Another value, another table or another key is another write."""
    client = aws.client("dynamodb")

    for n in range(6):
        item = {"total": {"N": str(n)}, **KEY}
        run(context, lambda item=item: client.put_item(TableName="t", Item=item), QUEUE)
        run(context, lambda n=n: client.put_item(TableName=f"t{n}", Item=ITEM), QUEUE)

    assert all(marks(sent) for sent in aws.sent)


def test_the_order_of_attributes_and_an_old_mark_make_no_other_write(captured, context, aws):
    """A function that writes back what it read writes the same, whatever the mark was."""
    client = aws.client("dynamodb")

    for n in range(6):  # each order is known again by itself, then all count as one
        names = list(ITEM)[:: -1 if n % 2 else 1]
        item = {name: ITEM[name] for name in names}
        item["_lumitrace"] = {"S": f"00-{TRACE}-{n + 1:016x}-01-19aacb90d7b-1-4c89c6ea"}
        run(context, lambda item=item: client.put_item(TableName="t", Item=item), QUEUE)

    assert reason(captured) == "repeated"


@pytest.mark.parametrize("name", ["invoke", "api_gateway_rest", "function_url"])
def test_a_ring_over_invoke_or_http_is_seen_too(captured, context, aws, event, name):
    """Nobody says through which tables such a call came."""
    client, came = aws.client("dynamodb"), {} if name == "invoke" else None

    for _ in range(4):
        given = event(name) if came is None else came
        run(context, lambda: client.put_item(TableName="t", Item=ITEM), given)

    assert [bool(marks(sent)) for sent in aws.sent] == [True, True, True, False]


def test_what_a_timer_started_may_repeat_itself(captured, context, aws):
    """A heartbeat is no loop."""
    client = aws.client("dynamodb")

    for _ in range(6):
        run(context, lambda: client.put_item(TableName="t", Item=ITEM), TIMER)

    assert all(marks(sent) for sent in aws.sent)


@pytest.mark.parametrize(
    "params",
    [
        {"UpdateExpression": "ADD n :n", "ExpressionAttributeValues": {":n": {"N": "1"}}},
        {"UpdateExpression": "SET n = n + :n", "ExpressionAttributeValues": {":n": {"N": "1"}}},
        {
            "UpdateExpression": "SET l = list_append(l, :l)",
            "ExpressionAttributeValues": {":l": {"L": []}},
        },
        {"AttributeUpdates": {"n": {"Action": "ADD", "Value": {"N": "1"}}}},
    ],
)
def test_a_counter_is_no_echo(captured, context, aws, params):
    """Each time is a change of the caller's own, with and without a mark."""
    client = aws.client("dynamodb")

    for _ in range(6):
        run(context, lambda: client.update_item(TableName="t", Key=KEY, **params), QUEUE)

    assert all(marks(sent) for sent in aws.sent)


def test_an_echo_is_forgotten_after_ten_minutes(captured, context, aws, monkeypatch):
    """A message an hour apart is news."""
    client, clock = aws.client("dynamodb"), Clock()
    monkeypatch.setattr("lumitrace.capture.services._dynamodb_repeats.time", clock)

    for _ in range(6):
        clock.us += 601_000_000
        run(context, lambda: client.put_item(TableName="t", Item=ITEM), QUEUE)

    assert all(marks(sent) for sent in aws.sent)


def test_what_is_remembered_of_writes_is_bounded(captured, context, aws):
    """4,096 hashes a process, of each kind."""
    from lumitrace.capture.services import _dynamodb_repeats

    for n in range(5000):
        _dynamodb_repeats.is_repeated("t", str(n).encode())
        _dynamodb_repeats.is_familiar("t", {"id": {"S": str(n)}})

    assert len(_dynamodb_repeats._writes) <= 4096
    assert len(_dynamodb_repeats._begun) <= 4096


def test_a_ring_of_many_items_is_seen():
    """A job that touches 3,000 items sends all of them round before the first comes again."""
    items = [{"id": {"S": str(n)}, "state": {"S": "done"}} for n in range(3000)]

    for _ in range(3):
        assert not any(_comes_again(item) for item in items)

    assert all(_comes_again(item) for item in items)


def _comes_again(item):
    from lumitrace.capture.services import _dynamodb_repeats as written

    return written.is_familiar("t", item) and written.is_repeated("t", written.content(item))


@pytest.mark.parametrize(
    "item",
    [
        {"tags": {"SS": ["a", "b"]}, "id": {"S": "1"}},
        {"_lumitrace": {"S": "x"}, "id": {"S": "1"}},
        {"ok": {"BOOL": True}},
        {"raw": {"B": bytearray(b"x")}},
        {"lines": {"L": [{"S": "x"}]}},
    ],
    ids=lambda item: next(iter(item)),
)
def test_whatever_stands_first_in_an_item_its_fourth_write_is_repeated(item):
    """A set, a list, bytes, an old mark: the item is known again."""
    new = {**item, "_lumitrace": {"S": "y"}} if "_lumitrace" in item else item

    assert [_comes_again(one) for one in (item, new, item, new)] == [False, False, False, True]


@pytest.mark.parametrize(("operation", "params", "count"), CALLS, ids=lambda one: str(one)[:20])
def test_the_own_stream_and_the_lineage_stop_every_operation(
    captured, context, aws, operation, params, count, event
):
    """A function that rewrites its table, or one that its context came from, writes no marks."""
    client = aws.client("dynamodb")
    stream = event("dynamodb")
    del stream["Records"][1:]
    record = stream["Records"][0]
    record["eventSourceARN"] = "arn:aws:dynamodb:eu-west-1:1:table/t/stream/x"
    from lumitrace.wire.mark import table_hash

    lineage = table_hash("eu-west-1", "u")
    image = record["dynamodb"]["NewImage"]
    image["_lumitrace"]["S"] = f"00-{TRACE}-{SPAN}-01-19aacb90d7b-1-{lineage}"

    run(context, lambda: getattr(client, operation)(**params), stream)

    assert marks(aws.sent[0]) == []
    assert reason(captured) == "own-stream"


def test_partiql_is_never_rewritten(captured, context, aws):
    """A statement is the caller's text."""
    client = aws.client("dynamodb")
    statement = "INSERT INTO t VALUE {'id': '1'}"

    def work():
        client.execute_statement(Statement=statement)
        client.batch_execute_statement(Statements=[{"Statement": statement}])
        client.execute_transaction(
            TransactStatements=[{"Statement": statement}], ClientRequestToken="x"
        )

    work()
    run(context, work)

    bodies = [request.body for request in aws.requests]
    assert bodies[:3] == bodies[3:]


def test_a_resource_writes_marks_too(captured, context, aws):
    """boto3's tables, with Python values, and their batch writer."""
    boto3 = pytest.importorskip("boto3")
    table = boto3.Session("a", "b", region_name="eu-west-1").resource("dynamodb").Table("t")
    table.meta.client.meta.events.register("before-send", aws.send)
    aws.answers = [None, None, (200, '{"UnprocessedItems": {}}')]
    item = {"id": "1", "tags": {"a", "b"}, "data": b"x"}
    before = copy.deepcopy(item)

    def work():
        table.put_item(Item=item)
        table.update_item(
            Key={"id": "1"},
            UpdateExpression="SET a = :a",
            ExpressionAttributeValues={":a": {"b"}},
        )
        with table.batch_writer(overwrite_by_pkeys=["id"]) as batch:
            batch.put_item(Item=item)
            batch.put_item(Item=item)
            batch.delete_item(Key={"id": "2"})

    run(context, work)

    assert [len(marks(sent)) for sent in aws.sent] == [1, 1, 1]
    assert item == before


def test_what_comes_back_unprocessed_is_the_callers_own_and_goes_again_with_a_mark(
    captured, context, aws
):
    """batch_writer puts again what DynamoDB could not take."""
    boto3 = pytest.importorskip("boto3")
    table = boto3.Session("a", "b", region_name="eu-west-1").resource("dynamodb").Table("t")
    table.meta.client.meta.events.register("before-send", aws.send)
    aws.answers = [
        lambda sent: (200, json.dumps({"UnprocessedItems": sent["RequestItems"]})),
        (200, '{"UnprocessedItems": {}}'),
    ]

    def work():
        with table.batch_writer() as batch:
            batch.put_item(Item={"id": "1"})

    run(context, work)

    assert [len(marks(sent)) for sent in aws.sent] == [1, 1]
