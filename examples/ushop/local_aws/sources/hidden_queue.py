"""What SNS, EventBridge and S3 share: they deliver into a hidden queue, and the stage to Lambda.

No endpoint's own way to Lambda is of use; into a queue, all of them can deliver.
"""

from __future__ import annotations

import json
from abc import abstractmethod
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from .source import Source
from .sqs import LONG_POLL_S, MAX_RECEIVE, depth

if TYPE_CHECKING:
    from local_aws.clients import Clients
    from local_aws.lambda_platform import Platform


class HiddenQueueSource(Source):
    """Every message of the queue is an asynchronous event of its own.

    Attributes:
        queue_arn: Where the service has to deliver.
    """

    def __init__(
        self, platform: Platform, clients: Clients, function: str, service: str, sender: str
    ) -> None:
        """Make the queue; *sender*, an ARN of *service*, may send to it, as AWS itself asks for."""
        super().__init__(f"{service}-{function}")
        self._platform = platform
        self._sqs = clients.sqs
        self._function = function
        statement = {
            "Effect": "Allow",
            "Principal": {"Service": f"{service}.amazonaws.com"},
            "Action": "sqs:SendMessage",
            "Resource": "*",
            "Condition": {"ArnEquals": {"aws:SourceArn": sender}},
        }
        queue = clients.sqs.create_queue(
            QueueName=f"local-aws-{service}-{function[:40]}-{sha256(sender.encode()).hexdigest()[:8]}",
            Attributes={"Policy": json.dumps({"Version": "2012-10-17", "Statement": [statement]})},
        )
        self._url = queue["QueueUrl"]
        answer = clients.sqs.get_queue_attributes(QueueUrl=self._url, AttributeNames=["QueueArn"])
        self.queue_arn: str = answer["Attributes"]["QueueArn"]

    @abstractmethod
    def event(self, message: dict[str, Any]) -> dict[str, Any] | None:
        """Return the event that Lambda makes of what was delivered, or None for no event."""

    def trace_root(self, message: dict[str, Any]) -> str | None:  # noqa: ARG002  # to override
        """Return the X-Ray root that the service hands on, or None for a new one."""
        return None

    def poll(self) -> None:
        """Hand over each message; Lambda repeats it where it fails."""
        answer = self._sqs.receive_message(
            QueueUrl=self._url, MaxNumberOfMessages=MAX_RECEIVE, WaitTimeSeconds=LONG_POLL_S
        )
        for received in answer.get("Messages", []):
            message = json.loads(received["Body"])
            event = self.event(message)
            if event is not None:
                self._platform.invoke_later(
                    self._function, json.dumps(event).encode(), trace_root=self.trace_root(message)
                )
            self._sqs.delete_message(QueueUrl=self._url, ReceiptHandle=received["ReceiptHandle"])

    def quiet(self) -> bool:
        """Whether no message waits."""
        return depth(self._sqs, self._url) == 0
