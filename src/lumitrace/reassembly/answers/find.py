"""Which transactions an id or a tag names."""

from dataclasses import dataclass, field

from lumitrace.reassembly.model import Attempt, Span
from lumitrace.reassembly.step_functions.names import execution_of
from lumitrace.reassembly.transaction import Assembled, Transaction

SHORTEST = 6  # characters of the beginning of an id
NAMED = f"give {SHORTEST} characters or more of an id, or a tag, that lumitrace transactions lists"


@dataclass
class Matches:
    """What was found.

    Attributes:
        by: what kind of id it was, in words.
        transactions: oldest first.
        attempts: where no transaction was found: attempts of functions without span lines.
    """

    by: str = ""
    transactions: list[Transaction] = field(default_factory=list)
    attempts: list[Attempt] = field(default_factory=list)


def find(assembled: Assembled, wanted: str) -> Matches:
    """Return what *wanted* names: an id, the beginning of one, ``tag=value`` or a tag's value."""
    wanted = wanted.strip()
    for by, finder in (
        ("trace id", _by_trace),
        ("span id", _by_span),
        ("request id", _by_request),
        ("message id", _by_key),
        ("tag", _by_tag),
    ):
        found = finder(assembled, wanted)
        if found:
            return Matches(by, found)
    if len(wanted) < SHORTEST:
        return Matches()
    alone = [one for one in assembled.attempts if one.request_id.startswith(wanted)]
    return Matches("request id", attempts=alone) if alone else Matches()


def _holding(assembled: Assembled, traces: set[str]) -> list[Transaction]:
    return [one for one in assembled.transactions if not traces.isdisjoint(one.traces)]


def _is_id(wanted: str, known: str) -> bool:
    return known == wanted or (len(wanted) >= SHORTEST and known.startswith(wanted))


def _by_trace(assembled: Assembled, wanted: str) -> list[Transaction]:
    wanted = wanted.lower()
    entries = [one for one in assembled.transactions if _is_id(wanted, one.id)]
    if entries:
        return entries
    traces = {trace for one in assembled.transactions for trace in one.traces}
    return _holding(assembled, {trace for trace in traces if _is_id(wanted, trace)})


def _by_span(assembled: Assembled, wanted: str) -> list[Transaction]:
    wanted = wanted.lower()
    spans = assembled.span_by_id.values()
    return _holding(assembled, {one.trace_id for one in spans if _is_id(wanted, one.span_id)})


def _by_request(assembled: Assembled, wanted: str) -> list[Transaction]:
    named = [
        one
        for one in assembled.attempts
        if any(_is_id(wanted, known) for known in _requests_of(one))
    ]
    return _holding(assembled, {span.trace_id for one in named for span in _own(one)})


def _requests_of(attempt: Attempt) -> tuple[str, ...]:
    asked = (attempt.request.request,) if attempt.request else ()
    return (attempt.request_id, execution_of(attempt.request_id), *asked)


def _own(attempt: Attempt) -> list[Span]:
    return [attempt.invocation] if attempt.invocation else []


def _by_key(assembled: Assembled, wanted: str) -> list[Transaction]:
    spans = assembled.span_by_id.values()
    keys = [(key, one.trace_id) for one in spans for key in (*one.link_in, *one.link_out)]
    whole = {trace for key, trace in keys if key == wanted}
    return _holding(
        assembled,
        whole or {trace for key, trace in keys if _is_id(wanted, key.partition(":")[2])},
    )


def _by_tag(assembled: Assembled, wanted: str) -> list[Transaction]:
    name, equals, value = wanted.partition("=")
    tagged = [one for one in assembled.span_by_id.values() if one.tags]
    whole = {one.trace_id for one in tagged if equals and one.tags.get(name) == value}
    return _holding(
        assembled, whole or {one.trace_id for one in tagged if wanted in one.tags.values()}
    )
