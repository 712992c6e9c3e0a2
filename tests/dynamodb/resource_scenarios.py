"""The same with boto3's resources, whose values are Python's (`scenarios`)."""

from decimal import Decimal

from tests.dynamodb.scenarios import scenario


def conditions():
    """Return boto3's builders of conditions."""
    from boto3.dynamodb.conditions import Attr, Key

    return Attr, Key


@scenario
def resource_put_and_get(world):
    """Every type that boto3 knows."""
    from boto3.dynamodb.types import Binary

    table = world.table("notes")
    item = {
        "id": "r",
        "d": Decimal("12.340"),
        "i": 7,
        "b": Binary(b"\x00\xff"),
        "raw": b"raw",
        "l": [1, "x", None, True],
        "m": {"_lumitrace": {"S": "mine"}},
        "ss": {"a", "b"},
        "ns": {Decimal(1), Decimal("2.5")},
        "bs": {Binary(b"1"), Binary(b"2")},
        "empty": "",
    }
    world.do("put_item", table, Item=item)
    world.do("get_item", table, Key={"id": "r"})
    world.do("get_item", table, Key={"id": "none"})
    world.do("put_item", table, Item=item, ReturnValues="ALL_OLD")


@scenario
def resource_put_of_what_boto3_refuses(world):
    """A float, an empty set, an unknown type."""
    table = world.table("notes")
    world.do("put_item", table, Item={"id": "f", "x": 1.5})
    world.do("put_item", table, Item={"id": "f", "x": set()})
    world.do("put_item", table, Item={"id": "f", "x": object})
    world.do("put_item", table, Item={"id": 1})
    world.do("put_item", table, Item={"x": 1})


@scenario
def resource_put_under_conditions(world):
    """Built, not spelt."""
    attr, _ = conditions()
    table = world.table("notes")
    for condition in (attr("id").not_exists(), attr("text").eq("first") & attr("count").lt(5)):
        world.do(
            "put_item",
            table,
            Item={"id": "a", "x": 1},
            ConditionExpression=condition,
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
        )
    world.do("delete_item", table, Key={"id": "a"}, ConditionExpression=attr("x").gt(1))
    world.do("delete_item", table, Key={"id": "a"}, ConditionExpression=attr("x").eq(1))


@scenario
def resource_update(world):
    """SET, REMOVE, ADD, and what is returned."""
    attr, _ = conditions()
    table = world.table("notes")
    for values in ("ALL_OLD", "ALL_NEW", "UPDATED_OLD", "UPDATED_NEW"):
        world.do(
            "update_item",
            table,
            Key={"id": "a"},
            UpdateExpression="SET #t = :t, d = :d REMOVE flag ADD #c :one",
            ConditionExpression=attr("id").exists(),
            ExpressionAttributeNames={"#t": "text", "#c": "count"},
            ExpressionAttributeValues={":t": values, ":d": Decimal("0.1"), ":one": 1},
            ReturnValues=values,
        )
    world.do("update_item", table, Key={"id": "a"}, UpdateExpression="SET x = :x")


@scenario
def resource_query(world):
    """Key conditions and filters that boto3 spells."""
    attr, key = conditions()
    table = world.table("sales")
    for more in (
        {},
        {"FilterExpression": attr("total").between(20, 40)},
        {"ProjectionExpression": "total", "ScanIndexForward": False},
        {"Limit": 2},
    ):
        world.do("query", table, KeyConditionExpression=key("id").eq("s"), **more)
    red = key("kind").eq("red") & key("n").gt(1)
    world.do("query", table, IndexName="by_kind", KeyConditionExpression=red)


@scenario
def resource_scan_page_by_page(world):
    """With the last key of one page as the start of the next."""
    attr, _ = conditions()
    table, start = world.table("sales"), {}
    for _ in range(5):
        page = world.do("scan", table, Limit=2, FilterExpression=attr("total").gt(10), **start)
        if "LastEvaluatedKey" not in page:
            break
        start = {"ExclusiveStartKey": page["LastEvaluatedKey"]}


@scenario
def resource_batch_writer(world):
    """Thirty puts and a delete, more than a batch takes."""
    table = world.table("notes")

    def write():
        with table.batch_writer() as batch:
            for number in range(30):
                batch.put_item(Item={"id": f"w{number:02}", "n": number})
            batch.delete_item(Key={"id": "a"})

    world.see(write)
    world.do("scan", table)


@scenario
def resource_batch_writer_that_overwrites(world):
    """Of the same key the last put counts; a part comes back unprocessed."""
    table = world.table("sales")
    items = [{"id": "o", "n": number % 3, "total": number} for number in range(9)]
    world.busy(1)

    def write():
        with table.batch_writer(overwrite_by_pkeys=["id", "n"]) as batch:
            for item in items:
                batch.put_item(Item=item)

    world.see(write)
    world.see(lambda: items)
    world.do("scan", table)


@scenario
def resource_batch_get(world):
    """Of two tables, with Python values."""
    wanted = {
        "notes": {"Keys": [{"id": "a"}, {"id": "none"}]},
        "sales": {"Keys": [{"id": "s", "n": 1}], "ConsistentRead": True},
    }
    world.do("batch_get_item", world.resource, RequestItems=wanted)


@scenario
def resource_batch_write(world):
    """Of two tables, without the writer."""
    wanted = {
        "notes": [{"PutRequest": {"Item": {"id": "x", "s": {"a"}}}}],
        "sales": [{"DeleteRequest": {"Key": {"id": "s", "n": 1}}}],
    }
    world.do("batch_write_item", world.resource, RequestItems=wanted)
    world.do("scan", world.table("notes"))


@scenario
def resource_transaction(world):
    """The resource's own client takes Python values."""
    client = world.resource.meta.client
    put = {"Put": {"TableName": "notes", "Item": {"id": "t", "n": Decimal(1)}}}
    never = {"ConditionExpression": "attribute_not_exists(id)"}
    fails = {
        "Delete": {
            "TableName": "notes",
            "Key": {"id": "a"},
            **never,
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }
    }
    world.do("transact_write_items", client, TransactItems=[put, fails])
    world.do("transact_write_items", client, TransactItems=[put])
    read = [{"Get": {"TableName": "notes", "Key": {"id": key}}} for key in ("t", "a")]
    world.do("transact_get_items", client, TransactItems=read)


@scenario
def resource_write_of_what_was_read(world):
    """Read, changed and written back, whole."""
    table = world.table("notes")
    for key in ("a", "b"):
        item = world.do("get_item", table, Key={"id": key})["Item"]
        item["text"] = "changed"
        world.do("put_item", table, Item=item)
    world.do("scan", table)


@scenario
def resource_collections(world):
    """What a resource knows of its tables."""
    world.see(lambda: sorted(table.name for table in world.resource.tables.all()))
    table = world.table("sales")
    world.see(lambda: (table.key_schema, table.item_count, table.table_status))
    world.see(lambda: world.resource.Table("gone").load())
