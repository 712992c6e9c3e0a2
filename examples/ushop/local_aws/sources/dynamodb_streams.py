"""Amazon DynamoDB Streams to Lambda.

Event: https://docs.aws.amazon.com/lambda/latest/dg/with-ddb.html
"""

from __future__ import annotations

import base64
import json
import time
from typing import TYPE_CHECKING, Any

from local_aws import xray

from .source import Source

if TYPE_CHECKING:
    from datetime import datetime

    from local_aws.activity import Activity
    from local_aws.clients import Clients
    from local_aws.invocation import Outcome
    from local_aws.lambda_platform import Platform

POLL_S = 0.1  # AWS: four times a second
SHARDS_S = 5.0  # how often new shards are looked for
RETRY_S = 0.5
FETCH = 1000


class StreamSource(Source):
    """One stream, from its oldest record; a batch that fails is tried again before the next."""

    def __init__(  # noqa: PLR0913, PLR0917  # what a mapping consists of
        self,
        platform: Platform,
        clients: Clients,
        activity: Activity,
        function: str,
        properties: dict[str, Any],
        window_s: float,
    ) -> None:
        super().__init__(f"stream-{function}")
        self._platform = platform
        self._streams = clients.streams
        self._activity = activity
        self._function = function
        self._arn: str = properties["Stream"]
        self._batch_size = int(properties.get("BatchSize", 100))
        self._retries = int(properties.get("MaximumRetryAttempts", -1))
        self._window_s = window_s
        self._reports = "ReportBatchItemFailures" in properties.get("FunctionResponseTypes", [])
        self._root = xray.new_root()  # the poller's own, for hours: AWS does the same
        self._iterators: dict[str, str | None] = {}
        self._waiting: list[dict[str, Any]] = []
        self._shards_due = 0.0
        self._full_at = 0.0
        self._empty_at = -1

    def poll(self) -> None:
        """Fetch what is new, and hand over a batch once it is full or its window has passed."""
        version = self._activity.version
        fetched = self._fetch()
        if fetched and not self._waiting:
            self._full_at = time.monotonic() + self._window_s
        self._waiting += fetched
        if not self._waiting:
            self._empty_at = version
        while self._waiting and (
            len(self._waiting) >= self._batch_size or time.monotonic() >= self._full_at
        ):
            batch = self._waiting[: self._batch_size]
            self._deliver(batch)
            del self._waiting[: self._batch_size]
        self.stopping.wait(POLL_S)

    def quiet(self) -> bool:
        """Whether the last look, begun after all other work, found nothing."""
        return self._empty_at == self._activity.version

    def _fetch(self) -> list[dict[str, Any]]:
        if time.monotonic() >= self._shards_due:
            self._find_shards()
            self._shards_due = time.monotonic() + SHARDS_S
        records = []
        for shard_id, iterator in self._iterators.items():
            if iterator:
                answer = self._streams.get_records(ShardIterator=iterator, Limit=FETCH)
                self._iterators[shard_id] = answer.get("NextShardIterator")
                records += [self._record(it) for it in answer["Records"] if changes(it["dynamodb"])]
        return records

    def _find_shards(self) -> None:
        stream = self._streams.describe_stream(StreamArn=self._arn)["StreamDescription"]
        for shard in stream["Shards"]:
            if shard["ShardId"] not in self._iterators:
                self._iterators[shard["ShardId"]] = self._streams.get_shard_iterator(
                    StreamArn=self._arn, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
                )["ShardIterator"]

    def _deliver(self, batch: list[dict[str, Any]]) -> None:
        attempt = 0
        while batch and not self.stopping.is_set():
            event = json.dumps({"Records": batch}).encode()
            outcome = self._platform.invoke(self._function, event, trace_root=self._root)
            batch = _left(outcome, batch, reports=self._reports)
            if attempt == self._retries:
                return
            attempt += 1
            if batch:
                self.stopping.wait(RETRY_S)

    def _record(self, record: dict[str, Any]) -> dict[str, Any]:
        change = dict(record["dynamodb"])
        created: datetime = change["ApproximateCreationDateTime"]
        change["ApproximateCreationDateTime"] = float(int(created.timestamp()))
        return {
            "eventID": record["eventID"],
            "eventName": record["eventName"],
            "eventVersion": "1.1",
            "eventSource": "aws:dynamodb",
            "awsRegion": record["awsRegion"],
            "dynamodb": _as_json(change),
            "eventSourceARN": self._arn,
        }


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


def _left(outcome: Outcome, batch: list[dict[str, Any]], *, reports: bool) -> list[dict[str, Any]]:
    """Return what has to be tried again: all, nothing, or from the first that the function names.

    https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-batchfailurereporting.html
    """
    if outcome.error:
        return batch
    told = outcome.json() if reports else None
    if not told or not told.get("batchItemFailures"):
        return []
    named = {it.get("itemIdentifier") for it in told["batchItemFailures"]}
    for number, record in enumerate(batch):
        if record["dynamodb"]["SequenceNumber"] in named:
            return batch[number:]
    return batch
