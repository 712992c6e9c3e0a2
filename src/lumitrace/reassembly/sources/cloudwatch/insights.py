"""Logs Insights: start queries, wait for them, take all their rows.

https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_StartQuery.html
https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_GetQueryResults.html
"""

import contextlib
import time
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from lumitrace.reassembly.aws import AWS
from lumitrace.reassembly.problem import Problem
from lumitrace.reassembly.sources.cloudwatch.money import Money
from lumitrace.reassembly.sources.cloudwatch.pace import Pace

GROUPS = 50  # named in one query
AT_ONCE = 10  # of the 100 that an account may run at once; others ask too
PER_SECOND = 4  # of StartQuery and of GetQueryResults, each; AWS throttles beyond 5
POLL_S = 0.2
MOST_ROWS, MOST_ROWS_UNPAGED = 100_000, 10_000  # of one query, with and without pages
_RUNNING = {"Scheduled", "Running", "Unknown"}
_BUSY = "LimitExceededException"
BUSY_S = 60  # waited for a place among the queries that run

Row = dict[str, str]


@dataclass(frozen=True)
class Ask:
    """One query.

    Attributes:
        since_s, until_s: Unix seconds, both included.
        whole: its rows are log events: where there are more than one query gives, its time is
            halved until all have come.
        purpose: a word by which the asker knows it again.
    """

    text: str
    groups: tuple[str, ...]
    since_s: int
    until_s: int
    whole: bool = False
    purpose: str = ""

    def halves(self) -> "list[Ask]":
        """Return the same for each half of the time; both hold the second between them."""
        middle = (self.since_s + self.until_s) // 2
        return [replace(self, until_s=middle), replace(self, since_s=middle)]


class Insights:
    """Asks Logs Insights of one account and region.

    Attributes:
        incomplete: sentences about rows that could not be had.
    """

    def __init__(self, aws: AWS, money: Money) -> None:
        self.aws, self.client, self.money = aws, aws.client, money
        self.starts, self.polls = Pace(PER_SECOND), Pace(PER_SECOND)
        self.incomplete: list[str] = []
        shape = self.client.meta.service_model.operation_model("GetQueryResults").input_shape
        self.rows_at_most = MOST_ROWS if "nextToken" in shape.members else MOST_ROWS_UNPAGED

    def run(self, asks: Iterable[Ask]) -> Iterator[tuple[Ask, list[Row]]]:
        """Yield each of *asks* with its rows, in the order in which they are answered.

        An event may come twice, with the same ``@ptr``, where a query was halved.

        Raises:
            Problem: a query was refused or failed, or the budget is spent; those that still ran
                are stopped.
        """
        waiting, running = deque(asks), dict[str, Ask]()
        try:
            while waiting or running:
                while waiting and len(running) < AT_ONCE and self._start(waiting, running):
                    pass
                for query in list(running):
                    found = self._poll(query, running[query])
                    if found is None:
                        continue
                    ask = running.pop(query)
                    if isinstance(found, list):
                        yield ask, found
                    else:
                        waiting.extend(ask.halves())
                if running:
                    time.sleep(POLL_S)
        finally:
            self._stop(running)

    def _start(self, waiting: deque[Ask], running: dict[str, Ask]) -> bool:
        """Start the next query; tell whether there was a place for it."""
        ask, until = waiting.popleft(), time.monotonic() + BUSY_S
        while True:
            self.starts.wait()
            with self.aws.told("asking Logs Insights"):
                try:
                    answer = self.client.start_query(
                        logGroupNames=list(ask.groups),
                        startTime=ask.since_s,
                        endTime=ask.until_s,
                        queryString=ask.text,
                        limit=self.rows_at_most,
                    )
                except self.aws.exceptions.ClientError as error:
                    if error.response["Error"]["Code"] != _BUSY or time.monotonic() > until:
                        raise
                    if running:
                        waiting.appendleft(ask)
                        return False
                    time.sleep(POLL_S)
                    continue
            running[answer["queryId"]] = ask
            return True

    def _poll(self, query: str, ask: Ask) -> "list[Row] | bool | None":
        """Return the rows of a *query*; None while it runs, False where it must be halved."""
        page = self._page(query)
        if page["status"] in _RUNNING:
            return None
        if page["status"] != "Complete":
            message = (
                f"asking Logs Insights: the query ended as {page['status']}; "
                "try again, or a smaller window"
            )
            raise Problem(message)
        matched = int(page.get("statistics", {}).get("recordsMatched", 0))
        if ask.whole and matched > self.rows_at_most:
            if ask.until_s - ask.since_s > 1:
                return False
            self.incomplete.append(
                f"{matched - self.rows_at_most:,} lines of one second were not read: "
                f"a query gives {self.rows_at_most:,} rows; name fewer log groups"
            )
        rows = _rows(page)
        while page.get("nextToken"):
            page = self._page(query, page["nextToken"])
            rows += _rows(page)
        if not ask.whole and len(rows) >= self.rows_at_most:
            self.incomplete.append(
                f"a query gave {len(rows):,} rows, which is all it may; ask for a smaller window"
            )
        return rows

    def _page(self, query: str, token: str = "") -> dict[str, Any]:
        self.polls.wait()
        more = {"nextToken": token} if token else {}
        with self.aws.told("asking Logs Insights"):
            page: dict[str, Any] = self.client.get_query_results(queryId=query, **more)
        self.money.note(query, page.get("statistics", {}).get("bytesScanned", 0))
        return page

    def _stop(self, running: dict[str, Ask]) -> None:
        for query in running:  # it may have ended by itself, or nothing can be asked any more
            with contextlib.suppress(Problem), self.aws.told("stopping a query"):
                self.client.stop_query(queryId=query)


def _rows(page: dict[str, Any]) -> list[Row]:
    return [
        {cell["field"]: cell.get("value", "") for cell in row} for row in page.get("results", ())
    ]
