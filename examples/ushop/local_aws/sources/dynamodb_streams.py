"""Amazon DynamoDB Streams to Lambda.

Event: https://docs.aws.amazon.com/lambda/latest/dg/with-ddb.html
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

from .stream import StreamSource

if TYPE_CHECKING:
    from datetime import datetime


class DynamoDBSource(StreamSource):
    """The stream of one table."""

    def stream(self) -> dict[str, str]:
        """Name it by its ARN."""
        return {"StreamArn": self.arn}

    def record(self, shard_id: str, record: dict[str, Any]) -> dict[str, Any] | None:  # noqa: ARG002  # not told
        """Return it with times and bytes as JSON has them."""
        change = dict(record["dynamodb"])
        if not changes(change):
            return None
        created: datetime = change["ApproximateCreationDateTime"]
        change["ApproximateCreationDateTime"] = float(int(created.timestamp()))
        return {
            "eventID": record["eventID"],
            "eventName": record["eventName"],
            "eventVersion": "1.1",
            "eventSource": "aws:dynamodb",
            "awsRegion": record["awsRegion"],
            "dynamodb": _as_json(change),
            "eventSourceARN": self.arn,
        }

    def sequence_number(self, record: dict[str, Any]) -> str:
        """Return the change's."""
        return str(record["dynamodb"]["SequenceNumber"])


def changes(change: dict[str, Any]) -> bool:
    """Whether a record tells of a change: DynamoDB writes none for a put of what was there."""
    return "OldImage" not in change or change["OldImage"] != change.get("NewImage")


def _as_json(value: Any) -> Any:
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, list):
        return [_as_json(item) for item in value]
    if isinstance(value, dict):
        return {name: _as_json(item) for name, item in value.items()}
    return value
