"""What a function reads: its own items, and in the span line who wrote them."""

import json
import os

import pytest

from lumitrace import traced
from lumitrace.capture.config import settings
from lumitrace.capture.services import _attribute_map
from lumitrace.capture.services._call import Call
from lumitrace.wire.context import SpanContext
from lumitrace.wire.mark import format_mark

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
ARN = "arn:aws:dynamodb:eu-west-1:123456789012:table"


def marked(trace=TRACE, span=SPAN, **more):
    """Return an item with a mark of this writer."""
    mark = format_mark(SpanContext(trace, span), "4c89c6ea", 1_795_383_700_000)
    return {"a": {"S": "1"}, **more, "_lumitrace": {"S": mark}}


PLAIN, MARKED = {"a": {"S": "1"}}, marked()


def run(context, work):
    """Run *work* inside an invocation."""
    return traced(lambda event, context: work())({}, context)


def read_from(captured):
    """Return what the one call of the one invocation says of the writers."""
    [call] = [call for line in captured.lines for call in line.get("calls", ())]
    return call[7]["readFrom"] if len(call) > 7 else None


@pytest.fixture
def query(aws, context):
    """Return what a Query of these items answers, inside an invocation."""
    client = aws.client("dynamodb")

    def query(*items, **more):
        aws.answers = [(200, json.dumps({"Items": items, **more}))]
        return run(context, lambda: client.query(TableName="t"))

    return query


def tables(monkeypatch, text):
    """Set LUMITRACE_DYNAMODB_TABLES."""
    settings.load({"LUMITRACE_ENABLED": "1", "LUMITRACE_DYNAMODB_TABLES": text})


def statement(text):
    """Return the parameters of one PartiQL statement."""
    return {"Statement": text}


OF_TABLES = [
    ("get_item", {"TableName": "T", "Key": {}}, lambda i: {"Item": i}),
    ("get_item", {"TableName": f"{ARN}/T", "Key": {}}, lambda i: {"Item": i}),
    ("query", {"TableName": "T", "IndexName": "x"}, lambda i: {"Items": [i]}),
    ("scan", {"TableName": f"{ARN}/T"}, lambda i: {"Items": [i]}),
    ("batch_get_item", {"RequestItems": {}}, lambda i: {"Responses": {"T": [i]}}),
    ("batch_get_item", {"RequestItems": {}}, lambda i: {"Responses": {f"{ARN}/T": [i]}}),
    (
        "batch_write_item",
        {"RequestItems": {}},
        lambda i: {"UnprocessedItems": {"T": [{"PutRequest": {"Item": i}}]}},
    ),
    (
        "transact_get_items",
        {
            "TransactItems": [{"Get": {"TableName": "other", "Key": {}}}] * 2
            + [{"Get": {"TableName": "T", "Key": {}}}]
        },
        lambda i: {"Responses": [{}, {}, {"Item": i}]},
    ),
    ("execute_statement", statement('SELECT * FROM "T"."x" WHERE a = 1'), lambda i: {"Items": [i]}),
    ("execute_statement", statement("select a from T.x"), lambda i: {"Items": [i]}),
    (
        "execute_statement",
        statement("UPDATE T SET a=1 RETURNING ALL OLD *"),
        lambda i: {"Items": [i]},
    ),
    (
        "batch_execute_statement",
        {"Statements": []},
        lambda i: {"Responses": [{"TableName": "T", "Item": i}]},
    ),
    (
        "batch_execute_statement",
        {"Statements": []},
        lambda i: {"Responses": [{"TableName": "T", "Error": {"Item": i}}]},
    ),
    (
        "execute_transaction",
        {"TransactStatements": [statement('SELECT a FROM "o"'), statement('SELECT a FROM "T"')]},
        lambda i: {"Responses": [{}, {"Item": i}]},
    ),
]


@pytest.mark.parametrize(("operation", "params", "answer"), OF_TABLES)
@pytest.mark.parametrize("mode", ["inject", "link", "strip", "off"])
def test_each_table_is_read_in_its_own_mode(
    captured, aws, monkeypatch, operation, params, answer, mode
):
    """However an answer names its table, `off` alone leaves the mark."""
    client = aws.client("dynamodb", parameter_validation=False)
    other = "strip" if mode == "off" else "off"
    aws.answers = [(200, json.dumps(answer(MARKED)))]
    with monkeypatch.context() as patch:
        tables(patch, f"T={mode},*={other}")

        result = getattr(client, operation)(**params)

    del result["ResponseMetadata"]
    assert result == answer(MARKED if mode == "off" else PLAIN)


