"""Lambda function URLs.

Inbound:   the header ``traceparent``, believed or claimed as `_http` says.
Outbound:  nothing: requests to a URL are HTTP calls.
Event:     https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html#urls-payloads
"""

from lumitrace.capture.services import _http
from lumitrace.capture.services._service import Inbound, Service

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class FunctionUrl(Service):
    """A caller waits for the answer; its request id is the invocation's own."""

    def extract(self, event: "dict[str, Any]") -> Inbound:
        """Return the route and the caller's context."""
        context = event["requestContext"]
        http = context.get("http")
        http = http if isinstance(http, dict) else {}
        route = _http.raw_route(http.get("method"), http.get("path"))
        authorizer = context.get("authorizer")
        iam = authorizer.get("iam") if isinstance(authorizer, dict) else None
        trusted = _http.is_trusted_host(context)
        if isinstance(iam, dict) and not iam.get("cognitoIdentity"):
            trusted = _http.is_own_account(iam.get("accountId"), context.get("accountId"))
        return _http.inbound(event, route, None, trusted=trusted)


service = FunctionUrl()
