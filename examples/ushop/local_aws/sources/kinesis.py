"""Amazon Kinesis Data Streams to Lambda.

Event: https://docs.aws.amazon.com/lambda/latest/dg/with-kinesis.html
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

from .stream import StreamSource

if TYPE_CHECKING:
    from datetime import datetime


class KinesisSource(StreamSource):
    """One stream of data."""

    def stream(self) -> dict[str, str]:
        """Name it by its name: moto loses track of iterators that were asked for by an ARN."""
        return {"StreamName": self.arn.rpartition("/")[2]}

    def record(self, shard_id: str, record: dict[str, Any]) -> dict[str, Any]:
        """Return it; its event id is that of its shard and its sequence number."""
        arrived: datetime = record["ApproximateArrivalTimestamp"]
        account = self._platform.account
        return {
            "kinesis": {
                "kinesisSchemaVersion": "1.0",
                "partitionKey": record["PartitionKey"],
                "sequenceNumber": record["SequenceNumber"],
                "data": base64.b64encode(record["Data"]).decode(),
                "approximateArrivalTimestamp": round(arrived.timestamp(), 3),
            },
            "eventSource": "aws:kinesis",
            "eventVersion": "1.0",
            "eventID": f"{shard_id}:{record['SequenceNumber']}",
            "eventName": "aws:kinesis:record",
            "invokeIdentityArn": f"arn:aws:iam::{account}:role/{self._function}",
            "awsRegion": self._platform.region,
            "eventSourceARN": self.arn,
        }

    def sequence_number(self, record: dict[str, Any]) -> str:
        """Return the record's."""
        return str(record["kinesis"]["sequenceNumber"])
