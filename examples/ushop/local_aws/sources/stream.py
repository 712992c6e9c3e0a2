"""What DynamoDB streams and Kinesis share: shards, iterators, and batches in order."""

from __future__ import annotations

import json
import time
from abc import abstractmethod
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from local_aws import xray

from .source import Source

if TYPE_CHECKING:
    from local_aws.activity import Activity
    from local_aws.invocation import Outcome
    from local_aws.lambda_platform import Platform

POLL_S = 0.1  # AWS: four times a second a DynamoDB stream, once a second a Kinesis stream
SHARDS_S = 5.0  # how often new shards are looked for
RETRY_S = 0.5
FETCH = 1000


@dataclass
class _Shard:
    """A shard that is being read: where we are, and what waits for its batch."""

    iterator: str | None
    waiting: list[dict[str, Any]] = field(default_factory=list)
    full_at: float = 0.0


class StreamSource(Source):
    """One stream, from its oldest record; a batch that fails is tried again before the next.

    A batch holds records of one shard.
    """

    def __init__(  # noqa: PLR0913, PLR0917  # what a mapping consists of
        self,
        platform: Platform,
        client: Any,
        activity: Activity,
        function: str,
        properties: dict[str, Any],
        window_s: float,
    ) -> None:
        """Read with *client*, from the stream that `stream` names to it."""
        super().__init__(f"stream-{function}")
        self._platform = platform
        self._client = client
        self._activity = activity
        self._function = function
        self.arn: str = properties["Stream"]
        self._batch_size = int(properties.get("BatchSize", 100))
        self._retries = int(properties.get("MaximumRetryAttempts", -1))
        self._window_s = window_s
        self._reports = "ReportBatchItemFailures" in properties.get("FunctionResponseTypes", [])
        self._root = xray.new_root()  # the poller's own, for hours: AWS does the same
        self._shards: dict[str, _Shard] = {}
        self._shards_due = 0.0
        self._empty_at = -1

    @abstractmethod
    def stream(self) -> dict[str, str]:
        """Return the parameter by which the client's calls name the stream."""

    @abstractmethod
    def record(self, shard_id: str, record: dict[str, Any]) -> dict[str, Any] | None:
        """Return the record as Lambda hands it over, or None where AWS would have none."""

    @abstractmethod
    def sequence_number(self, record: dict[str, Any]) -> str:
        """Return by what a function names a record, as handed over, that failed."""

    def poll(self) -> None:
        """Fetch what is new, and hand over a batch once it is full or its window has passed."""
        version = self._activity.version
        if time.monotonic() >= self._shards_due:
            self._find_shards()
            self._shards_due = time.monotonic() + SHARDS_S
        for shard_id, shard in self._shards.items():
            self._fetch(shard_id, shard)
        if not any(shard.waiting for shard in self._shards.values()):
            self._empty_at = version
        for shard in self._shards.values():
            while shard.waiting and (
                len(shard.waiting) >= self._batch_size or time.monotonic() >= shard.full_at
            ):
                self._deliver(shard.waiting[: self._batch_size])
                del shard.waiting[: self._batch_size]
        self.stopping.wait(POLL_S)

    def quiet(self) -> bool:
        """Whether the last look, begun after all other work, found nothing."""
        return self._empty_at == self._activity.version

    def _fetch(self, shard_id: str, shard: _Shard) -> None:
        if shard.iterator is None:
            return
        answer = self._client.get_records(ShardIterator=shard.iterator, Limit=FETCH)
        shard.iterator = answer.get("NextShardIterator")
        records = [self.record(shard_id, record) for record in answer["Records"]]
        fetched = [record for record in records if record is not None]
        if fetched and not shard.waiting:
            shard.full_at = time.monotonic() + self._window_s
        shard.waiting += fetched

    def _find_shards(self) -> None:
        stream = self.stream()
        description = self._client.describe_stream(**stream)["StreamDescription"]
        for shard in description["Shards"]:
            shard_id = shard["ShardId"]
            if shard_id not in self._shards:
                answer = self._client.get_shard_iterator(
                    **stream, ShardId=shard_id, ShardIteratorType="TRIM_HORIZON"
                )
                self._shards[shard_id] = _Shard(answer["ShardIterator"])

    def _deliver(self, batch: list[dict[str, Any]]) -> None:
        attempt = 0
        while batch and not self.stopping.is_set():
            event = json.dumps({"Records": batch}).encode()
            outcome = self._platform.invoke(self._function, event, trace_root=self._root)
            batch = self._left(outcome, batch)
            if attempt == self._retries:
                return
            attempt += 1
            if batch:
                self.stopping.wait(RETRY_S)

    def _left(self, outcome: Outcome, batch: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Return what has to be tried again: all, nothing, or from the first that is named.

        https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-batchfailurereporting.html
        https://docs.aws.amazon.com/lambda/latest/dg/services-kinesis-batchfailurereporting.html
        """
        if outcome.error:
            return batch
        told = outcome.json() if self._reports else None
        if not told or not told.get("batchItemFailures"):
            return []
        named = {it.get("itemIdentifier") for it in told["batchItemFailures"]}
        for number, record in enumerate(batch):
            if self.sequence_number(record) in named:
                return batch[number:]
        return batch
