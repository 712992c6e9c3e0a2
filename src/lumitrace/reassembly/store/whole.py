"""Answers about hours that hold executions or access logs: all lines of those hours are read.

What a store keeps in its tables is what functions wrote. Where other services tell too, the lines
are handed to the reading of whole logs, so that the answer is the one that the files give.
"""

from collections import Counter
from collections.abc import Iterable
from typing import Any

from lumitrace.reassembly.answers.describe import span_of_time
from lumitrace.reassembly.assemble import assemble
from lumitrace.reassembly.attempts import is_other_service
from lumitrace.reassembly.events import LogEvent
from lumitrace.reassembly.sources.window import Window
from lumitrace.reassembly.store.database import Database, quoted
from lumitrace.reassembly.store.figures import MOST
from lumitrace.reassembly.store.folder import Hour
from lumitrace.reassembly.store.lookup import lookup
from lumitrace.reassembly.store.reading import Reading
from lumitrace.reassembly.stream import LAMBDA_GROUP
from lumitrace.reassembly.transaction import Assembled

LOOKED_AT = 5  # lines of a stream
_MAY_BE = (
    f"NOT starts_with(log_group, '{LAMBDA_GROUP}') AND starts_with(message, '{{') AND "
    "(contains(message, '\"previous_event_id\"') OR regexp_matches(message, '(?i)status[\\w-]*\"'))"
)


def others(database: Database, hour: int) -> int:
    """Return how many log streams of *hour* seem to be those of another service than Lambda.

    Made of the table ``kept_lines``. One too many costs time, and changes no answer.
    """
    rows = database.rows(
        "SELECT log_group, log_stream, message FROM kept_lines "  # noqa: S608  # our own text
        f"WHERE hour = ? AND {_MAY_BE} QUALIFY ROW_NUMBER() OVER "
        f"(PARTITION BY stream_key ORDER BY time_ms, place) <= {LOOKED_AT}",
        [hour],
    )
    seen = {
        (row[0], row[1]) for row in rows if is_other_service([LogEvent("", "", None, row[2], 0)])
    }
    return len(seen)


def needed(reading: Reading) -> bool:
    """Tell whether an hour of the window holds what the tables do not tell."""
    return any(_tells(one) for one in reading.asked)


def _tells(hour: Hour) -> bool:
    """Tell whether *hour* holds other services' lines; so may one that was put together before."""
    return bool(hour.facts.get("others", hour.facts))


def assembled(reading: Reading) -> Assembled:
    """Return what began in the window, of all lines of its hours and of those beside them.

    Raises:
        Problem: nothing began in it, or the store is damaged.
    """
    asked = {one.number for one in reading.asked}
    near = {number + step for number in asked for step in (-1, 0, 1)}
    whole = reading.ask(
        lambda: assemble(_lines(reading, [one for one in reading.hours if one.number in near]))
    )
    window = reading.window
    if window != Window():
        whole.transactions = [
            one for one in whole.transactions if window.holds(span_of_time(one)[0] // 1000)
        ]
        whole.attempts = [one for one in whole.attempts if window.holds(one.start_ms)]
        whole.first_ms, whole.last_ms = reading.first_ms, reading.last_ms
    if not whole.transactions:
        raise reading.nothing
    if reading.unmade:
        whole.incomplete = [reading.unmade]
    return whole


def beside(reading: Reading, wanted: str) -> Assembled | None:
    """Return all that was read around what *wanted* names; None where the tables tell it all.

    A name that the tables know is looked for in its own hours; any other in all that hold what
    they do not tell.
    """
    if not any(map(_tells, reading.hours)):
        return None
    named = reading.ask(lambda: lookup(reading, wanted))
    near = {hour + step for hour, _ in named.numbers for step in (-1, 0, 1)}
    if not near and not named.alone:
        near = {one.number + step for one in reading.hours if _tells(one) for step in (-1, 0, 1)}
    hours = [one for one in reading.hours if one.number in near]
    if not any(map(_tells, hours)):
        return None
    return reading.ask(lambda: assemble(_lines(reading, hours)))


def _lines(reading: Reading, hours: Iterable[Hour]) -> list[LogEvent]:
    files = [
        quoted(reading.folder.place(hour.number) / name) for hour in hours for name in hour.lines
    ]
    if not files:
        return []
    rows = reading.database.rows(
        "SELECT log_group, log_stream, CASE WHEN timed THEN time_ms END, message, place "  # noqa: S608
        f"FROM read_parquet([{', '.join(files)}]) ORDER BY place"
    )
    return [LogEvent(*row) for row in rows]


def issues(assembled: Assembled) -> dict[str, Any]:
    """Return what ``figures.issues`` returns, of what was read."""
    runs = Counter(one.runner for one in assembled.attempts)
    failed: dict[tuple[str, str], list[int]] = {}
    for one in assembled.attempts:
        if one.failure is not None:
            failed.setdefault((one.runner, one.failure.label), []).append(one.start_ms)
    rows = sorted(failed.items(), key=lambda item: (-len(item[1]), item[0]))[:MOST]
    return {
        "issues": [
            {
                "function": name,
                "type": label,
                "failed": len(times),
                "invocations": runs[name],
                "firstMs": min(times),
                "lastMs": max(times),
            }
            for (name, label), times in rows
        ]
    }
