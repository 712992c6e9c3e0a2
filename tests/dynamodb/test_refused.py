"""A write that DynamoDB refuses with our mark in it goes again without (promise P3)."""

import json

import pytest
from tests.capture.conftest import Clock

from lumitrace import traced
from lumitrace.capture import resend

MODES = ("legacy", "standard", "adaptive")
ITEM = {"id": {"S": "1"}}
TOO_LARGE = ("ValidationException", "Item size has exceeded the maximum allowed size")
WRONG_TYPE = (
    "ValidationException",
    "One or more parameter values were invalid: Type mismatch for key id expected: N actual: S",
)
CONDITION = ("ConditionalCheckFailedException", "The conditional request failed")


def run(context, work):
    """Run *work* inside an invocation."""
    return traced(lambda event, context: work())({}, context)


def put(table="t"):
    """Return a put of a transaction."""
    return {"Put": {"TableName": table, "Item": ITEM}}


def cancelled(*reasons):
    """Return DynamoDB's answer to a transaction that was cancelled; None is no reason."""
    codes = ", ".join(code for code, _ in reasons)
    text = "Transaction cancelled, please refer cancellation reasons for specific reasons"
    body = {"__type": "x#TransactionCanceledException", "Message": f"{text} [{codes}]"}
    body["CancellationReasons"] = [
        {"Code": code, **({"Message": message} if message else {})} for code, message in reasons
    ]
    return 400, json.dumps(body)


NONE = ("None", None)
TOO_LARGE_UPDATE = (
    "ValidationError",
    "Item size to update has exceeded the maximum allowed size",
)


def bears(sent):
    """Tell whether what was sent has a mark."""
    return "_lumitrace" in json.dumps(sent)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    ("code", "message"),
    [
        TOO_LARGE,
        ("ValidationException", "Item size to update has exceeded the maximum allowed size"),
        (
            "ValidationException",
            "Invalid UpdateExpression: Expression size has exceeded the maximum allowed size;",
        ),
        (
            "ValidationException",
            "Value provided in ExpressionAttributeNames unused in expressions: keys: {#_lumitrace}",
        ),
        ("AccessDeniedException", "User: x is not authorized to perform: dynamodb:UpdateItem"),
        ("ItemCollectionSizeLimitExceededException", "Collection size exceeded."),
    ],
)
def test_what_a_mark_could_be_the_reason_of(captured, context, aws, mode, code, message):
    """The caller gets what he would have got, and the table no more marks."""
    client = aws.client("dynamodb", retries={"mode": mode})
    aws.answers = [aws.refuse(code, message), (200, "{}"), (200, "{}")]
    update = {"TableName": "t", "Key": ITEM, "UpdateExpression": "SET a = b"}

    def work():
        answer = client.update_item(**update)
        client.put_item(TableName="t", Item=ITEM)
        return answer

    assert run(context, work)["ResponseMetadata"]["RetryAttempts"] == 0

    assert [bears(sent) for sent in aws.sent] == [True, False, False]
    assert aws.sent[1] == update
    assert resend.guilty == {("dynamodb", "t")}


@pytest.mark.parametrize(
    ("code", "message"),
    [
        WRONG_TYPE,
        CONDITION,
        ("ValidationException", "The provided key element does not match the schema"),
        ("ValidationException", "Size of hashkey has exceeded the maximum size limit of2048 bytes"),
        ("ValidationException", "Invalid ConditionExpression: Syntax error; token: x"),
        (
            "ValidationException",
            "The provided expression refers to an attribute that does not exist in the item",
        ),
        ("TransactionConflictException", "Transaction is ongoing for the item"),
        ("ResourceNotFoundException", "Requested resource not found"),
    ],
)
def test_refusals_of_the_callers_own_cost_no_request(captured, context, aws, code, message):
    """Types, keys and conditions: each request once, and the next healthy item is marked."""
    count = 1000 if (code, message) in (WRONG_TYPE, CONDITION) else 3
    client = aws.client("dynamodb", retries={"total_max_attempts": 1})
    aws.answers = [aws.refuse(code, message)] * count + [(200, "{}")]

    def work():
        for _ in range(count):
            with pytest.raises(client.exceptions.ClientError):
                client.put_item(TableName="t", Item=ITEM)
        client.put_item(TableName="t", Item={"id": {"S": "healthy"}})

    run(context, work)

    assert len(aws.sent) == count + 1
    assert bears(aws.sent[-1])


def test_a_thousand_items_that_are_too_large_cost_one_request_a_minute(
    captured, context, aws, monkeypatch
):
    """The mark was not guilty: it goes on."""
    clock = Clock()
    monkeypatch.setattr("lumitrace.capture.resend.time", clock)
    client = aws.client("dynamodb", retries={"total_max_attempts": 2})
    aws.answers = [aws.refuse(*TOO_LARGE)] * 1003 + [(200, "{}")]

    def work():
        for number in range(1000):
            clock.us += 180_000  # 180 s in all
            with pytest.raises(client.exceptions.ClientError):
                client.put_item(TableName="t", Item={**ITEM, "n": {"N": str(number)}})
        client.put_item(TableName="t", Item=ITEM)

    run(context, work)

    assert len(aws.sent) == 1004
    assert bears(aws.sent[-1])


