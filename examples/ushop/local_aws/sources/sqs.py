"""Amazon SQS to Lambda.

Event: https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html
"""

from __future__ import annotations

import base64
import json
import time
from typing import TYPE_CHECKING, Any

from local_aws import xray

from .source import Source

if TYPE_CHECKING:
    from local_aws.clients import Clients
    from local_aws.invocation import Outcome
    from local_aws.lambda_platform import Platform

LONG_POLL_S = 1
SHORT_POLL_S = 0.1
MAX_RECEIVE = 10  # messages a call
POLLERS = 2  # AWS begins with five


class SqsSource(Source):
    """Batches of a queue: deleted when the function succeeds, else visible again in time."""

    def __init__(  # noqa: PLR0913, PLR0917  # what a mapping consists of
        self,
        platform: Platform,
        clients: Clients,
        function: str,
        properties: dict[str, Any],
        queue_url: str,
        window_s: float,
    ) -> None:
        super().__init__(f"sqs-{function}")
        self._platform = platform
        self._sqs = clients.sqs
        self._function = function
        self._arn: str = properties["Queue"]
        self._url = queue_url
        self._batch_size = min(int(properties.get("BatchSize", 10)), MAX_RECEIVE)
        self._window_s = window_s
        self._reports = "ReportBatchItemFailures" in properties.get("FunctionResponseTypes", [])
        self._root = xray.new_root()  # the poller's own, for hours: AWS does the same

    def poll(self) -> None:
        """Receive a batch, invoke, delete what was done."""
        messages = self._receive(LONG_POLL_S)
        until = time.monotonic() + self._window_s
        while messages and len(messages) < self._batch_size and time.monotonic() < until:
            self.stopping.wait(SHORT_POLL_S)
            messages += self._receive(0, self._batch_size - len(messages))
        if not messages or self.stopping.is_set():
            return
        event = {"Records": [self._record(message) for message in messages]}
        outcome = self._platform.invoke(
            self._function, json.dumps(event).encode(), trace_root=self._root
        )
        failed = _failures(
            outcome, {message["MessageId"] for message in messages}, reports=self._reports
        )
        done = [
            {"Id": str(number), "ReceiptHandle": message["ReceiptHandle"]}
            for number, message in enumerate(messages)
            if message["MessageId"] not in failed
        ]
        if done and not self.stopping.is_set():
            self._sqs.delete_message_batch(QueueUrl=self._url, Entries=done)

    def quiet(self) -> bool:
        """Whether the queue holds no message, visible or not."""
        return depth(self._sqs, self._url) == 0

    def _receive(self, wait_s: int, count: int | None = None) -> list[dict[str, Any]]:
        answer = self._sqs.receive_message(
            QueueUrl=self._url,
            MaxNumberOfMessages=count or self._batch_size,
            WaitTimeSeconds=wait_s,
            AttributeNames=["All"],
            MessageAttributeNames=["All"],
        )
        messages: list[dict[str, Any]] = answer.get("Messages", [])
        return messages

    def _record(self, message: dict[str, Any]) -> dict[str, Any]:
        record = {
            "messageId": message["MessageId"],
            "receiptHandle": message["ReceiptHandle"],
            "body": message["Body"],
            "attributes": message["Attributes"],
            "messageAttributes": {
                name: _attribute(it) for name, it in message.get("MessageAttributes", {}).items()
            },
            "md5OfBody": message["MD5OfBody"],
            "eventSource": "aws:sqs",
            "eventSourceARN": self._arn,
            "awsRegion": self._platform.region,
        }
        if "MD5OfMessageAttributes" in message:
            record["md5OfMessageAttributes"] = message["MD5OfMessageAttributes"]
        return record


def depth(sqs: Any, url: str) -> int:
    """Return how many messages are in a queue, those in flight and delayed ones included."""
    names = ["", "NotVisible", "Delayed"]
    answer = sqs.get_queue_attributes(
        QueueUrl=url, AttributeNames=[f"ApproximateNumberOfMessages{name}" for name in names]
    )
    return sum(map(int, answer["Attributes"].values()))


def _attribute(given: dict[str, Any]) -> dict[str, Any]:
    told: dict[str, Any] = {}
    if "StringValue" in given:
        told["stringValue"] = given["StringValue"]
    if "BinaryValue" in given:
        told["binaryValue"] = base64.b64encode(given["BinaryValue"]).decode()
    return {**told, "stringListValues": [], "binaryListValues": [], "dataType": given["DataType"]}


def _failures(outcome: Outcome, all_ids: set[str], *, reports: bool) -> set[str]:
    """Return the ids of the messages that stay: none, all, or those that the function names.

    https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html: an answer that is
    malformed, or that names an unknown or an empty id, fails the whole batch.
    """
    if outcome.error:
        return all_ids
    told = outcome.json() if reports else None
    if not told:
        return set()
    try:
        named = {it["itemIdentifier"] for it in told.get("batchItemFailures") or []}
    except (AttributeError, KeyError, TypeError):
        return all_ids
    known = named <= all_ids
    return named if known else all_ids