def test_one_answer_may_hold_tables_of_several_modes(captured, aws, monkeypatch):
    """BatchGetItem of three tables: each as it is set."""
    client = aws.client("dynamodb")
    answer = {"left": [MARKED], "stripped": [MARKED, MARKED], "linked": [MARKED]}
    aws.answers = [(200, json.dumps({"Responses": answer}))]
    tables(monkeypatch, "left=off,stripped=strip,*=link")
    wanted = {name: {"Keys": [PLAIN]} for name in answer}

    result = client.batch_get_item(RequestItems=wanted)

    assert result["Responses"] == {"left": [MARKED], "stripped": [PLAIN] * 2, "linked": [PLAIN]}


def test_the_reasons_of_a_cancelled_transaction_are_of_their_tables(captured, aws, monkeypatch):
    """The items of TransactionCanceledException stand in the order of the actions."""
    client = aws.client("dynamodb")
    no = {"Code": "ConditionalCheckFailed", "Message": "no", "Item": MARKED}
    body = {"__type": "x#TransactionCanceledException", "Message": "no"}
    aws.answers = [(400, json.dumps({**body, "CancellationReasons": [no, no, {"Code": "None"}]}))]
    tables(monkeypatch, "left=off")
    put = [{"Put": {"TableName": name, "Item": PLAIN}} for name in ("left", "other", "other")]

    with pytest.raises(client.exceptions.TransactionCanceledException) as caught:
        client.transact_write_items(TransactItems=put)

    first, second, third = caught.value.response["CancellationReasons"]
    assert (first["Item"], second["Item"], third) == (MARKED, PLAIN, {"Code": "None"})


def test_a_stream_that_is_polled_is_of_its_table(captured, aws, monkeypatch):
    """An iterator begins with the ARN of its stream."""
    client = aws.client("dynamodbstreams")
    answer = {"Records": [{"dynamodb": {"NewImage": MARKED, "OldImage": MARKED, "Keys": PLAIN}}]}
    tables(monkeypatch, "left=off")
    of = [f"{ARN}/{name}/stream/2026-11-22T00:00:00.000|1|AAAA" for name in ("left", "other")]

    aws.answers = [(200, json.dumps(answer))] * 2
    left, stripped = [client.get_records(ShardIterator=it)["Records"][0] for it in of]

    assert left["dynamodb"] == {"NewImage": MARKED, "OldImage": MARKED, "Keys": PLAIN}
    assert stripped["dynamodb"] == {"NewImage": PLAIN, "OldImage": PLAIN, "Keys": PLAIN}


def test_off_for_all_leaves_the_tables_that_are_set(captured, aws, monkeypatch):
    """LUMITRACE_DYNAMODB=off with one table that is stripped."""
    client = aws.client("dynamodb")
    aws.answers = [(200, json.dumps({"Item": MARKED}))] * 2
    settings.load(
        {
            "LUMITRACE_ENABLED": "1",
            "LUMITRACE_DYNAMODB": "off",
            "LUMITRACE_DYNAMODB_TABLES": "stripped=strip",
        }
    )

    left, stripped = [client.get_item(TableName=n, Key=PLAIN) for n in ("left", "stripped")]

    assert (left["Item"], stripped["Item"]) == (MARKED, PLAIN)


def sample(shape, stack=()):
    """Return a value of *shape* with a marked item wherever the model has room for one."""
    if shape.type_name == "map" and shape.value.name == "AttributeValue":
        return dict(MARKED)
    if shape.name == "AttributeValue" or shape.name in stack:
        return {}
    inner = (*stack, shape.name)
    if shape.type_name == "structure":
        return {name: sample(member, inner) for name, member in shape.members.items()}
    if shape.type_name == "list":
        return [sample(shape.member, inner), sample(shape.member, inner)]
    return {"x": sample(shape.value, inner)} if shape.type_name == "map" else "text"


KEYS = ("Key", "Keys", "LastEvaluatedKey", "ItemCollectionKey", "ExpressionAttributeValues")


def left(value, path=""):
    """Yield where in *value* a mark is left."""
    if isinstance(value, dict):
        if "_lumitrace" in value:
            yield path
        for name, inner in value.items():
            if name not in KEYS:
                yield from left(inner, f"{path}.{name}")
    elif isinstance(value, list):
        for inner in value:
            yield from left(inner, path)


def operations():
    """Return every operation of both services that botocore has."""
    session = pytest.importorskip("botocore.session").Session()
    models = [session.get_service_model(name) for name in ("dynamodb", "dynamodbstreams")]
    return [model.operation_model(name) for model in models for name in model.operation_names]


