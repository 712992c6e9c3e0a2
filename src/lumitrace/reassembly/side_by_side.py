"""A log stream in which several invocations run at a time: Lambda Managed Instances.

Their lines interleave, so no START brackets an END. A span line counts where Lambda's own lines in
the same stream name its request, and at the beginning of a log line only.
https://docs.aws.amazon.com/lambda/latest/dg/lambda-managed-instances-python-runtime.html
"""

from lumitrace.reassembly.events import Counts, LogEvent
from lumitrace.reassembly.model import APPLICATION, Attempt
from lumitrace.reassembly.platform_line import INIT_START, START, PlatformLine
from lumitrace.reassembly.stream import Item, Lines, Stream
from lumitrace.wire import span_line


def is_side_by_side(lines: Lines) -> bool:
    """Tell whether the sandbox of *lines* runs several invocations at a time.

    Its first line says so, or else every invocation's own start line; in any other sandbox one
    that does not say so stands among them, whatever an application prints.
    """
    first = lines.platform[0]
    if first is not None and first.kind == INIT_START and first.managed:
        return True
    if not _overlaps(lines.platform):
        return False
    started = {line.request_id for line in lines.platform if line and line.kind == START}
    said = [
        bool(item.get("concurrency"))
        for event in lines.events
        if event.message.startswith(span_line.MARK)
        for item in span_line.find(event.message).objects[:1]
        if item["record"] == span_line.START and item.get("requestId") in started
    ]
    return bool(said) and all(said)


def _overlaps(platform: list[PlatformLine | None]) -> bool:
    """Tell whether an invocation starts while another runs, as it seems."""
    running = ""
    for line in platform:
        if line is None or not line.request_id:
            continue
        if line.ends:
            running = ""
        elif line.kind == START:
            if running and running != line.request_id:
                return True
            running = line.request_id
    return False


class SideBySide(Stream):
    """The log stream of several processes, each with an invocation of its own."""

    def __init__(self, lines: Lines, counts: Counts) -> None:
        super().__init__(lines, counts)
        self.named = {line.request_id for line in self.platform if line and line.request_id}

    def believes(self, index: int, line: PlatformLine) -> bool:  # noqa: ARG002  # nothing says no
        """Tell that *line* is Lambda's: its place says nothing."""
        return True

    def about_sandbox(self, line: PlatformLine) -> None:
        """Leave the invocations under way alone: each process starts by itself."""

    def attempt_of(self, index: int, event: LogEvent, line: PlatformLine) -> Attempt:  # noqa: ARG002  # any
        """Return the attempt of the request that *line* names; START begins one anew."""
        known = self.known(line.request_id)
        if known is None or (line.kind == START and known.ended):
            known = self.new_attempt(event, line.request_id)
        return known

    def new_attempt(self, event: LogEvent, request_id: str) -> Attempt:
        """Return a new attempt; lines that belong to none are not its own."""
        attempt = Attempt(event.group, event.stream, request_id, event.time_ms or 0)
        return self.add(attempt)

    def file(self, event: LogEvent, item: Item, *, first: bool) -> None:
        """Give *item* to the attempt of its request, if Lambda names that in this stream."""
        request_id = str(item.get("requestId"))
        if not first or request_id not in self.named:
            self.counts.untrusted += 1
            return
        self.judge(self.known(request_id) or self.new_attempt(event, request_id), item)

    def whose(self, request_id: str) -> Attempt | None:
        """Return the attempt of *request_id*; a line that names none may be anybody's."""
        return self.known(request_id)

    def leave_over(self) -> None:
        """Count the lines that name no request: nobody can say whose they are."""
        self.counts.unplaced += sum(line.origin == APPLICATION for line in self.loose)