@pytest.mark.parametrize("mode", MODES)
def test_a_cancelled_transaction_goes_again_with_another_token(captured, context, aws, mode):
    """The reasons say which table: that one is left alone, the other is not."""
    client = aws.client("dynamodb", retries={"mode": mode})
    aws.answers = [cancelled(NONE, TOO_LARGE_UPDATE), (200, "{}"), (200, "{}")]
    actions = [put("t"), put("u")]

    run(context, lambda: client.transact_write_items(TransactItems=actions))
    run(context, lambda: client.transact_write_items(TransactItems=actions))

    assert [bears(sent) for sent in aws.sent] == [True, False, True]
    assert aws.sent[1]["TransactItems"] == actions
    assert aws.sent[0]["ClientRequestToken"] != aws.sent[1]["ClientRequestToken"]
    assert resend.guilty == {("dynamodb", "u")}
    assert [bears(one) for one in aws.sent[2]["TransactItems"]] == [True, False]
    assert "dynamodb.TransactWriteItems u refused" in captured.one("health")["message"]


@pytest.mark.parametrize(
    "reasons",
    [
        [("ConditionalCheckFailed", "The conditional request failed"), NONE, NONE],
        [("ConditionalCheckFailed", "no"), TOO_LARGE_UPDATE, NONE],
        [NONE, NONE, TOO_LARGE_UPDATE],
        [("TransactionConflict", "busy"), NONE, NONE],
        [NONE, NONE, NONE],
        [],
    ],
)
def test_a_transaction_that_would_be_cancelled_again_does_not_go_again(
    captured, context, aws, reasons
):
    """A condition, a conflict, or an action that bears no mark: once is enough."""
    client = aws.client("dynamodb", retries={"total_max_attempts": 1})
    aws.answers = [cancelled(*reasons)]
    delete = {"Delete": {"TableName": "t", "Key": ITEM}}

    def work():
        with pytest.raises(client.exceptions.TransactionCanceledException):
            client.transact_write_items(TransactItems=[put("t"), put("u"), delete])

    run(context, work)

    assert len(aws.sent) == 1


@pytest.mark.parametrize("mode", MODES)
def test_a_transaction_of_unknown_outcome_is_not_made_another(
    captured, context, aws, mode, monkeypatch
):
    """What was answered with a 500 may have been done: another token could do it twice."""
    monkeypatch.setattr("time.sleep", lambda _: None)
    client = aws.client("dynamodb", retries={"mode": mode, "total_max_attempts": 3})
    aws.answers = [aws.refuse("InternalServerError", "x", 500), cancelled(TOO_LARGE_UPDATE)]

    def work():
        with pytest.raises(client.exceptions.TransactionCanceledException):
            client.transact_write_items(TransactItems=[put()])

    run(context, work)

    assert len({request.body for request in aws.requests}) == 1
    assert len(aws.sent) == 2


@pytest.mark.parametrize(
    ("message", "guilty"),
    [
        ("User: x is not authorized to perform: y on resource: arn:a:d:r:1:table/t because", {"t"}),
        ("User: x is not authorized to perform: y on resource: arn:a:d:r:1:table/t2", {"t2"}),
        ("no", {"t", "t2"}),
    ],
)
def test_the_guilty_table_of_a_batch_is_the_one_that_is_named(
    captured, context, aws, message, guilty
):
    """Where none is named, all that got a mark; never one that got none."""
    client = aws.client("dynamodb")
    aws.answers = [aws.refuse("AccessDeniedException", message), (200, "{}")]
    write = [{"PutRequest": {"Item": ITEM}}]
    items = {"t": write, "t2": write, "plain": [{"DeleteRequest": {"Key": ITEM}}]}

    run(context, lambda: client.batch_write_item(RequestItems=items))

    assert aws.sent[1] == {"RequestItems": items}
    assert {resource for _, resource in resend.guilty} == guilty


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("trouble", ["500", "throttled", "reset"])
@pytest.mark.parametrize(
    ("operation", "params"),
    [
        ("put_item", {"TableName": "t", "Item": ITEM}),
        ("update_item", {"TableName": "t", "Key": ITEM, "UpdateExpression": "SET a = b"}),
        ("batch_write_item", {"RequestItems": {"t": [{"PutRequest": {"Item": ITEM}}]}}),
        ("transact_write_items", {"TransactItems": [put()]}),
    ],
    ids=["put", "update", "batch", "transaction"],
)
def test_retries_of_the_sdk_are_the_same_bytes(
    captured, context, aws, mode, trouble, operation, params, monkeypatch
):
    """The mark is made once a call, not once an attempt."""
    from botocore.exceptions import ConnectionClosedError

    monkeypatch.setattr("time.sleep", lambda _: None)
    client = aws.client("dynamodb", retries={"mode": mode, "total_max_attempts": 4})
    answer = {
        "500": aws.refuse("InternalServerError", "x", 500),
        "throttled": aws.refuse("ProvisionedThroughputExceededException", "x", 400),
        "reset": ConnectionClosedError(endpoint_url="x"),
    }[trouble]
    aws.answers = [answer, answer, answer, (200, "{}")]

    run(context, lambda: getattr(client, operation)(**params))

    assert len(aws.requests) == 4
    assert len({request.body for request in aws.requests}) == 1
    assert bears(aws.sent[0])
