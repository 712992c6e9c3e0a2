"""Amazon SNS to Lambda, over a hidden queue: no endpoint's own way to Lambda is of use.

Event: https://docs.aws.amazon.com/lambda/latest/dg/with-sns.html
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from local_aws import xray

from .source import Source
from .sqs import LONG_POLL_S, MAX_RECEIVE, depth

if TYPE_CHECKING:
    from local_aws.clients import Clients
    from local_aws.endpoint import Endpoint
    from local_aws.lambda_platform import Platform


class SnsSource(Source):
    """One subscription: every notification is an asynchronous event of its own."""

    def __init__(
        self,
        platform: Platform,
        clients: Clients,
        endpoint: Endpoint,
        function: str,
        properties: dict[str, Any],
    ) -> None:
        """Subscribe."""
        super().__init__(f"sns-{function}")
        self._platform = platform
        self._sqs = clients.sqs
        self._endpoint = endpoint
        self._function = function
        topic: str = properties["Topic"]
        name = f"local-aws-{topic.rsplit(':', 1)[1]}-{function}"
        policy = json.dumps({"Version": "2012-10-17", "Statement": [_statement(topic)]})
        queue = clients.sqs.create_queue(QueueName=name, Attributes={"Policy": policy})
        self._url = queue["QueueUrl"]
        answer = clients.sqs.get_queue_attributes(QueueUrl=self._url, AttributeNames=["QueueArn"])
        attributes = {}
        if "FilterPolicy" in properties:
            attributes["FilterPolicy"] = json.dumps(properties["FilterPolicy"])
        subscription = clients.sns.subscribe(
            TopicArn=topic,
            Protocol="sqs",
            Endpoint=answer["Attributes"]["QueueArn"],
            Attributes=attributes,
            ReturnSubscriptionArn=True,
        )
        self._subscription: str = subscription["SubscriptionArn"]

    def poll(self) -> None:
        """Hand over each notification; Lambda repeats it where it fails."""
        answer = self._sqs.receive_message(
            QueueUrl=self._url, MaxNumberOfMessages=MAX_RECEIVE, WaitTimeSeconds=LONG_POLL_S
        )
        for message in answer.get("Messages", []):
            notification = json.loads(message["Body"])
            root = xray.root_of(self._endpoint.trace_header(notification["MessageId"]))
            event = json.dumps({"Records": [self._record(notification)]}).encode()
            self._platform.invoke_later(self._function, event, trace_root=root)
            self._sqs.delete_message(QueueUrl=self._url, ReceiptHandle=message["ReceiptHandle"])

    def quiet(self) -> bool:
        """Whether no notification waits."""
        return depth(self._sqs, self._url) == 0

    def _record(self, notification: dict[str, Any]) -> dict[str, Any]:
        return {
            "EventVersion": "1.0",
            "EventSubscriptionArn": self._subscription,
            "EventSource": "aws:sns",
            "Sns": {
                "SignatureVersion": "1",
                "Timestamp": notification["Timestamp"],
                "Signature": notification.get("Signature", "EXAMPLE"),
                "SigningCertUrl": notification.get("SigningCertURL", "EXAMPLE"),
                "MessageId": notification["MessageId"],
                "Message": notification["Message"],
                "MessageAttributes": notification.get("MessageAttributes", {}),
                "Type": "Notification",
                "UnsubscribeUrl": notification.get("UnsubscribeURL", "EXAMPLE"),
                "TopicArn": notification["TopicArn"],
                "Subject": notification.get("Subject"),
            },
        }


def _statement(topic: str) -> dict[str, Any]:
    """Return what AWS itself asks for before a topic may send to a queue."""
    return {
        "Effect": "Allow",
        "Principal": {"Service": "sns.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": "*",
        "Condition": {"ArnEquals": {"aws:SourceArn": topic}},
    }
