"""Our context in the parameters of a call, or the parameters as they were."""

from functools import cache

from lumitrace.capture import resend
from lumitrace.capture.calls import LiveCall
from lumitrace.capture.guard import Guard
from lumitrace.capture.services import BY_CLIENT
from lumitrace.capture.services._service import Service
from lumitrace.capture.span import Span

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

PARAMETERS = ("self", "api_params", "operation_model", "context")  # of botocore's method

FULL = 390 * 1024  # bytes of an item that has no room for a mark

MESSAGES = ("sns", "sqs")  # another tracer's context goes out with these as ours would

guard = Guard("capture.outgoing")


@cache  # 0.1 us, where an import that is done already takes 1
def bindings() -> "Any":
    """Return the module: few functions bind entries to records."""
    from lumitrace.capture import bindings  # noqa: PLC0415  # see above

    return bindings


@cache
def _foreign() -> "Any":
    from lumitrace.capture import foreign  # noqa: PLC0415  # of messages only

    return foreign


class Plan:
    """What every call of one operation by one client has in common: 1 us less than to ask."""

    __slots__ = ("operation", "region", "row", "service", "waits")

    def __init__(self, client: "Any", model: "Any") -> None:
        self.service = model.service_model.service_name
        self.operation = f"{self.service}.{model.name}"
        self.region = client.meta.region_name or ""
        self.row = BY_CLIENT.get(self.service)
        self.waits = self.row is not None and model.name in self.row.waits


def arguments(args: "Any", kwargs: "Any") -> "tuple[dict[str, Any], tuple[str, ...]]":
    """Return what botocore's method got, by name, and the names of the parameters in it.

    It is asked before the method runs: botocore adds a token of its own to the same dictionary.
    """
    if args:
        kwargs = dict(zip(PARAMETERS[1:], args, strict=False), **kwargs)
    return kwargs, tuple(kwargs["api_params"])


def inject(live: LiveCall, span: Span, service: Service, client: "Any") -> "Any":
    """Return the parameters of *live* with the context of *span* in them, as *service* adds it."""
    call, invocation = live.call, span.invocation
    trigger, source = invocation.source
    if trigger == "dynamodb":
        call.avoid = frozenset((source,))
    call.fed, call.off = invocation.fed, resend.off(call.service)
    ours = service.inject(call, span.context(live.span_id))
    if ours is not call.params:
        if live.resource in call.off:
            call.not_injected = "refused"
            return call.params
        live.original, live.client, call.sent = call.params, client, ours
    return ours


def fits(live: LiveCall, original: "Mapping[str, Any]", request_dict: "dict[str, Any]") -> None:
    """Let the item of a PutItem go as in *original*, the caller's, where it has no room for ours.

    It is looked at when it is spelt: the JSON of an item is longer than DynamoDB counts it, so that
    one below the limit needs no counting, which takes 1 us.
    """
    with guard:
        body = request_dict.get("body")
        if body and len(body) > FULL:
            from lumitrace.capture.services import _dynamodb_item  # noqa: PLC0415  # few are

            if _dynamodb_item.is_large(live.call.params["Item"]):
                request_dict["body"] = resend.plain(live, original)["body"]
                live.original, live.call.sent = None, live.call.params
                live.call.not_injected = "item-size"


def link_keys(live: LiveCall, parsed: "Mapping[str, Any]") -> list[str]:
    """Return the link keys of what *live* sent, by AWS's answer *parsed*."""
    call, row = live.call, live.row
    service = row.service() if row is not None else None
    keys = [] if service is None else service.describe_response(call, parsed)
    if call.bound:
        keys = bindings().settle(live, parsed, service, keys)
    return keys + _foreign().sent(live) if call.service in MESSAGES else keys
