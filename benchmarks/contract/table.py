"""The table of who changes what, as Markdown."""

import datetime as dt
import platform
import statistics

import cases
from tests.twin.twins import ALIVE

SAME = "same"
MAX_WORDS = 3  # in a cell
COUNTED = {  # rows of which a cell is a number of cases, and how many there are
    cases.KINDS, cases.ANSWERS, cases.EVENT, cases.ERRORS, cases.INSIDE, cases.TOLD, cases.GIVEN,
    cases.CONTEXT, cases.FORKS, cases.STDOUT, cases.STRICT,
}  # fmt: skip
ORDER = (
    cases.KINDS, cases.ANSWERS, cases.EVENT, cases.GIVEN, cases.FRAMES, cases.ERRORS, cases.DEATHS,
    cases.INSIDE, cases.HEADERS, cases.BODIES, cases.COUNTED, cases.OUTPUT, cases.STDOUT, cases.OWN,
    cases.SENT, cases.CONTEXT, cases.ALARM, cases.RANDOM, cases.ENVIRONMENT, cases.THREADS,
    cases.FILES, cases.PROCESS, cases.STRICT, cases.FORKS, cases.STACK, cases.TOLD,
)  # fmt: skip


def markdown(columns, tried):
    """Return the table: *columns* are the findings of each peer, *tried* the cases."""
    day = dt.datetime.now(dt.timezone.utc).date()
    heads = " | ".join(f"{it.title} {it.version}" for it in columns)
    lines = [
        f"Python {platform.python_version()}, {day}.",
        "",
        f"| what can be noticed | {heads} |",
        f"|---|{'---|' * len(columns)}",
    ]
    for row in ORDER:
        cells = [cell(row, found) for found in columns.values()]
        total = sum(len(it.events) for it in tried if it.row == row)
        named = f"{row} (of {total})" if row in COUNTED else row
        lines.append(f"| {named} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def cell(row, found):
    """Return what the table says of *row*."""
    found = [it for it in found if it.row == row]
    return WAYS.get(row, _words)(found) if found else SAME


def _words(found):
    words = list(dict.fromkeys(str(it.short) for it in found))
    more = f" and {len(words) - MAX_WORDS} more" if len(words) > MAX_WORDS else ""
    return ", ".join(words[:MAX_WORDS]) + more


def _frames(found):
    counts = [it.short for it in found]
    usual, most = statistics.mode(counts), max(counts)
    return f"{usual:+}" + (f", up to {most:+}" if most > usual else "") + " frames"


def _most(found):
    return f"up to {max(it.short for it in found):+}"


def _deaths(found):
    """Return the ways to die that end otherwise, and how."""
    ends = {}
    for it in found:
        ends.setdefault(str(it.short).rpartition(" → ")[2].replace(ALIVE, "survives"), []).append(
            it.case.split("'")[1]
        )
    return "; ".join(f"{', '.join(ways)}: {end}" for end, ways in ends.items())


def _count(found):
    return str(len(found))


WAYS = {
    **dict.fromkeys(COUNTED, _count),
    cases.FRAMES: _frames,
    cases.STACK: lambda found: f"{len(found)} fewer frames",
    cases.THREADS: _most,
    cases.FILES: _most,
    cases.DEATHS: _deaths,
    cases.OUTPUT: lambda found: f"{len(found)} lines changed",
}
