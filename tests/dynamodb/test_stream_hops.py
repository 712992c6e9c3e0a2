"""Every kind of write, through moto's tables and streams: the table in docs/dynamodb.md.

What is never allowed is a false parent: `Room.outcome` refuses it for every record.
"""

import contextlib

import pytest
from tests import pages
from tests.dynamodb.stream_room import MODES, TABLE, Room, through_kinesis

moto = pytest.importorskip("moto")
boto3 = pytest.importorskip("boto3")
pytest.importorskip("duckdb")

HEAD = f"| write | {' | '.join(MODES)} |\n|---|---|---|---|\n"
KEY, OTHER = {"saleId": {"S": "1"}}, {"saleId": {"S": "2"}}
OLD = {**KEY, "n": {"N": "7"}, "more": {"S": "x"}}
NEW = {**KEY, "n": {"N": "8"}, "b": {"B": b"\0"}}
SET = {
    "UpdateExpression": "SET #n = :n",
    "ExpressionAttributeNames": {"#n": "n"},
    "ExpressionAttributeValues": {":n": {"N": "9"}},
}
COUNT = {**SET, "UpdateExpression": "ADD #n :n"}

DELETED = "a delete leaves no item to carry a mark"
NO_IMAGE = "no image of the item, and without a secret nothing tells the writer"
NO_NAMES = "no image of the item, and its writer never saw which attributes are the key"
PARTIQL = "a statement is never rewritten, nor read"
ONLY_REMOVES = "an update that only takes away gets no mark: it must not make an item"
NO_MARK = "the item bears no mark, and without a secret nothing tells the writer"

KINDS = {}
PLAYED = {}


def kind(reason="", *, impossible=False):
    """Register a kind of write, named by its docstring; *reason* is why it is not joined."""

    def register(play):
        KINDS[play.__doc__.rstrip(".")] = (play, reason, impossible)
        return play

    return register


@kind()
def put_new(room):
    """PutItem, a new item."""
    room.table()
    room.write(lambda: room.client().put_item(TableName=TABLE, Item=NEW))


@kind()
def put_replacing(room):
    """PutItem that replaces an item."""
    room.table()
    room.before(OLD)
    room.write(lambda: room.client().put_item(TableName=TABLE, Item=NEW))


@kind()
def put_with_the_resource(room):
    """PutItem of boto3's resource."""
    room.table()
    item = {"saleId": "1", "n": 1, "s": {"b", "a"}, "m": {"l": [None, True, b"x"]}}
    room.write(lambda: room.resource().put_item(Item=item))


@kind()
def update_existing(room):
    """UpdateItem of an item, SET to a value."""
    room.table()
    room.before(OLD)
    room.write(lambda: room.client().update_item(TableName=TABLE, Key=KEY, **SET))


@kind(ONLY_REMOVES)
def update_removing(room):
    """UpdateItem of an item, REMOVE."""
    room.table()
    room.before(OLD)
    removal = {"UpdateExpression": "REMOVE more"}
    room.write(lambda: room.client().update_item(TableName=TABLE, Key=KEY, **removal))


@kind()
def update_counting(room):
    """UpdateItem that counts or appends."""
    room.table()
    room.before(OLD)
    room.write(lambda: room.client().update_item(TableName=TABLE, Key=KEY, **COUNT))


@kind()
def update_legacy(room):
    """UpdateItem with AttributeUpdates."""
    room.table()
    room.before(OLD)
    updates = {"n": {"Action": "PUT", "Value": {"N": "9"}}}
    room.write(
        lambda: room.client().update_item(TableName=TABLE, Key=KEY, AttributeUpdates=updates)
    )


@kind()
def update_upsert(room):
    """UpdateItem that makes an item."""
    room.table()
    room.write(lambda: room.client().update_item(TableName=TABLE, Key=KEY, **SET))


@kind()
def update_new_image(room):
    """UpdateItem, the stream shows new images alone."""
    room.table("NEW_IMAGE")
    room.before(OLD)
    room.write(lambda: room.client().update_item(TableName=TABLE, Key=KEY, **SET))


