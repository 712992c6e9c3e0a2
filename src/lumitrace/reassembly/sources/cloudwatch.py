"""CloudWatch Logs through boto3: FilterLogEvents, a page after the other.

https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_FilterLogEvents.html
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from lumitrace.reassembly.model import LogEvent
from lumitrace.reassembly.problem import FAILURE, MISUSE, Problem
from lumitrace.reassembly.sources.window import Window

EXPIRED = frozenset(("ExpiredToken", "ExpiredTokenException", "RequestExpired"))
REFUSED = frozenset(
    ("UnrecognizedClientException", "InvalidClientTokenId", "InvalidSignatureException")
)


@dataclass(frozen=True)
class Account:
    """Which account, region and endpoint; "" leaves it to boto3."""

    region: str = ""
    profile: str = ""
    endpoint_url: str = ""


class CloudWatch:
    """The log groups of one account and region."""

    def __init__(self, account: Account) -> None:
        self.account = account
        self.botocore = _door()
        with self._told("reading the AWS settings"):
            self.client = self._client()

    def _client(self) -> Any:
        import boto3  # noqa: PLC0415  # behind the door
        from botocore.config import Config  # noqa: PLC0415

        # AWS's other tools honour AWS_REGION; boto3 knows AWS_DEFAULT_REGION alone.
        region = self.account.region or os.environ.get("AWS_REGION")
        session = boto3.Session(profile_name=self.account.profile or None, region_name=region)
        retries = {"mode": "standard", "max_attempts": 3}
        config = Config(connect_timeout=5, read_timeout=60, retries=retries)
        endpoint = self.account.endpoint_url or None
        return session.client("logs", endpoint_url=endpoint, config=config)

    def groups(self, name: str) -> Iterator[str]:
        """Yield the log groups called *name*; a ``*`` at its end stands for any ending.

        Raises:
            Problem: there are none, or CloudWatch Logs did not answer.
        """
        if not name.endswith("*"):
            yield name
            return
        prefix = name[:-1]
        request = {"logGroupNamePrefix": prefix} if prefix else {}
        with self._told(f"listing the log groups {name}"):
            pages = self.client.get_paginator("describe_log_groups").paginate(**request)
            found = [group["logGroupName"] for page in pages for group in page["logGroups"]]
        if not found:
            message = f"no log group begins with {prefix!r}; check the name and --region"
            raise Problem(message)
        yield from found

    def read(self, group: str, window: Window) -> Iterator[LogEvent]:
        """Yield the log events of *group* within *window*.

        Raises:
            Problem: CloudWatch Logs did not answer, or refused; what came before was yielded.
        """
        request: dict[str, Any] = {"logGroupName": group}
        if window.since_ms is not None:
            request["startTime"] = window.since_ms
        if window.until_ms is not None:
            request["endTime"] = window.until_ms
        tokens: set[str] = set()
        while True:
            with self._told(f"reading the log group {group}"):
                page = self.client.filter_log_events(**request)
            for event in page.get("events", ()):  # a page may be empty and yet not the last
                yield LogEvent(
                    group,
                    event.get("logStreamName", ""),
                    event.get("timestamp"),
                    event.get("message", ""),
                    0,
                    event.get("eventId", ""),
                )
            token = page.get("nextToken")
            if not token:
                return
            if token in tokens:
                message = f"CloudWatch Logs repeated a page of {group}; narrow --since and --until"
                raise Problem(message)
            tokens.add(token)
            request["nextToken"] = token

    def _told(self, doing: str) -> "_Told":
        return _Told(self.botocore, doing, self.account)


class _Told:
    """Turns what botocore raises into one sentence."""

    def __init__(self, exceptions: Any, doing: str, account: Account) -> None:
        self.exceptions = exceptions
        self.doing = doing
        self.account = account

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, _: object) -> None:
        if isinstance(error, (self.exceptions.BotoCoreError, self.exceptions.ClientError)):
            problem = self._problem(error)
        elif isinstance(error, ValueError):  # botocore says so of an endpoint that is no address
            problem = Problem(f"{self.doing}: {error}; check --endpoint-url", MISUSE)
        else:
            return
        raise problem from None

    def _problem(self, error: Any) -> Problem:
        said = self.exceptions
        if isinstance(error, said.ClientError):
            return Problem(self._refused(error.response.get("Error", {})))
        where = self.account.endpoint_url or "CloudWatch Logs"
        for kinds, found, exit_code in (
            (said.ProfileNotFound, f"{error}; see aws configure list-profiles", MISUSE),
            (said.NoRegionError, "no region is set; give --region or set AWS_REGION", MISUSE),
            (
                (said.NoCredentialsError, said.PartialCredentialsError),
                "no AWS credentials were found; give --profile, or run aws configure",
                FAILURE,
            ),
            (said.SSOError, "the sign-in has run out; run aws sso login", FAILURE),
            (
                (said.ConnectionError, said.HTTPClientError),
                f"{where} does not answer; check the network, --region and --endpoint-url",
                FAILURE,
            ),
        ):
            if isinstance(error, kinds):
                return Problem(f"{self.doing}: {found}", exit_code)
        told = " ".join(str(error).split())
        return Problem(f"{self.doing}: {told}; check the AWS settings")

    def _refused(self, said: dict[str, str]) -> str:
        code, message = said.get("Code", ""), said.get("Message", "")
        if code in EXPIRED:
            return f"{self.doing}: the AWS credentials have expired; sign in again: aws sso login"
        if code in REFUSED:
            return f"{self.doing}: AWS does not know these credentials; check --profile"
        if code == "ResourceNotFoundException":
            return f"{self.doing}: there is no such log group; check its name and --region"
        if code in {"AccessDeniedException", "AccessDenied"}:
            return (
                f"{self.doing}: access denied; allow logs:FilterLogEvents, logs:DescribeLogGroups"
            )
        return f"{self.doing}: {code}: {' '.join(message.split())}; try again, or a smaller window"


def _door() -> Any:
    try:
        import boto3  # noqa: F401, PLC0415  # the door of this room
        from botocore import exceptions  # noqa: PLC0415
    except ImportError:
        message = "--log-group needs boto3: pip install 'lumitrace[tools]'"
        raise Problem(message) from None
    return exceptions
