"""Reads back what the functions wrote, from CloudWatch Logs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

LOG_GROUPS = "/aws/lambda/"


def log_groups(logs: Any) -> list[str]:
    """Return the log groups of all functions."""
    pages = logs.get_paginator("describe_log_groups").paginate(logGroupNamePrefix=LOG_GROUPS)
    return [group["logGroupName"] for page in pages for group in page["logGroups"]]


def log_events(logs: Any, log_group: str) -> Iterator[dict[str, Any]]:
    """Yield a log group's events: logGroupName, logStreamName, timestamp (Unix ms), message."""
    for page in logs.get_paginator("filter_log_events").paginate(logGroupName=log_group):
        for event in page["events"]:
            yield {
                "logGroupName": log_group,
                "logStreamName": event["logStreamName"],
                "timestamp": event["timestamp"],
                "message": event["message"],
            }


def messages(logs: Any, function: str) -> list[str]:
    """Return what a function has logged, none where it never ran."""
    if f"{LOG_GROUPS}{function}" not in log_groups(logs):
        return []
    return [event["message"] for event in log_events(logs, f"{LOG_GROUPS}{function}")]
