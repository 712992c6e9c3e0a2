"""What is read: log events, and counts of what could not be used. Data only."""

from dataclasses import dataclass, field


@dataclass(slots=True)
class LogEvent:
    """One event of a log stream, wherever it was read.

    Attributes:
        time_ms: Unix milliseconds, or None where the source has no times.
        order: counts up in the order of reading; breaks ties of *time_ms* within a stream.
        event_id: CloudWatch's own, or "".
    """

    group: str
    stream: str
    time_ms: int | None
    message: str
    order: int
    event_id: str = ""


@dataclass(slots=True)
class Counts:
    """What was read, and what of it could not be used. Nothing is lost without being counted here.

    Attributes:
        events: log events read.
        span_lines: span lines used.
        broken: marks without a complete, usable object behind them.
        untrusted: span lines whose request id is not that of the invocation around them.
        conflicting: handlers whose end was told twice, and differently: of both, the longer and the
            failed one counts.
        unplaced: log lines of processes side by side that name no request.
        unjoined: requests of an access log that name no id by which a function knows them, and may
            have reached one.
        skipped: pieces of a source that are no log event.
        dropped: what the functions' own budgets took away, as they said it.
        health: what lumitrace itself could not do, as the functions said it.
    """

    events: int = 0
    span_lines: int = 0
    broken: int = 0
    untrusted: int = 0
    conflicting: int = 0
    unplaced: int = 0
    unjoined: int = 0
    skipped: int = 0
    dropped: int = 0
    health: list[str] = field(default_factory=list)
