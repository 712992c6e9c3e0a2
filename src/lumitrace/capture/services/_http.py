"""HTTP events: headers, and whether a caller's context is believed.

At a public edge the trace restarts and what the caller claims is kept as a claim
(https://www.w3.org/TR/trace-context-2/#security-considerations). It is continued at once for IAM
callers of the function's own account that are not Cognito identities, for private APIs, and for
the hosts in ``LUMITRACE_TRUSTED_APIS``. X-Ray's header is never more than a claim.
"""

from itertools import islice

from lumitrace.capture.config import settings
from lumitrace.capture.path import named
from lumitrace.capture.services._service import Inbound, Record
from lumitrace.wire.header import NAMES, parse_headers, parse_xray

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

MAX_HEADERS = 200
XRAY = "X-Amzn-Trace-Id"  # as API Gateway spells it
# https://www.rfc-editor.org/rfc/rfc9110#section-9.1, https://www.rfc-editor.org/rfc/rfc5789
METHODS = frozenset(
    ("CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "TRACE")
)
# https://opentelemetry.io/docs/specs/semconv/http/http-spans/#common-attributes
OTHER_METHOD = "_OTHER"
MAX_ROUTE = 100  # characters
MAX_HOST = 256  # characters; a name has 253: https://www.rfc-editor.org/rfc/rfc1035#section-2.3.4


def lookup(event: "dict[str, Any]") -> "Callable[[str], str | None]":
    """Return what answers the one value of a header of *event* that may bear a context.

    A header that occurs more than once says nothing: which of them would be right?
    """
    found: dict[str, str | None] = {}
    for source in ("headers", "multiValueHeaders"):
        headers = event.get(source)
        if not isinstance(headers, dict):
            continue
        for key, value in islice(headers.items(), MAX_HEADERS):
            name = key.lower() if isinstance(key, str) and len(key) < 20 else ""
            if name not in NAMES:
                continue
            if isinstance(value, list):  # of all values; it wins over the last of them
                value = value[0] if len(value) == 1 else None  # noqa: PLW2901  # the one of many
            found[name] = value if isinstance(value, str) else None
    return found.get


def _has_none(event: "dict[str, Any]") -> bool:
    """Tell whether no header of *event* can bear a context: 2 us, where reading each takes 6.

    An ``X-Amzn-Trace-Id`` without a parent, as API Gateway adds one, says nothing.
    """
    headers, several = event.get("headers"), event.get("multiValueHeaders")
    if not isinstance(headers, dict) or len(headers) > MAX_HEADERS:
        return False
    keys = list(headers)  # compared as lists: 1 us less where both are in one order
    if isinstance(several, dict) and list(several) != keys and several.keys() != headers.keys():
        return False
    try:
        names = "\n".join(keys).lower()
    except TypeError:  # no JSON: a key that is no text
        return False
    if "traceparent" in names or "b3" in names or "uber-trace-id" in names:
        return False
    if XRAY.lower() not in names:
        return True
    root = headers.get(XRAY)
    return isinstance(root, str) and "Parent=" not in root and names.count(XRAY.lower()) == 1


def inbound(
    event: "dict[str, Any]",
    route: str,
    link_key: str | None,
    *,
    trusted: bool,
    link_out: "Iterable[str]" = (),
) -> Inbound:
    """Return what an HTTP *event* says: a parent where the caller is *trusted*, else a claim."""
    if _has_none(event):  # as of most callers: 2 us less than to ask for each
        return Inbound([Record(None, link_key)], route=route, link_out=link_out)
    header = lookup(event)
    context = parse_headers(header)
    record = Record(context if trusted else None, link_key)
    claimed = None if trusted else context
    if context is None:
        claimed = parse_xray(header("x-amzn-trace-id"))
    return Inbound([record], route=route, claimed=claimed, link_out=link_out)


def is_trusted_host(context: "dict[str, Any]") -> bool:
    """Tell whether the API's host, AWS's own word in the request *context*, is one we trust."""
    host = context.get("domainName")
    return (
        bool(settings.trusted_apis)
        and isinstance(host, str)
        and host[:MAX_HOST].lower() in settings.trusted_apis
    )


def is_own_account(caller: object, account: object) -> bool:
    """Tell whether *caller* is the 12-digit *account* that the API belongs to."""
    return isinstance(caller, str) and bool(caller) and caller == account


def raw_route(method: object, path: object) -> str:
    """Return ``METHOD path`` where *path* is what the caller asked for: the name in it alone."""
    path = named(path.split("?", 1)[0]) if isinstance(path, str) else None
    return route(known(method), path)


def known(method: object) -> str:
    """Return the *method* of a request; any text may stand there, and only HTTP's are kept."""
    if not isinstance(method, str) or not method:
        return ""
    return method if method in METHODS else OTHER_METHOD


def route(method: object, path: object) -> str:
    """Return ``METHOD path`` where *path* is a template, without a query."""
    if type(method) is type(path) is str and method and path and "?" not in path:
        return f"{method} {path}"[:MAX_ROUTE]  # as of most: 1 us less
    words = [word[:1024] for word in (method, path) if isinstance(word, str) and word]
    return " ".join(words).split("?", 1)[0][:MAX_ROUTE]
