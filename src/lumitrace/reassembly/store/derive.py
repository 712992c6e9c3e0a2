"""Makes the tables of hours whose lines have changed."""

import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from importlib import resources
from pathlib import Path

from lumitrace.reassembly.answers.describe import PLACES, UNTOLD
from lumitrace.reassembly.answers.outcome import PENDING
from lumitrace.reassembly.pipeline.lines import TEXT
from lumitrace.reassembly.pipeline.load import Table
from lumitrace.reassembly.pipeline.steps import OUT, Steps, parts
from lumitrace.reassembly.pipeline.stored import load_stored
from lumitrace.reassembly.store import whole
from lumitrace.reassembly.store.database import Database, quoted
from lumitrace.reassembly.store.far import ROUNDS, Far, near
from lumitrace.reassembly.store.folder import Folder, Hour
from lumitrace.reassembly.store.incoming import LINES_A_GROUP, NAMES, WRITTEN
from lumitrace.reassembly.store.judge import judge
from lumitrace.reassembly.store.reading import TOLD
from lumitrace.reassembly.store.unusual import note_marked, said_of_lines

BLOCK = 1_500_000  # lines that are put together at a time, where hours are small
ROWS = 16_384  # fewer make a look into 17 files dearer: 33 ms with 4,096, 14 with these
IDS = 65_536  # of 10 million spans in 16 files: 23 ms with these, 30 with 16,384
# What tables.sql reads of the steps beside what comes out of them.
READ = (
    *("attempts", "changes", "links", "odd_streams", "plain_lines", "received", "reported"),
    *("sent", "stream_names"),
)
JUDGED_BEFORE = "tags"  # of the parts of tables.sql

# The tables of an hour: what each is sorted by, and how many rows are read at once at least.
TABLES = {
    "tx": ("no", ROWS),
    "ways": ("no", 1024),
    "ids": ("head, kind, no", IDS),
    "keys": ("named, kind, no", ROWS),
    "tags": ("said, name, no", ROWS),
    "alone": ("request_id", ROWS),
    "runs": ("start_ms, function_name", ROWS),
    "causes": ("no, place", ROWS),
    "callers": ("function_name", ROWS),
    "ends": ("kind, head, named", ROWS),
}
# Lists within lists take DuckDB four times as long to read as their JSON (24 ms against 6).
WRITTEN_AS = {"ways": f"hour, no, to_json(struct_pack({TOLD})) AS way"}


