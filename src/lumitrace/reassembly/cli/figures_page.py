"""``lumitrace functions`` and ``lumitrace issues``, printed."""

from typing import Any

from lumitrace.reassembly.cli.screen import Screen, date, milliseconds, percent

_FUNCTIONS = ["function", "invocations", "failed", "p50", "p99", "longest", "cold starts", "GB s"]
_ISSUES = ["function", "failure", "failed", "of", "", "first (UTC)", "last (UTC)"]
MB_MS = 1024 * 1000  # in a GB second


def functions(screen: Screen, answer: dict[str, Any]) -> None:
    """Print a line a function."""
    rows = [
        [
            row["function"],
            f"{row['invocations']:,}",
            f"{row['failed']:,}",
            *(_time(row[name]) for name in ("p50Us", "p99Us", "maxUs")),
            f"{row['coldStarts']:,}",
            "-" if row["billedMbMs"] is None else f"{row['billedMbMs'] / MB_MS:,.1f}",
        ]
        for row in answer["functions"]
    ]
    screen.table([_FUNCTIONS, *rows], ["bold", "", "red", "", "", "", "", ""])


def issues(screen: Screen, answer: dict[str, Any]) -> None:
    """Print a line a kind of failure."""
    rows = [
        [
            row["function"],
            row["type"],
            f"{row['failed']:,}",
            f"{row['invocations']:,}",
            percent(row["failed"], row["invocations"]),
            date(row["firstMs"] * 1000),
            date(row["lastMs"] * 1000),
        ]
        for row in answer["issues"]
    ]
    if rows:
        screen.table([_ISSUES, *rows], ["bold", "red", "", "", "", "", ""])
    else:
        screen.line("nothing failed")


def _time(us: int | None) -> str:
    return "-" if us is None else milliseconds(us)
