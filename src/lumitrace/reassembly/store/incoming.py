"""Log events on their way into a store: each once, into the hour of its own time.

An event is known by its log group, stream, time and text; where a source holds the same one twice,
that counts. So a second fetch of the same logs adds nothing, whichever way it reads them.
"""

import json
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from hashlib import blake2b
from pathlib import Path
from types import TracebackType

from lumitrace.reassembly.events import LogEvent
from lumitrace.reassembly.fields import clean
from lumitrace.reassembly.log_lines import said_time_ms
from lumitrace.reassembly.store.database import Database, quoted
from lumitrace.reassembly.store.folder import HOUR_MS, Folder, Hour
from lumitrace.reassembly.store.payloads import without_payloads

ROUND = 250_000  # events that wait at most
ROUND_BYTES = 256 * 1024 * 1024
LONGEST = 12 * 1024 * 1024  # bytes of an event as JSON; DuckDB reads objects of 16 MiB
WAITING = 10_000  # events before the first one that says a time
PLACES = 2**40  # of one fetch

# What a row of a file of lines is. The first three are known once the tables are made.
COLUMNS = {
    "clump": "INTEGER",
    "stream_key": "BIGINT",
    "request_id": "VARCHAR",
    "log_group": "VARCHAR",
    "log_stream": "VARCHAR",
    "time_ms": "BIGINT",
    "timed": "BOOLEAN",
    "place": "BIGINT",
    "nth": "INTEGER",
    "message": "VARCHAR",
}
NAMES = ", ".join(COLUMNS)
WRITTEN = "(FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE {})"
LINES_A_GROUP = 2048
_SAME = "stream_key, time_ms, message"

# A line that a source holds twice is two; one that several sources hold is one.
_CAME = f"""
CREATE OR REPLACE TEMP TABLE came AS
SELECT NULL::INTEGER AS clump, stream_key, NULL::VARCHAR AS request_id, g AS log_group,
       s AS log_stream, time_ms, timed, place, nth, message
FROM (
  SELECT *, ROW_NUMBER() OVER (PARTITION BY {_SAME}, nth ORDER BY place) AS again
  FROM (
    SELECT *, ROW_NUMBER() OVER (PARTITION BY {_SAME}, source ORDER BY place) AS nth
    FROM (
      SELECT *, SUM(CASE WHEN number < 0 THEN 1 ELSE 0 END) OVER (ORDER BY place) AS source
      FROM said
    )
    JOIN names USING (number)
  )
)
WHERE again = 1
"""  # noqa: S608  # our own names


@dataclass
class Came:
    """What a fetch brought.

    Attributes:
        events: log events that were read.
        new: those of them that were not in the store.
        old: those that are older than what the store keeps.
        unplaced: those that no time is known of, or that are too long.
    """

    events: int = 0
    new: int = 0
    old: int = 0
    unplaced: int = 0


