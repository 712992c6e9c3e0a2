"""Coverage out of a store: what was seen, and what AWS counted in the minutes it was asked of."""

from collections import Counter, defaultdict
from typing import Any

from lumitrace.reassembly.counted import MINUTE_MS
from lumitrace.reassembly.sources.cloudwatch.coverage import (
    DROPPED,
    ERRORS,
    INVOCATIONS,
    METRICS_ASKED,
    THROTTLES,
    UNKNOWN,
)
from lumitrace.reassembly.store.counted import Counted, read_counted
from lumitrace.reassembly.store.covered import Stretch, joined
from lumitrace.reassembly.store.database import quoted
from lumitrace.reassembly.store.folder import HOUR_MS
from lumitrace.reassembly.store.reading import Reading


def coverage(reading: Reading) -> dict[str, Any] | str:
    """Return what ``sources.cloudwatch.coverage`` does, of the minutes that AWS was asked of.

    ``hours`` says in how many of the hours of the window that is all functions that ran, and
    ``uncompared`` how many invocations lie outside. ``unknown`` where AWS counted nothing.
    """
    return reading.ask(lambda: _coverage(reading))


def _coverage(reading: Reading) -> dict[str, Any] | str:
    compared: dict[str, list[Stretch]] = defaultdict(list)
    sums: Counter[str] = Counter()
    for hour in _hours(reading):
        by_function: dict[str, list[Counted]] = defaultdict(list)
        for (_, function), one in read_counted(reading.folder, hour).items():
            by_function[function].append(one)
        for function, several in by_function.items():
            for stretch in _compared(reading, several):
                compared[function].append(stretch)
                for one in several:
                    sums.update(_sums(one, stretch))
    if not sums[INVOCATIONS]:
        return UNKNOWN
    every = [one for several in compared.values() for one in several]
    hours, ran, seen = _seen(reading, compared)
    return {
        "seen": seen,
        "counted": sums[INVOCATIONS],
        "errors": sums[ERRORS],
        "throttled": sums[THROTTLES],
        "dropped": sums[DROPPED],
        "sinceMs": min(since_ms for since_ms, _ in every),
        "untilMs": max(until_ms for _, until_ms in every) + 1,
        "uncompared": ran - seen,
        "hours": {"compared": sum(hours.values()), "of": len(hours)},
    }


def _hours(reading: Reading) -> list[int]:
    """Return the hours of the window; AWS may have counted where no line is."""
    since_ms, until_ms = reading.window.since_ms, reading.window.until_ms
    return [
        hour
        for hour in reading.folder.numbers()
        if (since_ms is None or (hour + 1) * HOUR_MS > since_ms)
        and (until_ms is None or hour * HOUR_MS <= until_ms)
    ]


def _compared(reading: Reading, several: list[Counted]) -> list[Stretch]:
    """Return the whole minutes of the window that AWS was asked of in each account."""
    since_ms, until_ms = reading.window.since_ms, reading.window.until_ms
    first = -(-(since_ms or 0) // MINUTE_MS) * MINUTE_MS
    last = 2**53 if until_ms is None else until_ms // MINUTE_MS * MINUTE_MS - 1
    found = [(first, last)]
    for one in several:
        pairs = [(max(a, c), min(b, d)) for a, b in found for c, d in one.asked]
        found = [(begin, end) for begin, end in pairs if begin <= end]
    return found


def _sums(one: Counted, stretch: Stretch) -> Counter[str]:
    sums: Counter[str] = Counter()
    for at, numbers in one.minutes.items():
        if stretch[0] <= at <= stretch[1]:
            sums.update(dict(zip(METRICS_ASKED, numbers, strict=True)))
    return sums


def _seen(reading: Reading, compared: dict[str, list[Stretch]]) -> tuple[dict[int, bool], int, int]:
    """Return the hours in which something ran, and of how many invocations how many are compared.

    Of an hour: whether something of each function that ran is compared.
    """
    values = ", ".join(
        f"({quoted(function)}, {since_ms}, {until_ms})"
        for function, several in compared.items()
        for since_ms, until_ms in joined(several)
    )
    rows = reading.database.rows(
        f"SELECT r.start_ms // {HOUR_MS}, r.function_name, COUNT(*), COUNT(c.since_ms) "  # noqa: S608
        f"FROM {reading.windowed('runs')} r LEFT JOIN "
        f"(VALUES {values}) c(named, since_ms, until_ms) ON c.named = r.function_name "
        "AND r.start_ms BETWEEN c.since_ms AND c.until_ms GROUP BY ALL"
    )
    hours: dict[int, bool] = {}
    for hour, function, _, _ in rows:
        touched = any(
            since_ms < (hour + 1) * HOUR_MS and until_ms >= hour * HOUR_MS
            for since_ms, until_ms in compared.get(function, ())
        )
        hours[hour] = hours.get(hour, True) and touched
    return hours, sum(row[2] for row in rows), sum(row[3] for row in rows)
