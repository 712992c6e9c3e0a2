"""What applications do with DynamoDB: each scenario is played with lumitrace and without.

A scenario gets a `World` (test_differential.py) and does something to its two tables: ``sales``
(key ``id`` and ``n``, two indexes by ``kind``, one by ``at``) and ``notes`` (key ``id``).
"""

import concurrent.futures
from decimal import Decimal

SALES, NOTES = {"TableName": "sales"}, {"TableName": "notes"}
SCENARIOS = {}


def text(value):
    """Return a string as DynamoDB spells it."""
    return {"S": value}


def number(value):
    """Return a number as DynamoDB spells it."""
    return {"N": str(value)}


A, NONE = {"id": text("a")}, {"id": text("none")}
SALE = {"id": text("s"), "n": number(3)}
SEEDS = {
    "notes": [
        {
            "id": "a",
            "text": "first",
            "count": 1,
            "list": ["x", {"y": 1}],
            "map": {"inner": {"deep": 1}, "_lumitrace": "mine", "z": None},
            "set": {"p", "q"},
            "numbers": {Decimal("1.5"), Decimal(2)},
        },
        {"id": "b", "text": "second", "flag": True, "bytes": b"\x00\xff"},
    ],
    "sales": [
        {"id": "s", "n": n, "kind": "red" if n % 2 else "blue", "at": 10 - n, "total": n * 10}
        for n in range(1, 7)
    ],
}
BY_KEY = {
    "KeyConditionExpression": "id = :id",
    "ExpressionAttributeValues": {":id": text("s")},
}


def steps(name, *calls):
    """Add a scenario of the client's: (operation, parameters) one after the other."""

    def play(world):
        for operation, params in calls:
            world.do(operation, **params)

    SCENARIOS[f"client {name}"] = play


def scenario(play):
    """Add a scenario, named as the function."""
    SCENARIOS[play.__name__.replace("_", " ")] = play
    return play


def put(table, **item):
    """Return a PutItem."""
    return "put_item", {**table, "Item": item}


def update(expression="", key=None, table=NOTES, names=None, values=None, **more):
    """Return an UpdateItem."""
    params = {**table, "Key": key or A, **more}
    if expression:
        params["UpdateExpression"] = expression
    if names is not None:
        params["ExpressionAttributeNames"] = names
    if values is not None:
        params["ExpressionAttributeValues"] = values
    return "update_item", params


steps("put", put(NOTES, id=text("new"), x=number(1)), ("get_item", {**NOTES, "Key": NONE}))
steps("put over", put(NOTES, **A, x=number(1)), ("get_item", {**NOTES, "Key": A}))
for values in ("NONE", "ALL_OLD", "UPDATED_OLD"):
    over = {**NOTES, "Item": {**A, "x": number(1)}, "ReturnValues": values}
    new = {**NOTES, "Item": {**NONE, "x": number(1)}, "ReturnValues": values}
    steps(f"put returning {values}", ("put_item", over), ("put_item", new), ("put_item", new))
