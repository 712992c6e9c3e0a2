"""Judges the transactions that did not plainly go well: read line by line, as every answer does."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

from lumitrace.reassembly.answers import describe
from lumitrace.reassembly.answers.cause import handled, told
from lumitrace.reassembly.answers.impact import entry_tags, is_unknown
from lumitrace.reassembly.answers.outcome import (
    FAILED,
    OK,
    PENDING,
    SHARED,
    UNFINISHED,
    Outcome,
    outcome,
)
from lumitrace.reassembly.answers.transactions import issues
from lumitrace.reassembly.assemble import attempts_of, together
from lumitrace.reassembly.events import LogEvent
from lumitrace.reassembly.model import Attempt, Report
from lumitrace.reassembly.pipeline.lines import NUMBER, TAGS, TEXT, TEXTS, measured
from lumitrace.reassembly.pipeline.load import Table
from lumitrace.reassembly.silent import Ways
from lumitrace.reassembly.store.database import Database
from lumitrace.reassembly.store.incoming import stream_key
from lumitrace.reassembly.store.reading import TOLD, Number, Stored, note, ways_of
from lumitrace.reassembly.transaction import Assembled, Transaction

CHUNK = 2_000  # transactions that are read at a time
BROKEN = frozenset((FAILED, SHARED, PENDING))

TABLES = {
    "judged_rows": {
        **dict.fromkeys(("hour", "no"), NUMBER),
        **dict.fromkeys(("state", "entry"), TEXT),
        **dict.fromkeys(("functions", "issues", "entry_tags"), TEXTS),
        "tags": TAGS,
        "unknown": NUMBER,
    },
    "judged_tags": {"hour": NUMBER, "said": TEXT, "name": TEXT, "no": NUMBER},
    "judged_runs": {
        **dict.fromkeys(("start_ms", "end_ms"), NUMBER),
        **dict.fromkeys(("function_name", "label"), TEXT),
        **dict.fromkeys(("failed", "tells", "duration_us"), NUMBER),
        **dict.fromkeys(("billed_ms", "memory_mb", "init_us"), NUMBER),
    },
    "causes": {
        **dict.fromkeys(("hour", "no", "broken", "place"), NUMBER),
        **dict.fromkeys(("function_name", "service", "call", "label", "pattern"), TEXT),
        "message": TEXT,
        "first_us": NUMBER,
        "stopped": TEXT,
    },
}


def judge(database: Database, last_ms: int) -> None:
    """Make the tables of what is judged.

    Args:
        database: holds the tables up to the part "tx" of tables.sql.
        last_ms: the time of the latest event that is known: a retry may come after it.
    """
    Judging(database, last_ms).run()


class Judging:
    """One round of judging."""

    def __init__(self, database: Database, last_ms: int) -> None:
        self.database, self.last_ms = database, last_ms
        self.tables = {
            name: Table(database.engine, name, columns) for name, columns in TABLES.items()
        }
        self.streams: dict[int, tuple[str, str]] = {
            row[0]: (row[1], row[2])
            for row in database.rows("SELECT stream_id, log_group, log_stream FROM streams")
        }
        self.seen: set[tuple[str, str, str, int]] = set()

    def run(self) -> None:
        """Judge all, some at a time."""
        rows = iter(self.database.rows("SELECT hour, no FROM judged ORDER BY hour, no"))
        while chunk := list(islice(rows, CHUNK)):
            self._judge(chunk)
        for table in self.tables.values():
            table.flush()

    def _judge(self, chunk: list[Number]) -> None:
        assembled, known = self._read(chunk)
        beside = self._beside(assembled) - set(chunk)
        if beside:
            assembled, known = self._read([*chunk, *sorted(beside)])
        assembled.last_ms = self.last_ms
        asked = set(chunk)
        for transaction in assembled.transactions:
            number = known[transaction.id]
            if number in asked:
                self._tell(assembled, transaction, number)

    def _read(self, chunk: Iterable[Number]) -> tuple[Assembled, dict[str, Number]]:
        """Return the transactions of *chunk*, and their numbers by their ids."""
        execute, rows = self.database.execute, self.database.rows
        execute("CREATE OR REPLACE TEMP TABLE chunk (hour INTEGER, no INTEGER)")
        execute(
            "INSERT INTO chunk SELECT item[1], item[2] FROM "
            "(SELECT UNNEST(CAST(? AS INTEGER[][])) AS item)",
            [[list(one) for one in chunk]],
        )
        stored, known = Stored(), {}
        for row in rows(
            f"SELECT {TOLD}, hour, no FROM ways SEMI JOIN chunk USING (hour, no) ORDER BY id"  # noqa: S608
        ):
            note(stored, row[:7])
            known[row[0]] = (row[7], row[8])
        events = rows(
            "SELECT stream_id, time_ms, message, at_row FROM judged_lines SEMI JOIN "
            "(FROM judged_units SEMI JOIN chunk USING (hour, no)) USING (stream_id, request_id) "
            "ORDER BY at_row"
        )

        def is_wanted(attempt: Attempt) -> bool:
            key = (stream_key(attempt.group, attempt.stream), attempt.request_id)
            return key in stored.wanted

        read = (LogEvent(*self._place(row[0]), row[1], row[2], row[3]) for row in events)
        return together(*attempts_of(read, is_wanted, self._called), stored.result), known

    def _called(self, functions: set[str]) -> Ways:
        return ways_of(self.database, "callers", functions)

    def _place(self, stream: int) -> tuple[str, str]:
        return self.streams[stream]

    def _beside(self, assembled: Assembled) -> set[Number]:
        """Return the other transactions whose records failed in the same batches."""
        known = {trace for one in assembled.transactions for trace in one.traces}
        traces = {
            hop.sender_trace
            for attempt in assembled.attempts
            if attempt.failed_records
            for hop in assembled.senders(attempt)
        } - known
        if not traces:
            return set()
        rows = self.database.rows(
            "SELECT DISTINCT w.hour, w.no FROM written_members w "
            "JOIN judged j USING (hour, no) WHERE list_contains(?, w.trace_id)",
            [sorted(traces)],
        )
        return {(hour, number) for hour, number in rows}

    def _tell(self, assembled: Assembled, transaction: Transaction, number: Number) -> None:
        result = outcome(assembled, transaction)
        tags = describe.tags(assembled, transaction)
        add = self.tables["judged_rows"].add
        add(
            (
                *number,
                result.state,
                describe.entry(transaction),
                describe.functions(transaction),
                issues(result),
                sorted(entry_tags(transaction)),
                tags,
                int(is_unknown(transaction)),
            )
        )
        every = {item for span in transaction.spans for item in span.tags.items()}
        for name, said in sorted(every):
            self.tables["judged_tags"].add((number[0], said, name, number[1]))
        for attempt in transaction.attempts:
            self._run(attempt)
        for row in _causes(assembled, transaction, result):
            self.tables["causes"].add((*number, *row))

    def _run(self, attempt: Attempt) -> None:
        key = (attempt.group, attempt.stream, attempt.request_id, attempt.start_ms)
        if key in self.seen:
            return
        self.seen.add(key)
        _, billed_ms, memory_mb, _, init_us = measured(attempt.report or Report())
        failure = attempt.failure
        handler = attempt.invocation
        self.tables["judged_runs"].add(
            (
                attempt.start_ms,
                attempt.end_ms,
                attempt.function,
                failure.label if failure else "",
                int(attempt.failed),
                int(bool(attempt.objects)),
                handler.duration_us if handler else None,
                *(billed_ms, memory_mb, init_us),
            )
        )


def _causes(
    assembled: Assembled, transaction: Transaction, result: Outcome
) -> Iterator[tuple[Any, ...]]:
    """Yield a row for each failure that explains *transaction*, or that it overcame."""
    if result.state in BROKEN:
        for one in told(assembled, transaction, result):
            yield (1, one.rank, *one.signature, one.message, one.first_us, one.stopped)
    elif result.state in {OK, UNFINISHED}:
        for signature in sorted(handled(assembled, transaction)):
            yield (0, 0, *signature, "", 0, "")