@kind(DELETED)
def delete(room):
    """DeleteItem."""
    room.table()
    room.before(OLD)
    room.write(lambda: room.client().delete_item(TableName=TABLE, Key=KEY))


def read_and_put(room, item):
    """Write as most do who know the item: read it, put it."""
    room.client().get_item(TableName=TABLE, Key=KEY)
    room.client().put_item(TableName=TABLE, Item=item)


@kind(NO_IMAGE)
def put_keys_only(room):
    """PutItem, the stream shows keys alone."""
    room.table("KEYS_ONLY")
    room.write(lambda: read_and_put(room, NEW))


@kind(NO_IMAGE)
def put_old_image(room):
    """PutItem, the stream shows old images alone."""
    room.table("OLD_IMAGE")
    room.before(OLD)
    room.write(lambda: read_and_put(room, NEW))


@kind(NO_NAMES, impossible=True)
def put_keys_only_unknown(room):
    """The same in a process that never named a key of the table."""
    room.table("KEYS_ONLY")
    room.write(lambda: room.client().put_item(TableName=TABLE, Item=NEW))


@kind(NO_IMAGE)
def update_keys_only(room):
    """UpdateItem, the stream shows keys alone."""
    room.table("KEYS_ONLY")
    room.before(OLD)
    room.write(lambda: room.client().update_item(TableName=TABLE, Key=KEY, **SET))


@kind()
def number_normalised(room):
    """A number that DynamoDB spells otherwise (`10.0`, `1E1`)."""
    room.table()
    item = {**KEY, "n": {"N": "10.0"}, "e": {"N": "-1.50E-3"}, "z": {"N": "-0.0"}}
    room.write(lambda: room.client().put_item(TableName=TABLE, Item=item))


@kind()
def set_reordered(room):
    """A set that comes back in another order."""
    room.table()
    item = {**KEY, "s": {"SS": ["c", "a", "b"]}, "n": {"NS": ["3.0", "1"]}}
    room.write(lambda: room.client().put_item(TableName=TABLE, Item=item))


@kind(DELETED)
def batch(room):
    """BatchWriteItem, each put and delete."""
    room.table()
    room.before(OLD)
    puts = [{"PutRequest": {"Item": {**NEW, "saleId": {"S": f"n{n}"}}}} for n in range(3)]
    requests = {TABLE: [*puts, {"DeleteRequest": {"Key": KEY}}]}
    room.write(lambda: room.client().batch_write_item(RequestItems=requests), records=4)


@kind()
def batch_writer(room):
    """boto3's `batch_writer`, each put."""
    room.table()

    def work():
        with room.resource().batch_writer() as writer:
            for number in range(3):
                writer.put_item(Item={"saleId": str(number), "n": number})

    room.write(work, records=3)


@kind(DELETED)
def transaction(room):
    """TransactWriteItems, each put, update and delete."""
    room.table()
    room.before(OLD, {**OLD, **OTHER})
    actions = [
        {"Put": {"TableName": TABLE, "Item": {**NEW, "saleId": {"S": "3"}}}},
        {"Update": {"TableName": TABLE, "Key": KEY, **SET}},
        {"Delete": {"TableName": TABLE, "Key": OTHER}},
    ]
    room.write(lambda: room.client().transact_write_items(TransactItems=actions), records=3)


@kind(NO_MARK)
def transaction_with_token(room):
    """TransactWriteItems with a ClientRequestToken of the caller's."""
    room.table()
    actions = [{"Put": {"TableName": TABLE, "Item": NEW}}]
    said = {"TransactItems": actions, "ClientRequestToken": "sale-1"}
    room.write(lambda: room.client().transact_write_items(**said))


@kind(NO_MARK)
def signed(room):
    """PutItem of an item that client-side encryption has signed."""
    room.table()
    item = {**NEW, "aws_dbe_head": {"B": b"h"}, "aws_dbe_foot": {"B": b"f"}}
    room.write(lambda: room.client().put_item(TableName=TABLE, Item=item))


