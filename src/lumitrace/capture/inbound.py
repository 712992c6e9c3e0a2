"""An event, and where it came from: which service, which senders, what is ours to take off."""

from functools import cache

from lumitrace.capture.config import settings
from lumitrace.capture.services import BY_EVENT_SOURCE, BY_NAME, OTHER, Row
from lumitrace.capture.services._service import Inbound, Record
from lumitrace.wire.context import new_span_id

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

MARKED = frozenset(("dynamodb", "events", "firehose", "kinesis"))  # rows with marks to take off
MAX_HOST = 256  # characters of a host name that are looked at


def recognise(event: object) -> Row:
    """Return the row of the service that *event* comes from; `OTHER` where none is known.

    Looks at a few keys, whatever the size of *event*, and never raises, whatever it is.
    """
    if isinstance(event, dict):
        records = event.get("Records")
        if isinstance(records, list) and records and isinstance(records[0], dict):
            source = records[0].get("eventSource") or records[0].get("EventSource")
            if isinstance(source, str):
                return BY_EVENT_SOURCE.get(source, OTHER)
        context = event.get("requestContext")
        if isinstance(context, dict):
            http = context.get("http")
            if isinstance(http, dict) and event.get("type") != "REQUEST":
                host = context.get("domainName")
                url = isinstance(host, str) and ".lambda-url." in host[:MAX_HOST]
                return BY_NAME["function-url" if url else "api-gateway-http"]
    elif not isinstance(event, list):
        return OTHER
    return BY_NAME[_shape().name(event)]


@cache  # 0.1 us, where an import that is done already takes 1
def _shape() -> "Any":
    """Return what knows the less frequent shapes."""
    from lumitrace.capture.services import _shape  # noqa: PLC0415  # few need it at once

    return _shape


def recognise_record(record: object) -> Row:
    """Return the row of the service whose batch *record* is one of."""
    return recognise([record]) if isinstance(record, dict) else OTHER


def extract(row: Row, event: "Any", context: object) -> tuple[Row, Inbound]:
    """Return what *event* and the runtime's *context* say, and the row they prove.

    An Invoke's event has no shape of its own: the row is ``lambda`` where the caller's context is
    in *context*.
    """
    if row.name != "durable" and getattr(context, "client_context", None) is not None:
        from lumitrace.capture.services import lambda_  # noqa: PLC0415  # only where it may matter

        caller = lambda_.extract_context(context)
        if caller is not None:
            return BY_NAME["lambda"], Inbound([caller])
    elif getattr(context, "execution_context", None) is not None:
        from lumitrace.capture.services import durable  # noqa: PLC0415  # its SDK's own context

        execution = durable.extract_context(context)
        if execution is not None:
            return BY_NAME["durable"], execution
    service = row.service()
    if service is None:
        return row, Inbound()
    return row, service.extract(event)


def extract_record(record: object) -> tuple[Row, Record]:
    """Return what one *record* of a batch says of its sender."""
    row = recognise_record(record)
    service = row.service()
    if service is None or not isinstance(record, dict):
        return row, Record(None)
    return row, service.extract_record(record)


def known(before: "Any", found: Record) -> Record:
    """Return what a record said *before* our marks were taken off it, else what was *found*."""
    if isinstance(before, str):
        from lumitrace.capture.services import _kinesis_change  # noqa: PLC0415  # loaded already

        return _kinesis_change.read(before, found.identifier) or found
    if isinstance(before, tuple):
        from lumitrace.capture.services import _dynamodb_stream  # noqa: PLC0415  # loaded already

        return _dynamodb_stream.read_cut(*before)
    return found


def clean(row: Row, event: "Any", context: object) -> "dict[str, Any]":
    """Take off, in place, what lumitrace itself put into *event*, of *row*, and *context*.

    Returns what stood in the records that had a mark, by the record's own id.
    """
    cut: dict[str, Any] = {}
    if row.name == "dynamodb" and settings.dynamodb != "off":
        from lumitrace.capture.services import _dynamodb_stream  # noqa: PLC0415  # streams only

        cut = _dynamodb_stream.clean_event(event)
    elif row.name in ("kinesis", "firehose") and settings.dynamodb != "off":
        from lumitrace.capture.services import _kinesis_change  # noqa: PLC0415  # streams only

        cut = _kinesis_change.clean_event(event)
    elif row.name == "events":
        from lumitrace.capture.services import _event_detail  # noqa: PLC0415  # loaded already

        _event_detail.clean(event)
    if getattr(context, "client_context", None) is not None:
        from lumitrace.capture.services import lambda_  # noqa: PLC0415  # Invokes only

        lambda_.clean_context(context)
    return cut


def request_id(context: object) -> str:
    """Return Lambda's id of the invocation, or one of our own where *context* has none.

    The context of a durable function's SDK has Lambda's in it.
    """
    for holder in (context, getattr(context, "lambda_context", None)):
        request_id = getattr(holder, "aws_request_id", None)
        if isinstance(request_id, str):
            return request_id
    return new_span_id()