steps(
    "put of every type",
    put(
        NOTES,
        id=text("types"),
        s=text(""),
        n=number("1E-130"),
        b={"B": b"\x00\xff"},
        ss={"SS": ["a", "b"]},
        ns={"NS": ["1", "2.50"]},
        bs={"BS": [b"1", b"2"]},
        m={"M": {"l": {"L": [{"NULL": True}, {"BOOL": False}]}}},
        l={"L": []},
    ),
    ("get_item", {**NOTES, "Key": {"id": text("types")}, "ConsistentRead": True}),
)
steps(
    "put under a condition",
    *[
        ("put_item", {**NOTES, "Item": {**A, "x": number(2)}, "ConditionExpression": condition})
        for condition in ("attribute_not_exists(id)", "attribute_exists(id)", "size(id) < x")
    ],
)
steps(
    "put under a condition, returning the item",
    (
        "put_item",
        {
            **NOTES,
            "Item": {**A, "x": number(2)},
            "ConditionExpression": "attribute_not_exists(id)",
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        },
    ),
    (
        "put_item",
        {
            **NOTES,
            "Item": {**A, "x": number(2)},
            "ConditionExpression": "#t = :t",
            "ExpressionAttributeNames": {"#t": "text"},
            "ExpressionAttributeValues": {":t": text("first")},
            "ReturnValues": "ALL_OLD",
        },
    ),
)
steps(
    "put with Expected",
    (
        "put_item",
        {**NOTES, "Item": {**A, "x": number(2)}, "Expected": {"text": {"Exists": False}}},
    ),
    (
        "put_item",
        {**NOTES, "Item": {**A, "x": number(2)}, "Expected": {"text": {"Value": text("first")}}},
    ),
)
steps("update set", update("SET x = :x", values={":x": text("1")}), ("scan", NOTES))
steps("update of a new item", update("SET x = :x", NONE, values={":x": text("1")}), ("scan", NOTES))
steps("update without an expression", update(key=NONE), update(key=A), ("scan", NOTES))
steps(
    "update of all sections",
    update(
        "REMOVE flag, #l[0] SET #t = if_not_exists(#t, :t), m2 = :m ADD #c :one DELETE #s :p",
        names={"#l": "list", "#t": "text", "#c": "count", "#s": "set"},
        values={":t": text("t"), ":m": {"M": {}}, ":one": number(1), ":p": {"SS": ["p"]}},
        ReturnValues="ALL_NEW",
    ),
)
steps(
    "update of sections without SET",
    update(
        "add #c :one delete #s :p",
        names={"#s": "set", "#c": "count"},
        values={":one": number(1), ":p": {"SS": ["p"]}},
        ReturnValues="ALL_NEW",
    ),
    update("remove #t", names={"#t": "text"}, ReturnValues="ALL_OLD"),
)
steps(
    "update of paths",
    update(
        "SET #m.#i.deep = :n, #l[1].y = #l[1].y + :n, #l[5] = :n",
        names={"#m": "map", "#i": "inner", "#l": "list"},
        values={":n": number(7)},
        ReturnValues="UPDATED_NEW",
    ),
    update("SET #m._lumitrace = :n", names={"#m": "map"}, values={":n": number(7)}),
    update(
        "SET #m.#i = :n",
        names={"#m": "map", "#i": "_lumitrace"},
        values={":n": number(7)},
        ReturnValues="ALL_NEW",
    ),
)
for values in ("NONE", "ALL_OLD", "ALL_NEW", "UPDATED_OLD", "UPDATED_NEW"):
    steps(
        f"update returning {values}",
        update("SET x = :x", values={":x": text("1")}, ReturnValues=values),
        update("SET x = :x", values={":x": text("2")}, ReturnValues=values),
        update("REMOVE x", ReturnValues=values),
        update("REMOVE x", ReturnValues=values),
        update("SET x = :x", NONE, values={":x": text("1")}, ReturnValues=values),
        update("SET x = :x", NONE, values={":x": text("2")}, ReturnValues=values),
        update(key={"id": text("only")}, ReturnValues=values),
        update(key={"id": text("only")}, ReturnValues=values),
        ("delete_item", {**NOTES, "Key": A, "ReturnValues": values}),
    )
