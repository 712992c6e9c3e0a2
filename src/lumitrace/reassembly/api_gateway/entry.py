"""One entry of an access log, whose format its owner chose: read by known names and shapes.

Names are compared without case and signs, and nested objects by their whole way, so that
``integration.requestId``, ``integration_request_id`` and ``{"integration": {"requestId": …}}`` are
the same. A value that API Gateway does not have is ``-``.
https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-variables-for-access-logging.html
https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-logging-variables.html
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from lumitrace.reassembly.fields import clean
from lumitrace.reassembly.platform_events import json_object
from lumitrace.reassembly.sources.event import time_ms_of
from lumitrace.wire.span_line import MARK

NAMES = {
    "status": ("status", "statuscode", "httpstatus", "responsestatus", "responsestatuscode"),
    "request": ("requestid", "apirequestid", "apigatewayrequestid", "apigwrequestid"),
    "extended": ("extendedrequestid", "xrequestid", "extrequestid"),
    "method": ("httpmethod", "method", "requestmethod", "verb"),
    "path": ("path", "requestpath", "rawpath", "uri", "httppath"),
    "resource": ("resourcepath", "routekey", "route", "resource"),
    "invoked": (
        *("integrationrequestid", "awsendpointrequestid", "lambdarequestid"),
        *("functionrequestid", "integrationawsrequestid", "awsrequestid"),
    ),
    "integration": (
        *("integrationintegrationstatus", "integrationstatus", "integrationstatuscode"),
        "backendstatus",
    ),
    "integration_error": ("integrationerrormessage", "integrationerror"),
    "error": ("errormessage", "error", "errormessagestring"),
    "kind": ("errorresponsetype", "responsetype", "errortype"),
    "latency": ("responselatency", "latency"),
    "epoch": ("requesttimeepoch", "requestepoch"),
    "time": ("requesttime", "time"),
    "authorizer_error": ("authorizererror", "authorizeerror"),
    "authorizer": ("authorizerrequestid",),
}
_FIELD_OF = {name: field for field, names in NAMES.items() for name in names}
# What an application's own log of its requests does not say.
_GATEWAYS = re.compile(
    r"(?:integration|authoriz|awsendpoint|identity)\w+|resourcepath|routekey|extendedrequestid|apiid"
    r"|stage|domainname|domainprefix|requesttimeepoch|responselength|responselatency|protocol"
    r"|errorresponsetype|wafresponsecode"
)
_METHODS = frozenset(("GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "ANY"))
_STATUS_NAME = re.compile(r'status[\w-]*"', re.IGNORECASE)
_STATUS = re.compile(r"[1-5]\d\d\Z")
_EXTENDED = re.compile(r"[A-Za-z0-9_-]{10,40}=\Z")  # "Cti7VYJ4qQHYmHw="
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\Z")
_SIGNS = re.compile(r"[^a-z0-9]")
_LOOKED_AT = 8  # levels and, times eight, fields of an entry
MAX_LENGTH = 64 * 1024  # characters; an entry is a megabyte at most, its fields are short


@dataclass(slots=True)
class Entry:
    """What an access log says of one request; "" and 0 where it does not.

    Attributes:
        key: the id by which a function knows the request: a REST API's extended request id, an
            HTTP API's request id.
        invoked: the request id of the function that was invoked.
        authorizer: the request id of the authorizer that was invoked.
        says_integration: whether the format says of each request if it reached a backend.
        reached: whether this one did.
        kind: the type of the gateway response, where API Gateway itself answered.
        epoch_ms, latency_ms: when it came, and how long it took; None where nobody said.
    """

    status: int
    method: str = ""
    resource: str = ""
    path: str = ""
    request: str = ""
    key: str = ""
    invoked: str = ""
    authorizer: str = ""
    says_integration: bool = False
    reached: bool = False
    kind: str = ""
    error: str = ""
    epoch_ms: int | None = None
    latency_ms: int | None = None

    @property
    def route(self) -> str:
        """Return method and template: ``POST /sales/{id}``; of a path its first name alone."""
        if self.resource.startswith(self.method) and " " in self.resource:  # an HTTP API's key
            return self.resource
        if self.resource.startswith("/"):
            return f"{self.method} {self.resource}".strip()
        first, _, more = self.path.lstrip("/").partition("/")
        path = f"/{first}/*" if more else f"/{first}"
        return f"{self.method} {path if self.path else self.resource}".strip() or "requests"


def is_entry(message: str) -> bool:
    """Tell whether *message* is an entry of an access log."""
    return parse(message) is not None


def parse(message: str) -> Entry | None:
    """Return the entry that *message* spells, or None where it is none. Never raises."""
    if not message.startswith("{") or len(message) > MAX_LENGTH or not _STATUS_NAME.search(message):
        return None
    said = None if MARK in message else json_object(message)
    if said is None:
        return None
    named: dict[str, str] = {}
    gateways = False
    for name, value in _flat(said, "", 0):
        gateways = gateways or _is_gateways(name)
        field = _FIELD_OF.get(name)
        if field is not None and (field not in named or named[field] in {"", "-"}):
            named[field] = value
    if not gateways or not _STATUS.match(named.get("status", "")):
        return None
    if not _is_request(named):
        return None
    return _entry({name: "" if value == "-" else value for name, value in named.items()}, named)


def _flat(value: dict[str, Any], above: str, depth: int) -> Iterator[tuple[str, str]]:
    """Yield the fields of *value*: their ways in small letters, and their values as text."""
    for name, inner in list(value.items())[: _LOOKED_AT * 8]:
        way = _way(above, name)
        if isinstance(inner, dict) and depth < _LOOKED_AT:
            yield from _flat(inner, way, depth + 1)
        elif isinstance(inner, (str, int, float)) and not isinstance(inner, bool):
            yield way, clean(str(inner)).strip()


@lru_cache(maxsize=4096)
def _way(above: str, name: str) -> str:
    """Return the way to the field *name*: the same few in every entry of a log."""
    return (above + _SIGNS.sub("", name.lower())).removeprefix("context")


@lru_cache(maxsize=4096)
def _is_gateways(way: str) -> bool:
    return _GATEWAYS.fullmatch(way) is not None


def _is_request(named: dict[str, str]) -> bool:
    """Tell whether a request is named: by an id of API Gateway, and a method or a route."""
    ids = (named.get("extended", ""), named.get("request", ""))
    known = any(_EXTENDED.match(one) or _UUID.match(one) for one in ids)
    method = named.get("method", "").upper() in _METHODS
    return known and (method or "resource" in named or "path" in named)


def _entry(said: dict[str, str], named: dict[str, str]) -> Entry:
    integration = ("integration", "invoked", "integration_error")
    status = said.get("integration", "")
    return Entry(
        status=int(said["status"]),
        method=said.get("method", "").upper(),
        resource=said.get("resource", ""),
        path=said.get("path", ""),
        request=said.get("request", "") or said.get("extended", ""),
        key=_key(said),
        invoked=_uuid(said.get("invoked", "")),
        authorizer=_uuid(said.get("authorizer", "")),
        says_integration=any(name in named for name in integration),
        reached=bool(said.get("invoked")) or bool(_STATUS.match(status)),
        kind=said.get("kind", ""),
        error=said.get("error")
        or said.get("integration_error")
        or said.get("authorizer_error", ""),
        epoch_ms=time_ms_of(said.get("epoch", "")) or _clf_ms(said.get("time", "")),
        latency_ms=_whole(said.get("latency", "")),
    )


def _key(said: dict[str, str]) -> str:
    """Return the id that the client cannot choose: of a REST API its request id could be."""
    extended, request = said.get("extended", ""), said.get("request", "")
    if _EXTENDED.match(extended):
        return extended
    is_http = not said.get("resource", "").startswith("/")
    return request if is_http and _EXTENDED.match(request) else ""


def _uuid(text: str) -> str:
    return text if _UUID.match(text) else ""


def _whole(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None


def _clf_ms(text: str) -> int | None:
    """Return the Unix milliseconds of ``21/Nov/2026:02:00:00 +0000``, or None."""
    try:
        moment = datetime.strptime(text, "%d/%b/%Y:%H:%M:%S %z")
    except ValueError:
        return None
    return int(moment.timestamp()) * 1000
