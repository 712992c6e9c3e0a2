"""An application cannot tell whether lumitrace is there: each scenario with it and without it.

Results, exceptions and the caller's own objects are the same, and so is what an untraced reader
finds in the tables afterwards, except for the one attribute.
"""

import contextlib
import copy
import json
from datetime import datetime

import pytest
from tests.aws.refusal import Refusal
from tests.dynamodb import resource_scenarios, scenarios

from lumitrace import traced
from lumitrace.wire.mark import ATTRIBUTE, parse_mark

boto3 = pytest.importorskip("boto3")
pytest.importorskip("moto")
assert resource_scenarios  # adds its own

STRINGS = {"id": "S", "kind": "S", "n": "N", "at": "N"}
# What is another from run to run, or documented to differ: a stream record counts its bytes.
APART = {
    "TableId",
    "LatestStreamLabel",
    "LatestStreamArn",
    "StreamArn",
    "eventID",
    "SizeBytes",
    "NextShardIterator",
}


def key_schema(*names):
    """Return the schema of these keys."""
    kinds = zip(names, ("HASH", "RANGE"), strict=False)
    return [{"AttributeName": name, "KeyType": kind} for name, kind in kinds]


def index(name, *keys, projection="ALL"):
    """Return the definition of an index."""
    kind = {"ProjectionType": projection}
    return {"IndexName": name, "KeySchema": key_schema(*keys), "Projection": kind}


