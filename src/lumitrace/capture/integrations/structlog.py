"""structlog: ``traceId`` and ``spanId`` in every event, by a processor at the head of the list.

Behind those that merge what the application has bound: its own value wins.

The list is the one that was configured, changed in place as structlog's own ``capture_logs`` does:
loggers that were bound before see it too, and nothing is configured anew. It is looked at when an
invocation begins.
https://www.structlog.org/en/stable/processors.html
"""

from lumitrace.capture.guard import Guard
from lumitrace.capture.integrations.logs import SPAN_ID, TRACE_ID, ids

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

MERGING = ("merge_contextvars", "merge_threadlocal", "merge_threadlocal_context")

guard = Guard("capture.integrations.structlog")


def install(module: "Any") -> None:
    """Put the processor into the configured list, where it is not yet."""
    processors = module.get_config()["processors"]
    if isinstance(processors, list) and add_ids not in processors:
        named = [getattr(one, "__name__", "") for one in processors]
        at = max((place for place, name in enumerate(named, 1) if name in MERGING), default=0)
        processors.insert(at, add_ids)


def add_ids(logger: object, method: str, event: "Any") -> "Any":
    """Add the ids to *event*, unless it has its own; a processor."""
    del logger, method
    with guard:
        trace_id, span_id = ids()
        if trace_id:
            event.setdefault(TRACE_ID, trace_id)
            event.setdefault(SPAN_ID, span_id)
    return event
