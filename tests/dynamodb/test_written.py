"""What a write tells in `link` mode, through a real client: fingerprints, item by item."""

import contextlib
import json
from types import SimpleNamespace

import pytest

pytest.importorskip("botocore")
from lumitrace import traced
from lumitrace.capture.config import settings
from lumitrace.capture.services import _dynamodb_stream, _fingerprint

SECOND = 1_795_383_700
ONE, TWO = {"saleId": {"S": "1"}, "n": {"N": "1"}}, {"saleId": {"S": "2"}, "n": {"N": "2"}}
KEY = {"saleId": {"S": "1"}}
SET = {
    "UpdateExpression": "SET #n = :n",
    "ExpressionAttributeNames": {"#n": "n"},
    "ExpressionAttributeValues": {":n": {"N": "1"}},
}


@pytest.fixture
def client(aws, monkeypatch):
    """A client whose tables are in `link` mode."""
    monkeypatch.setattr(settings, "dynamodb", "link")
    monkeypatch.setattr(settings, "fingerprint_key", (b"correct horse battery",))
    _fingerprint._key_names.clear()
    return aws.client("dynamodb")


@pytest.fixture
def keys(captured):
    """Return the letters and the keys of what *work* tells."""

    def run(work):
        context = SimpleNamespace(aws_request_id="r", client_context=None)
        captured.writes.clear()
        traced(lambda event, context: work() and None)({}, context)
        told = [
            key
            for line in captured.lines
            for key in (*line.get("linkOut", ()), *(k for e in line.get("calls", ()) for k in e[6]))
        ]
        return [key.removeprefix("dynamodb:") for key in told if key.startswith("dynamodb:")]

    return run


def letters(found):
    """Return the kinds of fingerprints."""
    return "".join(one[0] for one in found)


def seen(name, new=None, old=None, key=KEY):
    """Return the fingerprints that a record of the stream of *t* says."""
    change = {"ApproximateCreationDateTime": SECOND, "Keys": key}
    change |= {image: item for image, item in (("NewImage", new), ("OldImage", old)) if item}
    arn = "arn:aws:dynamodb:eu-west-1:123456789012:table/t/stream/x"
    record = {"eventName": name, "eventSourceARN": arn, "dynamodb": change, "eventID": "e"}
    _, second, found, _ = _dynamodb_stream.read(record).link_key.split(":")
    assert int(second) == SECOND
    return found.split(".")


def test_a_put_tells_its_item_and_its_key_where_known(client, keys):
    """The names of a table's key are learned from any key that went by."""
    first = keys(lambda: client.put_item(TableName="t", Item=ONE))
    keys(lambda: client.get_item(TableName="t", Key=KEY))
    second = keys(lambda: client.put_item(TableName="t", Item=ONE))

    assert (letters(first), letters(second)) == ("i", "im")
    assert first[0] == second[0] == seen("INSERT", ONE)[0]
    assert second[1] in seen("MODIFY")
    assert seen("MODIFY", ONE, TWO)[0] == first[0]


def test_the_description_of_a_table_tells_its_key(client, keys, aws):
    """Also where all keys are in items."""
    schema = {"Table": {"KeySchema": [{"AttributeName": "saleId", "KeyType": "HASH"}]}}
    aws.answers = [(200, json.dumps(schema))]
    keys(lambda: client.describe_table(TableName="t"))

    assert letters(keys(lambda: client.put_item(TableName="t", Item=ONE))) == "im"


def test_an_update_tells_what_it_assigned(client, keys):
    """As a stream shows it: the difference of two images, or an item that was not there."""
    told = keys(lambda: client.update_item(TableName="t", Key=KEY, **SET))
    old = {**ONE, "n": {"N": "7"}, "more": {"S": "x"}}

    assert letters(told) == "ik"
    assert set(told) <= set(seen("MODIFY", {**old, "n": {"N": "1"}}, old))
    assert told == seen("INSERT", ONE)


def test_a_removed_attribute_is_part_of_an_update(client, keys):
    """What is gone from the new image was removed."""
    told = keys(lambda: client.update_item(TableName="t", Key=KEY, UpdateExpression="REMOVE more"))

    assert set(told) <= set(seen("MODIFY", ONE, {**ONE, "more": {"S": "x"}}))
    assert told[0] not in seen("MODIFY", ONE, {**ONE, "other": {"S": "x"}})


def test_the_legacy_form_is_read_too(client, keys):
    """AttributeUpdates assign and remove."""
    value = {"Action": "PUT", "Value": {"N": "1"}}
    told = keys(lambda: client.update_item(TableName="t", Key=KEY, AttributeUpdates={"n": value}))

    assert told == seen("INSERT", ONE)


def test_an_update_that_counts_tells_its_key_alone(client, keys):
    """What it makes of the item is not known here."""
    counts = {**SET, "UpdateExpression": "SET #n = #n + :n"}

    assert letters(keys(lambda: client.update_item(TableName="t", Key=KEY, **counts))) == "k"


