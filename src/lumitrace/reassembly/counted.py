"""What CloudWatch counted where not every line was read: exact, by function and minute."""

from collections import defaultdict
from dataclasses import dataclass, field

MINUTE_MS = 60_000


@dataclass(slots=True)
class Count:
    """Of the invocations of one function that began or ended in one minute.

    Attributes:
        begun: their first lines.
        ended: their last lines: those of the handler's end.
        failed: last lines that say it failed.
        died: what Lambda reported of functions that it ended.
    """

    begun: int = 0
    ended: int = 0
    failed: int = 0
    died: int = 0


@dataclass(slots=True)
class Counted:
    """The counts of a window, and which share of its traces was read.

    Attributes:
        functions: name to the minute, Unix ms, to its count.
        unit_ms: a minute, or an hour in a wide window.
        healthy_share: of the traces in which nothing failed, 1.0 where all were read.
        failing_read, failing_of: traces in which something failed.
    """

    functions: dict[str, dict[int, Count]] = field(
        default_factory=lambda: defaultdict(lambda: defaultdict(Count))
    )
    unit_ms: int = MINUTE_MS
    healthy_share: float = 1.0
    failing_read: int = 0
    failing_of: int = 0

    @property
    def invocations(self) -> int:
        """Return how many invocations began."""
        return sum(sum(one.begun for one in own.values()) for own in self.functions.values())

    @property
    def is_sample(self) -> bool:
        """Tell whether something was left out."""
        return self.healthy_share < 1 or not self.all_failing

    @property
    def all_failing(self) -> bool:
        """Tell whether every trace in which something failed was read."""
        return self.failing_read >= self.failing_of

    def failed(self, function: str) -> int:
        """Return how many invocations of *function* failed: a function that dies says no end."""
        return _failed(list(self.functions.get(function, {}).values()))

    def failing_functions(self) -> dict[str, int]:
        """Return the functions that failed, with how often."""
        found = {name: self.failed(name) for name in self.functions}
        return {name: count for name, count in found.items() if count}

    def rates(self, function: str, last_ms: int) -> dict[str, dict[str, int]]:
        """Return failed and all invocations: of the last whole unit before *last_ms*, and of all.

        Where the window holds no whole unit, of its last one.
        """
        own = self.functions.get(function, {})
        every = {minute for minutes in self.functions.values() for minute in minutes}
        whole = [minute for minute in every if minute + self.unit_ms <= last_ms]
        latest = max(whole or every, default=0)
        recent = [count for minute, count in own.items() if minute == latest]
        return {
            "lastMinute": _rate(recent),
            "all": _rate(list(own.values())),
        }

    def since_ms(self, function: str) -> int:
        """Return the beginning of the first unit in which *function* failed, 0 where none did."""
        own = self.functions.get(function, {})
        return min((minute for minute, one in own.items() if one.failed or one.died), default=0)


def _rate(counts: list[Count]) -> dict[str, int]:
    return {"failed": _failed(counts), "invocations": sum(one.begun for one in counts)}


def _failed(counts: list[Count]) -> int:
    unended = sum(one.begun - one.ended for one in counts)
    died = sum(one.died for one in counts)
    if not any(one.begun or one.ended for one in counts):
        return died  # it writes no span lines, or died before the first
    return sum(one.failed for one in counts) + max(0, min(unended, died))
