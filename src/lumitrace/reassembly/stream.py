"""One log stream cut into attempts: START to END, with every line in between.

A sandbox runs one invocation at a time, so a START between an invocation's START and its END was
printed by somebody else: it is text, and what stands behind it is not trusted.
"""

from lumitrace.reassembly import log_lines as grammar
from lumitrace.reassembly.events import Counts, LogEvent
from lumitrace.reassembly.fields import text
from lumitrace.reassembly.model import APPLICATION, PLATFORM, SPAN_LINE, Attempt, LogLine
from lumitrace.wire import span_line

LOOK_BACK = 4  # lines; a line that was delivered twice stands beside itself
LAMBDA_GROUP = "/aws/lambda/"


class Stream:
    """One log stream: a sandbox's own lines, read from its first event to its last."""

    def __init__(self, events: list[LogEvent], counts: Counts) -> None:
        self.events = in_order(events)
        self.counts = counts
        self.found: list[Attempt] = []
        self.open: Attempt | None = None
        self.closes_at = -1  # index of the line that ends the open attempt, -1 where there is none
        self.loose: list[LogLine] = []  # lines since the last attempt ended
        self.loose_objects: list[dict[str, object]] = []
        self.function = ""
        self.platform = [
            None if span_line.MARK in event.message else grammar.platform_line(event.message)
            for event in self.events
        ]
        self.bracketed = any(line and line.request_id for line in self.platform)

    def attempts(self) -> list[Attempt]:
        """Return the attempts of this stream, oldest first."""
        self.counts.events += len(self.events)
        for index, event in enumerate(self.events):
            line = self.platform[index]
            if line is not None and self._is_lambdas(index, line):
                self._platform(index, event, line)
            elif span_line.MARK in event.message:
                self._marked(event)
            else:
                self._application(event)
        self._close()
        self.counts.untrusted += len(self.loose_objects)
        self._name()
        return self.found

    # Lambda's own lines

    def _is_lambdas(self, index: int, line: grammar.PlatformLine) -> bool:
        """Tell whether Lambda can have written this line here; else somebody printed it."""
        if line.kind in {grammar.TIMEOUT, grammar.EXIT}:
            known = self.open or next(iter(self.found[-1:]), None)
            return known is not None and known.request_id == line.request_id
        return self.open is None or self.closes_at <= index

    def _platform(self, index: int, event: LogEvent, line: grammar.PlatformLine) -> None:
        shown = self._line(event, PLATFORM, event.message.rstrip())
        self.function = self.function or line.function
        if not line.request_id:
            self._close()
            self.loose.append(shown)
            return
        attempt = self._begin(index, event, line) if line.kind == grammar.START else None
        attempt = attempt or self._belongs_to(line) or self._begin_late(event, line)
        attempt.lines.append(shown)
        attempt.end_ms = max(attempt.end_ms, shown.time_ms)
        attempt.report = line.report or attempt.report
        known = attempt.outcome
        if line.failure and (known is None or line.failure.type == grammar.OUT_OF_MEMORY):
            attempt.outcome = line.failure
        if line.kind in {grammar.END, grammar.REPORT}:
            attempt.ended = True
            if attempt is self.open:
                self._close()

    def _begin(self, index: int, event: LogEvent, line: grammar.PlatformLine) -> Attempt:
        if self.open and self._same_start(self.open, line, event):
            return self.open  # the same line, delivered twice
        self._close()
        attempt = Attempt(event.group, event.stream, line.request_id, event.time_ms or 0)
        attempt.lines = self.loose
        self.counts.untrusted += len(self.loose_objects)
        self.loose, self.loose_objects = [], []
        self.found.append(attempt)
        self.open = attempt
        self.closes_at = self._end_of(index, line.request_id, event.time_ms)
        return attempt

    @staticmethod
    def _same_start(attempt: Attempt, line: grammar.PlatformLine, event: LogEvent) -> bool:
        return attempt.request_id == line.request_id and attempt.start_ms == event.time_ms

    def _end_of(self, start: int, request_id: str, time_ms: int | None) -> int:
        """Return the index of the line that ends the attempt begun at *start*, or -1."""
        for index in range(start + 1, len(self.events)):
            line = self.platform[index]
            if line is None or line.request_id != request_id:
                continue
            if line.ends:
                return index
            if line.kind == grammar.START and self.events[index].time_ms != time_ms:
                return -1
            if line.kind == grammar.REPORT:
                return index
        return -1

    def _belongs_to(self, line: grammar.PlatformLine) -> Attempt | None:
        if self.open is not None and self.open.request_id == line.request_id:
            return self.open
        for attempt in reversed(self.found):
            if attempt.request_id == line.request_id:
                return attempt
        return None

    def _begin_late(self, event: LogEvent, line: grammar.PlatformLine) -> Attempt:
        """Return an attempt whose START was not read: what stands before its end is its own."""
        self._close()
        attempt = Attempt(event.group, event.stream, line.request_id, event.time_ms or 0)
        attempt.lines = self.loose
        if attempt.lines:
            attempt.start_ms = attempt.lines[0].time_ms
        for item in self.loose_objects:
            self._judge(attempt, item)
        self.loose, self.loose_objects = [], []
        self.found.append(attempt)
        return attempt

    def _close(self) -> None:
        self.open, self.closes_at = None, -1

    # Our lines

    def _marked(self, event: LogEvent) -> None:
        found = span_line.find(event.message)
        self.counts.broken += found.broken
        first = found.first
        for item in found.objects:
            if item["record"] == span_line.HEALTH:
                self._health(item)
            elif not self.bracketed:
                self._by_request(event, item, trusted=first)
            elif self.open is not None:
                self._judge(self.open, item)
            else:
                self.loose_objects.append(item)
            first = False
        line = self._line(event, SPAN_LINE, event.message.rstrip())
        self._keep(line, self.open)
        rest = found.rest.strip()
        if rest and not found.broken:
            self._keep(self._line(event, APPLICATION, rest), self.open)

    def _judge(self, attempt: Attempt, item: dict[str, object]) -> None:
        if item.get("requestId") != attempt.request_id:
            self.counts.untrusted += 1
        elif item not in attempt.objects[-LOOK_BACK:]:
            attempt.objects.append(item)

    def _by_request(self, event: LogEvent, item: dict[str, object], *, trusted: bool) -> None:
        """File a span line of a stream without START and END by its own request id."""
        request_id = text(item, "requestId")
        if not trusted or not request_id:
            self.counts.untrusted += 1
            return
        known = [attempt for attempt in self.found if attempt.request_id == request_id]
        attempt = known[-1] if known else None
        if attempt is None or self._is_new(attempt, item):
            attempt = Attempt(event.group, event.stream, request_id, event.time_ms or 0)
            attempt.lines, self.loose = self.loose, []
            self.found.append(attempt)
        self.open = attempt
        attempt.ended = attempt.ended or item["record"] == span_line.INVOCATION
        attempt.objects.append(item)

    @staticmethod
    def _is_new(attempt: Attempt, item: dict[str, object]) -> bool:
        starts = [one for one in attempt.objects if one["record"] == span_line.START]
        if item["record"] != span_line.START or not starts:
            return False
        return all(one.get("spanId") != item.get("spanId") for one in starts)

    def _health(self, item: dict[str, object]) -> None:
        said = " ".join(str(item.get(key, "")) for key in ("name", "component", "message"))
        self.counts.health.append(said.strip()[:512])

    # The application's lines

    def _application(self, event: LogEvent) -> None:
        line = grammar.application_line(event.message)
        attempt = self.open
        if line.request_id and (attempt is None or attempt.request_id != line.request_id):
            known = [one for one in self.found if one.request_id == line.request_id]
            attempt = known[-1] if known else attempt
        if attempt is not None and line.failure:
            attempt.raised = attempt.raised or line.failure
        self._keep(self._line(event, APPLICATION, line.text), attempt)

    def _keep(self, line: LogLine, attempt: Attempt | None) -> None:
        if attempt is None:
            self.loose.append(line)
        else:
            attempt.lines.append(line)
            attempt.end_ms = max(attempt.end_ms, line.time_ms)

    @staticmethod
    def _line(event: LogEvent, origin: str, text: str) -> LogLine:
        return LogLine(event.time_ms or 0, event.order, origin, text)

    def _name(self) -> None:
        """Give the attempts the name of their function, and the last one what is left over."""
        group = self.events[0].group
        if group.startswith(LAMBDA_GROUP):
            self.function = group[len(LAMBDA_GROUP) :]
        for attempt in self.found:
            named = (item.get("name") for item in attempt.objects if item["record"] in _NAMING)
            said = next((name for name in named if isinstance(name, str) and name), "")
            self.function = self.function or said
            attempt.function = said
        for attempt in self.found:
            attempt.function = attempt.function or self.function or group or "unknown function"
        if self.found:
            self.found[-1].lines += self.loose


_NAMING = frozenset((span_line.START, span_line.INVOCATION))


def in_order(events: list[LogEvent]) -> list[LogEvent]:
    """Return *events* by time; those without one keep their place, and take the last time said."""
    known = 0
    for event in events:
        if event.time_ms is None:
            known = grammar.said_time_ms(event.message) or known
            event.time_ms = known
        else:
            known = event.time_ms
    first = next((event.time_ms for event in events if event.time_ms), 0)
    for event in events:
        event.time_ms = event.time_ms or first
    return sorted(events, key=lambda event: (event.time_ms or 0, event.order))
