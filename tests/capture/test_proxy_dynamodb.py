"""DynamoDB behind the proxy: sizes, tokens and attributes as AWS has them, not as moto does."""

import json

import pytest
from tests.aws import dynamodb

pytest.importorskip("moto")

KEY = {"id": {"S": "1"}}


@pytest.fixture
def table(proxy):
    """Return a client, and a table ``t`` behind it."""
    client = proxy.client("dynamodb")
    client.create_table(
        TableName="t",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    return client


def outcome(call, **params):
    """Return what AWS answers: nothing, or its error."""
    try:
        call(**params)
    except call.__self__.exceptions.ClientError as error:
        return f"{error.response['Error']['Code']}: {error.response['Error']['Message']}"
    return ""


def item(size):
    """Return an item that counts *size* bytes: id + 1, ä + the rest."""
    return {**KEY, "ä": {"S": "x" * (size - len("id1ä".encode()))}}


TOO_LARGE = "Item size has exceeded the maximum allowed size"
REFUSED = [
    ("put_item", lambda size: {"TableName": "t", "Item": item(size)}, TOO_LARGE),
    (
        "batch_write_item",
        lambda size: {"RequestItems": {"t": [{"PutRequest": {"Item": item(size)}}]}},
        TOO_LARGE,
    ),
    (
        "transact_write_items",
        lambda size: {"TransactItems": [{"Put": {"TableName": "t", "Item": item(size)}}]},
        "[ValidationError]",
    ),
    (
        "update_item",
        lambda size: {
            "TableName": "t",
            "Key": KEY,
            "UpdateExpression": "SET #a = :a",
            "ExpressionAttributeNames": {"#a": "ä"},
            "ExpressionAttributeValues": {":a": item(size)["ä"]},
        },
        "Item size to update has exceeded the maximum allowed size",
    ),
]


@pytest.mark.parametrize(("operation", "params", "told"), REFUSED)
def test_an_item_has_400_kb_with_its_names(table, operation, params, told):
    """409,600 bytes are taken; with one more nothing is written."""
    call = getattr(table, operation)

    assert outcome(call, **params(409_600)) == ""
    table.delete_item(TableName="t", Key=KEY)
    assert told in outcome(call, **params(409_601))
    assert "Item" not in table.get_item(TableName="t", Key=KEY)


def test_an_update_that_is_too_large_leaves_the_item_as_it_was(table):
    """What was there counts with what is added."""
    table.put_item(TableName="t", Item=item(409_600))

    told = outcome(
        table.update_item,
        TableName="t",
        Key=KEY,
        UpdateExpression="SET b = :b",
        ExpressionAttributeValues={":b": {"S": ""}},
    )

    assert "Item size to update" in told
    assert table.get_item(TableName="t", Key=KEY)["Item"] == item(409_600)


@pytest.mark.parametrize(
    ("value", "counted"),
    [
        ({"S": "ä"}, 2),
        ({"N": "0"}, 1),
        ({"N": "1200"}, 2),
        ({"N": "-12.5"}, 4),
        ({"B": "AAAA"}, 3),
        ({"BOOL": True}, 1),
        ({"NULL": True}, 1),
        ({"SS": ["a", "bc"]}, 3),
        ({"L": [{"S": "a"}, {"S": "b"}]}, 7),
        ({"M": {"name": {"S": "a"}}}, 9),
    ],
)
def test_a_value_counts_as_aws_counts(value, counted):
    """By the rules of the capacity unit calculation."""
    assert dynamodb.size({"n": value}) == 1 + counted


def test_a_token_belongs_to_one_content(table):
    """The same token with the same content succeeds, with another it is refused."""
    put = lambda text: [{"Put": {"TableName": "t", "Item": {**KEY, "a": {"S": text}}}}]  # noqa: E731
    call, token = table.transact_write_items, "token-1"

    assert outcome(call, ClientRequestToken=token, TransactItems=put("x")) == ""
    assert outcome(call, ClientRequestToken=token, TransactItems=put("x")) == ""
    told = outcome(call, ClientRequestToken=token, TransactItems=put("y"))

    assert told.startswith("IdempotentParameterMismatchException")
    assert outcome(call, ClientRequestToken="token-2", TransactItems=put("y")) == ""


def test_an_expression_has_4_kb(table):
    """As it is spelt, whatever the names stand for."""
    update = {"TableName": "t", "Key": KEY, "ExpressionAttributeValues": {":v": {"S": "x"}}}
    spelt = "SET {} = :v"
    most = "a" * (4096 - len(spelt.format("")))

    assert "Expression size" not in outcome(
        table.update_item, **update, UpdateExpression=spelt.format(most)
    )
    assert "expression size: 4097" in outcome(
        table.update_item, **update, UpdateExpression=spelt.format(most + "a")
    )


WRITES = [
    ("put_item", {"TableName": "t", "Item": {**KEY, "a": {"S": "1"}}}),
    (
        "update_item",
        {
            "TableName": "t",
            "Key": KEY,
            "UpdateExpression": "SET a = if_not_exists(a, :v)",
            "ExpressionAttributeValues": {":v": {"S": "1"}},
        },
    ),
    ("batch_write_item", {"RequestItems": {"t": [{"PutRequest": {"Item": KEY}}]}}),
    ("transact_write_items", {"TransactItems": [{"Put": {"TableName": "t", "Item": KEY}}]}),
]


@pytest.mark.parametrize(("operation", "params"), WRITES)
def test_iam_may_name_the_attributes(proxy, table, operation, params):
    """A write that names another one is denied; other tables are another policy's."""
    call = getattr(table, operation)
    marked = json.loads(json.dumps(params).replace('"id"', '"_lumitrace": {"S": "x"}, "id"'))
    if operation == "update_item":
        marked = {**params, "ExpressionAttributeNames": {"#m": "_lumitrace"}}
        marked["UpdateExpression"] = "SET a = :v, #m = :v"
    proxy.checks.append(dynamodb.allow_attributes("t", "id", "a"))
    proxy.checks.append(dynamodb.allow_attributes("another", "id"))

    assert outcome(call, **params) == ""
    assert outcome(call, **marked).startswith("AccessDeniedException: User: arn:aws:sts")
