"""A log stream while it is read: what all ways of telling its attempts apart have in common."""

from lumitrace.reassembly import log_lines as grammar
from lumitrace.reassembly.events import Counts, LogEvent
from lumitrace.reassembly.model import (
    APPLICATION,
    PLATFORM,
    SPAN_LINE,
    Attempt,
    Failure,
    Init,
    LogLine,
)
from lumitrace.reassembly.platform_line import END, OUT_OF_MEMORY, REPORT, UNKNOWN, PlatformLine
from lumitrace.wire import span_line

LOOK_BACK = 4  # lines; a line that was delivered twice stands beside itself
LAMBDA_GROUP = "/aws/lambda/"
_NAMING = frozenset((span_line.START, span_line.INVOCATION))

Item = dict[str, object]


class Lines:
    """The events of one stream in their order, and what Lambda says in each, or None."""

    def __init__(self, events: list[LogEvent]) -> None:
        self.events = in_order(events)
        self.platform = [
            None if span_line.MARK in event.message else grammar.platform_line(event.message)
            for event in self.events
        ]


class Stream:
    """One log stream, read from its first event to its last.

    Attributes:
        found: its attempts, oldest first.
        open: the attempt that lines without a request id belong to, or None.
        loose: lines that belong to no attempt yet.
        loose_objects: span lines that belong to no attempt yet.
        inits: how the function's code started since the last attempt.
        init_raised: what was printed of an exception since the last attempt.
    """

    def __init__(self, lines: Lines, counts: Counts) -> None:
        self.events, self.platform = lines.events, lines.platform
        self.counts = counts
        self.found: list[Attempt] = []
        self.latest: dict[str, Attempt] = {}  # by request id
        self.open: Attempt | None = None
        self.loose: list[LogLine] = []
        self.loose_objects: list[Item] = []
        self.inits: list[Init] = []
        self.init_raised: Failure | None = None
        self.function = ""

    def attempts(self) -> list[Attempt]:
        """Return the attempts of this stream, oldest first."""
        self.counts.events += len(self.events)
        for index, event in enumerate(self.events):
            line = self.platform[index]
            if line is not None and self.believes(index, line):
                self._platform(index, event, line)
            elif span_line.MARK in event.message:
                self._marked(event)
            else:
                self._application(event)
        self.counts.untrusted += len(self.loose_objects)
        self._name()
        self.leave_over()
        return self.found

    # What the ways of reading decide

    def believes(self, index: int, line: PlatformLine) -> bool:
        """Tell whether Lambda can have written *line* here; else somebody printed it."""
        raise NotImplementedError

    def attempt_of(self, index: int, event: LogEvent, line: PlatformLine) -> Attempt:
        """Return the attempt that *line*, Lambda's own, begins or belongs to."""
        raise NotImplementedError

    def file(self, event: LogEvent, item: Item, *, first: bool) -> None:
        """Give the span line *item* to its attempt; *first*: it begins the log line."""
        raise NotImplementedError

    def about_sandbox(self, line: PlatformLine) -> None:
        """Note a *line* of no invocation: none is under way."""
        self.open = None
        if line.init is not None:
            self.inits.append(line.init)

    def closed(self, attempt: Attempt) -> None:
        """Note that *attempt* has come to its end."""
        if attempt is self.open:
            self.open = None

    def leave_over(self) -> None:
        """Give the last attempt what belongs to none."""
        if self.found:
            self.found[-1].lines += self.loose

    # Lambda's own lines

    def _platform(self, index: int, event: LogEvent, line: PlatformLine) -> None:
        shown = self._line(event, PLATFORM, event.message.rstrip())
        self.function = self.function or line.function
        if not line.request_id:
            self.about_sandbox(line)
            self.loose.append(shown)
            return
        attempt = self.attempt_of(index, event, line)
        attempt.lines.append(shown)
        attempt.end_ms = max(attempt.end_ms, shown.time_ms)
        attempt.report = line.report or attempt.report
        known = attempt.outcome
        if line.failure and (
            known is None or known.type == UNKNOWN or line.failure.type == OUT_OF_MEMORY
        ):
            attempt.outcome = line.failure
        if line.kind in {END, REPORT}:
            attempt.ended = True
            self.closed(attempt)

    def new_attempt(self, event: LogEvent, request_id: str) -> Attempt:
        """Return a new attempt that takes the lines which belong to none yet."""
        attempt = Attempt(event.group, event.stream, request_id, event.time_ms or 0)
        attempt.lines, self.loose = self.loose, []
        attempt.inits, self.inits = self.inits, []
        attempt.init_raised, self.init_raised = self.init_raised, None
        return self.add(attempt)

    def add(self, attempt: Attempt) -> Attempt:
        """Take *attempt* for the latest of its request id, and return it."""
        self.found.append(attempt)
        self.latest[attempt.request_id] = attempt
        return attempt

    def known(self, request_id: str) -> Attempt | None:
        """Return the latest attempt of *request_id*, or None."""
        return self.latest.get(request_id)

    # Our lines

    def _marked(self, event: LogEvent) -> None:
        found = span_line.find(event.message)
        self.counts.broken += found.broken
        first = found.first
        for item in found.objects:
            if item["record"] == span_line.HEALTH:
                self._health(item)
            else:
                self.file(event, item, first=first)
            first = False
        line = self._line(event, SPAN_LINE, event.message.rstrip())
        said = str(found.objects[0].get("requestId")) if found.objects else ""
        whose = self.open or self.whose(said)
        self._keep(line, whose)
        rest = found.rest.strip()
        if rest and not found.broken:
            self._keep(self._line(event, APPLICATION, rest), whose)

    def judge(self, attempt: Attempt, item: Item) -> None:
        """Take *item* for a line of *attempt* where it bears its request id."""
        if item.get("requestId") != attempt.request_id:
            self.counts.untrusted += 1
            return
        if item["record"] == span_line.INVOCATION:
            attempt.returned = True
            if not attempt.ended:  # it went on: what said that it had died was printed
                attempt.outcome = None
        if item not in attempt.objects[-LOOK_BACK:]:
            attempt.objects.append(item)

    def _health(self, item: Item) -> None:
        said = " ".join(str(item.get(key, "")) for key in ("name", "component", "message"))
        self.counts.health.append(said.strip()[:512])

    # The application's lines

    def _application(self, event: LogEvent) -> None:
        line = grammar.application_line(event.message)
        attempt = self.whose(line.request_id)
        if line.failure and attempt is None:
            self.init_raised = line.failure
        elif line.failure and attempt is not None:
            attempt.raised = attempt.raised or line.failure
        self._keep(self._line(event, APPLICATION, line.text), attempt)

    def whose(self, request_id: str) -> Attempt | None:
        """Return the attempt that a line belongs to which says *request_id*, or "" for none."""
        if request_id and (self.open is None or self.open.request_id != request_id):
            return self.known(request_id) or self.open
        return self.open

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
        """Give the attempts the name of their function."""
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


def in_order(events: list[LogEvent]) -> list[LogEvent]:
    """Return *events* by time; those without one keep their place, and take the last time said.

    Where none has a time, all keep their places: a line may say when it began, not when it was
    written.
    """
    without = all(event.time_ms is None for event in events)
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
    if without:
        return sorted(events, key=lambda event: event.order)
    return sorted(events, key=lambda event: (event.time_ms or 0, event.order))
