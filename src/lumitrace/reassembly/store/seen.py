"""What an answer out of a store rests on."""

from typing import Any

from lumitrace.reassembly.store.reading import Reading

_COUNTED = ("broken", "untrusted", "conflicting", "unplaced", "skipped", "dropped")


def seen(reading: Reading, runs: str, tx: str) -> dict[str, Any]:
    """Return the same as ``answers.why`` says of whole logs.

    Lines are counted by the hour: of a window that begins within one, all lines of that hour. Ends
    that conflict are not looked for there.
    """
    rows = reading.database.rows
    functions = rows(
        f"SELECT function_name, COUNT(*), MAX(tells) FROM {runs} GROUP BY function_name ORDER BY 1"  # noqa: S608
    )
    facts = [one.facts for one in reading.asked]
    cut = reading.database.number(f"SELECT COUNT(*) FROM {tx} WHERE cut")  # noqa: S608
    health = {said for one in facts for said in one.get("health", ())}
    return {
        "invocations": sum(row[1] for row in functions),
        "executions": 0,
        "unnamedTasks": 0,
        "requests": 0,
        "unjoined": 0,
        "functions": len(functions),
        "toldInSums": _sum(facts, "toldInSums"),
        "withoutSpanLines": [row[0] for row in functions if not row[2]],
        "logEvents": _sum(facts, "events"),
        "spanLines": _sum(facts, "spanLines"),
        **{name: _sum(facts, name) for name in _COUNTED},
        "health": sorted(health),
        "firstMs": reading.first_ms,
        "lastMs": reading.last_ms,
        "coverage": "unknown",
        "incomplete": [reading.unmade] if reading.unmade else [],
        "cut": cut,
        "sample": None,
    }


def _sum(facts: list[dict[str, Any]], name: str) -> int:
    return sum(int(one.get(name, 0)) for one in facts)
