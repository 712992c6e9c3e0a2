"""The figures of the engine against the same sums, in plain Python, over what the reading found."""

import collections
import importlib.util
import json
from pathlib import Path

import pytest

from lumitrace.reassembly.assemble import assemble
from lumitrace.reassembly.events import Counts, LogEvent
from lumitrace.reassembly.model import CALL
from lumitrace.reassembly.pipeline.steps import Steps
from lumitrace.reassembly.sources.file import read_file

_SPEC = importlib.util.spec_from_file_location(
    "test_engine", Path(__file__).with_name("test_engine.py")
)
engines = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(engines)


def night():
    """Return the log events of the recorded night."""
    return [event for source in read_file(str(engines.NIGHT), Counts()) for event in source]


def shared():
    """Return the log events of an invocation that two others caused, by two witnesses."""

    def line(name, **more):
        said = {"lumitrace": 1, "record": "invocation", "traceId": name * 32, "spanId": name * 16}
        said |= {"requestId": f"r-{name}", "name": name, "kind": "SERVER", "durationUs": 4000}
        return json.dumps({**said, "startUs": 1_795_226_400_000_000, **more}, separators=(",", ":"))

    lines = [
        line("a", calls=[["c" * 16, "sns.Publish", "topic", 1, 2, 200, ["sns:m-1"]]]),
        line("b"),
        line("d", links=[["b" * 32, "b" * 16]], linkIn=["sns:m-1"], summary=SUMMARY),
    ]
    return [LogEvent("/aws/lambda/any", one, None, one, place) for place, one in enumerate(lines)]


SUMMARY = [["s3.PutObject", "bucket", 3, 900, []]]
LOGS = {
    "shared": shared,
    "night": night,
    "deaths": lambda: engines.SMALL_SHOP,
    "odd": engines.odd_streams,
}


@pytest.fixture(scope="module", params=LOGS)
def both(request):
    """The engine, which knows all figures of a log, and what Python assembled of it."""
    events = LOGS[request.param]()
    for order, event in enumerate(events):
        event.order = order
    engine = engines.oracle.engine_of(events)
    Steps(engine).figures()
    return engine, assemble(events)


