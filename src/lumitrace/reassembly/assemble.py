"""From log events to transactions: cut, unfold, join."""

from collections import defaultdict
from collections.abc import Callable, Iterable

from lumitrace.reassembly.api_gateway.requests import reach
from lumitrace.reassembly.attempts import cut_into_attempts, number_attempts
from lumitrace.reassembly.events import Counts, LogEvent
from lumitrace.reassembly.fields import extend
from lumitrace.reassembly.fingerprints import changes, writes
from lumitrace.reassembly.halves import each_once
from lumitrace.reassembly.model import (
    AUTHORIZERS,
    CLAIMED,
    INVOCATION,
    LAMBDA,
    POLLED,
    PUBLIC,
    RECORD,
    Attempt,
    Span,
)
from lumitrace.reassembly.pipeline.joined import Joined, Result, Rows
from lumitrace.reassembly.records import told_apart
from lumitrace.reassembly.silent import Ways, stand_in
from lumitrace.reassembly.step_functions.executions import adopt
from lumitrace.reassembly.transaction import Assembled, Hop, Transaction
from lumitrace.reassembly.unfold import unfold
from lumitrace.wire import link_key

WITNESSES = {
    1: "context",
    2: "context (proved)",
    3: "link key",
    4: "fingerprint",
    5: "X-Ray root (likely)",
    6: "fingerprint of the key (likely)",
    7: "same batch",
}

# The clocks of two sandboxes agree within milliseconds; a second leaves room for a bad one.
# https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/set-time.html
CLOCKS_US = 1_000_000
NEVER_US = 2**52

# Which event source a call can reach with its X-Ray root, one to one. An Invoke without our context
# looks like any other event to the function.
# https://docs.aws.amazon.com/xray/latest/devguide/xray-services.html
_CARRIERS = {
    "sns.Publish": "sns",
    "sns.PublishBatch": "sns",
    "lambda.Invoke": "other",
    "events.PutEvents": "events",
    "s3.PutObject": "s3",
    "s3.CopyObject": "s3",
    "s3.CompleteMultipartUpload": "s3",
}
HTTP = "http."
_APIGW = f"{link_key.APIGW}:"
_ARRIVING = {"sns": "sns", "events": "events", "eventbridge": "events", "s3": "s3"}


def assemble(events: Iterable[LogEvent]) -> Assembled:
    """Return the transactions that *events* tell of; their order does not matter."""
    attempts, counts = attempts_of(events)
    rows = rows_of(attempts)
    result = Joined(rows).run() if rows.spans else Result([], [], {}, set(), {})
    return together(attempts, counts, result)


def attempts_of(
    events: Iterable[LogEvent],
    is_wanted: Callable[[Attempt], bool] = lambda _: True,
    called: Callable[[set[str]], Ways] = lambda _: {},
) -> tuple[list[Attempt], Counts]:
    """Return the attempts that *events* tell of and that *is_wanted* takes, with their spans.

    *called* returns what is known to call functions, beside what *events* say.
    """
    attempts, counts = cut_into_attempts(events)
    attempts = each_once([attempt for attempt in attempts if is_wanted(attempt)])
    for attempt in attempts:
        unfold(attempt, counts)
    _carry_releases(attempts)
    adopt(attempts)
    stand_in(attempts, called)
    attempts = reach(_each_once(attempts, counts), counts)
    number_attempts(attempts)
    _name_destinations(attempts)
    counts.health = sorted(set(counts.health))
    return attempts, counts


def _carry_releases(attempts: list[Attempt]) -> None:
    """Give each attempt the release that the first line of its process named.

    A log stream is one sandbox; where its process began anew, its first line says it again.
    """
    known: dict[tuple[str, str], str] = {}
    for attempt in sorted(attempts, key=lambda one: one.start_ms):
        stream = (attempt.group, attempt.stream)
        attempt.release = attempt.release or known.get(stream, "")
        known[stream] = attempt.release


def _each_once(attempts: list[Attempt], counts: Counts) -> list[Attempt]:
    """Leave out attempts that came in twice, under two names of one stream."""
    seen: dict[str, Span] = {}
    kept = []
    for attempt in attempts:
        handler = attempt.invocation
        first = seen.setdefault(handler.span_id, handler) if handler else None
        if handler is None or first is handler:
            kept.append(attempt)
        elif first is not None and told_apart(first, handler):
            counts.conflicting += 1
    return kept


def _name_destinations(attempts: list[Attempt]) -> None:
    """Say by which key a destination knows an invocation: after retries, by its last attempt."""
    for attempt in attempts:
        key = link_key.link_key(link_key.DESTINATION, attempt.request_id)
        told = attempt.service == LAMBDA and attempt.number == attempt.of
        if attempt.invocation is not None and told and key:
            extend(attempt.invocation.link_out, [key])


def rows_of(attempts: list[Attempt]) -> Rows:
    """Return what goes into the steps of *attempts*."""
    rows = Rows()
    seen: set[str] = set()
    asked = _asked(attempts)
    for attempt in attempts:
        for span in attempt.spans:
            if span.span_id not in seen:
                seen.add(span.span_id)
                _add_span(rows, attempt, span)
                _add_claims(rows, span, asked)
    return rows


def _asked(attempts: Iterable[Attempt]) -> dict[tuple[str, str], list[str]]:
    """Return the HTTP calls below a handler or a record, by its trace and span id.

    Where a trace is not sampled, calls send the id of what they stand below.
    """
    found: dict[tuple[str, str], list[str]] = {}
    for attempt in attempts:
        calls = [span for span in attempt.spans if span.operation.startswith(HTTP)]
        is_meant = calls and not attempt.sampled
        above = [span for span in attempt.spans if is_meant and span.role in {INVOCATION, RECORD}]
        for one in above:
            ids = [call.span_id for call in calls if call.trace_id == one.trace_id]
            found[one.trace_id, one.span_id] = ids
    return found


