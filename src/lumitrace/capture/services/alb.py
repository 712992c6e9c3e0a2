"""Application Load Balancers, with single and multi-value headers.

Inbound:   the header ``traceparent`` as a claim, never believed: a balancer knows no caller.
Outbound:  nothing: requests to a balancer are HTTP calls.
Event:     https://docs.aws.amazon.com/lambda/latest/dg/services-alb.html
"""

from lumitrace.capture.services import _http
from lumitrace.capture.services._service import Inbound, Service

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class Alb(Service):
    """A caller waits for the answer; there is no request id that both sides know."""

    def extract(self, event: "dict[str, Any]") -> Inbound:
        """Return the route and the caller's claim."""
        route = _http.raw_route(event.get("httpMethod"), event.get("path"))
        return _http.inbound(event, route, None, trusted=False)


service = Alb()