steps(
    "update under a condition, returning the item",
    update(
        "SET x = :x",
        values={":x": text("1")},
        ConditionExpression="attribute_not_exists(id)",
        ReturnValuesOnConditionCheckFailure="ALL_OLD",
    ),
    update("SET x = :x", values={":x": text("1")}, ConditionExpression="attribute_exists(id)"),
    update(
        "SET x = :x", NONE, values={":x": text("1")}, ConditionExpression="attribute_exists(id)"
    ),
)
steps(
    "update with AttributeUpdates",
    update(AttributeUpdates={"x": {"Action": "PUT", "Value": number(1)}}, ReturnValues="ALL_NEW"),
    update(
        AttributeUpdates={
            "text": {"Action": "DELETE"},
            "count": {"Action": "ADD", "Value": number(2)},
        },
        ReturnValues="ALL_NEW",
    ),
    update(AttributeUpdates={"y": {"Value": number(1)}}, ReturnValues="UPDATED_NEW"),
)
steps(
    "update with Expected",
    update(
        AttributeUpdates={"x": {"Action": "PUT", "Value": number(1)}},
        Expected={"text": {"Value": text("other")}},
    ),
    update(
        AttributeUpdates={"x": {"Action": "PUT", "Value": number(1)}},
        Expected={"text": {"Value": text("first")}, "none": {"Exists": False}},
        ConditionalOperator="AND",
        ReturnValues="ALL_NEW",
    ),
)
WRONG_UPDATES = [
    update("SET x = :x", values={}),
    update("SET x = :x"),
    update("SET x = :x", values={":x": text("1"), ":unused": text("2")}),
    update("SET x = :x", names={"#unused": "y"}, values={":x": text("1")}),
    update("SET x = :x SET y = :x", values={":x": text("1")}),
    update("SET x = :x,", values={":x": text("1")}),
    update("SET", values={":x": text("1")}),
    update("  ", values={":x": text("1")}),
    update("SET id = :x", values={":x": text("1")}),
    update("SET size = :x", values={":x": text("1")}),
    update("SET x.y.z = :x", values={":x": text("1")}),
    update("ADD #t :one", names={"#t": "text"}, values={":one": number(1)}),
    update("SET x = none + :one", values={":one": number(1)}),
    update("SET x = :x", {"other": text("a")}, values={":x": text("1")}),
    update("SET x = :x", table={"TableName": "gone"}, values={":x": text("1")}),
    update("SET x = :x", values={":x": text("1")}, AttributeUpdates={"y": {"Action": "DELETE"}}),
]
steps("updates that are wrong", *WRONG_UPDATES, ("scan", NOTES))
steps("delete", ("delete_item", {**NOTES, "Key": A}), ("delete_item", {**NOTES, "Key": NONE}))
steps(
    "delete under a condition, returning the item",
    (
        "delete_item",
        {
            **NOTES,
            "Key": A,
            "ConditionExpression": "attribute_exists(gone)",
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        },
    ),
    ("delete_item", {**NOTES, "Key": A, "ReturnValues": "ALL_OLD"}),
)
steps(
    "get",
    ("get_item", {**NOTES, "Key": A}),
    ("get_item", {**NOTES, "Key": NONE}),
    ("get_item", {**NOTES, "Key": A, "ReturnConsumedCapacity": "TOTAL"}),
    ("get_item", {**NOTES, "Key": A, "AttributesToGet": ["count", "gone"]}),
)
steps(
    "get with a projection",
    *[
        ("get_item", {**NOTES, "Key": A, "ProjectionExpression": projection, **more})
        for projection, more in (
            ("id", {}),
            ("gone", {}),
            ("#m.#i, id", {"ExpressionAttributeNames": {"#m": "map", "#i": "_lumitrace"}}),
            ("#l[1]", {"ExpressionAttributeNames": {"#l": "list"}}),
        )
    ],
)
QUERIES = {
    "ascending": {},
    "descending": {"ScanIndexForward": False, "Limit": 2},
    "with a filter": {
        "FilterExpression": "total > :t",
        "ExpressionAttributeValues": {":id": text("s"), ":t": number(30)},
    },
    "with a projection": {"ProjectionExpression": "n, gone"},
    "of a count": {"Select": "COUNT"},
    "of a page": {"Limit": 2, "ExclusiveStartKey": SALE},
    "of a range": {
        "KeyConditionExpression": "id = :id AND n BETWEEN :a AND :b",
        "ExpressionAttributeValues": {":id": text("s"), ":a": number(2), ":b": number(4)},
    },
    "of a local index": {"IndexName": "by_at", "Limit": 3},
    "of an index": {
        "IndexName": "by_kind",
        "KeyConditionExpression": "kind = :id",
        "ExpressionAttributeValues": {":id": text("red")},
    },
    "of an index of keys": {
        "IndexName": "by_kind_keys",
        "KeyConditionExpression": "kind = :id",
        "ExpressionAttributeValues": {":id": text("red")},
    },
    "of nothing": {"ExpressionAttributeValues": {":id": text("none")}},
    "that is wrong": {"KeyConditionExpression": "n = :id"},
    "of no index": {"IndexName": "gone"},
}
for name, more in QUERIES.items():
    steps(f"query {name}", ("query", {**SALES, **BY_KEY, **more}))
