"""Why, out of a store: every count of all transactions, and one of them read line by line."""

from collections.abc import Sequence
from typing import Any

from lumitrace.reassembly.answers.cause import Cause, best_first, found_in
from lumitrace.reassembly.answers.impact import Ended, hurt
from lumitrace.reassembly.answers.outcome import (
    FAILED,
    OK,
    PENDING,
    SHARED,
    UNFINISHED,
    outcome,
)
from lumitrace.reassembly.answers.provenance import suspect
from lumitrace.reassembly.answers.stack import virtual_stack
from lumitrace.reassembly.answers.tag_choice import SUM_NAMES, TagUse, choose_id, choose_sum
from lumitrace.reassembly.answers.why import MINUTE_MS, OTHER_CAUSES, apart, cause_row
from lumitrace.reassembly.store.one import read_with_beside
from lumitrace.reassembly.store.reading import Number, Reading
from lumitrace.reassembly.store.seen import seen

BROKEN = f"'{FAILED}', '{SHARED}', '{PENDING}'"
WELL = f"'{OK}', '{UNFINISHED}'"
NOUN = "invocations"  # a store holds lines of functions alone
COMPARED = 100  # transactions of each kind, where what they read is compared
# What `money` takes for a number, as far as choosing a tag goes.
_NUMBER = r"\s*[+-]?([0-9]{1,30}\.?[0-9]{0,30}|\.[0-9]{1,30})([eE][+-]?[0-9]{1,2})?\s*"


def why(reading: Reading, *, id_tag: str = "", sum_tag: str = "") -> dict[str, Any]:
    """Return the answer, as ``answers.why`` gives it of whole logs.

    Raises:
        Problem: the store holds nothing of this window, or is damaged.
    """
    return reading.ask(lambda: _Why(reading).answer(id_tag, sum_tag))


