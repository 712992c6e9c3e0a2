"""Attempts that wrote no span lines: the function has no lumitrace, or died before the first.

Lambda's START line bears the request id that an Invoke and a function URL answer with, and that a
destination's record names. So such an invocation joins exactly, though nothing else is known of it.
One that failed and that nobody names is a transaction of its own: whose it was cannot be told.
https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html
"""

from collections import defaultdict
from collections.abc import Callable, Iterable
from hashlib import sha256

from lumitrace.reassembly.model import INVOCATION, Attempt, Span
from lumitrace.wire import link_key, semconv
from lumitrace.wire.span_line import STATUS_ERROR

Ways = dict[str, set[tuple[str, str]]]  # event sources and their names, by function


def stand_in(
    attempts: Iterable[Attempt], called: Callable[[set[str]], Ways] = lambda _: {}
) -> None:
    """Give each attempt without a span one, where it failed or a function names its request id.

    *called* returns what else is known to call the functions of such attempts.
    """
    attempts = list(attempts)
    named = _named(attempts)
    silent = {one.function for one in attempts if one.invocation is None and one.failed}
    triggers = _triggers(attempts, called(silent) if silent else {})
    for attempt in attempts:
        if attempt.invocation is None and (attempt.failed or attempt.request_id in named):
            attempt.invocation = invocation_of(attempt)
            attempt.spans = [attempt.invocation]
            if attempt.request_id not in named:
                attempt.trigger, attempt.source = triggers.get(attempt.function, ("", ""))
            attempt.trigger = attempt.trigger or "other"


def _triggers(attempts: list[Attempt], called: Ways) -> dict[str, tuple[str, str]]:
    """Return what calls each function, where its other attempts know of one event source only."""
    known: Ways = defaultdict(set, called)
    for attempt in attempts:
        if attempt.trigger:
            known[attempt.function].add((attempt.trigger, attempt.source))
    return {name: next(iter(ways)) for name, ways in known.items() if len(ways) == 1}


def _named(attempts: list[Attempt]) -> set[str]:
    """Return the request ids of the functions that others called, and of those that sent."""
    found: set[str] = set()
    for attempt in attempts:
        for span in attempt.spans:
            bound = [key for _, _, keys in span.bound for key in keys]
            found.update(_of(link_key.LAMBDA, [*span.link_out, *bound]))
            found.update(_of(link_key.DESTINATION, span.link_in))
    return found


def _of(kind: str, keys: Iterable[str]) -> set[str]:
    head = f"{kind}:"
    return {key[len(head) :] for key in keys if key.startswith(head)}


def invocation_of(attempt: Attempt) -> Span:
    """Return what Lambda's lines alone say of *attempt*; its ids are made of those lines.

    Attempts of one request id are one trace.
    """
    place = f"{attempt.function}\0{attempt.request_id}"
    trace_id, span_id = _hex(place)[:32], _hex(f"{place}\0{attempt.start_ms}")[:16]
    span = Span(trace_id, span_id, INVOCATION, attempt.function, semconv.KIND_SERVER)
    span.start_us = attempt.start_ms * 1000
    span.link_in = [f"{link_key.LAMBDA}:{attempt.request_id}"]
    measured = attempt.report.duration_ms if attempt.report else ""
    if measured:
        span.duration_us = int(float(measured) * 1000)
    elif attempt.ended:
        span.duration_us = max(0, attempt.end_ms - attempt.start_ms) * 1000
    failure = attempt.outcome or attempt.raised
    if failure is not None:
        span.status, span.failure = STATUS_ERROR, failure
    return span


def _hex(text: str) -> str:
    return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