steps(
    "query with KeyConditions",
    (
        "query",
        {
            **SALES,
            "KeyConditions": {
                "id": {"ComparisonOperator": "EQ", "AttributeValueList": [text("s")]},
                "n": {"ComparisonOperator": "GT", "AttributeValueList": [number(2)]},
            },
            "QueryFilter": {
                "kind": {"ComparisonOperator": "EQ", "AttributeValueList": [text("red")]}
            },
        },
    ),
)
steps(
    "scan",
    ("scan", SALES),
    ("scan", {**SALES, "Limit": 2}),
    ("scan", {**SALES, "IndexName": "by_kind"}),
    ("scan", {**SALES, "Select": "COUNT"}),
    (
        "scan",
        {
            **SALES,
            "FilterExpression": "attribute_exists(kind) AND total >= :t",
            "ExpressionAttributeValues": {":t": number(40)},
            "ProjectionExpression": "id, total",
        },
    ),
    (
        "scan",
        {
            **SALES,
            "ScanFilter": {
                "total": {"ComparisonOperator": "LT", "AttributeValueList": [number(40)]}
            },
        },
    ),
)
steps(
    "batch write and get",
    (
        "batch_write_item",
        {
            "RequestItems": {
                "notes": [
                    {"PutRequest": {"Item": {"id": text("c"), "x": number(1)}}},
                    {"DeleteRequest": {"Key": A}},
                ],
                "sales": [{"PutRequest": {"Item": {**SALE, "total": number(1)}}}],
            }
        },
    ),
    (
        "batch_get_item",
        {
            "RequestItems": {
                "notes": {"Keys": [A, {"id": text("b")}, {"id": text("c")}]},
                "sales": {"Keys": [SALE], "ProjectionExpression": "total"},
            },
            "ReturnConsumedCapacity": "TOTAL",
        },
    ),
)
steps(
    "batches that are wrong",
    ("batch_write_item", {"RequestItems": {"notes": [{"DeleteRequest": {"Key": A}}] * 2}}),
    ("batch_write_item", {"RequestItems": {"gone": [{"DeleteRequest": {"Key": A}}]}}),
    ("batch_write_item", {"RequestItems": {}}),
    (
        "batch_write_item",
        {"RequestItems": {"notes": [{"PutRequest": {"Item": {"x": number(1)}}}]}},
    ),
    ("batch_get_item", {"RequestItems": {"notes": {"Keys": [A, A]}}}),
)
TRANSACTION = [
    {"Put": {**NOTES, "Item": {"id": text("t"), "x": number(1)}}},
    {
        "Update": {
            **NOTES,
            "Key": A,
            "UpdateExpression": "SET x = :x",
            "ExpressionAttributeValues": {":x": number(2)},
        }
    },
    {"Delete": {**SALES, "Key": SALE}},
    {
        "ConditionCheck": {
            **NOTES,
            "Key": {"id": text("b")},
            "ConditionExpression": "attribute_exists(id)",
        }
    },
]
READ = [{"Get": {**NOTES, "Key": key}} for key in (A, NONE, {"id": text("t")})]
steps(
    "transaction",
    ("transact_write_items", {"TransactItems": TRANSACTION}),
    ("transact_get_items", {"TransactItems": READ}),
)
steps(
    "transaction with a token",
    *[("transact_write_items", {"TransactItems": TRANSACTION, "ClientRequestToken": "t1"})] * 2,
    ("transact_get_items", {"TransactItems": READ}),
)
steps(
    "transactions that fail",
    *[
        (
            "transact_write_items",
            {
                "TransactItems": [
                    TRANSACTION[0],
                    {
                        kind: {
                            **NOTES,
                            **part,
                            "ConditionExpression": "attribute_not_exists(id)",
                            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
                        }
                    },
                ]
            },
        )
        for kind, part in (
            ("Put", {"Item": A}),
            ("Delete", {"Key": A}),
            ("ConditionCheck", {"Key": A}),
            (
                "Update",
                {
                    "Key": A,
                    "UpdateExpression": "SET x = :x",
                    "ExpressionAttributeValues": {":x": number(2)},
                },
            ),
        )
    ],
    ("transact_write_items", {"TransactItems": [TRANSACTION[0]] * 2}),
    ("transact_write_items", {"TransactItems": []}),
    ("transact_get_items", {"TransactItems": [{"Get": {"TableName": "gone", "Key": A}}]}),
    ("scan", NOTES),
)
steps(
    "PartiQL",
    ("execute_statement", {"Statement": "SELECT * FROM notes WHERE id = 'a'"}),
    (
        "execute_statement",
        {"Statement": "SELECT id, total FROM sales WHERE id = ?", "Parameters": [text("s")]},
    ),
    ("execute_statement", {"Statement": "INSERT INTO notes VALUE {'id': 'p', 'x': 1}"}),
    ("execute_statement", {"Statement": "UPDATE notes SET x = 2 WHERE id = 'a'"}),
    ("execute_statement", {"Statement": "DELETE FROM notes WHERE id = 'b'"}),
    ("execute_statement", {"Statement": "SELECT * FROM gone"}),
    ("execute_statement", {"Statement": "SELEKT"}),
    ("scan", NOTES),
)
steps(
    "PartiQL of many",
    (
        "batch_execute_statement",
        {
            "Statements": [
                {"Statement": "SELECT * FROM notes WHERE id = 'a'"},
                {"Statement": "SELECT * FROM notes WHERE id = 'none'"},
                {"Statement": "SELECT * FROM gone WHERE id = 'none'"},
            ]
        },
    ),
    (
        "execute_transaction",
        {
            "TransactStatements": [
                {"Statement": "INSERT INTO notes VALUE {'id': 'p', 'x': 1}"},
                {"Statement": "UPDATE notes SET x = 2 WHERE id = 'a'"},
            ]
        },
    ),
    (
        "execute_transaction",
        {"TransactStatements": [{"Statement": "SELECT * FROM notes WHERE id = 'a'"}]},
    ),
)
steps(
    "a value of our name",
    put(NOTES, id=text("mine"), _lumitrace=text("mine")),
    put(NOTES, id=text("number"), _lumitrace=number(1)),
    update("SET #o = :o", names={"#o": "_lumitrace"}, values={":o": text("mine")}),
    update(AttributeUpdates={"_lumitrace": {"Action": "PUT", "Value": text("mine")}}, key=NONE),
    ("scan", NOTES),
)
steps(
    "what is refused",
    ("get_item", {"TableName": "gone", "Key": A}),
    ("get_item", {**SALES, "Key": A}),
    ("get_item", {**NOTES, "Key": {"id": number(1)}}),
    put(NOTES, x=number(1)),
    put(NOTES, id=number(1)),
    put(NOTES, id=text("")),
    put(NOTES, id=text("x"), s={"SS": []}),
    put(NOTES, id=text("x"), s={"SS": ["a", "a"]}),
    put(SALES, id=text("x"), n=number(1), kind=number(1)),
    put({"TableName": "gone"}, id=text("x")),
    put(NOTES, id=text("x"), big=text("x" * 409_600)),
    ("describe_table", {"TableName": "gone"}),
    ("create_table", {**NOTES, "KeySchema": [], "AttributeDefinitions": []}),
)
steps(
    "what botocore refuses",
    ("put_item", {"Item": A}),
    ("put_item", {**NOTES, "Item": {"id": "a"}}),
    ("put_item", {**NOTES, "Item": A, "Nonsense": 1}),
    ("get_item", {**NOTES, "Key": 1}),
    ("update_item", {**NOTES, "Key": {"id": {"S": 1}}}),
)
steps(
    "time to live",
    (
        "update_time_to_live",
        {**NOTES, "TimeToLiveSpecification": {"Enabled": True, "AttributeName": "until"}},
    ),
    put(NOTES, id=text("old"), until=number(1)),
    put(NOTES, id=text("young"), until=number(4_000_000_000)),
    ("describe_time_to_live", NOTES),
    ("scan", NOTES),
)
steps(
    "tables",
    ("describe_table", SALES),
    ("list_tables", {}),
    ("delete_table", SALES),
    ("query", {**SALES, **BY_KEY}),
)


