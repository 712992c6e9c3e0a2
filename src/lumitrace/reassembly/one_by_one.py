"""A log stream cut into attempts: START to END, with every line in between.

A sandbox runs one invocation at a time, so a START between an invocation's START and its END was
printed by somebody else: it is text, and what stands behind it is not trusted. The same holds where
the log ends, or begins, in the middle of an invocation.
"""

from lumitrace.reassembly.events import Counts, LogEvent
from lumitrace.reassembly.model import Attempt
from lumitrace.reassembly.platform_line import (
    DONE,
    END,
    EXIT,
    REPORT,
    START,
    TIMEOUT,
    PlatformLine,
)
from lumitrace.reassembly.stream import Item, Lines, Stream

_ENDS = frozenset((END, REPORT))
_WITHIN = frozenset((DONE, EXIT, TIMEOUT))  # of the invocation under way, or just over


class OneByOne(Stream):
    """The log stream of a sandbox that runs one invocation at a time."""

    def __init__(self, lines: Lines, counts: Counts) -> None:
        super().__init__(lines, counts)
        self.closes_at = -1  # index of the line that ends the open attempt, -1 where there is none
        self.starts = any(line and line.kind == START for line in self.platform)

    def believes(self, index: int, line: PlatformLine) -> bool:
        """Tell whether *line* stands where Lambda writes it."""
        if line.kind in _WITHIN:
            under_way = self.open or next(iter(self.found[-1:]), None)
            return under_way is not None and under_way.request_id == line.request_id
        if self.open is None:
            begins = not line.request_id or line.kind == START
            return begins or self.known(line.request_id) is not None or self._ends_cut(index, line)
        if self.closes_at >= 0:
            return self.closes_at <= index
        # The log has no end of it. As long as it runs, it may print what others send.
        over = self.open.returned or not self.open.objects
        return over or self.open.request_id == line.request_id

    def _ends_cut(self, index: int, line: PlatformLine) -> bool:
        """Tell whether *line* may end an invocation whose START was not read.

        Only the last end before the next START can: one before it was printed within.
        """
        if not self.starts:
            return True
        for later in self.platform[index + 1 :]:
            if later is None:
                continue
            if later.kind == START:
                return True
            if later.kind in _ENDS and later.request_id != line.request_id:
                return False
        return True

    def attempt_of(self, index: int, event: LogEvent, line: PlatformLine) -> Attempt:
        """Return the attempt that *line* begins, ends or speaks of."""
        if line.kind == START:
            return self._begin(index, event, line)
        if self.open is not None and self.open.request_id == line.request_id:
            return self.open
        return self.known(line.request_id) or self._begin_late(event, line)

    def _begin(self, index: int, event: LogEvent, line: PlatformLine) -> Attempt:
        known = self.open
        if known and (known.request_id, known.start_ms) == (line.request_id, event.time_ms):
            return known  # the same line, delivered twice
        self.counts.untrusted += len(self.loose_objects)
        self.loose_objects = []
        self.open = self.new_attempt(event, line.request_id)
        self.closes_at = self._end_of(index, line.request_id, event.time_ms)
        return self.open

    def _end_of(self, start: int, request_id: str, time_ms: int | None) -> int:
        """Return the index of the line that ends the attempt begun at *start*, or -1."""
        for index in range(start + 1, len(self.events)):
            line = self.platform[index]
            if line is None or line.request_id != request_id:
                continue
            if line.ends:
                return index
            if line.kind == START and self.events[index].time_ms != time_ms:
                return -1
            if line.kind == REPORT:
                return index
        return -1

    def _begin_late(self, event: LogEvent, line: PlatformLine) -> Attempt:
        """Return an attempt whose START was not read: what stands before its end is its own."""
        self.open = None
        attempt = self.new_attempt(event, line.request_id)
        if attempt.lines:
            attempt.start_ms = attempt.lines[0].time_ms
        for item in self.loose_objects:
            self.judge(attempt, item)
        self.loose_objects = []
        return attempt

    def file(self, event: LogEvent, item: Item, *, first: bool) -> None:  # noqa: ARG002  # all do
        """Give *item* to the attempt under way, or keep it for the one whose end comes."""
        if self.open is not None:
            self.judge(self.open, item)
        else:
            self.loose_objects.append(item)
