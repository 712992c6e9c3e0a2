"""Our context in the detail of an EventBridge event, where ``LUMITRACE_EVENTBRIDGE=inject``.

The detail is the application's own text: one member is spliced in at its beginning, and nothing is
ever serialised again. Here it is written, read back and taken off.
"""

from lumitrace.capture.services._service import first_records
from lumitrace.wire.context import format_traceparent, parse_traceparent
from lumitrace.wire.mark import ATTRIBUTE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from lumitrace.wire.context import SpanContext

MEMBER = f'"{ATTRIBUTE}":"'
OUR_BYTES = len(MEMBER) + 55 + 2
TIME_BYTES = 14  # that an entry's Time counts:
# https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-putevents.html


def with_context(
    entry: "Mapping[str, Any]", context: "SpanContext"
) -> "tuple[Mapping[str, Any], str | None]":
    """Return *entry* with the member in its detail, or itself and the reason why not."""
    detail = entry.get("Detail")
    text = detail.lstrip() if isinstance(detail, str) else ""
    if not text.startswith("{"):
        return entry, "detail-not-an-object"
    if f'"{ATTRIBUTE}"' in text:
        return entry, "own-attribute"
    rest = text[1:].lstrip()
    comma = "" if rest.startswith("}") else ","
    return {**entry, "Detail": f'{{{MEMBER}{format_traceparent(context)}"{comma}{text[1:]}'}, None


def size(entry: "Mapping[str, Any]") -> int:
    """Return the bytes that EventBridge counts of *entry*."""
    total = TIME_BYTES if entry.get("Time") is not None else 0
    texts = [entry.get(name) for name in ("Source", "DetailType", "Detail")]
    resources = entry.get("Resources")
    for text in (*texts, *(resources if isinstance(resources, list) else ())):
        total += len(text.encode("utf-8", "surrogatepass")) if isinstance(text, str) else 0
    return total


def read(detail: object) -> "SpanContext | None":
    """Return the context in a *detail*, or None."""
    return parse_traceparent(detail.get(ATTRIBUTE)) if isinstance(detail, dict) else None


def clean(event: "Any") -> None:
    """Take our member off the detail of *event*, in place: the handler sees what was sent."""
    for one in [event] if isinstance(event, dict) else first_records(event, 10_000)[0]:
        detail = one.get("detail")
        if isinstance(detail, dict) and ATTRIBUTE in detail and read(detail) is not None:
            del detail[ATTRIBUTE]
