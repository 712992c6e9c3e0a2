"""Carries what the functions write to CloudWatch Logs, a few times a second."""

from __future__ import annotations

import contextlib
import sys
import threading
import time
from collections import defaultdict
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

if TYPE_CHECKING:
    from collections.abc import Iterator

# https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutLogEvents.html
MAX_BATCH_BYTES = 1_048_576  # messages in UTF-8, and 26 bytes for each
MAX_BATCH_EVENTS = 10_000
EVENT_OVERHEAD = 26
PERIOD_S = 0.15

Event = dict[str, Any]


class LogShipper:
    """Gathers lines of all log streams and puts them in order of time."""

    def __init__(self, logs: Any) -> None:
        """Ship through *logs*, a CloudWatch Logs client, from a thread of our own."""
        self._logs = logs
        self._waiting: dict[tuple[str, str], list[Event]] = defaultdict(list)
        self._known: set[str | tuple[str, str]] = set()
        self._lock = threading.Lock()
        self._shipping = threading.Lock()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="log-shipper", daemon=True)
        self._thread.start()

    def put(self, group: str, stream: str, message: str, at: float | None = None) -> None:
        """Take one log event; *at* is Unix seconds, now where there is none."""
        event = {"timestamp": int((at or time.time()) * 1000), "message": message}
        with self._lock:
            self._waiting[group, stream].append(event)

    def flush(self) -> None:
        """Ship what waits; it can be read when this returns."""
        with self._shipping:
            with self._lock:
                waiting, self._waiting = self._waiting, defaultdict(list)
            for (group, stream), events in waiting.items():
                self._create(group, stream)
                # The sort is stable: what bears the same millisecond stays in the order it came.
                for batch in _batches(sorted(events, key=lambda event: event["timestamp"])):
                    self._logs.put_log_events(
                        logGroupName=group, logStreamName=stream, logEvents=batch
                    )

    def stop(self) -> None:
        """Ship the rest and end."""
        self._stop.set()
        self._thread.join(10)
        self._try()

    def _run(self) -> None:
        while not self._stop.wait(PERIOD_S):
            self._try()

    def _try(self) -> None:
        try:
            self.flush()
        except (BotoCoreError, ClientError) as error:
            sys.stderr.write(f"local_aws: log lines were lost: {error}\n")

    def _create(self, group: str, stream: str) -> None:
        if (group, stream) in self._known:
            return
        with contextlib.suppress(self._logs.exceptions.ResourceAlreadyExistsException):
            self._logs.create_log_group(logGroupName=group)
        with contextlib.suppress(self._logs.exceptions.ResourceAlreadyExistsException):
            self._logs.create_log_stream(logGroupName=group, logStreamName=stream)
        self._known.add((group, stream))


def _batches(events: list[Event]) -> Iterator[list[Event]]:
    batch: list[Event] = []
    size = 0
    for event in events:
        event_size = len(event["message"].encode()) + EVENT_OVERHEAD
        if batch and (size + event_size > MAX_BATCH_BYTES or len(batch) == MAX_BATCH_EVENTS):
            yield batch
            batch, size = [], 0
        batch.append(event)
        size += event_size
    if batch:
        yield batch
