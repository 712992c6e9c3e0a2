"""HTTP events: headers, and whether a caller's ``traceparent`` is believed.

At a public edge the trace restarts and what the caller claims is kept as a claim
(https://www.w3.org/TR/trace-context-2/#security-considerations). It is continued at once for IAM
callers of the function's own account that are not Cognito identities, for private APIs, and for
the hosts in ``LUMITRACE_TRUSTED_APIS``.
"""

from lumitrace.capture.config import settings
from lumitrace.capture.services._service import Inbound, Record
from lumitrace.wire.context import parse_traceparent

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

MAX_HEADERS = 200
MAX_ROUTE = 100  # characters


def header(event: "dict[str, Any]", name: str) -> str | None:
    """Return the one value of the header *name* (lower case) of *event*, or None.

    A header that occurs more than once says nothing: which of them would be right?
    """
    headers = event.get("multiValueHeaders")
    if isinstance(headers, dict):
        for key, value in list(headers.items())[:MAX_HEADERS]:
            if isinstance(key, str) and key.lower() == name and isinstance(value, list):
                return value[0] if len(value) == 1 and isinstance(value[0], str) else None
    headers = event.get("headers")
    if isinstance(headers, dict):
        for key, value in list(headers.items())[:MAX_HEADERS]:
            if isinstance(key, str) and key.lower() == name:
                return value if isinstance(value, str) else None
    return None


def inbound(event: "dict[str, Any]", route: str, link_key: str | None, *, trusted: bool) -> Inbound:
    """Return what an HTTP *event* says: a parent where the caller is *trusted*, else a claim."""
    context = parse_traceparent(header(event, "traceparent"))
    record = Record(context if trusted else None, link_key)
    return Inbound([record], route=route, claimed=None if trusted else context)


def is_trusted_host(context: "dict[str, Any]") -> bool:
    """Tell whether the API's host, AWS's own word in the request *context*, is one we trust."""
    host = context.get("domainName")
    return isinstance(host, str) and host.lower() in settings.trusted_apis


def is_own_account(caller: object, account: object) -> bool:
    """Tell whether *caller* is the 12-digit *account* that the API belongs to."""
    return isinstance(caller, str) and bool(caller) and caller == account


def route(method: object, path: object) -> str:
    """Return ``METHOD path``, without a query."""
    words = [word for word in (method, path) if isinstance(word, str) and word]
    return " ".join(words).split("?", 1)[0][:MAX_ROUTE]
