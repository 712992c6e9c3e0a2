"""Why, of logs that nobody fetched before: counts of all, lines of what failed, some of the rest.

CloudWatch counts every invocation; the lines of the traces in which something failed are read, and
of the others as many as a comparison needs, chosen by the beginning of their random trace id.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timezone
from functools import partial
from itertools import islice

from lumitrace.reassembly.counted import MINUTE_MS, Counted
from lumitrace.reassembly.events import LogEvent
from lumitrace.reassembly.log_lines import platform_line
from lumitrace.reassembly.platform_line import REPORT
from lumitrace.reassembly.sources.cloudwatch import queries
from lumitrace.reassembly.sources.cloudwatch.insights import GROUPS, Ask, Insights, Row
from lumitrace.wire.span_line import SEVERITY_ERROR

# The reader takes about 20,000 spans a second, so these bound its time to some ten seconds.
ALL_INVOCATIONS = 10_000  # up to here everything is read
FAILING_TRACES = 5_000  # the latest of them
HEALTHY_INVOCATIONS = 4_000  # about so many
FOLLOWED_TRACES = 5_000  # that what was read names as its senders
ROUNDS = 2  # of following
HOUR_MS = 60 * MINUTE_MS
ROWS = 10_000  # of counts: functions times records times minutes

_TRACE = re.compile(r"[0-9a-f]{32}\Z")
_NAMED = re.compile(r'(?<!"traceId":")(?<!"xrayRoot":")\b([0-9a-f]{32})\b')


class Cold:
    """One question about one account's log groups and one window.

    Attributes:
        counted: exact counts, once ``lines`` was asked for.
        read: the trace ids whose lines were asked for.
    """

    def __init__(
        self, insights: Insights, groups: dict[str, str], since_ms: int, until_ms: int
    ) -> None:
        self.insights, self.counted = insights, Counted()
        self.since_s, self.until_s = since_ms // 1000, -(-until_ms // 1000)
        self.batches = _batches(groups)
        self.read: set[str] = set()
        self.seen: set[str] = set()
        minutes = (until_ms - since_ms) // MINUTE_MS + 2
        if minutes * len(groups) * 4 > ROWS:
            self.counted.unit_ms = HOUR_MS

    def lines(self) -> Iterator[LogEvent]:
        """Yield what is worth reading.

        Raises:
            Problem: CloudWatch did not answer, or the budget is spent.
        """
        unit = "1m" if self.counted.unit_ms == MINUTE_MS else "1h"
        failing: dict[str, None] = {}
        died: set[str] = set()
        first = [
            *self._asks(partial(queries.counts, unit=unit), purpose="counts"),
            *self._asks(queries.failing, purpose="failing"),
            *self._asks(queries.died, whole=True, purpose="died"),
        ]
        for ask, rows in self.insights.run(first):
            if ask.purpose == "counts":
                self._count(rows)
            elif ask.purpose == "failing":
                failing.update(_traces(rows))
            else:
                for event in self._events(rows):
                    died.update(self._note_death(event))
                    yield event
        failing.update(dict.fromkeys(self._of_requests(died)))
        yield from self._read(list(failing))

    def everything(self) -> Iterator[LogEvent]:
        """Yield all our lines, and what Lambda wrote of functions that died.

        Raises:
            Problem: CloudWatch did not answer, or the budget is spent.
        """
        died = self._asks(queries.died, whole=True)
        yield from self.lines_of([*died, *self._asks(queries.everything, whole=True)])

    def _read(self, failing: list[str]) -> Iterator[LogEvent]:
        counted = self.counted
        counted.failing_of = len(failing)
        if counted.invocations <= ALL_INVOCATIONS:
            counted.failing_read = len(failing)
            yield from self.lines_of(self._asks(queries.everything, whole=True))
            return
        chosen = failing[:FAILING_TRACES]
        counted.failing_read = len(chosen)
        begins, counted.healthy_share = queries.share(HEALTHY_INVOCATIONS / counted.invocations)
        asks = self._asks(partial(queries.sample, begins=begins), whole=True)
        senders: set[str] = set()
        for event in self.lines_of([*asks, *self._of_traces(chosen)]):
            senders.update(_named(event.message))
            yield event
        yield from self._follow(senders)

    def _follow(self, senders: set[str]) -> Iterator[LogEvent]:
        """Yield the lines of the traces that are named as senders and were not read."""
        left = FOLLOWED_TRACES
        for _ in range(ROUNDS):
            chosen = sorted(senders - self.read)[:left]
            left -= len(chosen)
            if not chosen:
                return
            senders = set()
            for event in self.lines_of(self._of_traces(chosen)):
                senders.update(_named(event.message))
                yield event

    def _of_requests(self, requests: Iterable[str]) -> Iterator[str]:
        for ids in _pieces(sorted(requests)):
            asks = self._asks(partial(queries.of_requests, requests=ids))
            for _, rows in self.insights.run(asks):
                yield from _traces(rows)

    def _of_traces(self, traces: list[str]) -> list[Ask]:
        self.read.update(traces)
        return [
            ask
            for ids in _pieces(traces)
            for ask in self._asks(partial(queries.of_traces, traces=ids), whole=True)
        ]

    def _asks(
        self, text: Callable[[str], str], *, whole: bool = False, purpose: str = ""
    ) -> list[Ask]:
        return [
            Ask(text(kind), groups, self.since_s, self.until_s, whole, purpose)
            for kind, groups in self.batches
        ]

    def lines_of(self, asks: list[Ask]) -> Iterator[LogEvent]:
        """Yield the log events that *asks* match, each once."""
        for _, rows in self.insights.run(asks):
            yield from self._events(rows)

    def _events(self, rows: list[Row]) -> Iterator[LogEvent]:
        """Yield the events of *rows* that did not come before."""
        for row in rows:
            pointer = row.get("@ptr", "")
            if pointer in self.seen:
                continue
            if pointer:
                self.seen.add(pointer)
            group = row.get("@log", "").partition(":")[2]
            stream, message = row.get("@logStream", ""), row.get("@message", "")
            yield LogEvent(group, stream, _time_ms(row.get("@timestamp", "")), message, 0)

    def _count(self, rows: list[Row]) -> None:
        unit = next((name for row in rows for name in row if name.startswith("bin(")), "")
        for row in rows:
            name, lines = row.get("name", ""), int(row.get("lines") or 0)
            if not name:  # a line that goes on with a list
                continue
            count = self.counted.functions[name][_time_ms(row.get(unit, ""))]
            if row.get("record") == "start":
                count.begun += lines
                continue
            count.begun += int(float(row.get("alones") or 0))
            count.ended += lines
            count.failed += lines if row.get("severityText") == SEVERITY_ERROR else 0

    def _note_death(self, event: LogEvent) -> set[str]:
        """Count what Lambda reported, and return the request id that it names."""
        said = platform_line(event.message)
        if said is None:
            return set()
        if said.kind == REPORT and said.failure is not None and event.time_ms is not None:
            minute = event.time_ms - event.time_ms % self.counted.unit_ms
            self.counted.functions[event.group.rpartition("/")[2]][minute].died += 1
        return {said.request_id} if said.request_id else set()


def _batches(groups: dict[str, str]) -> list[tuple[str, tuple[str, ...]]]:
    """Return the groups of each class in pieces that one query takes; Delivery is in none."""
    by_class: dict[str, list[str]] = defaultdict(list)
    for name, kind in groups.items():
        if kind in {queries.STANDARD, queries.INFREQUENT}:
            by_class[kind].append(name)
    return [
        (kind, tuple(names[at : at + GROUPS]))
        for kind, names in sorted(by_class.items())
        for at in range(0, len(names), GROUPS)
    ]


def _pieces(ids: list[str]) -> Iterator[list[str]]:
    rest = iter(ids)
    while piece := list(islice(rest, queries.IDS)):
        yield piece


def _traces(rows: list[Row]) -> dict[str, None]:
    return {row["traceId"]: None for row in rows if _TRACE.match(row.get("traceId", ""))}


def _named(message: str) -> set[str]:
    """Return the traces that a line names as those of its senders."""
    names = '"links":' in message or '"records":[' in message
    return set(_NAMED.findall(message)) if names else set()


def _time_ms(text: str) -> int:
    """Return the Unix milliseconds of a time as Insights writes it, in UTC."""
    try:
        moment = datetime.fromisoformat(text).replace(tzinfo=timezone.utc)
    except ValueError:
        return 0
    return int(moment.timestamp()) * 1000 + moment.microsecond // 1000
