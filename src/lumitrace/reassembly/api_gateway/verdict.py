"""Whether a request failed as its client saw it, and whose fault that was.

5xx is a failure, as it is of a function. 4xx is the client's own, unless API Gateway itself turned
the request away: too many of them, or denied by an authorizer or a policy.
https://docs.aws.amazon.com/apigateway/latest/developerguide/supported-gateway-response-types.html
"""

from lumitrace.reassembly.api_gateway.entry import Entry
from lumitrace.reassembly.model import Attempt, Failure, Span

THROTTLED, DENIED, SERVER_ERROR = 429, 403, 500
# Types of gateway responses that are the client's own: what it sent, or did not send.
CLIENTS_OWN = frozenset(
    (
        *("MISSING_AUTHENTICATION_TOKEN", "INVALID_API_KEY", "INVALID_SIGNATURE", "EXPIRED_TOKEN"),
        *("UNAUTHORIZED", "WAF_FILTERED", "RESOURCE_NOT_FOUND", "UNSUPPORTED_MEDIA_TYPE"),
        *("REQUEST_TOO_LARGE", "BAD_REQUEST_BODY", "BAD_REQUEST_PARAMETERS"),
    )
)
_CALLED = {THROTTLED: "THROTTLED", DENIED: "ACCESS_DENIED"}


def failure_of(entry: Entry, *, joined: bool, read: bool) -> Failure | None:
    """Return why the request failed, or None where it did not.

    Args:
        entry: what the access log says.
        joined: a function that was read answered it.
        read: functions of the same route were read, so one that answered would be known.
    """
    if entry.status >= SERVER_ERROR:
        return Failure(f"{entry.status} {entry.kind}".strip(), entry.error)
    if joined or entry.reached or entry.status not in _CALLED or entry.kind in CLIENTS_OWN:
        return None
    if entry.status == DENIED and not (entry.kind or entry.says_integration or read):
        return None  # a function that was not read may have answered so
    kind = entry.kind or _CALLED[entry.status]
    return Failure(f"{entry.status} {kind}", entry.error)


def went_on(request: Span, reached: Attempt) -> str:
    """Return what became of the function behind a request that failed, where it did not fail."""
    handler = reached.invocation
    if handler is None or reached.failed:
        return ""
    if not reached.ended or handler.duration_us is None:
        return f"{reached.function} was not seen to end"
    if handler.end_us <= request.end_us:
        return f"{reached.function} had ended well"
    lasted = handler.duration_us / 1_000_000
    return f"{reached.function} went on and ended well after {lasted:.1f} s"
