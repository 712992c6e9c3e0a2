"""Writes all log events of Lambda functions down: ``python -m local_aws.record OUT``.

One event a line, as JSON: logGroupName, logStreamName, timestamp (Unix ms) and message; in the
order of time.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from .clients import Clients, credentials
from .logs import log_events, log_groups


def record(logs: Any, out: Path) -> int:
    """Write every event that *logs*, a CloudWatch Logs client, has; return how many."""
    # Stable: what one stream says within a millisecond stays in its order.
    events = [event for group in log_groups(logs) for event in log_events(logs, group)]
    events.sort(key=lambda event: event["timestamp"])
    out.write_text("".join(f"{json.dumps(event)}\n" for event in events), encoding="utf-8")
    return len(events)


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
