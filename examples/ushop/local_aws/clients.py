"""The boto3 clients of the stage itself."""

from __future__ import annotations

import functools
import os
from typing import Any

from botocore.config import Config

ACCOUNT = "123456789012"
REGION = "us-east-1"
# Nobody checks them. A 12-digit access key is the account at endpoints that go by it.
_CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": ACCOUNT,
    "AWS_SECRET_ACCESS_KEY": "secret",
    "AWS_SESSION_TOKEN": "token",
}
CONNECTIONS = 50  # a client: every event source keeps one busy


def credentials(*, own_endpoint: bool) -> dict[str, str]:
    """Return the environment variables to sign with.

    Invented ones for our own endpoint; for somebody else's those of the environment, if there are.
    """
    if own_endpoint or "AWS_ACCESS_KEY_ID" not in os.environ:
        return dict(_CREDENTIALS)
    return {name: os.environ[name] for name in _CREDENTIALS if name in os.environ}


class Clients:
    """One client a service, all at the same endpoint; usable from every thread."""

    def __init__(self, endpoint_url: str, signing: dict[str, str], region: str = REGION) -> None:
        config = Config(max_pool_connections=CONNECTIONS, retries={"total_max_attempts": 2})

        def client(service: str) -> Any:
            return _session().client(
                service,
                endpoint_url=endpoint_url,
                config=config,
                region_name=region,
                aws_access_key_id=signing.get("AWS_ACCESS_KEY_ID"),
                aws_secret_access_key=signing.get("AWS_SECRET_ACCESS_KEY"),
                aws_session_token=signing.get("AWS_SESSION_TOKEN"),
            )

        self.dynamodb = client("dynamodb")
        self.streams = client("dynamodbstreams")
        self.sns = client("sns")
        self.sqs = client("sqs")
        self.events = client("events")
        self.kinesis = client("kinesis")
        self.s3 = client("s3")
        self.logs = client("logs")


@functools.cache
def _session() -> Any:
    """Return the one session of all stages: reading the services' models is what takes time."""
    import boto3  # noqa: PLC0415  # 0.3 s, well spent while moto starts

    return boto3.Session()
