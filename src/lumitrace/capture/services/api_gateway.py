"""Amazon API Gateway: REST APIs (event format 1.0), HTTP APIs (2.0, and 1.0) and WebSocket APIs.

Inbound:   the header ``traceparent``, believed or claimed as `_http` says; the link key is the
           extended request id of a REST API and the request id of an HTTP API, which the client
           cannot choose. Of a WebSocket API only ``$connect`` has headers.
Outbound:  nothing: requests to an API are HTTP calls.
Event:     https://docs.aws.amazon.com/lambda/latest/dg/services-apigateway.html#apigateway-example-event
           https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
           https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-websocket-api-mapping-template-reference.html
"""

from lumitrace.capture.services import _http
from lumitrace.capture.services._service import Inbound, Service
from lumitrace.wire.link_key import APIGW, link_key

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class ApiGateway(Service):
    """A caller waits for the answer."""

    def extract(self, event: "dict[str, Any]") -> Inbound:
        """Return the route, the link key and the caller's context."""
        context = event["requestContext"]
        http = context.get("http")
        if isinstance(http, dict):
            route_key = event.get("routeKey")
            if route_key == "$default" or not isinstance(route_key, str):
                route_key = _http.raw_route(http.get("method"), http.get("path"))
            route_key = route_key[: _http.MAX_ROUTE]
            identifier = context.get("requestId")
            return _http.inbound(
                event, route_key, link_key(APIGW, identifier), trusted=_trusted_http(context)
            )
        if "connectionId" in context:
            route, key = _http.route("", context.get("routeKey")), context.get("extendedRequestId")
            return _http.inbound(
                event, route, link_key(APIGW, key), trusted=_http.is_trusted_host(context)
            )
        method, path = event.get("httpMethod"), event.get("resource") or context.get("resourcePath")
        if path:
            route = _http.route(_http.known(method), path)
        else:
            route = _http.raw_route(method, event.get("path"))
        identifier = context.get("extendedRequestId")
        return _http.inbound(
            event, route, link_key(APIGW, identifier), trusted=_trusted_rest(context)
        )


def _trusted_rest(context: "dict[str, Any]") -> bool:
    """A private API, or an IAM caller of the own account that is no Cognito identity."""
    identity = context.get("identity")
    if not isinstance(identity, dict):
        return False
    if identity.get("vpceId"):
        return True
    iam = _http.is_own_account(identity.get("accountId"), context.get("accountId"))
    return (iam and not identity.get("cognitoIdentityId")) or _http.is_trusted_host(context)


def _trusted_http(context: "dict[str, Any]") -> bool:
    """An IAM caller of the own account that is no Cognito identity."""
    authorizer = context.get("authorizer")
    iam = authorizer.get("iam") if isinstance(authorizer, dict) else None
    if isinstance(iam, dict) and not iam.get("cognitoIdentity"):
        return _http.is_own_account(iam.get("accountId"), context.get("accountId"))
    return _http.is_trusted_host(context)


service = ApiGateway()