TABLES = [
    {
        "TableName": "sales",
        "KeySchema": key_schema("id", "n"),
        "AttributeDefinitions": [
            {"AttributeName": name, "AttributeType": kind} for name, kind in STRINGS.items()
        ],
        "GlobalSecondaryIndexes": [
            index("by_kind", "kind", "n"),
            index("by_kind_keys", "kind", "n", projection="KEYS_ONLY"),
        ],
        "LocalSecondaryIndexes": [index("by_at", "id", "at")],
        "StreamSpecification": {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
    },
    {
        "TableName": "notes",
        "KeySchema": key_schema("id"),
        "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
    },
]


def shown(value):
    """Return *value* with its types and its order, without what is never the same."""
    if isinstance(value, dict):
        kept = [(k, v) for k, v in value.items() if k not in APART]
        if "HTTPStatusCode" in value and "HTTPHeaders" in value:  # the headers have the time
            kept = [(k, v) for k, v in value.items() if k not in ("RequestId", "HTTPHeaders")]
        return [(k, shown(v)) for k, v in kept]
    if isinstance(value, list | tuple):
        return [type(value).__name__, *map(shown, value)]
    if isinstance(value, set | frozenset):
        return ["set", *sorted(repr(shown(one)) for one in value)]
    if isinstance(value, datetime):
        return "a time"
    inside = getattr(value, "__dict__", None)  # of boto3's Binary
    return type(value).__name__, inside if inside and not isinstance(value, type) else value


def failure(error):
    """Return what an application can see of *error*."""
    parts = (type(error).__mro__[0].__qualname__, type(error).__bases__, str(error))
    more = {name: getattr(error, name, None) for name in ("response", "operation_name", "kwargs")}
    around = [type(one) for one in (error.__cause__, error.__context__)]
    return ["raised", *parts, around, shown(more)]


class World:
    """One run of a scenario.

    Attributes:
        client, resource: boto3's.
        seen: what the application saw, in order.
    """

    def __init__(self, proxy, clients):
        self.proxy, (self.client, self.resource, self.streams) = proxy, clients
        self.seen = []

    def table(self, name):
        """Return boto3's table of this name."""
        return self.resource.Table(name)

    def do(self, operation, on=None, **params):
        """Call, keep what is seen, and see that the caller's parameters are as they were."""
        before = copy.deepcopy(params)
        answer = self.see(lambda: getattr(on or self.client, operation)(**params))
        assert shown(params) == shown(before), operation
        return answer if answer is not None else {}

    def see(self, work):
        """Keep what *work* returns or raises."""
        try:
            answer = work()
        except Exception as error:  # noqa: BLE001  # whatever it is, it is compared
            self.seen.append(failure(error))
            return None
        self.seen.append(shown(answer))
        return answer

    def pages(self, operation, **params):
        """Keep every page."""
        pager = self.client.get_paginator(operation)
        self.see(lambda: [page["Items"] for page in pager.paginate(**params)])

    def records(self, table):
        """Keep what the stream of *table* has."""
        arn = self.client.describe_table(TableName=table)["Table"]["LatestStreamArn"]
        [shard] = self.streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"]
        where = {"StreamArn": arn, "ShardId": shard["ShardId"]}
        start = {"ShardIteratorType": "TRIM_HORIZON"}
        iterator = self.streams.get_shard_iterator(**where, **start)["ShardIterator"]
        self.see(lambda: self.streams.get_records(ShardIterator=iterator)["Records"])

    def refuse(self, code, message, *, times, status=400):
        """Let AWS refuse the next *times* requests."""
        left = [times]

        def check(_request, _memory):
            if left[0]:
                left[0] -= 1
                raise Refusal(code, message, status)

        self.proxy.checks = [*self.proxy.checks[:1], check]

    def busy(self, times):
        """Let DynamoDB take one entry less than it is given, *times* times."""
        self.proxy.memory["busy"] = times


def mended(forward, proxy):
    """Return *forward* with what moto answers otherwise than DynamoDB does put right.

    - An update of a key alone makes an item of it; moto fails.
    - An update that leaves nothing to return returns no ``Attributes``; moto an empty map:
      https://github.com/ExtendDB/extenddb/pull/121
    - A batch of which the last entry comes back unprocessed, where the test asks for it.
    """

    def answer(request):
        left = {}
        if request.operation == "UpdateItem" and "UpdateExpression" not in request.params:
            wanted = {"AttributeUpdates": {}, **request.params}
            request = replaced(request, wanted)
        if request.operation == "BatchWriteItem" and proxy.memory.get("busy"):
            proxy.memory["busy"] -= 1
            wanted = json.loads(request.body)
            name = next(iter(wanted["RequestItems"]))
            left = {name: [wanted["RequestItems"][name].pop()]}
            request = replaced(request, wanted)
        status, headers, body = forward(request)
        answered = json.loads(body) if request.service == "dynamodb" and status == 200 else {}
        if request.operation == "UpdateItem" and answered.get("Attributes") == {}:
            del answered["Attributes"]
        elif left:
            answered["UnprocessedItems"] = left
        else:
            return status, headers, body
        kept = {name: value for name, value in headers.items() if name != "x-amz-crc32"}
        return status, kept, json.dumps(answered).encode()

    return answer


def replaced(request, params):
    """Return *request* with other parameters."""
    body = json.dumps(params).encode()
    return type(request)(request.method, request.path, request.headers, body)


@contextlib.contextmanager
def without_lumitrace():
    """Take our door away from botocore, while the block lasts."""
    from botocore.client import BaseClient

    ours = BaseClient.__dict__["_emit_api_params"]
    BaseClient._emit_api_params = getattr(ours, "__wrapped__", ours)  # it may be away already
    try:
        yield
    finally:
        BaseClient._emit_api_params = ours


@pytest.fixture(scope="module")
def clients(_session, _behind):
    """Two sets of clients; lumitrace never sees the first."""
    from botocore.config import Config

    from lumitrace.capture import doors

    doors.install()
    session = boto3.Session(
        "AKIDEXAMPLE", "none", region_name="eu-west-1", botocore_session=_session
    )
    config = Config(retries={"mode": "standard", "total_max_attempts": 2})
    where = {"endpoint_url": _behind.url, "config": config}
    names = ("client", "dynamodb"), ("resource", "dynamodb"), ("client", "dynamodbstreams")
    return [[getattr(session, kind)(name, **where) for kind, name in names] for _ in range(2)]


@pytest.fixture
def moto(proxy, monkeypatch):
    """The proxy, with moto's answers mended, and no wait between attempts."""
    monkeypatch.setattr(proxy, "forward", mended(proxy.forward, proxy))
    monkeypatch.setattr("botocore.endpoint.time.sleep", lambda _: None)
    return proxy


def play(name, proxy, clients, plain, around):
    """Play the scenario *name*; return what the application saw, and the tables afterwards."""
    proxy.forget()
    world = World(proxy, clients)
    with without_lumitrace():
        for table in TABLES:
            plain.create_table(BillingMode="PAY_PER_REQUEST", **copy.deepcopy(table))

    def seed():
        wanted = {
            table: [{"PutRequest": {"Item": item}} for item in items]
            for table, items in scenarios.SEEDS.items()
        }
        world.resource.batch_write_item(RequestItems=wanted)

    around(seed)
    around(lambda: scenarios.SCENARIOS[name](world))
    proxy.checks = proxy.checks[:1]
    with without_lumitrace():
        names = plain.list_tables()["TableNames"]
        left = {table: plain.scan(TableName=table)["Items"] for table in names}
    return world.seen, left


def without_marks(tables):
    """Return *tables* without our attribute, and how many items had it."""
    marks = [
        item.pop(ATTRIBUTE)
        for items in tables.values()
        for item in items
        if ATTRIBUTE in item and parse_mark(item[ATTRIBUTE].get("S")) is not None
    ]
    return tables, len(marks)


UNMARKED = {"waiters", "client tables"}  # nothing marked is left in the tables


@pytest.mark.parametrize("name", scenarios.SCENARIOS)
def test_nobody_can_tell_the_difference(captured, context, moto, clients, name):
    """The same seen, the same raised, the same left in the tables but for the one attribute."""
    plain = clients[0][0]
    with without_lumitrace():
        seen, left = play(name, moto, clients[0], plain, lambda work: work())

    def inside(work):
        traced(lambda event, context: work())({}, context)

    with_us, tables = play(name, moto, clients[1], plain, inside)

    assert with_us == seen
    assert without_marks(left)[1] == 0
    tables, marks = without_marks(tables)
    assert shown(tables) == shown(left)
    assert marks or name in UNMARKED
    assert ATTRIBUTE not in str(moto.refused)


def test_there_are_enough_scenarios():
    """Sixty at the least, with clients and with resources."""
    names = list(scenarios.SCENARIOS)

    assert len(names) >= 60
    assert sum(name.startswith("resource") for name in names) >= 12