def ranks(times):
    """Return the times that 50, 90 and 99 of a hundred do not exceed, and the longest."""
    times = sorted(times)
    if not times:
        return (None,) * 4
    return *(times[-(-len(times) * part // 100) - 1] for part in (50, 90, 99)), times[-1]


def runs_of(assembled):
    """Return the attempts at functions that have spans, by trace."""
    found = collections.defaultdict(list)
    for attempt in assembled.attempts:
        if attempt.invocation is not None:
            found[attempt.invocation.trace_id].append(attempt)
    return found


def measured(attempt, name):
    """Return the number that Lambda's REPORT said of *attempt*, None where it said none."""
    text = getattr(attempt.report, name) if attempt.report else ""
    return float(text) if text else None


def billed(attempt):
    """Return what Lambda billed, in MB ms, None where it did not say."""
    duration, memory = measured(attempt, "billed_ms"), measured(attempt, "memory_mb")
    return None if None in (duration, memory) else int(duration * memory)


def said(runs, name):
    """Return the numbers of that *name* that Lambda said of *runs*."""
    return [it for it in (measured(attempt, name) for attempt in runs) if it is not None]


def added(numbers):
    """Return the sum of those that are numbers, None where none is."""
    known = [one for one in numbers if one is not None]
    return sum(known) if known else None


def test_transactions(both):
    """When, of which function, how large, how many failed, what they cost, and how sure it is."""
    engine, assembled = both
    runs = runs_of(assembled)

    def expected(one):
        mine = [attempt for trace in one.traces for attempt in runs[trace]]
        spans = [span for span in assembled.span_by_id.values() if span.trace_id in one.traces]
        entry = [span.start_us for span in spans if span.trace_id == one.id]
        at_entry = sorted(
            (it.invocation.start_us, it.invocation.span_id, it) for it in runs[one.id]
        )
        weakest = [
            engines.oracle.NUMBERS[hop.witness]
            for several in assembled.hops.values()
            for hop in several
            if hop.receiver_trace in one.traces and hop.sender_trace != hop.receiver_trace
        ]
        shares = {trace: added(billed(attempt) for attempt in runs[trace]) for trace in one.traces}
        return (
            *(one.id, at_entry[0][2].function if at_entry else None),
            min(entry or [span.start_us for span in spans], default=None),
            max((span.end_us for span in spans), default=None),
            *(len(one.traces), len(spans), len(mine)),
            sum(attempt.failed for attempt in mine),
            sum(not attempt.ended for attempt in mine),
            added(
                None if share is None else share * 1000 // assembled.fan[trace]
                for trace, share in shares.items()
            ),
            *(max(weakest, default=None), int(one.cut)),
        )

    found = engine.rows(
        "SELECT entry_trace, function_name, start_us, end_us, traces, spans, invocations, failed, "
        "unfinished, billed_mb_us, weakest_witness, is_cut FROM transactions"
    )
    assert sorted(found) == sorted(map(expected, assembled.transactions))


def test_functions(both):
    """How often, how long, how many failed or never ended, and what Lambda measured."""
    engine, assembled = both
    by_name = collections.defaultdict(list)
    for several in runs_of(assembled).values():
        for attempt in several:
            by_name[attempt.function].append(attempt)

    def expected(name, runs):
        times = [it.invocation.duration_us for it in runs if it.invocation.duration_us is not None]
        return (
            *(name, len(runs), sum(it.failed for it in runs)),
            *(sum(not it.ended for it in runs), len(said(runs, "init_ms"))),
            *ranks(times),
            *(len(said(runs, "billed_ms")), added(map(billed, runs))),
            max(said(runs, "max_memory_mb"), default=None),
        )

    assert sorted(engine.rows("FROM functions")) == sorted(
        expected(name, runs) for name, runs in by_name.items()
    )


def test_calls(both):
    """What each function called: a call that is told in a sum counts, and has no time."""
    engine, assembled = both
    by_target = collections.defaultdict(list)
    for span in assembled.span_by_id.values():
        if span.role == CALL:
            attempt = assembled.attempt_of[span.span_id]
            by_target[attempt.function, span.operation, span.resource].append(span)

    assert sorted(engine.rows("FROM calls")) == sorted(
        (
            *target,
            sum(span.count or 1 for span in spans),
            sum(span.failed for span in spans),
            sum(span.duration_us is None for span in spans),
            *ranks(
                span.duration_us
                for span in spans
                if not span.count and span.duration_us is not None
            ),
        )
        for target, spans in by_target.items()
    )


def test_edges(both):
    """Who caused whom, by which witness, how long after, and how often before, by their clocks."""
    engine, assembled = both
    by_edge = collections.defaultdict(list)
    ends = assembled.span_by_id
    for hop in (hop for several in assembled.hops.values() for hop in several):
        sender, receiver = ends.get(hop.sender_span), ends.get(hop.receiver_span)
        names = [
            assembled.attempt_of[span.span_id].function if span else ""
            for span in (sender, receiver)
        ]
        of_call = (sender.operation, sender.resource) if sender else ("", "")
        witness = engines.oracle.NUMBERS[hop.witness]
        by_edge[(names[0], *of_call, names[1], witness)].append((sender, receiver))

    def expected(edge, pairs):
        waits = [to.start_us - by.start_us for by, to in pairs if by and to]
        return (
            *(*edge, len(pairs), sum(bool(to) and to.failed for _, to in pairs)),
            *(min(waits, default=None), *ranks(waits), sum(wait < 0 for wait in waits)),
        )

    assert sorted(engine.rows("FROM edges"), key=str) == sorted(
        (expected(edge, pairs) for edge, pairs in by_edge.items()), key=str
    )