def test_no_operation_that_botocore_knows_shows_a_mark():
    """Answers and errors alike, and what the next version of botocore adds."""
    places, kept = 0, []
    for model in operations():
        for shape in (model.output_shape, *model.error_shapes):
            answer = sample(shape) if shape is not None else {}
            places += len(list(left(answer)))
            call = Call("dynamodb", model.name, {})

            _attribute_map.clean_response(call, model, answer, None)

            kept += [f"{model.name} {place}" for place in left(answer)]

    assert kept == []
    assert places >= 30


def test_a_page_says_whose_items_it_holds(captured, query):
    """Trace and span of each writer, and how many of the items it wrote."""
    other = "f" * 32

    answer = query(MARKED, marked(other), MARKED, PLAIN, marked(span="1" * 16))

    assert answer["Items"] == [PLAIN] * 5
    assert read_from(captured) == [[TRACE, SPAN, 2], [other, SPAN, 1], [TRACE, "1" * 16, 1]]


def test_sixteen_writers_are_told_and_the_others_counted(captured, query):
    """Those of the most items first."""
    traces = [os.urandom(16).hex() for _ in range(40)]

    query(*map(marked, traces), marked(traces[30]))

    *told, more = read_from(captured)
    assert told[0] == [traces[30], SPAN, 2]
    assert [trace for trace, _, _ in told[1:]] == traces[:15]
    assert more == 24


def test_a_thousand_writers_of_one_item_each_are_counted(captured, query):
    """The first sixteen, and a number."""
    traces = [os.urandom(16).hex() for _ in range(1_000)]

    query(*map(marked, traces))

    assert read_from(captured) == [*([trace, SPAN, 1] for trace in traces[:16]), 984]


def test_what_the_reader_wrote_itself_is_no_news(captured, aws, context):
    """A put and a read in one invocation: no writer is told."""
    client = aws.client("dynamodb")
    trace = []

    def work():
        client.put_item(TableName="t", Item=PLAIN)
        mark = aws.sent[0]["Item"]["_lumitrace"]["S"]
        trace.append(mark[3:35])
        aws.answers = [(200, json.dumps({"Items": [marked(trace[0]), MARKED]}))]
        return client.query(TableName="t")["Items"]

    assert run(context, work) == [PLAIN, PLAIN]
    calls = [call for line in captured.lines for call in line.get("calls", ())]
    assert calls[1][7:] == [{"readFrom": [[TRACE, SPAN, 1]]}]


def test_a_failed_condition_says_who_wrote_the_item_that_failed_it(captured, aws, context):
    """The item inside the error: the writer is the one who was faster."""
    client = aws.client("dynamodb")
    body = {"__type": "x#ConditionalCheckFailedException", "message": "no", "Item": MARKED}
    aws.answers = [(400, json.dumps(body))]

    def work():
        with pytest.raises(client.exceptions.ConditionalCheckFailedException) as caught:
            client.delete_item(TableName="t", Key=PLAIN)
        return caught.value.response["Item"]

    assert run(context, work) == PLAIN
    assert captured.one("span")["readFrom"] == [[TRACE, SPAN, 1]]


def test_of_a_change_only_the_new_image_counts(captured, aws, context):
    """The old image was written by somebody before."""
    client = aws.client("dynamodbstreams")
    images = {"NewImage": MARKED, "OldImage": marked("f" * 32)}
    aws.answers = [(200, json.dumps({"Records": [{"dynamodb": images}]}))]

    answer = run(context, lambda: client.get_records(ShardIterator="i"))

    assert answer["Records"][0]["dynamodb"] == {"NewImage": PLAIN, "OldImage": PLAIN}
    assert read_from(captured) == [[TRACE, SPAN, 1]]


def test_the_answer_after_a_retry_counts_once(captured, aws, context):
    """What an earlier attempt answered is forgotten."""
    client = aws.client("dynamodb")
    busy = {"__type": "x#ProvisionedThroughputExceededException", "message": "later"}
    aws.answers = [(400, json.dumps(busy)), (200, json.dumps({"Item": MARKED}))]

    run(context, lambda: client.get_item(TableName="t", Key=PLAIN))

    assert captured.one("span")["readFrom"] == [[TRACE, SPAN, 1]]


def test_what_waits_of_many_writers_is_written_before_the_end(captured, aws, context, monkeypatch):
    """Forty pages of sixteen writers: a kill would lose the last few, and lines stay short."""
    monkeypatch.setattr("lumitrace.capture.emit.FLUSH_AFTER_NS", 10**18)
    client = aws.client("dynamodb")
    before_the_end = []

    def work():
        for _ in range(40):
            items = [marked(os.urandom(16).hex()) for _ in range(16)]
            aws.answers = [(200, json.dumps({"Items": items}))]
            client.query(TableName="t")
        before_the_end.extend(captured.writes)

    run(context, work)

    calls = [call for line in captured.lines for call in line.get("calls", ())]
    assert [len(call[7]["readFrom"]) for call in calls] == [16] * 40
    assert len("".join(before_the_end)) > len("".join(captured.writes)) * 0.8
    assert max(map(len, captured.text)) < 5_000


