"""Figures out of a store: functions, failures by the minute, the list of transactions."""

from typing import Any

from lumitrace.reassembly.answers.outcome import FAILED
from lumitrace.reassembly.answers.transactions import NOT_WELL
from lumitrace.reassembly.store.reading import Reading

MOST = 20  # kinds of failures of a window


def functions(reading: Reading) -> dict[str, Any]:
    """Return, for each function, its invocations, failures, times and what Lambda billed.

    Times are microseconds; a percentile is the time of one invocation, the next above where none
    falls on it. ``billed`` is in MB milliseconds, as far as REPORT lines say it.
    """
    return reading.ask(lambda: _functions(reading))


def _functions(reading: Reading) -> dict[str, Any]:
    runs = reading.needed("runs")
    rows = reading.database.rows(
        "SELECT function_name, COUNT(*), SUM(failed), "  # noqa: S608  # our own names
        "quantile_disc(duration_us, [0.5, 0.99]), MAX(duration_us), COUNT(init_us), "
        f"SUM(billed_ms * memory_mb) FROM {runs} GROUP BY function_name ORDER BY 2 DESC, 1"
    )
    return {
        "functions": [
            {
                "function": row[0],
                "invocations": row[1],
                "failed": int(row[2]),
                "p50Us": row[3][0] if row[3] else None,
                "p99Us": row[3][1] if row[3] else None,
                "maxUs": row[4],
                "coldStarts": row[5],
                "billedMbMs": None if row[6] is None else int(row[6]),
            }
            for row in rows
        ]
    }


def issues(reading: Reading) -> dict[str, Any]:
    """Return what failed in the window: function and kind of failure, of how many invocations."""
    return reading.ask(lambda: _issues(reading))


def _issues(reading: Reading) -> dict[str, Any]:
    runs = reading.needed("runs")
    rows = reading.database.rows(
        "SELECT function_name, label, SUM(failed) AS failing, "  # noqa: S608  # our own names
        "SUM(COUNT(*)) OVER (PARTITION BY function_name), MIN(start_ms), MAX(start_ms) "
        f"FROM {runs} GROUP BY function_name, label "
        f"QUALIFY failing > 0 ORDER BY failing DESC, 1, 2 LIMIT {MOST}"
    )
    return {
        "issues": [
            {
                "function": row[0],
                "type": row[1],
                "failed": int(row[2]),
                "invocations": int(row[3]),
                "firstMs": row[4],
                "lastMs": row[5],
            }
            for row in rows
        ]
    }


def transactions(reading: Reading, *, limit: int, failed: bool = False) -> dict[str, Any]:
    """Return what ``answers.transactions`` returns of whole logs."""
    return reading.ask(lambda: _transactions(reading, limit, failed=failed))


def _transactions(reading: Reading, limit: int, *, failed: bool) -> dict[str, Any]:
    tx = reading.needed("tx")
    several = ", ".join(f"'{state}'" for state in sorted(NOT_WELL)) if failed else ""
    where = f"WHERE state IN ({several})" if failed else ""
    rows = reading.database.rows(
        "SELECT id, start_us, end_us, entry, functions, state, issues, tags, cut "  # noqa: S608
        f"FROM {tx} {where} ORDER BY start_us DESC, id DESC LIMIT {limit}"
    )
    total, bad = reading.database.rows(
        f"SELECT COUNT(*), COUNT(*) FILTER (state IN ({several or repr(FAILED)})) FROM {tx}"  # noqa: S608
    )[0]
    return {
        "transactions": [
            {
                "id": row[0],
                "startUs": row[1],
                "durationUs": max(0, row[2] - row[1]),
                "entry": row[3],
                "functions": row[4],
                "state": row[5],
                "issues": row[6],
                "tags": row[7],
                "cut": row[8],
            }
            for row in reversed(rows)
        ],
        "total": total,
        "matching": bad if failed else total,
    }
