"""The log groups of an account and region, and their events by FilterLogEvents.

https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_FilterLogEvents.html
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from lumitrace.reassembly.aws import AWS, Account, Service
from lumitrace.reassembly.events import LogEvent
from lumitrace.reassembly.problem import Problem
from lumitrace.reassembly.sources.cloudwatch.pace import Pace
from lumitrace.reassembly.sources.cloudwatch.queries import INFREQUENT, STANDARD
from lumitrace.reassembly.sources.window import Window

LOGS = Service(
    "logs",
    "CloudWatch Logs",
    "logs:DescribeLogGroups, logs:FilterLogEvents, logs:StartQuery, logs:GetQueryResults, "
    "logs:StopQuery",
    "log group",
    retry_mode="adaptive",
    retries=5,
)
# FilterLogEvents: 5 a second for an account and region.
# https://repost.aws/knowledge-center/cloudwatch-logs-throttling
PER_SECOND = 4
FIRST_PAGES = 5  # that may be empty before the first events
CLASSES = (STANDARD, INFREQUENT, "DELIVERY")


class TooManyPages(Exception):  # noqa: N818  # it is an answer
    """There is more than the reader was ready to take."""


@dataclass
class Position:
    """How far a log group was read: where to go on after a failure, or the next time.

    Attributes:
        time_ms: of the last event that was read.
        ids: of the events at *time_ms*, which would come a second time.
        done: all of the window was read.
    """

    time_ms: int | None = None
    ids: set[str] = field(default_factory=set)
    done: bool = False

    def note(self, time_ms: int, event_id: str) -> None:
        """Keep that this event was read; events come in the order of their times."""
        if time_ms != self.time_ms:
            self.time_ms, self.ids = time_ms, set()
        self.ids.add(event_id)


class CloudWatch:
    """The log groups of one account and region.

    Attributes:
        pages: how many FilterLogEvents were answered.
        most_pages: at how many reading gives up, where it does.
    """

    def __init__(self, account: Account) -> None:
        self.aws = AWS(account, LOGS)
        self.pages = 0
        self.most_pages: int | None = None
        self.client = self.aws.client
        self.pace, self.listing = Pace(PER_SECOND), Pace(PER_SECOND)

    def groups(self, name: str) -> Iterator[tuple[str, str]]:
        """Yield the log groups that *name* stands for, each with its class.

        A ``*`` stands for any text. A name without one is yielded as it is: whether there is such
        a group is seen when it is read.

        Raises:
            Problem: there are none, or CloudWatch Logs did not answer.
        """
        prefix, star, rest = name.partition("*")
        with self.aws.told(f"listing the log groups {name}"):
            if not star:
                yield name, self._class_of(name)
                return
            longest = max(rest.split("*"), key=len)
            if prefix or not longest:
                request = {"logGroupNamePrefix": prefix} if prefix else {}
                found = self._list(**request)
            else:  # the answer to a pattern names no classes
                found = {
                    group: one
                    for one in CLASSES
                    for group in self._list(logGroupNamePattern=longest, logGroupClass=one)
                }
        found = {group: one for group, one in found.items() if fnmatchcase(group, _plain(name))}
        if not found:
            said = f"begins with {prefix!r}" if not rest else f"is called {name!r}"
            message = f"no log group {said}; check the name and --region"
            raise Problem(message)
        yield from found.items()

    def _list(self, **request: str) -> dict[str, str]:
        found: dict[str, str] = {}
        while True:
            self.listing.wait()
            page = self.client.describe_log_groups(**request)
            for group in page["logGroups"]:
                found[group["logGroupName"]] = group.get("logGroupClass") or STANDARD
            if not page.get("nextToken"):
                return found
            request["nextToken"] = page["nextToken"]

    def _class_of(self, name: str) -> str:
        """Return the class of the group *name*; Standard where nobody may say."""
        try:
            self.listing.wait()
            page = self.client.describe_log_groups(logGroupNamePrefix=name)
        except self.aws.exceptions.ClientError as error:
            if error.response["Error"]["Code"] not in {"AccessDeniedException", "AccessDenied"}:
                raise
            return STANDARD
        for group in page["logGroups"]:
            if group["logGroupName"] == name:
                return group.get("logGroupClass") or STANDARD
        return STANDARD

    def read(
        self,
        group: str,
        window: Window,
        position: Position | None = None,
        streams: tuple[str, ...] = (),
    ) -> Iterator[LogEvent]:
        """Yield the log events of *group* within *window*, behind *position*.

        *position* is kept up to date: where reading fails, the same position goes on where it
        stopped.

        Raises:
            Problem: CloudWatch Logs did not answer, or refused; what came before was yielded.
        """
        position = position or Position()
        request: dict[str, Any] = {"logGroupName": group}
        since_ms = window.since_ms if position.time_ms is None else position.time_ms
        if since_ms is not None:
            request["startTime"] = since_ms
        if window.until_ms is not None:
            request["endTime"] = window.until_ms
        if streams:
            request["logStreamNames"] = list(streams)
        seen, tokens = set(position.ids), set[str]()
        while True:
            page = self._page(group, request)
            for event in page.get("events", ()):  # a page may be empty and yet not the last
                event_id = event.get("eventId", "")
                if event_id and event_id in seen:
                    continue
                yield _event(group, event)
                position.note(event.get("timestamp", 0), event_id)
            token = page.get("nextToken")
            if not token:
                position.done = True
                return
            if token in tokens:
                message = f"CloudWatch Logs repeated a page of {group}; narrow --since and --until"
                raise Problem(message)
            tokens.add(token)
            request["nextToken"] = token

    def first(self, group: str, window: Window, count: int) -> list[LogEvent]:
        """Return *count* of the first events of *group* within *window*, or all that it has.

        Raises:
            Problem: CloudWatch Logs did not answer, or refused.
        """
        asked = {"startTime": window.since_ms, "endTime": window.until_ms}
        request: dict[str, Any] = {"logGroupName": group, "limit": count}
        request |= {name: value for name, value in asked.items() if value is not None}
        found: list[LogEvent] = []
        for _ in range(FIRST_PAGES):
            page = self._page(group, request)
            found += [_event(group, event) for event in page.get("events", ())]
            if len(found) >= count or not page.get("nextToken"):
                break
            request["nextToken"] = page["nextToken"]
        return found[:count]

    def _page(self, group: str, request: dict[str, Any]) -> dict[str, Any]:
        if self.most_pages is not None and self.pages >= self.most_pages:
            raise TooManyPages
        self.pace.wait()
        with self.aws.told(f"reading the log group {group}"):
            page: dict[str, Any] = self.client.filter_log_events(**request)
        self.pages += 1
        return page


def _event(group: str, event: dict[str, Any]) -> LogEvent:
    return LogEvent(
        group,
        event.get("logStreamName", ""),
        event.get("timestamp"),
        event.get("message", ""),
        0,
        event.get("eventId", ""),
    )


def _plain(name: str) -> str:
    """Return *name* for fnmatch with nothing but ``*`` special."""
    return name.replace("[", "[[]").replace("?", "[?]")
