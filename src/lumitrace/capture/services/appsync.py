"""AWS AppSync: resolvers, one request or a batch of them.

Inbound:   the request's headers, ``request.headers``, as a claim: the event does not prove who
           calls. A host in ``LUMITRACE_TRUSTED_APIS`` is believed.
Outbound:  nothing: requests to an API are HTTP calls.
Event:     https://docs.aws.amazon.com/appsync/latest/devguide/resolver-context-reference.html
"""

from lumitrace.capture.services import _http
from lumitrace.capture.services._service import Inbound, Service

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class AppSync(Service):
    """A caller waits for the answer; a batch is gathered from one request."""

    def extract(self, event: "Any") -> Inbound:
        """Return the field that is resolved, and the caller's context."""
        first = event[0] if isinstance(event, list) else event
        request = first.get("request")
        request = request if isinstance(request, dict) else {"headers": first.get("requestHeaders")}
        info = first.get("info")
        info = info if isinstance(info, dict) else {}
        route = _http.route(info.get("parentTypeName"), info.get("fieldName"))
        return _http.inbound(request, route, None, trusted=_http.is_trusted_host(request))


service = AppSync()
