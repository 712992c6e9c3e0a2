"""The virtual stack trace: the hops from an entry to a failure, the most recent last."""

from typing import Any

from lumitrace.reassembly.answers import describe
from lumitrace.reassembly.answers.outcome import Outcome
from lumitrace.reassembly.answers.path import Found, failures, hop_to, stopped_in, way_down
from lumitrace.reassembly.hang import HungThread, hung_at, hung_threads
from lumitrace.reassembly.model import (
    CUSTOM,
    INVOCATION,
    RECORD,
    STATE,
    STEP_FUNCTIONS,
    Attempt,
    Failure,
    Span,
)
from lumitrace.reassembly.platform_line import TIMED_OUT
from lumitrace.reassembly.step_functions.names import execution_of
from lumitrace.reassembly.transaction import Assembled, Transaction

Frame = dict[str, Any]


def virtual_stack(
    assembled: Assembled, transaction: Transaction, result: Outcome, found: Found | None = None
) -> list[Frame]:
    """Return the frames from the entry to *found*, or else to what failed.

    Where nothing failed they lead to the deepest call.
    """
    traces = set(transaction.traces)
    found = found or next(iter(failures(assembled, result, traces)), None)
    if found:
        span, failure, attempt = found
        if span is None:
            return [_lambda(attempt, None, failure)]
    else:
        span = _deepest(assembled, transaction, traces)
        failure = None
    way = way_down(assembled, span, traces)
    frames = _above_the_way(assembled, way[0])
    for at, below in zip(way, [*way[1:], None], strict=True):
        if below is not None and below.role == RECORD and at.role == INVOCATION:
            continue  # a record's frame is its invocation's
        told = failure if at is span else None
        frames += _frames(assembled, transaction, at, told)
    return frames


def _deepest(assembled: Assembled, transaction: Transaction, traces: set[str]) -> Span:
    depths = ((len(way_down(assembled, span, traces)), span) for span in transaction.spans)
    return max(depths, key=lambda one: (one[0], one[1].start_us, one[1].span_id))[1]


def _above_the_way(assembled: Assembled, first: Span) -> list[Frame]:
    """Return the frame of the event source that called the first function."""
    attempt = assembled.attempt_of[first.span_id]
    if not attempt.trigger or attempt.trigger == "lambda" or first.role not in {INVOCATION, RECORD}:
        return []
    place, name = describe.place_of(attempt)
    return [_frame(place, name, identifier=_received(first), time_us=first.start_us)]


def _frames(
    assembled: Assembled, transaction: Transaction, span: Span, failure: Failure | None
) -> list[Frame]:
    attempt = assembled.attempt_of[span.span_id]
    witness = hop_to(assembled, span, set(transaction.traces))
    if span.role in {INVOCATION, RECORD}:
        frame = _lambda(attempt, span, failure)
        frame["witness"] = witness.witness if witness else ""
        shared = assembled.shared_by(attempt)
        frame["sharedBy"] = shared if shared > 1 else 0
        frame["received"] = span.receive_count
        return [frame]
    if span.role in {CUSTOM, STATE}:
        kind = "span" if span.role == CUSTOM else span.role
        return [_frame(kind, span.name, time_us=span.start_us, failure=failure)]
    service, name = describe.call_name(span)
    frame = _frame(service, name, identifier=_sent(span), time_us=span.start_us, failure=failure)
    return [frame]


def _lambda(attempt: Attempt, span: Span | None, failure: Failure | None) -> Frame:
    own = attempt.failure
    time_us = span.start_us if span else attempt.start_ms * 1000
    identifier = f"req {attempt.request_id}"
    if attempt.service == STEP_FUNCTIONS:
        identifier = f"execution {execution_of(attempt.request_id)}"
    frame = _frame(attempt.service, attempt.function, identifier, time_us, failure)
    frame["at"] = (own.at if own else "") or (failure.at if failure else "")
    if attempt.outcome is not None and attempt.outcome.type == TIMED_OUT:
        threads = hung_threads(attempt)
        frame["at"] = frame["at"] or hung_at(threads)
        frame["threads"] = [_thread(thread) for thread in threads]
    frame["attempt"] = f"attempt {attempt.number}/{attempt.of}" if attempt.of > 1 else ""
    frame["stopped"] = stopped_in(attempt)
    frame["init"] = describe.start_of(attempt)
    return frame


def _thread(thread: HungThread) -> dict[str, Any]:
    told = [{"file": file, "line": line, "function": name} for file, line, name in thread.frames]
    return {"name": thread.name, "frames": told}


def _frame(
    service: str,
    name: str,
    identifier: str = "",
    time_us: int = 0,
    failure: Failure | None = None,
) -> Frame:
    told = None
    if failure is not None:
        told = {"type": failure.label, "message": failure.message}
    return {
        "service": service,
        "name": name,
        "id": identifier,
        "timeUs": time_us,
        "at": "",
        "attempt": "",
        "witness": "",
        "sharedBy": 0,
        "received": 0,
        "stopped": "",
        "threads": [],
        "init": [],
        "failure": told,
    }


def _received(span: Span) -> str:
    return _told(key for key in span.link_in if not key.startswith("lambda:"))


def _sent(span: Span) -> str:
    return _told(span.link_out)


# What the id of a link key is called before people.
_IDS = {"sns": "msg", "sqs": "msg", "events": "event", "kinesis": "record", "states": "execution"}


def _told(keys: Any) -> str:
    key = next(iter(keys), "")
    kind, _, identifier = key.partition(":")
    return f"{_IDS.get(kind, 'req')} {identifier}" if identifier else ""
