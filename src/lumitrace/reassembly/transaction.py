"""What attempts and their spans add up to: hops and transactions. Data only."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from lumitrace.reassembly.counted import Counted
from lumitrace.reassembly.events import Counts
from lumitrace.reassembly.model import Attempt, Span


@dataclass(slots=True, eq=False)
class Hop:
    """How one span is known to have caused another.

    Attributes:
        witness: ``context``, ``context (proved)``, ``link key``, ``fingerprint``,
            ``X-Ray root (likely)`` or ``fingerprint of the key (likely)``; ``same batch`` for a
            record of an unknown sender.
    """

    sender_trace: str
    sender_span: str
    receiver_trace: str
    receiver_span: str
    witness: str


@dataclass(slots=True, eq=False)
class Transaction:
    """Everything caused by one entry.

    Attributes:
        id: the entry's trace id, the first of the *traces*.
        cut: the walk was stopped by its guard; more may belong to it.
    """

    id: str
    traces: list[str]
    attempts: list[Attempt]
    spans: list[Span]
    cut: bool = False


@dataclass(slots=True, eq=False)
class Assembled:
    """All that was read and what it adds up to.

    Attributes:
        fan: how many transactions a trace belongs to, by trace id.
        hops: the hops that lead to a span, by its span id.
        candidates: spans that may have written what a span received, where several may: by its
            span id, and by the change.
        attempt_of: the attempt that a span belongs to, by span id.
        last_ms: the time of the latest log event.
        incomplete: sentences about what could not be read.
        counted: what CloudWatch counted, where not every line was read.
    """

    transactions: list[Transaction]
    attempts: list[Attempt]
    counts: Counts
    fan: dict[str, int]
    hops: dict[str, list[Hop]]
    span_by_id: dict[str, Span]
    attempt_of: dict[str, Attempt]
    first_ms: int = 0
    last_ms: int = 0
    candidates: dict[str, dict[str, list[str]]] = field(default_factory=dict)
    incomplete: list[str] = field(default_factory=list)
    counted: Counted | None = None

    def shared_by(self, attempt: Attempt) -> int:
        """Return how many transactions *attempt* belongs to."""
        if attempt.invocation is None:
            return 1
        return self.fan.get(attempt.invocation.trace_id, 1)

    def senders(self, attempt: Attempt) -> Iterator[Hop]:
        """Yield the hops that lead to *attempt*."""
        if attempt.invocation is not None:
            yield from self.hops.get(attempt.invocation.span_id, ())