def test_a_delete_tells_its_key(client, keys):
    """It is no write of that key, nor is a write a delete."""
    told = keys(lambda: client.delete_item(TableName="t", Key=KEY))

    assert (letters(told), told) == ("d", seen("REMOVE", old=ONE))


def test_each_item_of_a_batch_tells_its_own(client, keys, aws):
    """But for those that DynamoDB gave back."""
    batch = [{"PutRequest": {"Item": one}} for one in (ONE, TWO)]
    batch.append({"DeleteRequest": {"Key": {"saleId": {"S": "3"}}}})
    whole = keys(lambda: client.batch_write_item(RequestItems={"t": batch}))
    left = {"t": [{"PutRequest": {"Item": {**TWO, "n": {"N": "2.0"}}}}]}
    aws.answers = [(200, json.dumps({"UnprocessedItems": left}))]
    partly = keys(lambda: client.batch_write_item(RequestItems={"t": batch}))

    assert letters(whole) == "iid"
    assert letters(partly) == "imd"
    assert whole[0] in partly
    assert whole[1] not in partly


def test_each_item_of_a_transaction_tells_its_own(client, keys):
    """Puts, updates and deletes; a condition writes nothing."""
    condition = {"TableName": "t", "Key": KEY, "ConditionExpression": "attribute_exists(saleId)"}
    actions = [
        {"ConditionCheck": condition},
        {"Put": {"TableName": "t", "Item": ONE}},
        {"Update": {"TableName": "t", "Key": {"saleId": {"S": "2"}}, **SET}},
        {"Delete": {"TableName": "t", "Key": {"saleId": {"S": "3"}}}},
    ]

    told = keys(lambda: client.transact_write_items(TransactItems=actions))

    assert letters(told) == "iikd"


def test_the_resource_tells_what_the_client_does(client, keys, aws):
    """Its values are spelt as DynamoDB takes them before they are read."""
    boto3 = pytest.importorskip("boto3")
    from boto3.dynamodb.types import Binary

    session = boto3.Session("AKIDEXAMPLE", "none", region_name="eu-west-1")
    table = session.resource("dynamodb").Table("t")
    table.meta.client.meta.events.register("before-send", aws.send)
    item = {"saleId": "1", "n": 1, "b": Binary(b"\0"), "s": {"b", "a"}, "m": {"l": [None, True]}}
    told = keys(lambda: table.put_item(Item=item))

    stored = {**ONE, "b": {"B": "AA=="}, "s": {"SS": ["a", "b"]}}
    stored["m"] = {"M": {"l": {"L": [{"NULL": True}, {"BOOL": True}]}}}
    assert told == seen("INSERT", stored)[:1]


def test_a_marked_write_tells_its_key_for_streams_without_images(client, keys, monkeypatch):
    """A record with images would show the mark: only those without may be joined by it."""
    monkeypatch.setattr(settings, "dynamodb", "inject")
    keys(lambda: client.get_item(TableName="t", Key=KEY))

    told = keys(lambda: client.put_item(TableName="t", Item=ONE))

    assert letters(told) == "m"
    assert told[0] in seen("MODIFY")
    assert told[0] not in seen("MODIFY", ONE, TWO)


def test_where_the_mark_stayed_out_the_item_is_told(client, keys, monkeypatch):
    """An item that is signed gets no mark."""
    monkeypatch.setattr(settings, "dynamodb", "inject")

    signed = {**ONE, "aws_dbe_head": {"B": b"x"}}
    assert letters(keys(lambda: client.put_item(TableName="t", Item=signed))) == "i"


@pytest.mark.parametrize("mode", ["strip", "off"])
def test_a_table_that_is_left_alone_tells_nothing(client, keys, monkeypatch, mode):
    """Neither a mark nor a fingerprint."""
    monkeypatch.setattr(settings, "dynamodb", mode)

    assert keys(lambda: client.put_item(TableName="t", Item=ONE)) == []


def test_without_a_secret_the_hop_is_said_to_be_unknown(client, keys, captured, monkeypatch):
    """A hash without a key could be tried out by whoever reads the log."""
    monkeypatch.setattr(settings, "fingerprint_key", ())

    assert keys(lambda: client.put_item(TableName="t", Item=ONE)) == []
    [call] = [entry for line in captured.lines for entry in line.get("calls", ())]
    assert call[7] == {"notInjected": "no-fingerprint-key"}


def test_a_write_that_was_refused_tells_nothing(client, keys, aws):
    """Nothing was written."""
    aws.answers = [aws.refuse("ConditionalCheckFailedException", "no")]

    def put():
        with contextlib.suppress(client.exceptions.ConditionalCheckFailedException):
            client.put_item(TableName="t", Item=ONE, ConditionExpression="attribute_exists(n)")

    assert keys(put) == []
