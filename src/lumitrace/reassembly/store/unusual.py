"""What the lines of an hour say beside its transactions: what was lost, and who complained."""

from typing import Any

from lumitrace.reassembly.fields import whole
from lumitrace.reassembly.store.database import Database
from lumitrace.wire import span_line

MOST_HEALTH = 100  # sentences of an hour


def note_marked(database: Database) -> None:
    """Make the table ``marked``: lines with our mark, and whether a span line was found in them.

    It is made of ``lines`` before the steps leave out what is not to be trusted.
    """
    database.execute(
        "CREATE OR REPLACE TEMP TABLE marked AS "  # noqa: S608  # our own text
        "SELECT o.at_row, o.hour, l.place IS NOT NULL AS found, l.line_request "
        "FROM (SELECT rowid AS at_row, said_ms // 3600000 AS hour, message FROM stored) o "
        "LEFT JOIN (SELECT place, MIN(line_request) AS line_request FROM lines GROUP BY place) l "
        f"ON l.place = o.at_row WHERE contains(o.message, '{span_line.MARK}')"
    )


def said_of_lines(database: Database, hour: int) -> dict[str, Any]:
    """Return the counts of the lines of *hour*, and what lumitrace itself could not do."""
    rows = database.rows(
        "SELECT COUNT(*) FILTER (m.found AND m.line_request = u.request_id), "
        "COUNT(*) FILTER (NOT m.found), "
        "COUNT(*) FILTER (m.found AND m.line_request <> u.request_id) "
        "FROM marked m JOIN line_units u USING (at_row) WHERE m.hour = ?",
        [hour],
    )
    facts: dict[str, Any] = dict(zip(("spanLines", "broken", "untrusted"), rows[0], strict=True))
    facts |= {"dropped": 0, "toldInSums": 0, "readFrom": 0}
    health: set[str] = set()
    for (message,) in database.rows(
        "SELECT message FROM kept_lines WHERE hour = ? AND (contains(message, '\"dropped\":{') "
        'OR contains(message, \'"record":"health"\') OR contains(message, \'"readFrom":\') '
        "OR contains(message, '\"detail\":false'))",
        [hour],
    ):
        for item in span_line.find(message).objects:
            _note(item, facts, health)
    facts["health"] = sorted(health)[:MOST_HEALTH]
    return facts


def _note(item: dict[str, Any], facts: dict[str, Any], health: set[str]) -> None:
    dropped = item.get("dropped")
    if isinstance(dropped, dict):
        facts["dropped"] += sum(map(whole, dropped.values()))
    if item["record"] == span_line.INVOCATION and item.get("detail") is False:
        facts["toldInSums"] += 1
    if item["record"] == span_line.HEALTH:
        said = " ".join(str(item.get(key, "")) for key in ("name", "component", "message"))
        health.add(said.strip()[:512])
    facts["readFrom"] += '"readFrom":' in span_line.encode(item)
