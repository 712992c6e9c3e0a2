"""``lumitrace transactions``, printed."""

from typing import Any

from lumitrace.reassembly.answers.describe import SHORT_ID
from lumitrace.reassembly.cli.screen import Screen, date, milliseconds, plural

_HEAD = ["id", "start (UTC)", "state", "duration", "entry", "functions", "issues", "tags"]
_STYLES = ["cyan", "", "bold", "", "", "", "red", "dim"]


def show(screen: Screen, answer: dict[str, Any]) -> None:
    """Print the list."""
    found = answer["transactions"]
    if found:
        screen.table([_HEAD, *(_cells(row) for row in found)], _STYLES)
    read = plural(answer["total"], "transaction")
    screen.line((f"{len(found):,} of {answer['matching']:,} shown; {read} read", "dim"))


def _cells(row: dict[str, Any]) -> list[str]:
    return [
        row["id"][:SHORT_ID],
        date(row["startUs"]),
        f"{row['state']} (cut)" if row["cut"] else row["state"],
        milliseconds(row["durationUs"]),
        row["entry"],
        ", ".join(row["functions"]),
        "; ".join(row["issues"]) or "-",
        " ".join(f"{key}={value}" for key, value in row["tags"].items()),
    ]
