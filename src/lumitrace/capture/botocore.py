"""The one file that touches botocore.

`BaseClient._emit_api_params` is wrapped: what it returns are the parameters as they will be sent,
so that the context is added there, for clients and resources, old and new, and nothing else is
seen to change. botocore's own events say when a call begins, is tried again and ends. Each step is
guarded: an exception inside a hook would be the caller's.
"""

import functools
from importlib import import_module
from weakref import WeakKeyDictionary

from lumitrace.capture import resend
from lumitrace.capture.calls import LiveCall
from lumitrace.capture.config import OFF, ON, settings
from lumitrace.capture.current import current, process
from lumitrace.capture.frame import cut
from lumitrace.capture.guard import Guard, reporter
from lumitrace.capture.outgoing import (
    PARAMETERS,
    Plan,
    arguments,
    bindings,
    fits,
    inject,
    link_keys,
)
from lumitrace.capture.services._call import Call
from lumitrace.capture.services._service import Service

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

KEY = "lumitrace"  # our place in botocore's own context of a call
ITEM_SERVICES = ("dynamodb", "dynamodbstreams")

guard = Guard("capture.botocore")
plain = Service()
# The clients that are listened to, and what is known of their operations.
hooked: "WeakKeyDictionary[Any, dict[str, Plan]]" = WeakKeyDictionary()
# Loaded for DynamoDB alone; an import that is done already takes 1 us.
_cleaner = functools.cache(lambda: import_module("lumitrace.capture.services._attribute_map"))


def patch(module: "Any") -> None:
    """Wrap the method of ``botocore.client``, once."""
    from lumitrace.capture import _wrapt  # noqa: PLC0415  # only where botocore is

    proxy = _wrapt.proxy()
    original = module.BaseClient.__dict__.get("_emit_api_params")
    if getattr(original, KEY, False):  # it is ours already, or another's around ours
        return
    code = getattr(original, "__code__", None)
    if code is None or code.co_varnames[: code.co_argcount] != PARAMETERS:
        if not isinstance(original, proxy):
            reporter.report("capture.botocore", "this botocore is not known; calls are not traced")
        return

    class Door(proxy):  # type: ignore[misc,valid-type]  # either wrapt's
        """The method, with us behind it; a partial adds no frame to what it raises."""

        lumitrace = True  # by `KEY`

        def __get__(self, instance: "Any", owner: object = None) -> "Any":
            if instance is None:
                return self
            bound = self.__wrapped__.__get__(instance, owner)
            return functools.partial(_emit_api_params, bound, instance)

    module.BaseClient._emit_api_params = Door(original)  # noqa: SLF001  # as wrapt.wrap_object does


def _emit_api_params(
    bound: "Callable[..., Any]", client: "Any", *args: "Any", **kwargs: "Any"
) -> "Any":
    """Stand in for the method: botocore's own work first, then ours on what it returns."""
    names: tuple[Any, ...] = ()
    with guard:
        names = arguments(args, kwargs)
    try:
        params = bound(*args, **kwargs)
    except BaseException as error:
        cut(error)
        raise
    with guard:
        return prepare(client, params, *names)
    return params


def prepare(client: "Any", params: "Any", names: "dict[str, Any]", given: "Any") -> "Any":
    """Note the call in botocore's *context*; return *params* with our context in them.

    *names* and *given* are the `arguments` of the method that made *params*.
    """
    model, context = names["operation_model"], names["context"]
    # Tracing may have been on for a while, in a test; a URL that is only signed is no call.
    if settings.enabled == OFF or context.get("is_presign_request") or not isinstance(params, dict):
        return params
    plans = hooked.get(client)
    is_first = plans is None
    if plans is None:
        hook(client.meta.events, items=model.service_model.service_name in ITEM_SERVICES)
        plans = hooked[client] = {}
    operation = model.name
    plan = plans.get(operation) or plans.setdefault(operation, Plan(client, model))
    call, row = Call(plan.service, operation, params, plan.region), plan.row
    call.given = given
    span = current() if settings.enabled == ON else None
    context[KEY] = live = LiveCall(call, row, span, model, plan.operation)
    if span is None:
        process.outside += settings.enabled == ON
        return params
    if span.invocation.batch is not None:
        bindings().find(span.invocation.batch, names["api_params"], call)
    known = (row.service() if row is not None else None) or plain
    live.resource = known.describe(call, row.resources if row is not None else ())
    live.announce = is_first or plan.waits
    if row is None or not settings.inject:
        return params
    return inject(live, span, known, client)


def hook(events: "Any", *, items: bool) -> None:
    """Listen to a client; *items*: whether its answers may hold some."""
    first = events.register_first
    first("before-call", _before_call, unique_id="lumitrace-before-call")
    events.register("needs-retry", _needs_retry, unique_id="lumitrace-needs-retry")
    if items:
        first("response-received", _response_received, unique_id="lumitrace-response-received")
    first("after-call", _after_call, unique_id="lumitrace-after-call")
    first("after-call-error", _failed, unique_id="lumitrace-after-call-error")


def _before_call(params: "Any" = None, context: "Any" = None, **_: "Any") -> None:
    with guard:
        live = context.get(KEY)
        if live is not None:
            if live.original is not None and live.call.operation == "PutItem":
                fits(live, live.original, params)
            live.begin()


def _needs_retry(
    attempts: int = 1, response: "Any" = None, request_dict: "Any" = None, **_: "Any"
) -> float | None:
    """Count the attempt; ask for one more where our mark may be why the request was refused."""
    with guard:
        live = request_dict["context"].get(KEY)
        if live is not None:
            live.attempts = attempts
            if response is not None and response[0].status_code >= 400:
                return resend.without(live, response, request_dict)
    return None


def _response_received(parsed_response: "Any" = None, context: "Any" = None, **_: "Any") -> None:
    """Take our mark off the items in an answer, before anybody else sees them."""
    with guard:
        live = (context or {}).get(KEY)
        if live is None or not parsed_response:
            return
        if len(parsed_response) == 1 and "ResponseMetadata" in parsed_response:
            live.call.read_from = []
            return  # as of most writes: 4 us less
        reader = live.span.trace_id if live.span is not None else None
        _cleaner().clean_response(live.call, live.model, parsed_response, reader)
        if live.call.bound:
            bindings().keep_unprocessed(live, parsed_response)


def _after_call(
    http_response: "Any" = None, parsed: "Any" = None, context: "Any" = None, **_: "Any"
) -> None:
    with guard:
        live = context.get(KEY)
        if live is None or not isinstance(parsed, dict):
            return
        code = getattr(http_response, "status_code", 0)
        metadata = parsed.get("ResponseMetadata", {})
        if live.original is not None:
            resend.settle(live, code, metadata)
            resend.learn(live, code, parsed)
        if live.span is None:
            return
        error, keys = None, []
        with guard:
            error = live.error(code, parsed)
            keys = link_keys(live, parsed) if error is None or code < 300 else []
        if error is not None and live.span.invocation.kept is not None:
            live.span.invocation.kept.answers[live.span_id] = parsed
        live.end(code, keys, error, metadata.get("RequestId"))


def _failed(exception: "Any" = None, context: "Any" = None, **_: "Any") -> None:
    with guard:
        live = context.get(KEY)
        if live is not None:
            live.fail(exception)
