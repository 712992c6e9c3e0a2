"""Writes all log events of Lambda functions down: ``python -m local_aws.record OUT``.

One event a line, as JSON: logGroupName, logStreamName, timestamp (Unix ms) and message; in the
order of time. Folders of this machine are told as Lambda's own: a recording may be shown around.
"""

from __future__ import annotations

import argparse
import json
import sys
import sysconfig
from pathlib import Path
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from .clients import Clients, credentials
from .logs import log_events, log_groups

USHOP = Path(__file__).parents[1]


def record(logs: Any, out: Path) -> int:
    """Write every event that *logs*, a CloudWatch Logs client, has; return how many."""
    # Stable: what one stream says within a millisecond stays in its order.
    events = [event for group in log_groups(logs) for event in log_events(logs, group)]
    events.sort(key=lambda event: event["timestamp"])
    for event in events:
        event["message"] = as_in_lambda(event["message"])
    out.write_text("".join(f"{json.dumps(event)}\n" for event in events), encoding="utf-8")
    return len(events)


def as_in_lambda(message: str) -> str:
    """Return *message* with the folders that Lambda has in place of this machine's."""
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    library = f"/var/lang/lib/{version}"
    folders = {
        str(USHOP / "functions"): "/var/task",
        str(Path(boto3.__file__).parents[1]): f"{library}/site-packages",
        sysconfig.get_path("stdlib"): library,
        str(USHOP.parents[1] / "src"): f"{library}/site-packages",
    }
    for here, there in folders.items():
        message = message.replace(here, there)
    return message


def main() -> int:
    """Record from an endpoint that runs."""
    parser = argparse.ArgumentParser(prog="python -m local_aws.record", description=__doc__)
    parser.add_argument("out", type=Path, help="the file to write")
    parser.add_argument(
        "--endpoint-url", required=True, help="where the stage, or AWS, keeps the logs"
    )
    arguments = parser.parse_args()
    try:
        clients = Clients(arguments.endpoint_url, credentials(own_endpoint=False))
        count = record(clients.logs, arguments.out)
    except (OSError, ValueError, BotoCoreError, ClientError) as error:
        sys.stderr.write(f"Nothing was recorded: {error}\n")
        return 1
    sys.stderr.write(f"{count} log events are in {arguments.out}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
