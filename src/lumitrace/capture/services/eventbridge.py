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
from lumitrace.capture.services._service import Call, Inbound, Record, Service, first_records
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
        records = [event] if isinstance(event, dict) else first_records(event, self.max_records)[0]
        source = records[0].get("source") if records else ""
        source = source[:100] if isinstance(source, str) else ""
        return Inbound(map(self.extract_record, records), source=source)

    def extract_record(self, record: "dict[str, Any]") -> Record:
        """Return the context and the id of one event."""
        return _nested.event(record, _nested.Room())

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
