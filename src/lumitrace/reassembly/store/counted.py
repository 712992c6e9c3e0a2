"""What AWS counted of the functions whose log groups were fetched: by the minute, with each hour.

``counted.json`` in the folder of an hour says of each function from when until when AWS was asked,
and what it counted in the minutes in which something was. Of minutes that were young then the next
fetch asks again, and replaces them. A window may cut an hour: its minutes are compared.
"""

import json
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from lumitrace.reassembly.aws import AWS, Account
from lumitrace.reassembly.counted import MINUTE_MS
from lumitrace.reassembly.platform_events import json_object
from lumitrace.reassembly.problem import Problem
from lumitrace.reassembly.sources.cloudwatch.coverage import (
    METRICS,
    METRICS_ASKED,
    Point,
    points,
    ready_ms,
)
from lumitrace.reassembly.sources.cloudwatch.money import Money
from lumitrace.reassembly.store.covered import Covered, Stretch, joined, stretches
from lumitrace.reassembly.store.database import Database, quoted
from lumitrace.reassembly.store.disk import write
from lumitrace.reassembly.store.folder import COUNTED, DAY_MS, HOUR_MS, Folder
from lumitrace.reassembly.stream import LAMBDA_GROUP

# Metrics of a minute are kept for 15 days.
# https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch_concepts.html
KEPT_MS = 15 * DAY_MS - HOUR_MS
# An invocation is counted once it has ended, 15 minutes later at most, in the minute it began in.
SETTLED_MS = 20 * MINUTE_MS
ASKED = "asked.json"  # of which stretches of each log group AWS need not be asked again
_FUNCTION = """'"record":"(?:start|invocation)".*?"name":"([^"]+)"'"""

Found = tuple[Account, Stretch, frozenset[str], list[Point]]


@dataclass(frozen=True)
class Fetched:
    """A log group of *account*, and the stretches of which the store holds its lines."""

    account: Account
    group: str
    stretches: tuple[Stretch, ...]

    @property
    def name(self) -> str:
        """Return what tells the group from those of other accounts."""
        return f"{self.account.name} {self.group}".strip()


@dataclass
class Counted:
    """What AWS counted of one function of one account, within one hour.

    Attributes:
        asked: of which stretches it was asked: whole minutes.
        minutes: Unix ms to a number for each of ``METRICS_ASKED``; others were nought.
    """

    asked: list[Stretch] = field(default_factory=list)
    minutes: dict[int, list[int]] = field(default_factory=dict)

    def put(self, stretch: Stretch, found: Iterable[Point]) -> None:
        """Let what was *found* hold for *stretch*, whatever was known of it."""
        begin, end = stretch
        self.asked = joined([*self.asked, stretch])
        self.minutes = {at: one for at, one in self.minutes.items() if not begin <= at <= end}
        for point in found:
            if begin <= point.time_ms <= end:
                own = self.minutes.setdefault(point.time_ms, [0] * len(METRICS_ASKED))
                own[METRICS_ASKED.index(point.metric)] += point.sum


Hourly = dict[tuple[str, str], Counted]  # by the account's name and the function's


def read_counted(folder: Folder, hour: int) -> Hourly:
    """Return what is known of *hour*; nothing where AWS was not asked."""
    try:
        text = (folder.place(hour) / COUNTED).read_text("utf-8", errors="replace")
    except FileNotFoundError:
        return {}
    said: dict[str, Any] = json_object(text) or {}
    found: Hourly = {}
    for item in said.get("functions", ()):
        minutes = {int(at): list(map(int, one)) for at, one in item["minutes"].items()}
        found[item["account"], item["function"]] = Counted(stretches(item["asked"]), minutes)
    return found


def _write(folder: Folder, hour: int, hourly: Hourly) -> None:
    functions = [
        {"account": key[0], "function": key[1], "asked": one.asked, "minutes": one.minutes}
        for key, one in sorted(hourly.items())
    ]
    write(folder.made(hour) / COUNTED, json.dumps({"functions": functions}) + "\n")


