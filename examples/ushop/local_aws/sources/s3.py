"""Amazon S3 to Lambda: a bucket's notifications.

Event: https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_plus

from .hidden_queue import HiddenQueueSource

if TYPE_CHECKING:
    from local_aws.clients import Clients
    from local_aws.endpoint import Endpoint
    from local_aws.lambda_platform import Platform

_OWNER = {"principalId": "A3NL1KOZZKExample"}


class S3Source(HiddenQueueSource):
    """One bucket: every change of an object is an asynchronous event of its own."""

    def __init__(
        self,
        platform: Platform,
        clients: Clients,
        endpoint: Endpoint,
        function: str,
        properties: dict[str, Any],
    ) -> None:
        """Have the bucket notify us, beside whom it notifies already."""
        bucket: str = properties["Bucket"]
        super().__init__(platform, clients, function, "s3", f"arn:aws:s3:::{bucket}")
        self._endpoint = endpoint
        told = properties["Events"]
        wanted = {
            "Id": function,
            "QueueArn": self.queue_arn,
            "Events": [told] if isinstance(told, str) else told,
        }
        if "Filter" in properties:
            wanted["Filter"] = {"Key": {"FilterRules": properties["Filter"]["S3Key"]["Rules"]}}
        there = clients.s3.get_bucket_notification_configuration(Bucket=bucket)
        there.pop("ResponseMetadata")
        others = [it for it in there.get("QueueConfigurations", []) if it["Id"] != function]
        clients.s3.put_bucket_notification_configuration(
            Bucket=bucket,
            NotificationConfiguration={**there, "QueueConfigurations": [*others, wanted]},
        )

    def event(self, message: dict[str, Any]) -> dict[str, Any] | None:
        """Return the notification; None for the test that S3 sends when it is configured."""
        if "Records" not in message:
            return None
        return {"Records": [self._record(record) for record in message["Records"]]}

    def _record(self, record: dict[str, Any]) -> dict[str, Any]:
        """Return *record* with what our own moto leaves out; it stays where nobody knows more."""
        bucket, stored = record["s3"]["bucket"], record["s3"]["object"]
        if "responseElements" in record:
            return record
        request = self._endpoint.s3_request(
            bucket["name"], unquote_plus(stored["key"]), record["eventTime"]
        )
        if request is None:
            return record
        return {
            **record,
            "userIdentity": {"principalId": "AWS:AIDAINPONIXQXHT3IKHL2"},
            "requestParameters": {"sourceIPAddress": request["sourceIPAddress"]},
            "responseElements": {
                "x-amz-request-id": request["x-amz-request-id"],
                "x-amz-id-2": request["x-amz-id-2"],
            },
            "s3": {
                **record["s3"],
                "bucket": {**bucket, "ownerIdentity": _OWNER},
                "object": {**stored, "sequencer": request["sequencer"]},
            },
        }