class Deriving:
    """The work on the stale hours of *folder*."""

    def __init__(
        self, folder: Folder, database: Database, progress: Callable[[str], None] = lambda _: None
    ) -> None:
        self.folder, self.database, self.progress = folder, database, progress
        text = resources.files(__package__).joinpath("tables.sql").read_text("utf-8")
        self.parts = parts(text)
        self.far = Far(folder, database)

    def run(self) -> None:
        """Make the tables of every stale hour, a few hours at a time.

        Then of those that are one with something far away that was not known to them.
        """
        for block in self._blocks():
            self._derive(block)
        for _ in range(ROUNDS):
            self.far = Far(self.folder, self.database)
            changed = self.far.changed()
            if not changed:
                return
            for hour in changed:
                self._derive([hour])

    def _blocks(self) -> Iterator[list[Hour]]:
        """Yield stale hours that follow one another, as many as fit into one piece of work."""
        block: list[Hour] = []
        lines = 0
        for hour in [one for one in self.folder.hours() if one.stale]:
            own = self._count(hour)
            if block and (hour.number != block[-1].number + 1 or lines + own > BLOCK):
                yield block
                block, lines = [], 0
            block.append(hour)
            lines += own
        if block:
            yield block

    def _count(self, hour: Hour) -> int:
        return self.database.number(f"SELECT COUNT(*) FROM read_parquet([{self._files(hour)}])")  # noqa: S608

    def _files(self, hour: Hour) -> str:
        return ", ".join(quoted(self.folder.place(hour.number) / name) for name in hour.lines)

    def _derive(self, block: Sequence[Hour]) -> None:
        self.progress(f"{block[0].name}: {len(block)} hours")
        self._load(block)
        steps = Steps(self.database.engine, read=(*OUT, *READ))
        note_marked(self.database)
        steps.unfold()
        steps.join()
        self._name_places()
        for part, steps_of in self.parts.items():
            if part == JUDGED_BEFORE:
                judge(self.database, self._last_ms())
            for step in steps_of:
                self.database.engine.make(step.table, step.select)
        for hour in block:
            made = self.far.facts(hour.number, block[0].number, block[-1].number)
            self._write(hour, made)

    def _last_ms(self) -> int:
        """Return the time of the latest event in the store."""
        known = (int(one.facts.get("lastMs", 0)) for one in self.folder.hours())
        return max(self.database.number("SELECT MAX(said_ms) FROM stored"), *known)

    def _name_places(self) -> None:
        table = Table(self.database.engine, "places", {"trigger_name": TEXT, "called": TEXT})
        for name in {*PLACES, *UNTOLD}:
            table.add((name, "" if name in UNTOLD else PLACES[name]))
        table.flush()

    def _load(self, block: Sequence[Hour]) -> None:
        first, last = block[0].number, block[-1].number
        begin_ms, end_ms = near(first, last)
        beside = [*block, self.folder.hour(first - 1), self.folder.hour(last + 1)]
        files = ", ".join(self._files(hour) for hour in beside if hour.lines)
        execute = self.database.execute
        execute("CREATE OR REPLACE TEMP TABLE wanted (hour INTEGER)")
        values = ", ".join(f"({hour.number})" for hour in block)
        execute(f"INSERT INTO wanted VALUES {values}")  # noqa: S608
        execute(
            f"CREATE OR REPLACE TEMP TABLE read AS SELECT {NAMES} FROM read_parquet([{files}]) "  # noqa: S608
            f"WHERE time_ms BETWEEN {begin_ms} AND {end_ms}"
        )
        far = self.far.of(first, last, [hour.number for hour in block])
        if far:
            self.far.load(far, first, last, NAMES)
        streams = self.database.rows(
            "SELECT stream_key, ANY_VALUE(log_group), ANY_VALUE(log_stream) FROM read "
            "GROUP BY stream_key ORDER BY 2, 3"
        )
        execute("CREATE OR REPLACE TEMP TABLE numbers (stream_key BIGINT, stream_id BIGINT)")
        self._insert("numbers", ((row[0], number) for number, row in enumerate(streams)))
        execute(
            "CREATE OR REPLACE TEMP TABLE stored AS SELECT n.stream_id, r.stream_key, "
            "CASE WHEN r.timed THEN r.time_ms END AS time_ms, r.time_ms AS said_ms, r.place, "
            "r.nth, r.message FROM read r JOIN numbers n USING (stream_key) "
            "ORDER BY n.stream_id, CASE WHEN r.timed THEN r.time_ms ELSE 0 END, r.place"
        )
        execute("DROP TABLE read")
        load_stored(self.database.engine, [(row[1], row[2]) for row in streams])

    def _insert(self, table: str, rows: Iterable[tuple[int, int]]) -> None:
        """Insert numbers, many in one statement."""
        waiting = [f"({first},{second})" for first, second in rows]
        for at in range(0, len(waiting), 1000):
            values = ", ".join(waiting[at : at + 1000])
            self.database.execute(f"INSERT INTO {table} VALUES {values}")  # noqa: S608  # numbers

    def _write(self, hour: Hour, made: dict[str, object]) -> None:
        """Write the files of *hour* and let them count; *made* says what they were made with."""
        place = self.folder.place(hour.number)
        settings = self.folder.settings()
        mark = f"{settings['fetches']}-{_next(place)}"
        lines, tables = f"lines-{mark}.parquet", f"tables-{mark}"
        (place / tables).mkdir(mode=0o700)
        try:
            self._copy(
                f"SELECT {NAMES} FROM kept_lines WHERE hour = {hour.number} "  # noqa: S608
                "ORDER BY clump, stream_key, request_id, time_ms, place",
                place / lines,
                LINES_A_GROUP,
            )
            for table, (order, rows) in TABLES.items():
                self._copy(
                    f"SELECT {WRITTEN_AS.get(table, '*')} FROM {table} "  # noqa: S608
                    f"WHERE hour = {hour.number} "
                    f"ORDER BY {order}",
                    place / tables / f"{table}.parquet",
                    rows,
                )
        except BaseException:
            (place / lines).unlink(missing_ok=True)
            shutil.rmtree(place / tables, ignore_errors=True)
            raise
        facts = {
            "events": self._of("kept_lines", hour),
            "transactions": self._of("tx", hour),
            "pending": self._of(f"tx WHERE state = '{PENDING}' AND", hour),
            "firstMs": self._of("kept_lines", hour, "COALESCE(MIN(time_ms), 0)"),
            "lastMs": self._of("kept_lines", hour, "COALESCE(MAX(time_ms), 0)"),
            **said_of_lines(self.database, hour.number),
            "others": whole.others(self.database, hour.number),
            **made,
        }
        self.folder.put(Hour(hour.number, (lines,), tables, stale=False, facts=facts))

    def _of(self, table: str, hour: Hour, what: str = "COUNT(*)") -> int:
        where = table if table.endswith("AND") else f"{table} WHERE"
        return self.database.number(f"SELECT {what} FROM {where} hour = {hour.number}")  # noqa: S608

    def _copy(self, query: str, path: Path, rows: int) -> None:
        self.database.execute(f"COPY ({query}) TO {quoted(path)} {WRITTEN.format(rows)}")


def _next(place: Path) -> int:
    """Return a number that no file in *place* bears yet."""
    numbers = [one.name.rpartition("-")[2].removesuffix(".parquet") for one in place.iterdir()]
    return max((int(one) for one in numbers if one.isdigit()), default=0) + 1
