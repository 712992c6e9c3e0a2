"""Amazon EventBridge: rules, schedules, the Scheduler, replays, and pipes.

Inbound:   the id of the event, which `PutEvents` answered; the context in its detail where the
           sender put one there. S3's own events bear the id of the request that wrote.
Outbound:  each entry of ``PutEvents``, only with ``LUMITRACE_EVENTBRIDGE=inject``: the detail is
           payload, seen by rules, archives and API destinations. ``TraceHeader`` is AWS's own.
Event:     https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-events-structure.html
Limits:    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-putevents.html
"""

from lumitrace.capture.config import INJECT, settings
from lumitrace.capture.services import _entries, _event_detail, _nested
from lumitrace.capture.services._call import Call
from lumitrace.capture.services._room import Room
from lumitrace.capture.services._service import Inbound, Record, Service
from lumitrace.wire.context import SpanContext
from lumitrace.wire.link_key import EVENTS, link_key

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

MAX_BYTES = 262_144  # all entries of a request, as every region has it


class EventBridge(Service):
    """Buses: Lambda hands over one event at a time."""

    def extract(self, event: "Any") -> Inbound:
        """Return one record an event; the source is what the event says of itself."""
        return super().extract([event] if isinstance(event, dict) else event)

    def read(self, record: "dict[str, Any]", room: Room) -> Record:
        """Return the context and the id of one event."""
        return _nested.event(record, room)

    def source(self, records: "list[dict[str, Any]]") -> str:
        """Return what the first event says of itself."""
        source = records[0].get("source") if records else ""
        return source[:100] if isinstance(source, str) else ""

    def inject(self, call: Call, context: SpanContext) -> "Mapping[str, Any]":
        """Splice the context into each detail that is an object, where the user asked for it."""
        if settings.eventbridge != INJECT or call.operation != "PutEvents":
            return call.params
        entries = _entries.entries(call, "Entries")
        room = MAX_BYTES - len(entries) * _event_detail.OUR_BYTES
        if sum(map(_event_detail.size, entries)) >= room:  # "less than", says AWS
            call.not_injected = "size"
            return call.params
        return _entries.with_contexts(call, "Entries", context, _event_detail.with_context)

    def describe_response(self, call: Call, response: "Mapping[str, Any]") -> list[str]:
        """Return the key of every event that the bus took."""
        if call.operation != "PutEvents":
            return []
        sent = [link_key(EVENTS, entry.get("EventId")) for entry in response.get("Entries") or ()]
        return [key for key in sent if key]


service = EventBridge()
