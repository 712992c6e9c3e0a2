"""Amazon SNS to Lambda.

Event: https://docs.aws.amazon.com/lambda/latest/dg/with-sns.html
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from local_aws import xray

from .hidden_queue import HiddenQueueSource

if TYPE_CHECKING:
    from local_aws.clients import Clients
    from local_aws.endpoint import Endpoint
    from local_aws.lambda_platform import Platform


class SnsSource(HiddenQueueSource):
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
        topic: str = properties["Topic"]
        super().__init__(platform, clients, function, "sns", topic)
        self._endpoint = endpoint
        attributes = {}
        if "FilterPolicy" in properties:
            attributes["FilterPolicy"] = json.dumps(properties["FilterPolicy"])
        subscription = clients.sns.subscribe(
            TopicArn=topic,
            Protocol="sqs",
            Endpoint=self.queue_arn,
            Attributes=attributes,
            ReturnSubscriptionArn=True,
        )
        self._subscription: str = subscription["SubscriptionArn"]

    def trace_root(self, message: dict[str, Any]) -> str | None:
        """Return the publisher's root."""
        return xray.root_of(self._endpoint.trace_header(message["MessageId"]))

    def event(self, message: dict[str, Any]) -> dict[str, Any]:
        """Return an event of one record."""
        record = {
            "EventVersion": "1.0",
            "EventSubscriptionArn": self._subscription,
            "EventSource": "aws:sns",
            "Sns": {
                "SignatureVersion": "1",
                "Timestamp": message["Timestamp"],
                "Signature": message.get("Signature", "EXAMPLE"),
                "SigningCertUrl": message.get("SigningCertURL", "EXAMPLE"),
                "MessageId": message["MessageId"],
                "Message": message["Message"],
                "MessageAttributes": message.get("MessageAttributes", {}),
                "Type": "Notification",
                "UnsubscribeUrl": message.get("UnsubscribeURL", "EXAMPLE"),
                "TopicArn": message["TopicArn"],
                "Subject": message.get("Subject"),
            },
        }
        return {"Records": [record]}
