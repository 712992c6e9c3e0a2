"""What the ``start`` and the ``invocation`` line say beside the span itself."""

import os

from lumitrace.capture.config import settings
from lumitrace.capture.current import process, started_ahead
from lumitrace.capture.guard import Guard
from lumitrace.capture.span import Invocation, Span
from lumitrace.wire import semconv, span_line
from lumitrace.wire.context import SpanContext, parse_xray_root

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from lumitrace.capture.services import Row
    from lumitrace.capture.services._service import Inbound, Record

guard = Guard("capture.lines")

MAX_TENANT = 256  # characters
MAX_LINKS = 256  # records told one by one; the rest are counted
# How many invocations run side by side in this sandbox: Managed Instances only.
_SAID = os.environ.get("AWS_LAMBDA_MAX_CONCURRENCY", "")
CONCURRENCY = int(_SAID) if _SAID.isdecimal() and len(_SAID) < 6 else 0


def start(
    invocation: Invocation, row: "Row", source: "Inbound", linked: "list[SpanContext]"
) -> "dict[str, Any]":
    """Return the fields of the ``start`` line; *linked* are the senders that are no parent."""
    span, records = invocation.handler, source.records
    fields: dict[str, Any] = {"name": span.name, "kind": span.kind, "trigger": row.name}
    fields["startUs"] = invocation.start_us
    if source.route:
        fields["route"] = source.route
    if source.source:
        fields["source"] = source.source
    few = len(records) == 1 and not (source.unread or source.unopened or source.claimed or linked)
    if few and records[0].is_plain:  # as of most: 3 us less
        if records[0].link_key and records[0].context is None:
            fields["linkIn"] = [records[0].link_key]
    else:
        fields |= _senders(invocation, source, linked)
    if source.link_out:
        fields["linkOut"] = source.link_out
    root = parse_xray_root(os.environ.get("_X_AMZN_TRACE_ID"))
    if root is not None:
        fields["xrayRoot"] = root
    if CONCURRENCY:
        fields["concurrency"] = CONCURRENCY
    if process.invocations == 1:
        fields["attributes"] = first_of_process()
    return fields | _keep(invocation, row) if settings.payloads else fields


def _senders(
    invocation: Invocation, source: "Inbound", linked: "list[SpanContext]"
) -> "dict[str, Any]":
    """Return what the records of a batch say, or one with more to say than its key."""
    records = source.records
    keys = _unread(records)
    links = [[context.trace_id, context.span_id] for context in linked]
    if source.claimed is not None:
        links.append([source.claimed.trace_id, source.claimed.span_id, "claimed"])
    writers = [record.last_writer for record in records if record.last_writer is not None]
    links += [[one.trace_id, one.span_id, span_line.LAST_WRITER] for one in dict.fromkeys(writers)]
    for told in (links, keys):
        if len(told) > MAX_LINKS:
            invocation.drop("links", len(told) - MAX_LINKS)
            del told[MAX_LINKS:]
    for kind, left in (("links", source.unread), ("bodies", source.unopened)):
        if left:
            invocation.drop(kind, left)
    count = len(records) + source.unread
    received = records[0].receive_count if count == 1 and records else 0
    fields = {
        "linkIn": keys,
        "receiveCount": received if received > 1 else 0,
        "links": links,
        "origins": _origins(records),
        "records": count if count > 1 else 0,
    }
    return {field: value for field, value in fields.items() if value}


def _unread(records: "list[Record]") -> "list[Any]":
    """Return the link keys of *records* whose context was not read, with their relations."""
    return [
        [record.link_key, record.relation] if record.relation else record.link_key
        for record in records
        if record.context is None and record.link_key
    ]


def _keep(invocation: Invocation, row: "Row") -> "dict[str, Any]":
    """Take the picture of the event; return what the ``start`` line has of it."""
    with guard:
        from lumitrace.capture import payload  # noqa: PLC0415  # only where the user asks for it

        event, sampled = invocation.event, not invocation.held
        invocation.kept = payload.Kept(event, row.name, sampled=sampled)
        return invocation.kept.at_start()  # type: ignore[no-any-return]  # a Kept is not loaded
    return {}


def _origins(records: "list[Record]") -> dict[str, int]:
    """Return how many of *records* no call to their table has caused, by what did."""
    told: dict[str, int] = {}
    for record in records:
        if record.origin:
            told[record.origin] = told.get(record.origin, 0) + 1
    return told


def first_of_process() -> "dict[str, Any]":
    """What does not change while the process lives, told once."""
    environ = os.environ
    stream = environ.get("AWS_LAMBDA_LOG_STREAM_NAME")
    memory = environ.get("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "")
    from lumitrace import __version__  # noqa: PLC0415  # the front door imports this module

    attributes = {
        semconv.FAAS_MAX_MEMORY: int(memory) << 20 if memory.isdigit() else None,
        semconv.HOST_ARCH: os.uname().machine if hasattr(os, "uname") else None,
        semconv.AWS_LOG_STREAM_NAMES: [stream] if stream else None,
        semconv.SERVICE_VERSION: settings.release,
        semconv.TELEMETRY_DISTRO_VERSION: __version__,
    }
    return {name: value for name, value in attributes.items() if value}


def kind(span: Span) -> "dict[str, Any]":
    """Return what the ``invocation`` line says of its kind: nothing where it is the usual one."""
    return {} if span.kind == semconv.KIND_SERVER else {"kind": span.kind}


def outcome(span: Span, result: object, raised: BaseException | None) -> "dict[str, Any]":
    """Status and error of the handler; an answer of 500 and more to a web caller is a failure."""
    if raised is not None:
        return _error().outcome(raised)  # type: ignore[no-any-return]  # loaded where needed
    if span.invocation.source[0] == "durable":
        return _error().of_execution(span.invocation.event, result)  # type: ignore[no-any-return]
    code = result.get("statusCode") if type(result) is dict else None
    if span.attributes.get(semconv.FAAS_TRIGGER) != semconv.TRIGGER_HTTP or type(code) is not int:
        return {}
    span.attributes[semconv.HTTP_RESPONSE_STATUS_CODE] = code
    return {} if code < 500 else _error().failed({"type": str(code)})


def _error() -> "Any":
    from lumitrace.capture import error  # noqa: PLC0415  # where something failed

    return error


def attributes(span: Span, context: object) -> None:
    """Add what the runtime says of the function."""
    if process.invocations == 1 and not started_ahead():
        span.attributes[semconv.FAAS_COLDSTART] = True
    tenant = getattr(context, "tenant_id", None)
    if tenant and isinstance(tenant, str):
        span.attributes[semconv.LUMITRACE_TENANT_ID] = tenant[:MAX_TENANT]
    if settings.version:
        span.attributes[semconv.FAAS_VERSION] = settings.version
    arn = getattr(context, "invoked_function_arn", None)
    parts = arn.split(":", 5) if isinstance(arn, str) else []
    if len(parts) > 4:
        span.attributes[semconv.CLOUD_ACCOUNT_ID] = parts[4]
        span.attributes[semconv.CLOUD_REGION] = parts[3]
