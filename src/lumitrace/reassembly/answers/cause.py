"""The failure that explains most failing transactions, and that healthy ones do not have."""

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from lumitrace.reassembly.answers import describe
from lumitrace.reassembly.answers.outcome import Outcome
from lumitrace.reassembly.answers.path import Found, failures, stopped_in
from lumitrace.reassembly.answers.tag_choice import ID_NAME
from lumitrace.reassembly.model import INVOCATION
from lumitrace.reassembly.transaction import Assembled, Transaction

_QUOTED_OR_NUMBERED = re.compile(r"[\w.+-]*\d[\w.+-]*")
SHORTEST_ID = 4  # characters; a shorter tag would tear words apart

Judged = tuple[Transaction, Outcome]
Signature = tuple[str, str, str, str, str]


@dataclass(slots=True)
class Cause:
    """A failure as several transactions have it.

    Attributes:
        signature: function, service, call, kind of failure, message without ids and numbers.
        rank: 0 where it is always the likeliest of its transaction; larger is less likely.
        failing: ids of the failing transactions that have it.
        healthy: ids of the healthy ones that have it: there it was handled.
    """

    signature: Signature
    rank: int = 0
    failing: list[str] = field(default_factory=list)
    healthy: list[str] = field(default_factory=list)
    first_us: int = 0
    messages: set[str] = field(default_factory=set)
    stopped: str = ""


@dataclass(slots=True)
class Told:
    """What one failing transaction says of one failure; *rank* counts from the likeliest."""

    rank: int
    signature: Signature
    message: str
    first_us: int
    stopped: str


def find_causes(assembled: Assembled, failing: list[Judged], healthy: list[Judged]) -> list[Cause]:
    """Return the failures of the *failing* transactions, the best explanation first."""
    causes: dict[Signature, Cause] = {}
    for transaction, result in failing:
        for one in told(assembled, transaction, result):
            cause = causes.setdefault(one.signature, Cause(one.signature))
            cause.rank += one.rank
            cause.failing.append(transaction.id)
            cause.messages.add(one.message)
            cause.first_us = min(cause.first_us or one.first_us, one.first_us)
            cause.stopped = cause.stopped or one.stopped
    for transaction, _ in healthy:
        for signature in handled(assembled, transaction):
            if signature in causes:
                causes[signature].healthy.append(transaction.id)
    return best_first(causes.values(), len(failing), len(healthy))


def told(assembled: Assembled, transaction: Transaction, result: Outcome) -> list[Told]:
    """Return what *transaction*, which failed, says of each of its failures."""
    found: dict[Signature, Told] = {}
    every = failures(assembled, result, set(transaction.traces), wrapped=True)
    for rank, (span, failure, attempt) in enumerate(every):
        signature = _signature(assembled, transaction, (span, failure, attempt))
        if signature not in found:
            began = span.start_us if span else attempt.start_ms * 1000
            own = span is None or span.role == INVOCATION
            stopped = stopped_in(attempt) if own else ""
            found[signature] = Told(rank, signature, failure.message, began, stopped)
    return list(found.values())


def best_first(causes: Iterable[Cause], failing: int, healthy: int) -> list[Cause]:
    """Return *causes* by how well they explain so many *failing* and *healthy* transactions.

    Best is the largest share among failing less the share among healthy transactions. Of those
    that explain equally much, the one that lies deepest.
    """

    def explains(cause: Cause) -> tuple[float, float, Signature]:
        share = len(cause.failing) / failing
        made_good = len(cause.healthy) / healthy if healthy else 0.0
        return -round(share - made_good, 9), cause.rank / len(cause.failing), cause.signature

    return sorted(causes, key=explains)


def found_in(assembled: Assembled, judged: Judged, cause: Cause) -> Found | None:
    """Return the failure of one transaction that is *cause*, or None."""
    transaction, result = judged
    every = failures(assembled, result, set(transaction.traces), wrapped=True)
    fitting = (one for one in every if _signature(assembled, transaction, one) == cause.signature)
    return next(fitting, None)


def handled(assembled: Assembled, transaction: Transaction) -> set[Signature]:
    """Return what failed in *transaction*, which ended well."""
    return {
        _signature(assembled, transaction, (span, span.failure, assembled.attempt_of[span.span_id]))
        for span in transaction.spans
        if span.failed and span.failure is not None
    }


def _signature(assembled: Assembled, transaction: Transaction, found: Found) -> Signature:
    span, failure, attempt = found
    service = name = ""
    if span is not None and span.operation:
        service, name = describe.call_name(span)
    elif span is not None and span.role != INVOCATION:
        service, name = span.role, span.name
    message = without_ids(failure.message, describe.tags(assembled, transaction))
    return attempt.runner, service, name, failure.label, message


def without_ids(message: str, tags: dict[str, str]) -> str:
    """Return *message* with ``*`` for words with digits and for the ids among *tags*."""
    for name, value in tags.items():
        if ID_NAME.match(name) and len(value) >= SHORTEST_ID:
            message = message.replace(value, "*")
    return _QUOTED_OR_NUMBERED.sub("*", message)


def by_function(causes: list[Cause]) -> dict[str, int]:
    """Return how many failing transactions each function's failures touch."""
    found: dict[str, set[str]] = defaultdict(set)
    for cause in causes:
        found[cause.signature[0]].update(cause.failing)
    return {function: len(touched) for function, touched in found.items()}
