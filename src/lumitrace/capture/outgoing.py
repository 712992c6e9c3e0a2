"""Our context in the parameters of a call, or the parameters as they were."""

from lumitrace.capture import resend
from lumitrace.capture.calls import LiveCall
from lumitrace.capture.guard import Guard
from lumitrace.capture.services._service import Service
from lumitrace.capture.span import Span

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

PARAMETERS = ("self", "api_params", "operation_model", "context")  # of botocore's method

guard = Guard("capture.outgoing")


def arguments(args: "Any", kwargs: "Any") -> "dict[str, Any]":
    """Return what botocore's method got, by name, and which parameters the caller *gave*.

    It is asked before the method runs: botocore adds a token of its own to the same dictionary.
    """
    names = dict(zip(PARAMETERS[1:], args, strict=False), **kwargs)
    return {**names, "given": tuple(names["api_params"])}


def inject(live: LiveCall, span: Span, service: Service, client: "Any") -> "Any":
    """Return the parameters of *live* with the context of *span* in them, as *service* adds it."""
    call = live.call
    trigger, source = span.invocation.source
    call.avoid = frozenset((source,)) if trigger == "dynamodb" else frozenset()
    call.fed, call.off = span.invocation.fed, resend.off(call.service)
    with guard:
        ours = service.inject(call, span.context(live.span_id))
        if ours is not call.params and resend.is_off(live):
            call.not_injected = "refused"
            return call.params
        if ours is not call.params:
            live.original, live.client, call.sent = call.params, client, ours
        return ours
    return call.params
