"""What the engine makes of log events against what the Python reading makes of them."""

import copy

from lumitrace.reassembly.assemble import WITNESSES
from lumitrace.reassembly.pipeline.duckdb import DuckDb
from lumitrace.reassembly.pipeline.load import load_events
from lumitrace.reassembly.pipeline.steps import Steps

NUMBERS = {name: number for number, name in WITNESSES.items()}


def engine_of(events):
    """Return the engine after it ran over *events*, which stay as they are."""
    engine = DuckDb()
    load_events(engine, [copy.copy(event) for event in events])
    steps = Steps(engine)
    steps.unfold()
    steps.join()
    return engine


def said_by_engine(engine):
    """Return spans, hops, members and invocations as sets of rows."""
    return {
        "spans": set(
            engine.rows("SELECT trace_id, span_id, parent_id, start_us, role, end_us FROM spans")
        ),
        "hops": set(
            engine.rows(
                "SELECT sender_trace, sender_span, receiver_trace, receiver_span, witness FROM hops"
            )
        ),
        "members": set(engine.rows("SELECT entry_trace, member_trace FROM members")),
        "candidates": set(
            engine.rows("SELECT receiver_span, change_key, sender_span FROM candidates")
        ),
        "invocations": {
            (*row[:-1], bool(row[-1]))
            for row in engine.rows(
                "SELECT span_id, function_name, request_id, status, error_type, ended "
                "FROM invocations"
            )
        },
    }


def said_in_python(assembled):
    """Return the same of what Python assembled."""
    hops = [hop for several in assembled.hops.values() for hop in several]
    return {
        "spans": {
            (s.trace_id, s.span_id, s.parent_id, s.start_us, s.role, s.end_us)
            for s in assembled.span_by_id.values()
        },
        "hops": {
            (h.sender_trace, h.sender_span, h.receiver_trace, h.receiver_span, NUMBERS[h.witness])
            for h in hops
        },
        "members": {(t.id, trace) for t in assembled.transactions for trace in t.traces},
        "candidates": {
            (receiver, change, sender)
            for receiver, changes in assembled.candidates.items()
            for change, senders in changes.items()
            for sender in senders
        },
        "invocations": {
            (
                *(a.invocation.span_id, a.function, a.request_id),
                *(2 if a.failed else 0, a.failure.type if a.failure else None, a.ended),
            )
            for a in assembled.attempts
            if a.invocation is not None
        },
    }


def differences(events, assembled):
    """Return what each says and the other does not, by table; {} where they agree."""
    return apart(engine_of(events), assembled)


def apart(engine, assembled):
    """Return the same of an *engine* that ran already."""
    ours, theirs = said_by_engine(engine), said_in_python(assembled)
    for table in ("spans", "invocations", "details"):
        twice = engine.number(f"SELECT COUNT(*) - COUNT(DISTINCT span_id) FROM {table}")  # noqa: S608
        assert twice == 0, table
    return {
        name: {
            "engine": sorted(ours[name] - theirs[name], key=repr),
            "python": sorted(theirs[name] - ours[name], key=repr),
        }
        for name in ours
        if ours[name] != theirs[name]
    }