class _Why:
    def __init__(self, reading: Reading) -> None:
        self.reading, self.rows = reading, reading.database.rows
        self.tx = reading.needed("tx")
        self.runs = reading.windowed("runs")
        self.causes_of_all = reading.table("causes")

    def answer(self, id_tag: str, sum_tag: str) -> dict[str, Any]:
        count = f"SELECT state, COUNT(*) FROM {self.tx} GROUP BY state"  # noqa: S608
        states: dict[str, int] = dict(self.rows(count))
        failing = sum(states.get(state, 0) for state in (FAILED, SHARED, PENDING))
        healthy = sum(states.get(state, 0) for state in (OK, UNFINISHED))
        causes = best_first(self._causes(), failing, healthy) if failing else []
        issues = self._issues()
        function = causes[0].signature[0] if causes else next(iter(issues), "")
        example = self._example(causes) if failing else None
        return {
            "issue": issues.get(function, _none(function)) if function else None,
            "otherIssues": [one for name, one in issues.items() if name != function],
            "impact": self._impact(states, id_tag, sum_tag),
            "cause": cause_row(causes[0], failing, healthy) if causes else None,
            "otherCauses": [
                cause_row(cause, failing, healthy) for cause in apart(causes)[:OTHER_CAUSES]
            ],
            "readFrom": self._suspect() if failing else None,
            "seen": seen(self.reading, self.runs, self.tx),
            "example": example[0] if example else None,
            "stack": self._stack(example, causes) if example else None,
        }

    def _causes(self) -> list[Cause]:
        rows = self.rows(
            "SELECT c.function_name, c.service, c.call, c.label, c.pattern, "  # noqa: S608  # ours
            "SUM(c.place) FILTER (c.broken = 1), "
            "LIST(c.hour * 4294967296 + c.no) FILTER (c.broken = 1), "
            "LIST(c.hour * 4294967296 + c.no) FILTER (c.broken = 0), "
            "MIN(c.first_us) FILTER (c.broken = 1), "
            "LIST(DISTINCT c.message) FILTER (c.broken = 1), "
            "MIN_BY(c.stopped, (t.start_us, t.id)) FILTER (c.broken = 1 AND c.stopped <> '') "
            f"FROM {self.causes_of_all} c JOIN {self.tx} t ON t.hour = c.hour AND t.no = c.no "
            "GROUP BY ALL HAVING COUNT(*) FILTER (c.broken = 1) > 0"
        )
        return [
            Cause(
                tuple(row[:5]),
                int(row[5]),
                row[6],
                row[7] or [],
                row[8],
                set(row[9]),
                row[10] or "",
            )
            for row in rows
        ]

    def _issues(self) -> dict[str, dict[str, Any]]:
        """Return the functions that failed, those first that failed most."""
        recent = f"end_ms > {self.reading.last_ms - MINUTE_MS}"
        rows = self.rows(
            f"SELECT function_name, SUM(failed), COUNT(*), SUM(failed) FILTER ({recent}), "  # noqa: S608
            f"COUNT(*) FILTER ({recent}), MIN(start_ms) FILTER (failed = 1) FROM {self.runs} "
            "GROUP BY function_name HAVING SUM(failed) > 0 ORDER BY 2 DESC, 1"
        )
        return {
            row[0]: {
                "function": row[0],
                "noun": NOUN,
                "lastMinute": {"failed": int(row[3] or 0), "invocations": row[4]},
                "all": {"failed": int(row[1]), "invocations": row[2]},
                "sinceMs": row[5] or 0,
            }
            for row in rows
        }

    # Whom it hurts

    def _impact(self, states: dict[str, int], id_tag: str, sum_tag: str) -> dict[str, Any]:
        if not id_tag or not sum_tag:
            used = self._uses()
            entries = [row[0] for row in self.rows(f"SELECT DISTINCT entry FROM {self.tx}")]  # noqa: S608
            id_tag = id_tag or choose_id(used, entries)
            sum_tag = sum_tag or choose_sum(used)
        rows = self.rows(
            f"SELECT id, state, tags, unknown FROM {self.tx} "  # noqa: S608  # our own names
            f"WHERE state IN ('{FAILED}', '{PENDING}') ORDER BY start_us, id"
        )
        ended = [Ended(row[0], row[1], row[2], bool(row[3])) for row in rows]
        return hurt(ended, states, id_tag, sum_tag)

    def _uses(self) -> dict[str, TagUse]:
        names = "|".join(SUM_NAMES)
        rows = self.rows(
            "SELECT entry.key, COUNT(*), "  # noqa: S608  # our own names
            "CASE WHEN regexp_matches(entry.key, '[iI][dD]$') THEN COUNT(DISTINCT entry.value) "
            "ELSE 1 END, "
            f"COUNT(*) FILTER (regexp_matches(lower(entry.key), '({names})$') "
            f"AND regexp_full_match(entry.value, '{_NUMBER}')) "
            f"FROM (SELECT UNNEST(map_entries(tags)) AS entry FROM {self.tx}) GROUP BY entry.key"
        )
        used = {row[0]: TagUse(int(row[1]), int(row[2]), int(row[3])) for row in rows}
        asked = f"SELECT DISTINCT UNNEST(entry_tags) FROM {self.tx}"  # noqa: S608
        for (name,) in self.rows(asked):
            if name in used:
                used[name].at_entry = True
        return used

    # One of them

    def _example(self, causes: Sequence[Cause]) -> tuple[str, Number] | None:
        fitting, values = "", []
        if causes:
            fitting = f"SEMI JOIN (SELECT hour, no FROM {self.causes_of_all} WHERE broken = 1 "  # noqa: S608
            fitting += "AND function_name = ? AND service = ? AND call = ? AND label = ? "
            fitting += "AND pattern = ?) USING (hour, no)"
            values = list(causes[0].signature)
        rows = self.rows(
            f"SELECT id, hour, no FROM {self.tx} {fitting} WHERE state IN ({BROKEN}) "  # noqa: S608
            f"ORDER BY state = '{FAILED}' DESC, start_us DESC, id DESC LIMIT 1",
            values,
        )
        return (rows[0][0], (rows[0][1], rows[0][2])) if rows else None

    def _stack(self, example: tuple[str, Number], causes: list[Cause]) -> list[Any] | None:
        assembled = read_with_beside(self.reading, [example[1]])
        assembled.last_ms = self.reading.last_ms
        for one in assembled.transactions:
            if one.id == example[0]:
                judged = (one, outcome(assembled, one))
                found = found_in(assembled, judged, causes[0]) if causes else None
                return virtual_stack(assembled, *judged, found)
        return None

    def _suspect(self) -> dict[str, Any] | None:
        """Return what ``answers.provenance`` makes of the latest transactions of each kind."""
        if not any(one.facts.get("readFrom") for one in self.reading.asked):
            return None
        kinds: list[list[Number]] = []
        for states in (BROKEN, WELL):
            rows = self.rows(
                f"SELECT hour, no FROM {self.tx} WHERE state IN ({states}) "  # noqa: S608
                f"ORDER BY start_us DESC LIMIT {COMPARED}"
            )
            kinds.append([(row[0], row[1]) for row in rows])
        names = [set(self.reading.stored(kind).result.members) for kind in kinds]
        assembled = read_with_beside(self.reading, [*kinds[0], *kinds[1]])
        failing, well = ([one for one in assembled.transactions if one.id in ids] for ids in names)
        return suspect(assembled, failing, well)


def _none(function: str) -> dict[str, Any]:
    nothing = {"failed": 0, "invocations": 0}
    return {"function": function, "noun": NOUN, "lastMinute": nothing, "all": nothing, "sinceMs": 0}