def keep_counted(
    folder: Folder, database: Database, fetched: Iterable[Fetched], money: Money
) -> None:
    """Ask AWS what it counted of the functions of what was *fetched*, and keep it.

    Where it does not answer, or may not be asked, all stays as it is, and is asked the next time.
    """
    groups = list(fetched)
    try:
        found = list(_found(folder, database, groups, money))
    except Problem:
        return  # the lines are there without it
    hours: dict[int, Hourly] = {}
    for account, (since_ms, until_ms), functions, counted in found:
        for hour in range(since_ms // HOUR_MS, until_ms // HOUR_MS + 1):
            hourly = hours.setdefault(hour, read_counted(folder, hour))
            begin, end = max(since_ms, hour * HOUR_MS), min(until_ms, (hour + 1) * HOUR_MS - 1)
            for function in functions:
                own = hourly.setdefault((account.name, function), Counted())
                own.put((begin, end), (one for one in counted if one.function == function))
    for hour, hourly in hours.items():
        _write(folder, hour, hourly)
    settled_ms = int(time.time() * 1000) - SETTLED_MS
    for group in groups:
        asked = Covered(folder, group.name, ASKED)
        for since_ms, until_ms in _minutes(group):
            asked.add(since_ms, min(until_ms, settled_ms // MINUTE_MS * MINUTE_MS - 1))


def _found(
    folder: Folder, database: Database, groups: list[Fetched], money: Money
) -> Iterator[Found]:
    """Yield what AWS says; what is asked of several functions at once is one piece."""
    wanted: dict[tuple[Account, Stretch], set[str]] = defaultdict(set)
    for group in groups:
        asked = Covered(folder, group.name, ASKED)
        for whole in _minutes(group):
            for stretch in asked.missing(*whole):
                functions = _functions(folder, database, group.group, stretch)
                wanted[group.account, stretch] |= functions
    clients: dict[Account, AWS] = {}
    for (account, stretch), functions in wanted.items():
        if functions:
            aws = clients.get(account) or AWS(account, METRICS)
            clients[account] = aws
            times = (stretch[0], stretch[1] + 1)
            answer = list(points(aws, sorted(functions), times, money, MINUTE_MS))
            yield account, stretch, frozenset(functions), answer


def _minutes(group: Fetched) -> Iterator[Stretch]:
    """Yield the whole minutes of what was fetched that AWS has counted, and still knows."""
    ready, oldest = ready_ms(), int(time.time() * 1000) - KEPT_MS
    for since_ms, until_ms in joined(group.stretches):
        begin = -(-max(since_ms, oldest) // MINUTE_MS) * MINUTE_MS
        end = min(until_ms + 1, ready) // MINUTE_MS * MINUTE_MS
        if begin < end:
            yield begin, end - 1


def _functions(folder: Folder, database: Database, group: str, stretch: Stretch) -> set[str]:
    """Return the functions that write to *group*: the one it is named after, or what lines say."""
    if group.startswith(LAMBDA_GROUP):
        return {group.removeprefix(LAMBDA_GROUP)}
    numbers = range(stretch[0] // HOUR_MS, stretch[1] // HOUR_MS + 1)
    hours = [one for one in folder.hours() if one.number in numbers]
    files = [quoted(folder.place(one.number) / name) for one in hours for name in one.lines]
    if not files:
        return set()
    rows = database.rows(
        f"SELECT DISTINCT regexp_extract(message, {_FUNCTION}, 1) "  # noqa: S608  # our own text
        f"FROM read_parquet([{', '.join(files)}]) WHERE log_group = ? AND "
        f"regexp_matches(message, {_FUNCTION})",
        [group],
    )
    return {row[0] for row in rows}


def forget_counted(folder: Folder, hour: int) -> None:
    """Take away what is known of *hour*: its lines are not all there any more."""
    (folder.place(hour) / COUNTED).unlink(missing_ok=True)
