"""A window of time, as people write it: ``15m``, ``2h``, ``2026-11-22T02:00``."""

import re
from dataclasses import dataclass
from datetime import datetime, timezone

from lumitrace.reassembly.log_lines import parse_time_ms
from lumitrace.reassembly.problem import MISUSE, Problem

_AGO = re.compile(r"(\d{1,6})(s|m|h|d)\Z")
_UNIT_MS = {"s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}


@dataclass(frozen=True)
class Window:
    """From *since_ms* to *until_ms*, Unix milliseconds, both included; None is open."""

    since_ms: int | None = None
    until_ms: int | None = None

    def holds(self, time_ms: int | None) -> bool:
        """Tell whether *time_ms* lies inside; what has no time does."""
        if time_ms is None:
            return True
        since, until = self.since_ms, self.until_ms
        return (since is None or time_ms >= since) and (until is None or time_ms <= until)


def parse_moment(option: str, text: str, now_ms: int) -> int:
    """Return the Unix milliseconds of *text*: so long before *now_ms*, or a moment in UTC.

    Raises:
        Problem: *text* is neither.
    """
    ago = _AGO.match(text)
    if ago:
        return now_ms - int(ago[1]) * _UNIT_MS[ago[2]]
    moment = parse_time_ms(text) if re.match(r"\d{4}-\d\d-\d\d", text) else None
    if moment is None:
        message = f"{option} {text!r} is no time; write 15m, 2h, 3d or 2026-11-22T02:00 (UTC)"
        raise Problem(message, MISUSE)
    return moment


def parse_window(since: str | None, until: str | None) -> Window:
    """Return the window between two moments.

    Raises:
        Problem: one of them is no time, or nothing lies between them.
    """
    now_ms = int(datetime.now(timezone.utc).timestamp() * 1000)
    window = Window(
        parse_moment("--since", since, now_ms) if since else None,
        parse_moment("--until", until, now_ms) if until else None,
    )
    if None not in (window.since_ms, window.until_ms) and not window.holds(window.since_ms):
        message = f"nothing lies between --since {since} and --until {until}; swap them"
        raise Problem(message, MISUSE)
    return window
