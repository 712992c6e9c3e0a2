"""AWS Lambda, one function calling another.

Inbound:   ``context.w3c()`` of the newest runtime clients; older ones drop what they do not know,
           and the hop joins by the request id, which is the link key of every invocation.
Outbound:  ``Invoke`` that waits for the answer, as ``{"w3c":{"traceparent":…}}`` in the client
           context.
Limits:    3,583 bytes of client context, in Base64, synchronous calls only:
           https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html
"""

import base64
import json

from lumitrace.capture.services._call import Call
from lumitrace.capture.services._service import Inbound, Record, Service
from lumitrace.wire.context import SpanContext, format_traceparent, parse_traceparent
from lumitrace.wire.link_key import DURABLE, LAMBDA, link_key

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

MAX_CLIENT_CONTEXT = 3_583  # bytes of Base64


class Lambda(Service):
    """An Invoke: the caller waits, or leaves it to Lambda's own queue."""

    def extract(self, event: "dict[str, Any]") -> Inbound:
        """Return nothing: an Invoke's event is all the caller's; the context is beside it."""
        del event
        return Inbound()

    def inject(self, call: Call, context: SpanContext) -> "Mapping[str, Any]":
        """Add our context to the client context of a call that waits."""
        params = call.params
        waits = params.get("InvocationType", "RequestResponse") == "RequestResponse"
        if call.operation != "Invoke" or not waits:
            return params
        ours = json.dumps({"w3c": {"traceparent": format_traceparent(context)}})
        theirs = params.get("ClientContext")
        if theirs is not None:
            ours, call.not_injected = _spliced(theirs, ours)
        encoded = base64.b64encode(ours.encode()).decode()
        if call.not_injected is None and len(encoded) > MAX_CLIENT_CONTEXT:
            call.not_injected = "client-context-full"
        return params if call.not_injected else {**params, "ClientContext": encoded}

    def describe_response(self, call: Call, response: "Mapping[str, Any]") -> list[str]:
        """Return the key of the invocation that was asked for, and of a durable execution."""
        if call.operation not in ("Invoke", "InvokeAsync", "InvokeWithResponseStream"):
            return []
        metadata = response.get("ResponseMetadata", {})
        execution = link_key(DURABLE, response.get("DurableExecutionArn"))
        return [key for key in (link_key(LAMBDA, metadata.get("RequestId")), execution) if key]


def _spliced(theirs: object, ours: str) -> tuple[str, str | None]:
    """Put *ours* before what the caller's client context says, its text untouched."""
    try:
        text = base64.b64decode(theirs, validate=True).decode()  # type: ignore[arg-type]
        value = json.loads(text)
    except (TypeError, ValueError, RecursionError):
        return "", "client-context-malformed"
    if not isinstance(value, dict):
        return "", "client-context-malformed"
    if "w3c" in value or not value:
        return "", "own-client-context"
    return ours[:-1] + "," + text.lstrip()[1:], None


def extract_context(context: object) -> Record | None:
    """Return what the runtime's *context* object says of a caller that waits, or None."""
    w3c = getattr(context, "w3c", None)
    fields = w3c() if callable(w3c) else None
    parent = parse_traceparent(fields.get("traceparent")) if isinstance(fields, dict) else None
    return None if parent is None else Record(parent)


def clean_context(context: object) -> None:
    """Give the handler ``client_context`` None again where only ours was in it.

    An older runtime client drops ours unread, and cannot tell it from an empty one.
    """
    client_context = getattr(context, "client_context", None)
    frozen = getattr(getattr(type(context), "__dataclass_params__", None), "frozen", False)
    if client_context is None or frozen is True:  # a test's own, not the runtime client's
        return
    if hasattr(context, "w3c") and extract_context(context) is None:
        return
    parts = (getattr(client_context, name, None) for name in ("custom", "env", "client"))
    if not any(part is not None for part in parts):
        context.client_context = None  # type: ignore[attr-defined]


service = Lambda()
