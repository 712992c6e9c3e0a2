"""The list of transactions."""

from typing import Any

from lumitrace.reassembly.answers import describe
from lumitrace.reassembly.answers.outcome import FAILED, PENDING, SHARED, Outcome, outcome
from lumitrace.reassembly.transaction import Assembled, Transaction

NOT_WELL = frozenset((FAILED, SHARED, PENDING))


def transactions(
    assembled: Assembled, *, limit: int | None = None, failed: bool = False
) -> dict[str, Any]:
    """Return the transactions, oldest first; the latest *limit* of them, or those that failed."""
    rows = []
    for transaction in assembled.transactions:
        result = outcome(assembled, transaction)
        if not failed or result.state in NOT_WELL:
            rows.append(row(assembled, transaction, result))
    shown = rows if limit is None else rows[max(0, len(rows) - limit) :]
    return {"transactions": shown, "total": len(assembled.transactions), "matching": len(rows)}


def row(assembled: Assembled, transaction: Transaction, result: Outcome) -> dict[str, Any]:
    """Return one line of the list."""
    began, ended = describe.span_of_time(transaction)
    return {
        "id": transaction.id,
        "startUs": began,
        "durationUs": max(0, ended - began),
        "entry": describe.entry(transaction),
        "functions": describe.functions(transaction),
        "state": result.state,
        "issues": issues(result),
        "tags": describe.tags(assembled, transaction),
        "cut": transaction.cut,
    }


def issues(result: Outcome) -> list[str]:
    """Return what failed, a line a function and kind of failure, with the number of attempts."""
    counted: dict[str, int] = {}
    for attempt in result.failed_attempts:
        failure = attempt.failure
        if failure is not None:
            name = f"{attempt.runner}: {failure.label}"
            counted[name] = counted.get(name, 0) + 1
    return [f"{name}, {count} times" if count > 1 else name for name, count in counted.items()]
