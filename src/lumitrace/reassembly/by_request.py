"""A log stream without START and END: its span lines say themselves whose they are.

A local run has no lines of Lambda's, and at the system log level WARN Lambda writes them of
failures alone. Then a span line counts at the beginning of a log line only.
https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-log-level.html
"""

from lumitrace.reassembly.events import LogEvent
from lumitrace.reassembly.fields import text
from lumitrace.reassembly.model import Attempt
from lumitrace.reassembly.platform_line import PlatformLine
from lumitrace.reassembly.stream import LOOK_BACK, Item, Stream
from lumitrace.wire import span_line


class ByRequest(Stream):
    """The log stream of functions that Lambda says nothing of, or only where they fail."""

    def believes(self, index: int, line: PlatformLine) -> bool:  # noqa: ARG002  # nothing says no
        """Tell that *line* is Lambda's: nothing here says otherwise."""
        return True

    def attempt_of(self, index: int, event: LogEvent, line: PlatformLine) -> Attempt:  # noqa: ARG002  # any
        """Return the attempt that *line* speaks of."""
        return self.known(line.request_id) or self.new_attempt(event, line.request_id)

    def file(self, event: LogEvent, item: Item, *, first: bool) -> None:
        """Give *item* to the attempt of its own request id."""
        request_id = text(item, "requestId")
        if not first or not request_id:
            self.counts.untrusted += 1
            return
        attempt = self.known(request_id)
        if attempt is None or _is_new(attempt, item):
            attempt = self.new_attempt(event, request_id)
        self.open = attempt
        if item["record"] == span_line.INVOCATION:
            attempt.ended = attempt.returned = True
        if item not in attempt.objects[-LOOK_BACK:]:
            attempt.objects.append(item)


def _begins(item: Item) -> bool:
    """Tell whether *item* is an invocation's first line, or its only one."""
    alone = item["record"] == span_line.INVOCATION and item.get("detail") is False
    return alone or item["record"] == span_line.START


def _is_new(attempt: Attempt, item: Item) -> bool:
    starts = [one for one in attempt.objects if _begins(one)]
    if not _begins(item) or not starts:
        return False
    return all(one.get("spanId") != item.get("spanId") for one in starts)
