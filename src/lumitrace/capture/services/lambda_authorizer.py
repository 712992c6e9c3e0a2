"""Lambda authorizers of API Gateway.

Inbound:   type REQUEST: the caller's headers as a claim, and the id that the API gave the request.
           Type TOKEN: nothing, its event holds a token and no id. A cached answer is no invocation.
Outbound:  the same id: the backend that API Gateway calls next finds it in its own event.
Event:     https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-use-lambda-authorizer.html
           https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-lambda-authorizer.html
"""

from lumitrace.capture.services import _http
from lumitrace.capture.services._service import Inbound, Service
from lumitrace.wire.link_key import APIGW, link_key

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class LambdaAuthorizer(Service):
    """API Gateway waits for the answer, then calls the backend."""

    def extract(self, event: "dict[str, Any]") -> Inbound:
        """Return the route and the id that caller, authorizer and backend share."""
        context = event.get("requestContext")
        context = context if isinstance(context, dict) else {}
        http = context.get("http")
        if isinstance(http, dict):
            route = _http.raw_route(http.get("method"), http.get("path"))
            key = link_key(APIGW, context.get("requestId"))
        else:
            path = event.get("resource") or context.get("resourcePath") or context.get("routeKey")
            route = _http.route(_http.known(event.get("httpMethod")), path)
            key = link_key(APIGW, context.get("extendedRequestId"))
        keys = [key] if key is not None else []
        return _http.inbound(event, route, key, trusted=False, link_out=keys)


service = LambdaAuthorizer()
