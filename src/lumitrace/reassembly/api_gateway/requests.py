"""The entries of access logs made into requests, each joined to what it reached.

A request stands in the trace of the function that it reached, above it: so what the client saw and
what the function did are one transaction. One that reached none is a transaction of its own.
"""

from collections.abc import Iterable
from hashlib import sha256

from lumitrace.reassembly.api_gateway.entry import Entry, parse
from lumitrace.reassembly.api_gateway.verdict import SERVER_ERROR, THROTTLED, failure_of, went_on
from lumitrace.reassembly.events import Counts, LogEvent
from lumitrace.reassembly.fields import extend
from lumitrace.reassembly.model import (
    API_GATEWAY,
    AUTHORIZERS,
    CLAIMED,
    INVOCATION,
    LAMBDA,
    PLATFORM,
    Attempt,
    LogLine,
    Span,
)
from lumitrace.wire import link_key, semconv
from lumitrace.wire.span_line import STATUS_ERROR

_APIGW = f"{link_key.APIGW}:"
# What a request sends on to functions: whoever sent the request knows the other key.
_REQUEST = "request:"


def requests(events: Iterable[LogEvent], counts: Counts) -> list[Attempt]:
    """Return the requests that *events* tell of; one that two logs hold comes twice, the same."""
    found: list[Attempt] = []
    for event in events:
        counts.events += 1
        entry = parse(event.message)
        if entry is None:
            counts.skipped += 1
            continue
        found.append(_request(event, entry))
    return found


def _request(event: LogEvent, entry: Entry) -> Attempt:
    identity = entry.key or entry.invoked or f"{event.stream}\0{entry.request}\0{event.time_ms}"
    hashed = sha256(f"request\0{identity}".encode("utf-8", "surrogatepass")).hexdigest()
    span = Span(hashed[:32], hashed[32:48], INVOCATION, entry.route, semconv.KIND_SERVER)
    attempt = Attempt(event.group, event.stream, entry.key or entry.request)
    attempt.service, attempt.function, attempt.route = API_GATEWAY, entry.route, entry.route
    latency = entry.latency_ms
    start_ms = entry.epoch_ms or max(0, (event.time_ms or 0) - (latency or 0))
    span.start_us = start_ms * 1000
    span.duration_us = None if latency is None else latency * 1000
    span.http_status = entry.status
    span.link_in = [f"{_APIGW}{entry.key}"] if entry.key else []
    span.link_out = [f"{_REQUEST}{entry.key}"] if entry.key else []
    invoked = (entry.invoked, entry.authorizer)
    span.link_out += [f"{link_key.LAMBDA}:{request}" for request in invoked if request]
    attempt.start_ms, attempt.end_ms = start_ms, start_ms + (latency or 0)
    attempt.ended = attempt.returned = True
    attempt.invocation, attempt.spans, attempt.request = span, [span], entry
    attempt.lines = [
        LogLine(event.time_ms or start_ms, event.order, PLATFORM, event.message.strip())
    ]
    return attempt


def reach(attempts: list[Attempt], counts: Counts) -> list[Attempt]:
    """Return *attempts* with each request above what it reached, and how it ended for its client.

    A request of which nothing says whether it reached a function, and that no id joins to one, is
    left out: the function's own lines count it.
    """
    asked = [attempt for attempt in attempts if attempt.request is not None]
    if not asked:
        return attempts
    by_key, by_request = _receivers(attempts)
    for attempt in asked:
        entry = attempt.request
        assert entry is not None  # noqa: S101  # of those that have one
        for authorizer in by_key.get(f"{_APIGW}{entry.key}", []):
            _rename(authorizer, entry.key)
        reached = _reached(entry, by_key, by_request)
        attempt.reached = reached
        if reached is not None:
            _stand_above(attempt, reached)
    answered = {one.route for one in asked if one.reached is not None}
    for attempt in asked:
        _judge(attempt, answered)
    kept = [one for one in attempts if one.request is None or _is_told(one, one.request)]
    counts.unjoined += len(attempts) - len(kept)
    return kept


def _receivers(
    attempts: list[Attempt],
) -> tuple[dict[str, list[Attempt]], dict[str, Attempt]]:
    """Return the invocations by the keys that they received, and by their request ids."""
    by_key: dict[str, list[Attempt]] = {}
    by_request: dict[str, Attempt] = {}
    for attempt in attempts:
        if attempt.service != LAMBDA or attempt.invocation is None:
            continue
        by_request.setdefault(attempt.request_id, attempt)
        keys = [*attempt.invocation.link_in, *attempt.invocation.link_out]
        for key in dict.fromkeys(key for key in keys if key.startswith(_APIGW)):
            by_key.setdefault(key, []).append(attempt)
    return by_key, by_request


def _reached(
    entry: Entry, by_key: dict[str, list[Attempt]], by_request: dict[str, Attempt]
) -> Attempt | None:
    """Return the invocation that answered the request, which its authorizer is not."""
    backends = [
        one for one in by_key.get(f"{_APIGW}{entry.key}", []) if one.trigger not in AUTHORIZERS
    ]
    return by_request.get(entry.invoked) or next(iter(backends), None)


def _rename(attempt: Attempt, key: str) -> None:
    """Let the request, not whoever sent it or was asked whether it may, be the sender."""
    span = attempt.invocation
    assert span is not None  # noqa: S101  # it received the key
    for keys in (span.link_in, span.link_out):
        if f"{_APIGW}{key}" in keys:
            keys.remove(f"{_APIGW}{key}")
    extend(span.link_in, [f"{_REQUEST}{key}"])


def _stand_above(attempt: Attempt, reached: Attempt) -> None:
    """Put the request between its caller and the function that it *reached*."""
    request, handler = attempt.invocation, reached.invocation
    assert request is not None and handler is not None  # noqa: S101, PT018  # they were joined
    request.trace_id = handler.trace_id
    request.parent_id, handler.parent_id = handler.parent_id, ""  # their key joins them
    request.claims = [claim for claim in handler.claims if claim[2] == CLAIMED]
    handler.claims = [claim for claim in handler.claims if claim[2] != CLAIMED]
    if attempt.request is not None and attempt.request.epoch_ms is None:
        request.start_us = min(request.start_us or handler.start_us, handler.start_us)
        attempt.start_ms = request.start_us // 1000
    if request.duration_us is None:
        request.duration_us = max(0, handler.end_us - request.start_us)


def _judge(attempt: Attempt, answered: set[str]) -> None:
    """Say how the request ended; *answered* are the routes whose functions were read."""
    entry, span, reached = attempt.request, attempt.invocation, attempt.reached
    if entry is None or span is None:
        return
    failure = failure_of(entry, joined=reached is not None, read=attempt.route in answered)
    if failure is None:
        return
    if reached is not None:
        failure.message = "; ".join(
            part for part in (failure.message, went_on(span, reached)) if part
        )
    span.status, span.failure = STATUS_ERROR, failure


def _is_told(attempt: Attempt, entry: Entry) -> bool:
    """Tell whether a request is a transaction, or a part of one, that nothing else counts."""
    if attempt.reached is not None or entry.key or entry.invoked:
        return True
    if entry.says_integration:
        return not entry.reached
    return entry.status == THROTTLED or bool(entry.kind and entry.status < SERVER_ERROR)
