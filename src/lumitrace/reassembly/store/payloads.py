"""Payloads stay out of a store unless they are asked in: they are taken from the lines."""

import json
from typing import Any

from lumitrace.reassembly.fields import items
from lumitrace.reassembly.platform_events import json_object
from lumitrace.reassembly.step_functions import task
from lumitrace.wire import span_line

_NAMED = tuple(f'"{name}":' for name in span_line.PAYLOADS)
_ENCODE = json.JSONEncoder(ensure_ascii=True, separators=(",", ":")).encode
# What of a task's output and parameters is no data: what was called, and the ids that joined it.
_IDS = frozenset(
    name.lower()
    for name in (
        *("StatusCode", "SdkHttpMetadata", "HttpStatusCode", "HttpHeaders", "x-amzn-RequestId"),
        *("SdkResponseMetadata", "RequestId", "MessageId", "EventId", "ExecutionArn"),
        *("Successful", "Entries", "Records", "ShardId", "SequenceNumber", *task.PLACES),
    )
)


def without_data(message: str) -> str:
    """Return *message*, an event of an execution, without what its states were given and gave."""
    said = json_object(message) or {}
    details = said.get("details")
    if not isinstance(details, dict):
        return message
    for name in ("input", "output", "parameters"):
        if name in details:
            details[name] = _ENCODE(_named(task.object_of(details[name])))
    return _ENCODE(said)


def _named(value: Any) -> Any:
    """Return *value* with the members alone that name something."""
    if isinstance(value, dict):
        return {name: _named(one) for name, one in value.items() if name.lower() in _IDS}
    return [_named(one) for one in value] if isinstance(value, list) else value


def without_payloads(message: str) -> str:
    """Return *message* without the payloads of our lines in it; any other line as it is."""
    if span_line.MARK not in message or not any(name in message for name in _NAMED):
        return message
    found = span_line.find(message)
    if not any(_strip(item) for item in found.objects):
        return message
    return found.rest + "".join(map(_ENCODE, found.objects))


def _strip(item: dict[str, Any]) -> bool:
    """Take the payloads out of *item* and the entries of its calls; tell whether there were any."""
    parts = [item, *(part for call in items(item.get("calls")) if (part := _rare(call)))]
    held = [(part, name) for part in parts for name in span_line.PAYLOADS if name in part]
    for part, name in held:
        del part[name]
    return bool(held)


def _rare(call: list[Any]) -> dict[str, Any] | None:
    return call[-1] if call and isinstance(call[-1], dict) else None