def _add_claims(rows: Rows, span: Span, asked: dict[tuple[str, str], list[str]]) -> None:
    for trace_id, claimed, relation in span.claims:
        if relation == CLAIMED:
            named = asked.get((trace_id, claimed)) or [claimed]
            rows.claims += [(span.trace_id, span.span_id, trace_id, one) for one in named]


def _add_span(rows: Rows, attempt: Attempt, span: Span) -> None:
    where = (span.trace_id, span.span_id)
    rows.spans.append((*where, span.parent_id, span.start_us, span.role, span.end_us))
    if span.operation.startswith(HTTP):
        rows.windows.append((*where, *_window(attempt, span)))
    rows.links += [(*where, *link) for link in span.links]
    rows.sent += [(key, *where) for key in span.link_out]
    rows.writes += writes(span, span.link_out)
    rows.changes += changes(span)
    for trace_id, span_id, keys in span.bound:
        rows.sent += [(key, trace_id, span_id) for key in keys]
    rows.received += [(key, *where) for key in _received(attempt, span)]
    batch = attempt.invocation
    if span.role == RECORD and batch is not None and batch.trace_id != span.trace_id:
        rows.records.append((*where, batch.trace_id, batch.span_id))
    if not attempt.xray_root or span.relations:  # a replay's root says no more than its key
        return
    sender = (attempt.xray_root, *where, attempt.request_id)
    if span is attempt.invocation:
        entrance, polled = attempt.trigger in PUBLIC, attempt.trigger in POLLED
        service = _ARRIVING.get(attempt.trigger, "other")
        place = (service, place_name(attempt.source), span.start_us)
        rows.arrivals.append((*sender, *place, int(entrance), int(polled)))
    elif span.operation in _CARRIERS and (not span.count or (span.count == 1 and span.link_out)):
        service = _CARRIERS[span.operation]
        place = (service, "" if service == "other" else place_name(span.resource), span.start_us)
        rows.departures.append((*sender, *place))


def _received(attempt: Attempt, span: Span) -> list[str]:
    """Return the keys that *span* received.

    An authorizer is asked by whoever asks the backend, and knows the request by the same id. The
    parent of what received a message may be another tracer's span, which the sender names.
    """
    keys = list(span.link_in)
    if span is attempt.invocation or span.role == RECORD:
        contexts = [*span.links, *([(span.trace_id, span.parent_id)] if span.parent_id else [])]
        keys += [f"{link_key.W3C}:{trace_id}-{span_id}" for trace_id, span_id in contexts]
    if attempt.trigger in AUTHORIZERS and span is attempt.invocation:
        keys += [key for key in span.link_out if key.startswith(_APIGW)]
    return keys


def _window(attempt: Attempt, call: Span) -> tuple[int, int, int]:
    """Return from and until when what an HTTP *call* asks begins, and by when it has ended.

    Where the call was given up, what it asked may go on after it; where nobody asked for the
    answer, it may also begin after it.
    """
    handler = attempt.invocation
    ended = call.end_us
    if call.duration_us is None or not (call.http_status or call.failed):
        ended = max(ended, handler.end_us if handler else 0, attempt.end_ms * 1000)
    return (
        call.start_us - CLOCKS_US,
        ended + CLOCKS_US,
        ended + CLOCKS_US if call.http_status else NEVER_US,
    )


def place_name(resource: str) -> str:
    """Return the last part of an ARN, an address or a path: the name itself."""
    return resource.replace("/", ":").rstrip(":").rpartition(":")[2]


def together(attempts: list[Attempt], counts: Counts, result: Result) -> Assembled:
    """Return *attempts* as the transactions that *result* says; without spans there is none."""
    assembled = Assembled([], attempts, counts, result.fans, {}, {}, {})
    spans_of: dict[str, list[Span]] = defaultdict(list)
    for attempt in attempts:
        for span in attempt.spans:
            if span.span_id not in assembled.span_by_id:
                assembled.span_by_id[span.span_id] = span
                assembled.attempt_of[span.span_id] = attempt
                spans_of[span.trace_id].append(span)
    for sender_trace, sender, receiver_trace, receiver, strength in result.hops:
        hop = Hop(sender_trace, sender, receiver_trace, receiver, WITNESSES[strength])
        assembled.hops.setdefault(hop.receiver_span, []).append(hop)
    for receiver, change, _, sender in result.candidates:
        assembled.candidates.setdefault(receiver, {}).setdefault(change, []).append(sender)
    for entry, members in result.members.items():
        traces = [entry, *(trace for trace in members if trace != entry)]
        spans = [span for trace in traces for span in spans_of[trace]]
        if not spans:
            continue
        transaction = Transaction(entry, traces, [], spans, cut=entry in result.cut)
        found = {id(a): a for a in (assembled.attempt_of[span.span_id] for span in spans)}
        transaction.attempts = sorted(found.values(), key=_by_start)
        transaction.spans.sort(key=lambda span: (span.start_us, span.span_id))
        assembled.transactions.append(transaction)
    assembled.transactions.sort(key=lambda one: (one.spans[0].start_us, one.id))
    times = [line.time_ms for attempt in attempts for line in attempt.lines if line.time_ms]
    assembled.first_ms, assembled.last_ms = min(times, default=0), max(times, default=0)
    return assembled


def _by_start(attempt: Attempt) -> tuple[int, str, str]:
    handler = attempt.invocation
    start_us = handler.start_us if handler else attempt.start_ms * 1000
    return start_us, attempt.stream, attempt.request_id
