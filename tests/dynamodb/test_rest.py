"""Functions that feed their own or each other's tables come to rest, as they do without us.

DynamoDB writes a stream record only where a write changes the item: a loop of functions that
write what is there already ends by itself. A mark changes every item that it is written to.
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Streams.html
"""

import copy
import json

import pytest

from lumitrace import traced

MANY = 40  # invocations; a loop that goes on so long does not end
ARN = "arn:aws:dynamodb:eu-west-1:123456789012:table/{}/stream/x"


class World:
    """Tables with streams, functions that read them, and a queue in between."""

    def __init__(self, aws, context):
        self.aws, self.context = aws, context
        self.client = aws.client("dynamodb")
        self.tables, self.readers, self.waiting = {}, {}, []
        self.invocations = 0

    def take(self, sent):
        """Stand in for DynamoDB: keep what is written, and tell the stream of what changed."""
        if "Item" in sent:
            writes = [(sent["TableName"], sent["Item"])]
        else:
            puts = sent["RequestItems"].items()
            writes = [(table, one["PutRequest"]["Item"]) for table, ones in puts for one in ones]
        for table, item in writes:
            old = self.tables.setdefault(table, {}).get(item["id"]["S"])
            if old != item:
                self.tables[table][item["id"]["S"]] = copy.deepcopy(item)
                self.waiting.append((table, old, item))
        return 200, "{}"

    def record(self, table, old, new):
        """Return the event of one change."""
        change = {"NewImage": new, "Keys": {"id": new["id"]}, "SequenceNumber": "1"}
        if old is not None:
            change["OldImage"] = old
        record = {"eventID": "e", "eventName": "INSERT" if old is None else "MODIFY"}
        record |= {"eventSource": "aws:dynamodb", "eventSourceARN": ARN.format(table)}
        return {"Records": [copy.deepcopy({**record, "dynamodb": change})]}

    def put(self, table, item):
        """Write an item, as a function does."""
        self.aws.answers = [self.take]
        self.client.put_item(TableName=table, Item=item)

    def batch(self, table, item):
        """Write an item in a batch."""
        self.aws.answers = [self.take]
        self.client.batch_write_item(RequestItems={table: [{"PutRequest": {"Item": item}}]})

    def invoke(self, work, event):
        """Run *work* as an invocation for *event*."""
        self.invocations += 1
        traced(lambda event, context: work(event))(event, self.context)

    def run(self):
        """Deliver what the streams hold until nothing is left; return the invocations."""
        while self.waiting and self.invocations < MANY:
            table, old, new = self.waiting.pop(0)
            if table in self.readers:
                self.invoke(self.readers[table], self.record(table, old, new))
        return self.invocations


def image(event):
    """Return the new image of the one record."""
    return event["Records"][0]["dynamodb"]["NewImage"]


@pytest.fixture
def world(aws, context):
    """A world without tables."""
    return World(aws, context)


@pytest.mark.parametrize("write", ["put", "batch"])
def test_a_function_that_rewrites_its_own_table(world, write):
    """It normalises each item, and finds it normal the second time."""
    write = getattr(world, write)
    world.readers["t"] = lambda event: write("t", {**image(event), "normal": {"BOOL": True}})

    world.invoke(lambda _: write("t", {"id": {"S": "1"}}), {})

    assert world.run() == 3


@pytest.mark.parametrize("write", ["put", "batch"])
def test_two_functions_that_feed_each_others_tables(world, write):
    """Each copies to the other's table what it sees.

    A write without a mark takes the lineage away with the old mark, so that this goes on until
    the same was written three times.
    """
    write = getattr(world, write)
    world.readers["t"] = lambda event: write("u", image(event))
    world.readers["u"] = lambda event: write("t", image(event))

    world.invoke(lambda _: write("t", {"id": {"S": "1"}}), {})

    assert world.run() <= 10


def test_a_ring_of_six_tables(world):
    """A mark remembers four tables; the hops end what goes further."""
    for number in range(6):
        after = f"t{(number + 1) % 6}"
        world.readers[f"t{number}"] = lambda event, after=after: world.put(after, image(event))

    world.invoke(lambda _: world.put("t0", {"id": {"S": "1"}}), {})

    assert world.run() < MANY


def test_a_ring_that_loses_its_lineage_over_a_queue(world):
    """The queue carries no tables: what ends this is that the same is written again."""

    def over_a_queue(event):
        message = {"messageId": "m", "eventSource": "aws:sqs", "attributes": {}}
        message |= {"eventSourceARN": "arn:aws:sqs:eu-west-1:1:q", "body": json.dumps(image(event))}
        world.invoke_later = {"Records": [message]}

    world.readers["t"] = over_a_queue
    world.invoke(lambda _: world.put("t", {"id": {"S": "1"}}), {})
    rounds = 0
    while world.waiting and rounds < MANY:
        world.run()
        rounds += 1
        back = lambda event: world.put("t", json.loads(event["Records"][0]["body"]))  # noqa: E731
        world.invoke(back, world.invoke_later)

    assert rounds <= 6