@scenario
def paginators(world):
    """Pages of a query, a scan and PartiQL, and what is made of all of them."""
    world.pages("query", **SALES, **BY_KEY, PaginationConfig={"PageSize": 2})
    world.pages("scan", **SALES, PaginationConfig={"PageSize": 4, "MaxItems": 5})
    world.pages("scan", **SALES, ProjectionExpression="total", PaginationConfig={"PageSize": 3})
    pager = world.client.get_paginator("scan")
    world.see(lambda: pager.paginate(**SALES).build_full_result())
    world.see(lambda: sorted(pager.paginate(**SALES).search("Items[].n.N")))


@scenario
def parallel_scan(world):
    """Four segments in four threads."""

    def segment(number):
        return world.client.scan(**SALES, Segment=number, TotalSegments=4)["Items"]

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        found = [item for items in pool.map(segment, range(4)) for item in items]
    world.see(lambda: sorted(found, key=str))


@scenario
def waiters(world):
    """A table that is there, and one that goes."""
    world.see(lambda: world.client.get_waiter("table_exists").wait(**SALES))
    world.do("delete_table", **NOTES)
    world.see(lambda: world.client.get_waiter("table_not_exists").wait(**NOTES))
    once = {"WaiterConfig": {"Delay": 0, "MaxAttempts": 1}}
    world.see(lambda: world.client.get_waiter("table_exists").wait(**NOTES, **once))


