"""Functions that rewrite what they are told of come to rest with us as they do without us.

DynamoDB writes no stream record for a write that changes nothing, and many a ring of functions
ends by that alone. A mark is a change: each of the rules below keeps one kind of ring from going
on for ever, and the last test of this file takes them away, one by one.
"""

import json

import pytest
from tests.dynamodb.rings import (
    Function,
    Ring,
    from_bus,
    from_queue,
    from_topic,
    through_kinesis,
)

from lumitrace.capture.config import OFF, settings
from lumitrace.capture.services import _dynamodb_item, _dynamodb_repeats

pytest.importorskip("boto3")
pytest.importorskip("awslambdaric")

T1, T2, T3 = "ushop_sales", "ushop_stock", "ushop_orders"
TOPIC = "arn:aws:sns:eu-west-1:123456789012:ushop_changes"


def put(db, table, sale):
    """Put the whole item."""
    db.put_item(TableName=table, Item=sale)


def update(db, table, sale):
    """Set all but the key."""
    rest = {name: value for name, value in sale.items() if name != "saleId"}
    db.update_item(
        TableName=table,
        Key={"saleId": sale["saleId"]},
        UpdateExpression="SET " + ", ".join(f"#{name} = :{name}" for name in rest),
        ExpressionAttributeNames={f"#{name}": name for name in rest},
        ExpressionAttributeValues={f":{name}": value for name, value in rest.items()},
    )


def batch(db, table, sale):
    """Put it in a batch."""
    db.batch_write_item(RequestItems={table: [{"PutRequest": {"Item": sale}}]})


def transact(db, table, sale):
    """Put it in a transaction."""
    db.transact_write_items(TransactItems=[{"Put": {"TableName": table, "Item": sale}}])


def legacy(db, table, sale):
    """Set all but the key, as it was done before expressions."""
    rest = {name: value for name, value in sale.items() if name != "saleId"}
    db.update_item(
        TableName=table,
        Key={"saleId": sale["saleId"]},
        AttributeUpdates={n: {"Action": "PUT", "Value": v} for n, v in rest.items()},
    )


def images(event):
    """Return the new images that a table's stream brings, by Kinesis too."""
    import base64

    for record in event["Records"]:
        change = record.get("dynamodb")
        if change is None:
            change = json.loads(base64.b64decode(record["kinesis"]["data"]))["dynamodb"]
        if "NewImage" in change:
            yield change["NewImage"]


class Play:
    """A ring that is being put together: who writes how, in how many processes."""

    def __init__(self, ring, write, processes):
        self.ring, self.write, self.processes = ring, write, processes

    def tables(self, *names):
        """Make tables, and the till that writes a sale into the first."""
        for name in names:
            self.ring.table(name)
        db, sale = self.ring.client("dynamodb"), {"saleId": {"S": "7"}, "total": {"N": "42"}}
        self.till = Function("till", lambda *_: put(db, names[0], sale))

    def function(self, name, work):
        """Return a function that does *work* with each item that it is told of."""
        return Function(name, work, self.processes)

    def copier(self, name, table):
        """Return a function that writes the items of a stream into *table*."""
        db = self.ring.client("dynamodb")

        def work(event, _):
            for image in images(event):
                self.write(db, table, {**image, "state": {"S": "sold"}})

        return self.function(name, work)

    def teller(self, name, tell):
        """Return a function that lets *tell* have the items of a stream."""

        def work(event, _):
            for image in images(event):
                tell(json.dumps(image))

        return self.function(name, work)

    def writer(self, name, table, read):
        """Return a function that writes the items of which *read* finds the text in its event."""
        db = self.ring.client("dynamodb")

        def work(event, _):
            for text in read(event):
                self.write(db, table, {**json.loads(text), "state": {"S": "sold"}})

        return self.function(name, work)


def own_table(play):
    """T1 → F → T1."""
    play.tables(T1)
    play.ring.follow(T1, play.copier("f", T1))


def own_table_through_kinesis(play):
    """T1 → Kinesis → F → T1."""
    play.tables(T1)
    play.ring.follow(T1, play.copier("f", T1), shape=through_kinesis)


def two_tables(play):
    """T1 → F1 → T2 → F2 → T1."""
    play.tables(T1, T2)
    play.ring.follow(T1, play.copier("f1", T2))
    play.ring.follow(T2, play.copier("f2", T1))


def three_tables(play):
    """T1 → F1 → T2 → F2 → T3 → F3 → T1."""
    play.tables(T1, T2, T3)
    play.ring.follow(T1, play.copier("f1", T2))
    play.ring.follow(T2, play.copier("f2", T3))
    play.ring.follow(T3, play.copier("f3", T1))


def topic(play):
    """T1 → F1 → SNS → F2 → T1."""
    play.tables(T1)
    sns = play.ring.client("sns")
    sns.create_topic(Name="ushop_changes")
    read = lambda event: [record["Sns"]["Message"] for record in event["Records"]]  # noqa: E731
    queue = play.ring.queue("hidden", play.writer("f2", T1, read), from_topic)
    sns.subscribe(TopicArn=TOPIC, Protocol="sqs", Endpoint=queue)
    tell = lambda text: sns.publish(TopicArn=TOPIC, Message=text)  # noqa: E731
    play.ring.follow(T1, play.teller("f1", tell))


def queue(play):
    """T1 → F1 → SQS → F2 → T1."""
    play.tables(T1)
    read = lambda event: [record["body"] for record in event["Records"]]  # noqa: E731
    play.ring.queue("ushop_work", play.writer("f2", T1, read), from_queue)
    sqs = play.ring.client("sqs")
    url = sqs.get_queue_url(QueueName="ushop_work")["QueueUrl"]
    tell = lambda text: sqs.send_message(QueueUrl=url, MessageBody=text)  # noqa: E731
    play.ring.follow(T1, play.teller("f1", tell))


