"""CloudWatch Logs through boto3: FilterLogEvents, a page after the other.

https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_FilterLogEvents.html
"""

from collections.abc import Iterator
from typing import Any

from lumitrace.reassembly.aws import AWS, Account, Service
from lumitrace.reassembly.events import LogEvent
from lumitrace.reassembly.problem import Problem
from lumitrace.reassembly.sources.window import Window

LOGS = Service(
    "logs", "CloudWatch Logs", "logs:FilterLogEvents, logs:DescribeLogGroups", "log group"
)


class CloudWatch:
    """The log groups of one account and region."""

    def __init__(self, account: Account) -> None:
        self.aws = AWS(account, LOGS)
        self.client = self.aws.client

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
        with self.aws.told(f"listing the log groups {name}"):
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
            with self.aws.told(f"reading the log group {group}"):
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