@scenario
def a_stream_that_is_polled(world):
    """GetRecords shows the images as they were written."""
    world.do("put_item", **SALES, Item={**SALE, "total": number(1)})
    world.do("delete_item", **SALES, Key=SALE)
    world.records("sales")


@scenario
def a_batch_of_which_a_part_is_not_processed(world):
    """The application sends again what it got back, until nothing is left."""
    world.busy(2)
    left = {
        "notes": [{"PutRequest": {"Item": {"id": text(f"u{n}"), "x": number(n)}}} for n in range(4)]
    }
    for _ in range(3):
        left = world.do("batch_write_item", RequestItems=left).get("UnprocessedItems")
        if not left:
            break
    world.do("scan", **NOTES)


@scenario
def a_service_that_is_busy(world):
    """Refused with no more attempts left, and answered after two."""
    world.refuse("ProvisionedThroughputExceededException", "slow down", times=1)
    world.do("put_item", **NOTES, Item={"id": text("x")})
    world.refuse("InternalServerError", "later", status=500, times=1)
    world.do("put_item", **NOTES, Item={"id": text("x"), "again": text("x")})
    world.refuse("ThrottlingException", "slow down", times=9)
    world.do("get_item", **NOTES, Key=A)


@scenario
def access_that_is_denied(world):
    """To everything, for a while."""
    world.refuse("AccessDeniedException", "User: x is not authorized to perform: y", times=9)
    world.do("get_item", **NOTES, Key=A)
    world.do("delete_item", **NOTES, Key=A)
    world.refuse("UnrecognizedClientException", "The security token is invalid.", times=9)
    world.do("put_item", **NOTES, Item={"id": text("x")})


@scenario
def a_write_of_what_was_read(world):
    """Read, changed and written back, whole."""
    item = world.do("get_item", **NOTES, Key=A)["Item"]
    world.do("put_item", **NOTES, Item={**item, "text": text("changed")})
    world.do("get_item", **NOTES, Key=A)


@scenario
def two_clients_race(world):
    """The version of what was read is the condition of what is written."""
    item = world.do("get_item", **NOTES, Key=A)["Item"]
    for version in ("1", "2"):
        world.do(
            *update(
                "SET #c = #c + :one",
                names={"#c": "count"},
                values={":one": number(1), ":v": number(version)},
                ConditionExpression="#c = :v",
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )[:1],
            **update(
                "SET #c = #c + :one",
                names={"#c": "count"},
                values={":one": number(1), ":v": item["count"]},
                ConditionExpression="#c = :v",
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )[1],
        )