def bus(play):
    """T1 → F1 → EventBridge → F2 → T1."""
    play.tables(T1)
    events = play.ring.client("events")
    read = lambda event: [json.dumps(event["detail"])]  # noqa: E731
    queue = play.ring.queue("hidden", play.writer("f2", T1, read), from_bus)
    events.put_rule(Name="changes", EventPattern='{"source": ["ushop"]}')
    events.put_targets(Rule="changes", Targets=[{"Id": "1", "Arn": queue}])

    def tell(text):
        entry = {"Source": "ushop", "DetailType": "sale.changed", "Detail": text}
        events.put_events(Entries=[entry])

    play.ring.follow(T1, play.teller("f1", tell))


def _invoke(play, kind):
    play.tables(T1)
    play.ring.callable(play.writer("f2", T1, lambda event: [json.dumps(event)]))
    functions = play.ring.client("lambda")

    def tell(text):
        functions.invoke(FunctionName="f2", Payload=text, InvocationType=kind)

    play.ring.follow(T1, play.teller("f1", tell))


def invoke(play):
    """T1 → F1 → Invoke, and wait → F2 → T1."""
    _invoke(play, "RequestResponse")


def invoke_event(play):
    """T1 → F1 → Invoke, and go on → F2 → T1."""
    _invoke(play, "Event")


RINGS = {
    one.__name__: one
    for one in (
        own_table,
        own_table_through_kinesis,
        two_tables,
        three_tables,
        topic,
        queue,
        bus,
        invoke,
        invoke_event,
    )
}
ONLY_MARKS = 6  # stream records a table, for all that has no other rule than the last
WRITES = {one.__name__: one for one in (put, update, batch, transact, legacy)}
REST = ("batch", "transact", "legacy")  # they go through the same rules: two rings each


PLAYED = [
    *((ring, write) for ring in RINGS for write in ("put", "update")),
    *((ring, write) for ring in ("own_table", "two_tables") for write in REST),
]


@pytest.fixture
def run(aws, proxy):
    """Play a ring until it rests; return what its streams told, and whether it rested."""

    def played(ring, write, processes=1):
        proxy.forget()
        play = Play(Ring(proxy, aws.session), WRITES[write], processes)
        RINGS[ring](play)
        return play.ring, play.ring.play(play.till)

    return played


@pytest.mark.parametrize(("ring", "write"), PLAYED)
def test_a_ring_comes_to_rest(run, monkeypatch, ring, write):
    """As without us: the same changes that an application sees, and a few of our mark alone."""
    traced, rests = run(ring, write)
    monkeypatch.setattr(settings, "enabled", OFF)
    bare, bare_rests = run(ring, write)

    assert bare_rests
    assert rests, "it goes on for ever"
    assert len(traced.seen) == len(bare.seen) == len(bare.records)
    assert len(traced.records) <= len(bare.records) + ONLY_MARKS * len(traced.tables)


@pytest.mark.parametrize("ring", RINGS)
def test_each_process_counts_for_itself_and_the_ring_rests_still(run, ring):
    """Lambda may run any number of processes of a function; the next one knows nothing."""
    _, rests = run(ring, "put", processes=2)

    assert rests


def no_own_stream(monkeypatch):
    """Forget which table's stream called."""
    rule = _dynamodb_item.table_reason

    def other(call, table, context):
        call.avoid = frozenset()
        return rule(call, table, context)

    monkeypatch.setattr(_dynamodb_item, "table_reason", other)


def no_lineage(monkeypatch):
    """Forget which tables a context came through."""
    rule = _dynamodb_item.table_reason

    def other(call, table, context):
        found = rule(call, table, context)
        return None if found == "table-in-lineage" else found

    monkeypatch.setattr(_dynamodb_item, "table_reason", other)


def no_hops(monkeypatch):
    """Let a context ride on for ever."""
    monkeypatch.setattr(_dynamodb_item, "MAX_HOPS", 1 << 60)


def no_repeats(monkeypatch):
    """Forget what was written before."""
    monkeypatch.setattr(_dynamodb_repeats, "is_repeated", lambda *_: False)


OWN, LINEAGE, HOPS, REPEATS = no_own_stream, no_lineage, no_hops, no_repeats
KEPT = {  # the rules that keep each ring from going on, of which one is enough
    "own_table": (OWN, LINEAGE, HOPS, REPEATS),
    "own_table_through_kinesis": (LINEAGE, HOPS, REPEATS),
    "two_tables": (LINEAGE, HOPS, REPEATS),
    "three_tables": (LINEAGE, HOPS, REPEATS),
    "topic": (REPEATS,),
    "invoke": (REPEATS,),  # and all others over which a lineage is lost
}


@pytest.mark.parametrize("ring", KEPT)
def test_without_the_rules_it_goes_on_for_ever(run, monkeypatch, ring):
    """So these tests would see a ring that does."""
    for take_away in KEPT[ring]:
        take_away(monkeypatch)

    _, rests = run(ring, "update")

    assert not rests


@pytest.mark.parametrize("ring", [ring for ring, rules in KEPT.items() if len(rules) > 1])
def test_one_rule_is_enough(run, ring):
    """Whichever it is: where one cannot see the ring, the next one ends it."""
    for rule in KEPT[ring]:
        with pytest.MonkeyPatch.context() as patch:
            for take_away in KEPT[ring]:
                if take_away is not rule:
                    take_away(patch)
            _, rests = run(ring, "update")

        assert rests, rule.__name__