TEXT = MARKED["_lumitrace"]["S"]
OWN = [
    {"S": "theirs"},
    {"N": "1"},
    {"M": {"S": MARKED["_lumitrace"]}},
    {"NULL": True},
    {"S": TEXT[:55]},
    {"S": TEXT[:-1]},
    {"S": TEXT + "\n"},
    # As long as a mark, so that it is looked at together with those around it.
    {"S": "01" + TEXT[2:]},
    {"S": "a0" + TEXT[2:]},
    {"S": TEXT[:-1] + "G"},
    {"S": TEXT[:-1] + "ä"},
    {"S": TEXT[:-1] + "\ud800"},
    {"S": TEXT[:-1] + "\n"},
    {"S": TEXT[:-3] + "-" + TEXT[-2:]},
    {"S": TEXT[:3] + "0" * 32 + TEXT[35:]},
    {"S": TEXT[:36] + "0" * 16 + TEXT[52:]},
]


@pytest.mark.parametrize("value", OWN)
@pytest.mark.parametrize("count", [1, 30])
def test_a_value_of_the_applications_own_stays_among_marks(captured, query, value, count):
    """In a page where others have marks, in its place among the attributes."""
    theirs = {"_lumitrace": value, "b": {"S": "2"}}

    items = query(*[MARKED] * count, theirs, *[MARKED] * count)["Items"]

    assert items == [PLAIN] * count + [theirs] + [PLAIN] * count
    assert list(items[count]) == ["_lumitrace", "b"]
    assert read_from(captured) == [[TRACE, SPAN, 2 * count]]


def test_a_nested_map_of_our_name_is_the_applications(captured, query):
    """Only the item's own attribute is ours."""
    nested = {"M": {"_lumitrace": MARKED["_lumitrace"]}}

    [item] = query(marked(b=nested))["Items"]

    assert item == {**PLAIN, "b": nested}


def test_the_last_key_is_handed_on_as_it_is(captured, query):
    """What the next page is asked with is DynamoDB's, whatever a key is called."""
    answer = query(MARKED, LastEvaluatedKey=MARKED)

    assert answer["LastEvaluatedKey"] == MARKED


@pytest.mark.parametrize(
    ("answered", "expected"),
    [
        ({"Attributes": {"_lumitrace": MARKED["_lumitrace"]}}, {}),
        ({"Attributes": MARKED}, {"Attributes": PLAIN}),
        ({"Attributes": {}}, {"Attributes": {}}),
        ({}, {}),
    ],
)
def test_an_update_that_touched_our_attribute_alone_returns_none(captured, aws, answered, expected):
    """UPDATED_OLD of a new attribute: DynamoDB leaves `Attributes` out, and so do we."""
    client = aws.client("dynamodb")
    aws.answers = [(200, json.dumps(answered))]

    result = client.update_item(TableName="t", Key=PLAIN, ReturnValues="UPDATED_OLD")

    del result["ResponseMetadata"]
    assert result == expected


def test_an_item_of_which_nothing_else_was_asked_for_is_empty(captured, query):
    """A projection of attributes that the item has not gives an empty item, as without us."""
    assert query({"_lumitrace": MARKED["_lumitrace"]})["Items"] == [{}]


@pytest.mark.parametrize("mode", ["strip", "1"])
def test_in_strip_mode_nothing_is_written_and_marks_are_taken_off(captured, aws, context, mode):
    """LUMITRACE_ENABLED=strip: requests as without us, answers without marks, no line."""
    client = aws.client("dynamodb")
    settings.load({"LUMITRACE_ENABLED": mode})
    aws.answers = [(200, "{}"), (200, json.dumps({"Item": MARKED}))]

    def work():
        client.put_item(TableName="t", Item=PLAIN)
        return client.get_item(TableName="t", Key=PLAIN)["Item"]

    assert run(context, work) == PLAIN
    assert ("_lumitrace" in aws.sent[0]["Item"], bool(captured.lines)) == (mode == "1", mode == "1")


def test_a_client_made_before_us_and_used_outside_is_stripped(captured, aws):
    """No invocation, no provenance, no mark."""
    client = aws.client("dynamodb")
    aws.answers = [(200, json.dumps({"Item": MARKED}))]

    assert client.get_item(TableName="t", Key=PLAIN)["Item"] == PLAIN
    assert captured.lines == []
