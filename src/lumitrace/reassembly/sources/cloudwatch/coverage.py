"""Coverage: how many of the invocations that AWS counted were seen, and what never ran at all.

https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html
https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_GetMetricData.html
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime, timezone
from typing import Any, NamedTuple

from lumitrace.reassembly.aws import AWS, Account, Service
from lumitrace.reassembly.counted import MINUTE_MS
from lumitrace.reassembly.model import LAMBDA
from lumitrace.reassembly.problem import Problem
from lumitrace.reassembly.sources.cloudwatch.money import Money
from lumitrace.reassembly.sources.window import Window
from lumitrace.reassembly.transaction import Assembled

METRICS = Service("cloudwatch", "CloudWatch", "cloudwatch:GetMetricData", "metric")
QUERIES, POINTS = 500, 100_800  # of one request
LATE_MS = 3 * MINUTE_MS  # a minute's metrics are complete by then
HOUR_MS = 60 * MINUTE_MS

INVOCATIONS, ERRORS = "Invocations", "Errors"
THROTTLES, DROPPED = "Throttles", "AsyncEventsDropped"
METRICS_ASKED = (INVOCATIONS, ERRORS, THROTTLES, DROPPED)
UNKNOWN = "unknown"


class Point(NamedTuple):
    """What AWS counted of one function in one period that begins at *time_ms*."""

    function: str
    metric: str
    time_ms: int
    sum: int


def coverage(
    accounts: Iterable[Account],
    functions: Iterable[str],
    assembled: Assembled,
    window: Window,
    money: Money,
) -> dict[str, int] | str:
    """Return what was seen and what AWS counted in the whole minutes of *window*.

    ``unknown`` where AWS may not be asked, or counted nothing.
    """
    counted = assembled.counted
    unit_ms = counted.unit_ms if counted is not None else MINUTE_MS
    times = _whole(window, unit_ms)
    if times is None:
        return UNKNOWN
    sums: Counter[str] = Counter()
    try:
        for account in accounts:
            sums.update(_sums(AWS(account, METRICS), sorted(set(functions)), times, money))
    except Problem:
        return UNKNOWN  # the answer stands without it
    if not sums[INVOCATIONS]:
        return UNKNOWN
    return {
        "seen": _seen(assembled, *times),
        "counted": sums[INVOCATIONS],
        "errors": sums[ERRORS],
        "throttled": sums[THROTTLES],
        "dropped": sums[DROPPED],
        "sinceMs": times[0],
        "untilMs": times[1],
    }


def ready_ms() -> int:
    """Return up to when AWS has counted by now."""
    return int(datetime.now(timezone.utc).timestamp() * 1000) - LATE_MS


def _whole(window: Window, unit_ms: int) -> tuple[int, int] | None:
    """Return the whole units within *window* that AWS has counted by now, or None."""
    if window.since_ms is None:
        return None
    ready = ready_ms()
    until_ms = ready if window.until_ms is None else min(window.until_ms, ready)
    since_ms = -(-window.since_ms // unit_ms) * unit_ms
    until_ms = until_ms // unit_ms * unit_ms
    return (since_ms, until_ms) if since_ms < until_ms else None


def _seen(assembled: Assembled, since_ms: int, until_ms: int) -> int:
    counted = assembled.counted
    if counted is None:
        seen = (one.start_ms for one in assembled.attempts if one.service == LAMBDA)
        return sum(since_ms <= start_ms < until_ms for start_ms in seen)
    return sum(
        count.begun
        for units in counted.functions.values()
        for unit_ms, count in units.items()
        if since_ms <= unit_ms < until_ms
    )


def _sums(aws: AWS, functions: list[str], times: tuple[int, int], money: Money) -> Counter[str]:
    since_ms, until_ms = times
    hourly = since_ms % HOUR_MS == 0 and until_ms % HOUR_MS == 0
    period_ms = HOUR_MS if hourly else MINUTE_MS
    sums: Counter[str] = Counter()
    for point in points(aws, functions, times, money, period_ms):
        sums[point.metric] += point.sum
    return sums


def points(
    aws: AWS, functions: list[str], times: tuple[int, int], money: Money, period_ms: int
) -> Iterator[Point]:
    """Yield what AWS counted of *functions* between two moments, the second not included.

    Raises:
        Problem: AWS did not answer, or may not be asked.
    """
    since_ms, until_ms = times
    names = [(one, name) for one in functions for name in METRICS_ASKED]
    asked = _requests(names, period_ms // 1000)
    at_once = max(1, min(QUERIES, POINTS * period_ms // (until_ms - since_ms)))
    for at in range(0, len(asked), at_once):
        piece = asked[at : at + at_once]
        with aws.told("asking what AWS counted"):
            answer = aws.client.get_metric_data(
                MetricDataQueries=piece,
                StartTime=_moment(since_ms),
                EndTime=_moment(until_ms),  # not included
            )
        money.metrics += len(piece)
        for result in answer["MetricDataResults"]:
            function, metric = names[int(result["Id"][1:])]
            for moment, value in zip(result["Timestamps"], result["Values"], strict=True):
                yield Point(function, metric, round(moment.timestamp()) * 1000, round(value))


def _moment(time_ms: int) -> datetime:
    return datetime.fromtimestamp(time_ms / 1000, timezone.utc)


def _requests(asked: list[tuple[str, str]], period_s: int) -> list[dict[str, Any]]:
    """Return a query for each function and metric."""
    return [
        {
            "Id": f"m{number}",
            "Label": name,
            "MetricStat": {
                "Metric": {
                    "Namespace": "AWS/Lambda",
                    "MetricName": name,
                    "Dimensions": [{"Name": "FunctionName", "Value": function}],
                },
                "Period": period_s,
                "Stat": "Sum",
            },
        }
        for number, (function, name) in enumerate(asked)
    ]
