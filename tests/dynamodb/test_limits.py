"""Writes at DynamoDB's limits, against moto behind the proxy that enforces them."""

import pytest
from tests.aws import dynamodb as limits

from lumitrace import traced
from lumitrace.capture import doors, resend
from lumitrace.wire.mark import ATTRIBUTE

KEY = {"id": {"S": "1"}}
FULL = 400 * 1024  # bytes of an item


@pytest.fixture
def client(proxy, captured):
    """A traced client of moto, with the tables *t* and *u*."""
    doors.install()
    client = proxy.client("dynamodb")
    for table in ("t", "u"):
        client.create_table(
            TableName=table,
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
    proxy.requests.clear()
    return client


def run(context, work):
    """Run *work* inside an invocation."""
    return traced(lambda event, context: work())({}, context)


def item_of(size):
    """Return an item of exactly *size* bytes, as DynamoDB counts them."""
    item = {**KEY, "a": {"S": ""}}
    item["a"]["S"] = "x" * (size - limits.size(item))
    assert limits.size(item) == size
    return item


def has_mark(client, table="t", key=None):
    """Tell whether the item bears a mark, read in moto itself."""
    from moto.dynamodb.models import dynamodb_backends

    backend = dynamodb_backends["123456789012"]["eu-west-1"]
    return ATTRIBUTE in backend.get_item(table, key or KEY).attrs


@pytest.mark.parametrize(
    ("size", "marked"),
    [(389 * 1024, True), (395 * 1024, False), (FULL - 10, False), (FULL - 1, False), (FULL, False)],
)
def test_an_item_is_marked_where_the_mark_has_room(client, context, proxy, size, marked):
    """What is nearly too large goes as it was, at once, and is taken."""
    item = item_of(size)

    run(context, lambda: client.put_item(TableName="t", Item=item))

    assert len(proxy.requests) == 1
    assert has_mark(client) == marked
    assert client.get_item(TableName="t", Key=KEY)["Item"] == item


def test_an_item_that_is_too_large_anyway_is_refused_in_the_same_words(client, context, proxy):
    """Left alone, and told as without us."""
    with pytest.raises(client.exceptions.ClientError, match="Item size has exceeded"):
        run(context, lambda: client.put_item(TableName="t", Item=item_of(FULL + 1)))

    assert len(proxy.requests) == 1


UPDATE = {
    "TableName": "t",
    "Key": KEY,
    "UpdateExpression": "SET b = :b",
    "ExpressionAttributeValues": {":b": {"S": "x" * 20}},
}


def test_an_update_that_the_mark_alone_makes_too_large_succeeds_without(client, context, proxy):
    """Nobody knows the item's size before; the table gets no more marks."""
    client.put_item(TableName="t", Item=item_of(FULL - 60))
    proxy.requests.clear()

    run(context, lambda: client.update_item(**UPDATE))

    assert [ATTRIBUTE in str(one.params) for one in proxy.requests] == [True, False]
    assert client.get_item(TableName="t", Key=KEY)["Item"]["b"] == {"S": "x" * 20}
    assert resend.guilty == {("dynamodb", "t")}


def test_an_update_that_is_too_large_anyway_costs_one_request_more(client, context, proxy):
    """The mark is innocent: it goes on."""
    client.put_item(TableName="t", Item=item_of(FULL - 5))
    proxy.requests.clear()

    def work():
        for _ in range(3):
            with pytest.raises(client.exceptions.ClientError, match="Item size to update"):
                client.update_item(**UPDATE)
        client.update_item(**{**UPDATE, "Key": {"id": {"S": "2"}}})

    run(context, work)

    assert len(proxy.requests) == 5
    assert has_mark(client, key={"id": {"S": "2"}})


@pytest.mark.parametrize(
    ("operation", "params"),
    [
        ("put_item", {"TableName": "t", "Item": {**KEY, "b": {"S": "x"}}}),
        ("update_item", UPDATE),
        ("batch_write_item", {"RequestItems": {"t": [{"PutRequest": {"Item": KEY}}]}}),
        ("transact_write_items", {"TransactItems": [{"Update": UPDATE}]}),
    ],
)
def test_a_policy_that_names_the_attributes_is_met_without_the_mark(
    client, context, proxy, operation, params
):
    """``dynamodb:Attributes`` in IAM: the write succeeds, the table is left alone from then on."""
    proxy.checks.append(limits.allow_attributes("t", "id", "b"))

    for _ in range(2):
        run(context, lambda: getattr(client, operation)(**params))
    run(context, lambda: client.put_item(TableName="u", Item=KEY))

    assert [ATTRIBUTE in str(one.params) for one in proxy.requests] == [True, False, False, True]
    assert resend.guilty == {("dynamodb", "t")}


def test_only_the_table_that_was_refused_is_left_alone(client, context, proxy):
    """A transaction over two tables, of which a policy covers one."""
    proxy.checks.append(limits.allow_attributes("u", "id"))
    actions = [{"Put": {"TableName": table, "Item": KEY}} for table in ("t", "u")]

    for _ in range(2):
        run(context, lambda: client.transact_write_items(TransactItems=actions))

    assert resend.guilty == {("dynamodb", "u")}
    assert (has_mark(client, "t"), has_mark(client, "u")) == (True, False)


def test_the_same_token_is_the_same_request_whoever_makes_it(client, context, captured):
    """Untraced, traced, and traced again: never IdempotentParameterMismatch."""
    params = {
        "TransactItems": [{"Put": {"TableName": "t", "Item": KEY}}],
        "ClientRequestToken": "order-17",
    }
    client.transact_write_items(**params)

    for _ in range(2):
        run(context, lambda: client.transact_write_items(**params))

    assert not has_mark(client)


@pytest.mark.parametrize("over", [0, 1, 20])
def test_an_expression_at_its_limit_is_left_alone(client, context, proxy, over):
    """4,096 bytes are the caller's; with one more AWS refuses it as it does without us."""
    expression = "SET b = :b"
    expression += " " * (4096 + over - len(expression))

    def work():
        client.update_item(**{**UPDATE, "UpdateExpression": expression})

    if over:
        with pytest.raises(client.exceptions.ClientError, match=f"size: {4096 + over}"):
            run(context, work)
    else:
        run(context, work)

    assert len(proxy.requests) == 1
    assert proxy.requests[0].params["UpdateExpression"] == expression


def test_pynamodb_saves_updates_and_reads_as_before(client, context, proxy):
    """Its models know nothing of the attribute, which is there."""
    pynamodb = pytest.importorskip("pynamodb.models")
    from pynamodb.attributes import NumberAttribute, UnicodeAttribute
    from pynamodb.connection import Connection
    from pynamodb.transactions import TransactWrite

    class Sale(pynamodb.Model):
        class Meta:
            table_name, region, host = "t", "eu-west-1", proxy.url
            aws_access_key_id = aws_secret_access_key = "none"  # noqa: S105  # nobody asks for it

        id = UnicodeAttribute(hash_key=True)
        total = NumberAttribute(default=0)

    def work():
        sale = Sale("1", total=2)
        sale.save()
        sale.update(actions=[Sale.total.set(Sale.total + 1)])
        with Sale.batch_write() as batch:
            batch.save(Sale("2", total=5))
        connection = Connection(
            region="eu-west-1",
            host=proxy.url,
            extra_headers={},
        )
        connection.session.set_credentials("none", "none")
        with TransactWrite(connection=connection) as transaction:
            transaction.save(Sale("3", total=7))
        return [Sale.get(number).to_simple_dict() for number in "123"]

    found = run(context, work)

    wanted = [{"id": "1", "total": 3}, {"id": "2", "total": 5}, {"id": "3", "total": 7}]
    assert found == wanted
    assert all(has_mark(client, key={"id": {"S": number}}) for number in "123")


def test_a_resource_with_decimals_binaries_sets_and_conditions(client, context, proxy):
    """boto3's own types come back as they were."""
    boto3 = pytest.importorskip("boto3")
    from decimal import Decimal

    from boto3.dynamodb.conditions import Attr
    from boto3.dynamodb.types import Binary

    session = boto3.Session("none", "none", region_name="eu-west-1")
    table = session.resource("dynamodb", endpoint_url=proxy.url).Table("t")
    item = {"id": "1", "n": Decimal("1.50"), "b": Binary(b"x"), "s": {"p", "q"}, "l": [{"m": None}]}

    def work():
        table.put_item(Item=item, ConditionExpression=Attr("id").not_exists())
        answer = table.update_item(
            Key={"id": "1"},
            UpdateExpression="SET #n = #n + :n ADD s :s",
            ExpressionAttributeNames={"#n": "n"},
            ExpressionAttributeValues={":n": Decimal(1), ":s": {"r"}},
            ConditionExpression=Attr("s").contains("p") & Attr("n").gt(Decimal(1)),
            ReturnValues="ALL_NEW",
        )
        return answer["Attributes"], table.get_item(Key={"id": "1"})["Item"]

    updated, read = run(context, work)

    assert updated == read == {**item, "n": Decimal("2.50"), "s": {"p", "q", "r"}}
    assert has_mark(client)
    assert proxy.requests[-2].params["UpdateExpression"].startswith("SET #_lumitrace = ")