class Incoming:
    """Takes log events and puts them into the hours of *folder*, a round at a time."""

    def __init__(
        self, folder: Folder, database: Database, keep_from_ms: int, *, payloads: bool
    ) -> None:
        self.folder, self.database = folder, database
        self.keep_from_ms, self.payloads = keep_from_ms, payloads
        self.came = Came()
        settings = folder.settings()
        settings["fetches"] = int(settings.get("fetches", 0)) + 1
        self.settings = settings
        self.number = settings["fetches"] * PLACES
        self.streams: dict[tuple[str, str], int] = {}
        self.waiting = self.bytes = 0
        self.safe: Callable[[], None] = lambda: None  # called once what was taken is put away

    def __enter__(self) -> "Incoming":  # noqa: PYI034  # nothing derives from it
        self.path = Path(tempfile.mkdtemp(prefix="incoming-", dir=self.folder.path))
        self._open()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.file.close()
        shutil.rmtree(self.path, ignore_errors=True)

    def _open(self) -> None:
        self.file = (self.path / "events").open("w", encoding="ascii")

    def take(self, events: Iterable[LogEvent]) -> None:
        """Take the events of one source; what waits is put away wherever there are enough.

        Raises:
            Problem: the source fails, or there is no room. What came before was taken.
        """
        encode = json.JSONEncoder(separators=(",", ":")).encode
        ids: set[str] = set()
        last_ms = -1
        for event, time_ms, timed in self._with_times(events):
            if time_ms != last_ms and (self.waiting >= ROUND or self.bytes >= ROUND_BYTES):
                self.put_away()
            last_ms = time_ms
            if event.event_id in ids:
                continue
            if event.event_id:
                ids.add(event.event_id)
            message = clean(event.message)
            if not self.payloads:
                message = without_payloads(message)
            self.number += 1
            row = encode([self._stream(event), time_ms, timed, self.number, message])
            if len(row) > LONGEST:
                self.came.unplaced += 1
                continue
            self.file.write(f"{row}\n")
            self.waiting += 1
            self.bytes += len(row)
        self.source_ended()

    def source_ended(self) -> None:
        """Tell the sources apart: a line that two of them hold is one."""
        self.number += 1
        self.file.write(f'[-1,0,false,{self.number},""]\n')

    def _with_times(self, events: Iterable[LogEvent]) -> Iterator[tuple[LogEvent, int, bool]]:
        """Yield *events* with the time of each, and whether its source said it.

        Where it does not, what stands in the line, or in the one before it, counts.
        """
        waiting: list[LogEvent] = []
        known: dict[tuple[str, str], tuple[int, bool]] = {}
        for event in events:
            self.came.events += 1
            stream = (event.group, event.stream)
            if event.time_ms is not None:
                known[stream] = (event.time_ms, True)
                yield event, event.time_ms, True
                continue
            before = known.get(stream)
            said = said_time_ms(event.message)
            if said is None and before is None:
                waiting.append(event)
                if len(waiting) > WAITING:
                    self.came.unplaced += len(waiting)
                    waiting.clear()
                continue
            timed = before is not None and before[1]
            known[stream] = (said if said is not None else before[0] if before else 0, timed)
            for early in [one for one in waiting if (one.group, one.stream) == stream]:
                waiting.remove(early)
                yield early, known[stream][0], timed
            yield event, *known[stream]
        self.came.unplaced += len(waiting)

    def _stream(self, event: LogEvent) -> int:
        key = (clean(event.group), clean(event.stream))
        if key not in self.streams:
            self.streams[key] = len(self.streams)
        return self.streams[key]

    def put_away(self) -> None:
        """Put what waits into its hours."""
        self.file.close()
        if self.waiting:
            self._put_away()
        self.waiting = self.bytes = 0
        self._open()
        self.safe()

    def _put_away(self) -> None:
        self._load()
        execute = self.database.execute
        self.folder.set_settings(self.settings)  # the next fetch counts from another number
        old = f"time_ms < {self.keep_from_ms}"
        self.came.old += self.database.number(f"SELECT COUNT(*) FROM came WHERE {old}")  # noqa: S608
        hours = self.database.rows(
            f"SELECT DISTINCT time_ms // {HOUR_MS} FROM came WHERE NOT {old} ORDER BY 1"  # noqa: S608
        )
        for (number,) in hours:
            self._add(self.folder.hour(number))
        execute("DROP TABLE came")

    def _load(self) -> None:
        """Make the table ``came`` of what waits."""
        execute = self.database.execute
        names = [
            {"number": number, "stream_key": stream_key(*key), "g": key[0], "s": key[1]}
            for key, number in self.streams.items()
        ]
        path = self.path / "streams"
        path.write_text("".join(json.dumps(one) + "\n" for one in names), "ascii")
        execute(
            "CREATE OR REPLACE TEMP TABLE names AS SELECT number, stream_key, g, s "
            "FROM read_ndjson(?, columns = {'number': 'BIGINT', 'stream_key': 'BIGINT', "
            "'g': 'VARCHAR', 's': 'VARCHAR'})",
            [str(path)],
        )
        execute(
            "CREATE OR REPLACE TEMP TABLE said AS SELECT CAST(json[1] AS BIGINT) AS number, "
            "CAST(json[2] AS BIGINT) AS time_ms, json[3] = 'true' AS timed, "
            "CAST(json[4] AS BIGINT) AS place, json[5] AS message "
            "FROM read_json(?, format = 'newline_delimited', records = false, "
            "columns = {'json': 'VARCHAR[]'})",
            [str(self.path / "events")],
        )
        execute(_CAME)
        execute("DROP TABLE said")

    def _add(self, hour: Hour) -> None:
        """Add to *hour* what it does not hold yet."""
        execute, number = self.database.execute, self.database.number
        mine = f"time_ms // {HOUR_MS} = {hour.number}"
        place = self.folder.made(hour.number)
        execute(
            f"CREATE OR REPLACE TEMP TABLE new AS SELECT * FROM came WHERE {mine}"  # noqa: S608
        )
        if hour.lines:
            files = ", ".join(quoted(place / name) for name in hour.lines)
            execute(
                "DELETE FROM new WHERE EXISTS (FROM "  # noqa: S608  # our own names
                "(SELECT stream_key, time_ms, nth, message "
                f"FROM read_parquet([{files}]) WHERE time_ms BETWEEN "
                "(SELECT MIN(time_ms) FROM new) AND (SELECT MAX(time_ms) FROM new)) AS known "
                "WHERE known.stream_key = new.stream_key AND known.time_ms = new.time_ms "
                "AND known.nth = new.nth AND known.message = new.message)"
            )
        new = number("SELECT COUNT(*) FROM new")
        if not new:
            return
        self.came.new += new
        name = f"lines-{self.settings['fetches']}-{self.number}.parquet"
        execute(
            f"COPY (SELECT {NAMES} FROM new ORDER BY stream_key, time_ms, place) "  # noqa: S608
            f"TO {quoted(place / name)} {WRITTEN.format(LINES_A_GROUP)}"
        )
        for beside in (hour.number - 1, hour.number + 1):  # an invocation may lie in both
            self.folder.mark_stale(beside)
        last_ms = max(number("SELECT MAX(time_ms) FROM new"), int(hour.facts.get("lastMs", 0)))
        facts = {**hour.facts, "lastMs": last_ms}
        self.folder.put(replace(hour, lines=(*hour.lines, name), stale=True, facts=facts))


def stream_key(group: str, stream: str) -> int:
    """Return the number by which files know a log stream: 63 bits of a hash of its names."""
    named = f"{group}\0{stream}".encode()
    return int.from_bytes(blake2b(named, digest_size=8).digest(), "big") >> 1
