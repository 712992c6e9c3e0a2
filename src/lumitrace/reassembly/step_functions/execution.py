"""The events of one execution made into spans: its states, its tasks and their tries.

An event names the one that it followed, so that what runs side by side, the branches of a
Parallel state and the items of a Map, is told apart by that alone.
https://docs.aws.amazon.com/step-functions/latest/apireference/API_HistoryEvent.html
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from hashlib import sha256

from lumitrace.reassembly.fields import clean, extend
from lumitrace.reassembly.model import (
    CALL,
    INVOCATION,
    PLATFORM,
    STATE,
    STEP_FUNCTIONS,
    Attempt,
    Failure,
    LogLine,
    Span,
)
from lumitrace.reassembly.step_functions import task
from lumitrace.reassembly.step_functions.history import HistoryEvent
from lumitrace.reassembly.step_functions.names import machine_of, name_of_file
from lumitrace.wire import link_key, semconv
from lumitrace.wire.span_line import STATUS_ERROR

_STATE = re.compile(
    r"(?P<kind>Task|Pass|Choice|Wait|Succeed|Fail|Parallel|Map)State"
    r"(?P<what>Entered|Started|Exited|Succeeded|Failed|Aborted)\Z"
)
_MAP = "Map"
_SCHEDULED = re.compile(r"(?:Task|LambdaFunction|Activity)Scheduled\Z")
_TRIED = re.compile(
    r"(?:Task|LambdaFunction|Activity)"
    r"(?P<end>Succeeded|Failed|TimedOut|StartFailed|ScheduleFailed|SubmitFailed)\Z"
)
_ENDED = re.compile(r"Execution(?P<end>Succeeded|Failed|TimedOut|Aborted)\Z")
# What an event is called that names no error.
_UNNAMED = {"TimedOut": "States.Timeout", "Aborted": "Aborted"}


@dataclass(eq=False)
class Scope:
    """A span while events follow it, and the one around it.

    Attributes:
        kind: ``Task``, ``Parallel``, ``Map`` …; of an item of a Map and of a try "".
    """

    span: Span
    above: "Scope | None" = None
    kind: str = ""


class Execution:
    """One execution while its events are read, in their order.

    Attributes:
        scopes: what the execution was within after each event, by the event's id.
    """

    def __init__(self, arn: str, place: str, events: Iterable[HistoryEvent]) -> None:
        self.events = sorted(events, key=lambda event: event.id)
        self.identity = arn or f"{place}\0{self.events[0].time_ms}"
        self.attempt = Attempt("", place, arn or place, self.events[0].time_ms)
        self.attempt.service = STEP_FUNCTIONS
        self.attempt.function = machine_of(arn) or self._told_machine() or name_of_file(place)
        self.trace_id = _hex(self.identity)[:32]
        self.root = Scope(self._span(0, INVOCATION, self.attempt.function))
        self.scopes: dict[int, Scope] = {}
        self.spans: list[Span] = []
        self.failed: set[str] = set()  # states of which a try failed

    def _told_machine(self) -> str:
        """Return the state machine that the first event names by a version or an alias."""
        for name in ("stateMachineVersionArn", "stateMachineAliasArn"):
            parts = clean(self.events[0].details.get(name)).split(":")
            if len(parts) > 6:
                return parts[6]
        return ""

    def read(self, run: str = "") -> Attempt:
        """Return the execution, a child of the Map run *run*, as an attempt and its invocation."""
        handler = self.root.span
        handler.start_us = self.events[0].time_ms * 1000
        for arn in (self.attempt.request_id, run):
            key = link_key.link_key(link_key.STATES, arn)
            if key and arn.startswith("arn:"):
                handler.link_in.append(key)
        for event in self.events:
            at = self.scopes.get(event.previous, self.root)
            self.scopes[event.id] = self._after(event, at)
            self.attempt.lines.append(_line(event))
            self.attempt.end_ms = max(self.attempt.end_ms, event.time_ms)
        self.attempt.invocation = handler
        self.attempt.spans = [handler, *self.spans]
        self.attempt.sampled = True
        if self.attempt.ended:
            self._close(handler)
        return self.attempt

    def _after(self, event: HistoryEvent, at: Scope) -> Scope:
        """Read *event*, which followed on *at*, and return what the execution is within then."""
        kind = event.type
        state = _STATE.match(kind)
        if state:
            return self._state(event, at, state["kind"], state["what"])
        if kind.startswith("Map"):  # not its state
            return self._run(event, at) if kind.startswith("MapRun") else self._item(event, at)
        if _SCHEDULED.match(kind):
            return self._schedule(event, at)
        tried = _TRIED.match(kind)
        if tried:
            return self._tried(event, at, tried["end"])
        if kind == "TaskSubmitted":
            self._answered(at.span, event)
        ended = _ENDED.match(kind)
        if ended:
            self._end(event, at, ended["end"])
        elif kind == "ExecutionRedriven":
            self._redrive()
            return self.root
        elif kind == "EvaluationFailed":
            self._fail(_state_of(at).span, event, "States.QueryEvaluationError")
        return at

    # States and the items of a Map

    def _state(self, event: HistoryEvent, at: Scope, kind: str, what: str) -> Scope:
        """Read what is said of a state; only where it is entered and left it is named."""
        name = clean(event.details.get("name"))
        if what == "Entered":
            return Scope(self._span(event.id, STATE, name, at.span, event), at, kind)
        meant = _around(at, lambda one: one.kind == kind and name in {"", one.span.name})
        if meant is None:
            return at
        if what in {"Exited", "Aborted"}:
            return self._leave(event, meant)
        if what == "Failed":
            self.failed.add(meant.span.span_id)
        elif what == "Succeeded" and meant.span.span_id in self.failed:
            self.attempt.retried = True
        return meant

    def _item(self, event: HistoryEvent, at: Scope) -> Scope:
        name, item = clean(event.details.get("name")), f"item {event.details.get('index', 0)}"
        if event.type == "MapIterationStarted":
            among = _around(at, lambda one: one.kind == _MAP and name in {"", one.span.name}) or at
            return Scope(self._span(event.id, STATE, item, among.span, event), among)
        meant = _around(at, lambda one: one.span.name == item and not one.kind)
        return at if meant is None else self._leave(event, meant)

    def _run(self, event: HistoryEvent, at: Scope) -> Scope:
        """Read what is said of a distributed Map's run: its children are executions."""
        meant = _around(at, lambda one: one.kind == _MAP) or at
        key = link_key.link_key(link_key.STATES, event.details.get("mapRunArn"))
        if key:
            extend(meant.span.link_out, [key])
        if event.type == "MapRunFailed":
            self.failed.add(meant.span.span_id)
            self._fail(meant.span, event, "States.Runtime")
        return meant

    def _leave(self, event: HistoryEvent, left: Scope) -> Scope:
        left.span.duration_us = max(0, event.time_ms * 1000 - left.span.start_us)
        return left.above or self.root

    # Tasks and their tries

    def _schedule(self, event: HistoryEvent, at: Scope) -> Scope:
        state = _state_of(at)
        details = event.details
        if event.type.startswith("Task"):
            operation, place = task.operation_of(details), task.place_of(details)
        elif event.type.startswith("Lambda"):
            operation, place = task.INVOKE, clean(details.get("resource"))
        else:
            operation, place = "stepfunctions.Activity", clean(details.get("resource"))
        span = self._span(event.id, CALL, operation, state.span, event)
        span.operation, span.resource = operation, place
        return Scope(span, state)

    def _tried(self, event: HistoryEvent, at: Scope, end: str) -> Scope:
        """Read how a try of a task ended; where its beginning was not logged, begin it here."""
        if at.span.role != CALL:
            at = self._schedule(event, at)
        state = _state_of(at)
        at.span.duration_us = max(0, event.time_ms * 1000 - at.span.start_us)
        if end == "Succeeded":
            self._answered(at.span, event)
            if state.span.span_id in self.failed:
                self.attempt.retried = True
            return state
        self.failed.add(state.span.span_id)
        self._fail(at.span, event, _UNNAMED.get(end, end))
        _, request = task.failure_of(event.details, "")
        key = link_key.link_key(link_key.LAMBDA, request)
        if key and at.span.operation.startswith(task.INVOKE):
            extend(at.span.link_out, [key])
            at.span.http_status = task.ANSWERED
        return state

    @staticmethod
    def _answered(call: Span, event: HistoryEvent) -> None:
        """Read the ids that a service answered *call* with."""
        output = task.object_of(event.details.get("output"))
        if event.type.startswith("Task") and call.role == CALL:
            call.http_status = call.http_status or task.status_of(output)
            extend(call.link_out, task.keys_of(call.operation, output))

    # The end

    def _end(self, event: HistoryEvent, at: Scope, end: str) -> None:
        handler = self.root.span
        handler.duration_us = max(0, event.time_ms * 1000 - handler.start_us)
        self.attempt.ended = self.attempt.returned = True
        if end == "Succeeded":
            return
        self._fail(handler, event, _UNNAMED.get(end, end))
        if end in _UNNAMED and handler.failure is not None:
            told = (handler.failure.message, self._where())
            handler.failure.message = "; ".join(filter(None, told))
        inner = at.span
        below = any(one.failed and one.parent_id == inner.span_id for one in self.spans)
        if inner is not handler and inner.role == STATE and not below and not inner.failed:
            self._fail(inner, event, _UNNAMED.get(end, end))

    def _where(self) -> str:
        """Return the innermost states that were entered and not left, in words."""
        left = [one for one in self.spans if one.role == STATE and one.duration_us is None]
        around = {one.parent_id for one in left}
        names = sorted({one.name for one in left if one.span_id not in around})
        return f"it was in {', '.join(names)}" if names else ""

    def _redrive(self) -> None:
        """Note that a failed execution goes on: its later end counts."""
        handler = self.root.span
        handler.status, handler.failure, handler.duration_us = 0, None, None
        self.attempt.ended = self.attempt.returned = False
        self.attempt.retried = True

    def _close(self, handler: Span) -> None:
        """Close what was open when the execution ended."""
        for span in self.spans:
            if span.duration_us is None:
                span.duration_us = max(0, handler.end_us - span.start_us)

    @staticmethod
    def _fail(span: Span, event: HistoryEvent, kind: str) -> None:
        span.status = STATUS_ERROR
        span.failure, _ = task.failure_of(event.details, kind)

    def _span(
        self,
        number: int,
        role: str,
        name: str,
        above: Span | None = None,
        event: HistoryEvent | None = None,
    ) -> Span:
        span_id = _hex(f"{self.identity}\0{number}\0{role}")[:16]
        span = Span(self.trace_id, span_id, role, name or role, semconv.KIND_SERVER)
        if above is not None and event is not None:
            span.kind, span.parent_id = semconv.KIND_INTERNAL, above.span_id
            span.start_us = event.time_ms * 1000
            self.spans.append(span)
        return span


def _state_of(at: Scope) -> Scope:
    """Return the state that *at* is, or the one around it."""
    return _around(at, lambda one: one.span.role != CALL) or at


def _around(at: Scope, is_meant: Callable[[Scope], bool]) -> Scope | None:
    """Return the innermost scope around *at*, itself included, that *is_meant*."""
    found: Scope | None = at
    while found is not None and not is_meant(found):
        found = found.above
    return found


def _line(event: HistoryEvent) -> LogLine:
    """Return *event* as a line for people; inputs and outputs are left out."""
    failure: Failure | None = None
    if "error" in event.details or "cause" in event.details:
        failure, _ = task.failure_of(event.details, "")
    said = " ".join(filter(None, (event.type, clean(event.details.get("name")))))
    if failure is not None:
        said = f"{said}: {failure.type}: {failure.message}".rstrip(": ")
    return LogLine(event.time_ms, event.id, PLATFORM, said)


def _hex(text: str) -> str:
    return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
