"""Events of an execution's history, as Step Functions logs them and as its API answers them.

The log's form is the one that is read here: ``id``, ``type``, ``details``, ``previous_event_id``,
``event_timestamp`` (Unix milliseconds as text), ``execution_arn``, ``redrive_count``. What
GetExecutionHistory answers is spelt anew so.
https://docs.aws.amazon.com/step-functions/latest/dg/cw-logs.html
https://docs.aws.amazon.com/step-functions/latest/apireference/API_HistoryEvent.html
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any

from lumitrace.reassembly.fields import clean
from lumitrace.reassembly.platform_events import json_object
from lumitrace.reassembly.sources.event import time_ms_of
from lumitrace.wire.span_line import encode

_LOGGED = ('"execution_arn"', '"previous_event_id"')
_DETAILS = "EventDetails"
RUN_BEGAN = "MapRunStarted"  # of a distributed Map; its details name the run
MAX_S = 2**33  # as seconds the year 2242; as milliseconds April 1970
MAX_ID = 2**31  # a history holds 25,000 events


@dataclass(slots=True)
class HistoryEvent:
    """One event of an execution.

    Attributes:
        id: counts from 1 within an execution.
        previous: the event that it followed; 0 where that is the beginning.
        arn: of the execution, "" where the source does not say it.
        run: of the distributed Map whose child the execution is, "" where nothing says it.
    """

    id: int
    previous: int
    type: str
    time_ms: int
    arn: str
    details: dict[str, Any] = field(default_factory=dict)
    run: str = ""


def looks_logged(message: str) -> bool:
    """Tell whether *message* may be an event that Step Functions logged."""
    return message.startswith("{") and all(name in message for name in _LOGGED)


def parse(message: str, time_ms: int | None = None) -> HistoryEvent | None:
    """Return the event that *message* spells, or None. Never raises.

    *time_ms* is when it was logged, for an event that does not say when it was.
    """
    said = json_object(message) if looks_logged(message) else None
    if said is None or not isinstance(said.get("type"), str):
        return None
    number, previous = _number(said.get("id")), _number(said.get("previous_event_id"))
    details = said.get("details")
    if not number:
        return None
    moment = time_ms_of(said.get("event_timestamp"))
    return HistoryEvent(
        number,
        previous,
        clean(said["type"]),
        (moment if moment is not None else time_ms) or 0,
        clean(said.get("execution_arn")),
        details if isinstance(details, dict) else {},
        clean(said.get("map_run_arn")),
    )


def _number(value: object) -> int:
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 12:
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < MAX_ID:
        return 0
    return value


def is_answered(event: object) -> bool:
    """Tell whether *event* is one of those that GetExecutionHistory answers."""
    if not isinstance(event, dict) or not isinstance(event.get("type"), str):
        return False
    return isinstance(event.get("id"), int) and "timestamp" in event and "message" not in event


def as_logged(event: Mapping[str, Any], arn: str, run: str = "") -> str:
    """Return *event*, of GetExecutionHistory, as Step Functions would have logged it.

    Args:
        event: as the API answers it.
        arn: of the execution, or "".
        run: of the distributed Map whose child the execution is, or "". Step Functions logs none.
    """
    details: Any = next((value for name, value in event.items() if name.endswith(_DETAILS)), {})
    return encode(
        {
            "id": str(event.get("id")),
            "type": event.get("type"),
            "details": details,
            "previous_event_id": str(event.get("previousEventId", 0)),
            "event_timestamp": str(moment_ms(event.get("timestamp")) or 0),
            "execution_arn": arn,
            **({"map_run_arn": run} if run else {}),
        }
    )


def moment_ms(value: object) -> int | None:
    """Return the Unix milliseconds of a time of the API: seconds, a text, or boto3's own."""
    if isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value < MAX_S:
        return round(value * 1000)
    if isinstance(value, datetime):
        return round(value.astimezone(timezone.utc).timestamp() * 1000)
    return time_ms_of(value)