@kind()
def conditional(room):
    """A conditional write, while another's condition fails."""
    room.table()
    room.before(OLD)
    condition = {"ConditionExpression": "attribute_exists(more)"}

    def refused():
        errors = room.client().exceptions
        with contextlib.suppress(errors.ConditionalCheckFailedException):
            room.client().put_item(TableName=TABLE, Item=NEW, **condition)

    room.write(lambda: room.client().put_item(TableName=TABLE, Item=NEW, **condition))
    room.write(refused, records=0)


@kind()
def two_tables(room):
    """The same item into two tables in one second."""
    room.table()
    room.table(name="ushop_copies")
    room.write(lambda: room.client().put_item(TableName=TABLE, Item=NEW))
    room.write(lambda: room.client().put_item(TableName="ushop_copies", Item=NEW), records=0)


@kind()
def written_twice(room):
    """The same key twice in one second, two contents."""
    room.table()
    room.write(lambda: room.client().put_item(TableName=TABLE, Item=OLD))
    room.write(lambda: room.client().put_item(TableName=TABLE, Item=NEW))


@kind("both writers fit, and are listed")
def counted_twice(room):
    """The same key counted twice in one second."""
    room.table()
    room.before(OLD)
    for _ in range(2):
        room.write(lambda: room.client().update_item(TableName=TABLE, Key=KEY, **COUNT))


@kind()
def after_a_stranger(room):
    """A write after which one without lumitrace updates the item; that one has no parent."""
    room.table()
    room.write(lambda: room.client().put_item(TableName=TABLE, Item=NEW))
    room.strange(lambda: room.client().update_item(TableName=TABLE, Key=KEY, **SET))


@kind(PARTIQL, impossible=True)
def partiql_insert(room):
    """PartiQL INSERT."""
    room.table()
    statement = f"INSERT INTO \"{TABLE}\" VALUE {{'saleId': '1', 'n': 1}}"
    room.write(lambda: room.client().execute_statement(Statement=statement))


@kind(PARTIQL, impossible=True)
def partiql_update(room):
    """PartiQL UPDATE of an item that another of ours wrote; that one is no parent."""
    room.table()
    statement = f'UPDATE "{TABLE}" SET n = ? WHERE saleId = ?'  # noqa: S608  # a test's
    room.write(lambda: room.client().put_item(TableName=TABLE, Item=NEW), told=False)
    said = {"Statement": statement, "Parameters": [{"N": "9"}, {"S": "1"}]}
    room.write(lambda: room.client().execute_statement(**said))


@kind()
def kinesis(room):
    """PutItem, through Kinesis Data Streams for DynamoDB."""
    room.table()
    room.write(lambda: room.client().put_item(TableName=TABLE, Item=NEW))


@pytest.fixture
def room(captured, monkeypatch):
    """Where writes are played."""
    from lumitrace.capture import doors

    doors.install()
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    return Room(captured, monkeypatch, boto3)


def play(room, name, mode):
    """Play the write *name* in *mode*; return how its records were joined."""
    work = KINDS[name][0]
    room.begin(mode)
    with moto.mock_aws():
        work(room)
        event = room.event()
        room.receive(through_kinesis(event) if work is kinesis else event)
    return room.outcome()


def told(found, reason):
    """Return in words how the records of a write were joined."""
    words = []
    for one in dict.fromkeys(found):
        if one.endswith("(likely)"):
            words.append(f"likely, {one.removesuffix(' (likely)')}")
        elif one.endswith("candidates"):
            words.append(f"{one}: {reason}")
        else:
            words.append(f"exact, {one}" if one else f"no: {reason}")
    return "; ".join(words)


@pytest.fixture
def table(room):
    """How each kind of write is joined, by mode; played once."""
    if not PLAYED:
        for name, (_, reason, _) in KINDS.items():
            PLAYED[name] = [told(play(room, name, mode), reason) for mode in MODES]
    return PLAYED


def test_the_table_in_the_docs_is_what_was_played(table):
    """Each write was made, streamed and joined for real."""
    pages.compare("dynamodb.md", "stream hops", HEAD, table, "WRITE_STREAM_HOPS")


def test_with_a_secret_every_write_is_joined_or_listed(table):
    """Only what is impossible is not; nothing is guessed."""
    for name, (_, _, impossible) in KINDS.items():
        for found in table[name][1:]:
            assert ("no:" in found) is impossible, name
