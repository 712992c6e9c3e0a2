"""One DynamoDB table: what it is, single items, and pages of all of them."""

import base64
import binascii
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lumitrace.reassembly.aws import AWS, Account, Service
from lumitrace.reassembly.problem import MISUSE, Problem
from lumitrace.wire.mark import ATTRIBUTE

FEW = 5  # items of one partition key
ALLOW = "dynamodb:DescribeTable, GetItem, Query, Scan, and UpdateItem to clean"
DYNAMODB = Service("dynamodb", "DynamoDB", ALLOW, "table", "try again later")

Item = dict[str, dict[str, Any]]  # as the API spells it: {"saleId": {"S": "628d8a"}}


@dataclass
class Page:
    """A page of a scan.

    Attributes:
        items: whole items.
        read_units: capacity that it took.
        next_key: where the scan goes on, or None at its end.
    """

    items: list[Item]
    read_units: float
    next_key: Item | None


@dataclass
class Facts:
    """What DescribeTable says.

    Attributes:
        name: of the table.
        region: of its ARN, "" where it names none.
        keys: names of the key's attributes, partition key first, and their types.
        item_count: as of DynamoDB's last look, about every six hours.
        has_stream: whether each change becomes a stream record.
        replicas: regions that it is copied to.
        indexes: global secondary indexes that hold the mark, as they project every attribute.
    """

    name: str
    region: str
    keys: dict[str, str]
    item_count: int
    has_stream: bool = False
    replicas: list[str] = field(default_factory=list)
    indexes: list[str] = field(default_factory=list)


class Table:
    """A table of the account that was asked about.

    Raises:
        Problem: DynamoDB did not answer, or there is no such table.
    """

    def __init__(self, account: Account, name: str) -> None:
        self.aws = AWS(account, DYNAMODB)
        self.name = name
        where = self.aws.client.meta.region_name
        with self.aws.told(f"looking at the table {name} in {where}"):
            self.facts = _facts(self.aws.client.describe_table(TableName=name)["Table"])

    def named(self, words: Sequence[str]) -> list[Item]:
        """Return the items that *words* name, ``saleId=628d8a``, as they stand.

        That is one or none where every key attribute is named; with the partition key alone they
        are all that have it, the first few.

        Raises:
            Problem: they name no key, or a number is none.
        """
        given = dict(word.partition("=")[::2] for word in words)
        partition, types = next(iter(self.facts.keys)), self.facts.keys
        if partition not in given or not set(given) <= set(types) or len(given) != len(words):
            wanted = " ".join(f"{name}=VALUE" for name in types)
            sentence = f"an item of {self.name} is named by its key: {wanted}"
            raise Problem(sentence, MISUSE)
        key = {name: _value(name, types[name], text) for name, text in given.items()}
        return self._of_partition(key) if len(key) < len(types) else self._one(key)

    def _one(self, key: Item) -> list[Item]:
        with self.aws.told(f"reading an item of {self.name}"):
            found = self.aws.client.get_item(TableName=self.name, Key=key, ConsistentRead=True)
        return [found["Item"]] if "Item" in found else []

    def _of_partition(self, key: Item) -> list[Item]:
        ((name, value),) = key.items()
        request = {
            "TableName": self.name,
            "KeyConditionExpression": "#k = :k",
            "ExpressionAttributeNames": {"#k": name},
            "ExpressionAttributeValues": {":k": value},
            "ConsistentRead": True,
            "Limit": FEW,
        }
        with self.aws.told(f"looking for items of {self.name}"):
            found: list[Item] = self.aws.client.query(**request)["Items"]
        return found

    def spelt(self, item: Item) -> str:
        """Return the key of *item* as a person gives it."""
        return " ".join(shlex.quote(f"{name}={_text(item[name])}") for name in self.facts.keys)

    def pages(
        self, start: Item | None = None, segment: tuple[int, int] | None = None
    ) -> Iterator[Page]:
        """Yield the pages of a scan from *start* on; *segment* is one of so many, from 0."""
        request: dict[str, Any] = {"TableName": self.name, "ReturnConsumedCapacity": "TOTAL"}
        if segment is not None:
            request |= {"Segment": segment[0], "TotalSegments": segment[1]}
        while True:
            if start is not None:
                request["ExclusiveStartKey"] = start
            with self.aws.told(f"scanning the table {self.name}"):
                page = self.aws.client.scan(**request)
            start = page.get("LastEvaluatedKey")
            units = page.get("ConsumedCapacity", {}).get("CapacityUnits", 0.0)
            yield Page(page.get("Items", []), units, start)
            if start is None:
                return

    def remove_mark(self, item: Item) -> float | None:
        """Take the mark off *item*; return the write units, or None where it changed meanwhile.

        The write is conditional on the very mark that was read: a write in between puts its own
        there, or takes it away, and is left alone.
        """
        request = {
            "TableName": self.name,
            "Key": {name: item[name] for name in self.facts.keys},
            "UpdateExpression": "REMOVE #m",
            "ConditionExpression": "#m = :m",
            "ExpressionAttributeNames": {"#m": ATTRIBUTE},
            "ExpressionAttributeValues": {":m": item[ATTRIBUTE]},
            "ReturnConsumedCapacity": "TOTAL",
        }
        with self.aws.told(f"taking marks off {self.name}"):
            try:
                answer = self.aws.client.update_item(**request)
            except self.aws.client.exceptions.ConditionalCheckFailedException:
                return None
        return float(answer.get("ConsumedCapacity", {}).get("CapacityUnits", 0.0))


def _facts(said: Mapping[str, Any]) -> Facts:
    types = {one["AttributeName"]: one["AttributeType"] for one in said["AttributeDefinitions"]}
    schema = sorted(said["KeySchema"], key=lambda one: one["KeyType"] != "HASH")
    indexes = said.get("GlobalSecondaryIndexes", ())
    arn = said.get("TableArn", "").split(":")
    return Facts(
        said["TableName"],
        arn[3] if len(arn) > 4 else "",
        {one["AttributeName"]: types[one["AttributeName"]] for one in schema},
        said.get("ItemCount", 0),
        bool(said.get("StreamSpecification", {}).get("StreamEnabled")),
        [one["RegionName"] for one in said.get("Replicas", ()) if one.get("RegionName")],
        [one["IndexName"] for one in indexes if one["Projection"]["ProjectionType"] == "ALL"],
    )


def _value(name: str, kind: str, text: str) -> dict[str, Any]:
    if kind == "N":
        try:
            float(text)
        except ValueError:
            sentence = f"the key attribute {name} is a number, {text!r} is none"
            raise Problem(sentence, MISUSE) from None
        return {"N": text}
    if kind == "B":
        try:
            return {"B": base64.b64decode(text, validate=True)}
        except binascii.Error:
            sentence = f"the key attribute {name} is binary, give it as Base64"
            raise Problem(sentence, MISUSE) from None
    return {"S": text}


def _text(value: Mapping[str, Any]) -> str:
    """Return the *value* of a key attribute as `_value` takes it."""
    (content,) = value.values()
    return base64.b64encode(content).decode() if isinstance(content, bytes) else str(content)
