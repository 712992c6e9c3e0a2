"""API Gateway: a REST API over HTTP whose routes are functions (Lambda proxy integration).

Event: https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html
"""

from __future__ import annotations

import base64
import json
import os
import re
import uuid
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from . import xray
from .http_server import LOOPBACK, Handler, Server
from .lambda_platform import TooManyRequestsError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .lambda_platform import Platform
    from .template import Function

API_ID = "u5h0pl0cal"
STAGE_NAME = "Prod"  # SAM's default
# Who calls, where the API asks nobody to sign in.
_NOBODY = dict.fromkeys(
    (
        "cognitoIdentityPoolId",
        "accountId",
        "cognitoIdentityId",
        "caller",
        "principalOrgId",
        "accessKey",
        "cognitoAuthenticationType",
        "cognitoAuthenticationProvider",
        "userArn",
        "user",
    )
)
_FAILED: tuple[int, dict[str, str], bytes] = 502, {}, b'{"message": "Internal server error"}'


@dataclass(frozen=True)
class _Route:
    function: str
    method: str
    resource: str
    path: re.Pattern[str]


class ApiGateway:
    """All routes of the template's functions, at one address."""

    def __init__(self, platform: Platform, functions: Iterable[Function]) -> None:
        """Listen at once; ``url`` is the address of the API's stage."""
        self.platform = platform
        self.routes = [
            _route(function.name, event.properties["Method"], event.properties["Path"])
            for function in functions
            for event in function.events
            if event.type == "Api"
        ]
        self._server = Server(_ApiHandler, self)
        self.url = f"http://{LOOPBACK}:{self._server.port}"

    def find(self, method: str, path: str) -> tuple[_Route, dict[str, str]] | None:
        """Return the route and what stands at its placeholders, or None."""
        for route in self.routes:
            if route.method in (method, "ANY") and (found := route.path.fullmatch(path)):
                return route, found.groupdict()
        return None

    def stop(self) -> None:
        """Take no more requests."""
        self._server.stop()


def _route(function: str, method: str, resource: str) -> _Route:
    pattern = re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^/]+)", re.escape(resource))
    return _Route(function, method.upper(), resource, re.compile(pattern))


class _ApiHandler(Handler):
    def _serve(self) -> None:
        gateway: ApiGateway = self.server.owner  # type: ignore[attr-defined]
        body = self.body()
        request_id, extended_id = str(uuid.uuid4()), base64.b64encode(os.urandom(11)).decode()
        root = xray.root_of(self.headers.get("X-Amzn-Trace-Id")) or xray.new_root()
        told = {"x-amzn-RequestId": request_id, "x-amz-apigw-id": extended_id}
        found = gateway.find(self.command, urlsplit(self.path).path)
        if found is None:
            self.answer(403, b'{"message":"Missing Authentication Token"}', told)
            return
        route, parameters = found
        event = self._event(gateway, route, parameters, body, (request_id, extended_id, root))
        try:
            outcome = gateway.platform.invoke(
                route.function, json.dumps(event).encode(), trace_root=root
            )
        except TooManyRequestsError:
            status, headers, answer = _FAILED
        else:
            status, headers, answer = _FAILED if outcome.error else _response(outcome.payload)
        self.answer(
            status,
            answer,
            {
                "Content-Type": "application/json",
                **told,
                "X-Amzn-Trace-Id": f"Root={root}",
                **headers,
            },
        )

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = do_OPTIONS = _serve  # noqa: N815

    def _event(
        self,
        gateway: ApiGateway,
        route: _Route,
        parameters: dict[str, str],
        body: bytes,
        ids: tuple[str, str, str],
    ) -> dict[str, Any]:
        url = urlsplit(self.path)
        query = parse_qs(url.query, keep_blank_values=True)
        multi = {name: self.headers.get_all(name, []) for name in self.headers}
        source_ip = self.client_address[0]
        multi |= {
            "X-Amzn-Trace-Id": [f"Root={ids[2]}"],
            "X-Forwarded-For": [source_ip],
            "X-Forwarded-Port": ["443"],
            "X-Forwarded-Proto": ["https"],
        }
        return {
            "resource": route.resource,
            "path": url.path,
            "httpMethod": self.command,
            "headers": {name: values[-1] for name, values in multi.items()},
            "multiValueHeaders": multi,
            "queryStringParameters": {name: values[-1] for name, values in query.items()} or None,
            "multiValueQueryStringParameters": query or None,
            "pathParameters": parameters or None,
            "stageVariables": None,
            "requestContext": self._request_context(gateway, route, url.path, ids, source_ip),
            "body": body.decode("utf-8", "replace") if body else None,
            "isBase64Encoded": False,
        }

    def _request_context(
        self,
        gateway: ApiGateway,
        route: _Route,
        path: str,
        ids: tuple[str, str, str],
        source_ip: str,
    ) -> dict[str, Any]:
        now = datetime.now(timezone.utc)
        return {
            "resourceId": f"{sum(map(ord, route.resource)):06x}",
            "resourcePath": route.resource,
            "httpMethod": self.command,
            "extendedRequestId": ids[1],
            "requestTime": f"{now:%d/%b/%Y:%H:%M:%S} +0000",
            "path": f"/{STAGE_NAME}{path}",
            "accountId": gateway.platform.account,
            "protocol": self.request_version,
            "stage": STAGE_NAME,
            "domainPrefix": API_ID,
            "requestTimeEpoch": int(now.timestamp() * 1000),
            "requestId": ids[0],
            "identity": {
                **_NOBODY,
                "sourceIp": source_ip,
                "userAgent": self.headers.get("User-Agent"),
            },
            "domainName": f"{API_ID}.execute-api.{gateway.platform.region}.amazonaws.com",
            "deploymentId": "l0c4l1",
            "apiId": API_ID,
        }


def _response(payload: bytes) -> tuple[int, dict[str, str], bytes]:
    """Return status, headers and body as the handler's answer says, 502 where it says nonsense."""
    try:
        told = json.loads(payload)
        status = int(told["statusCode"])
        headers = {str(name): str(value) for name, value in (told.get("headers") or {}).items()}
        for name, values in (told.get("multiValueHeaders") or {}).items():
            headers[str(name)] = ", ".join(map(str, values))
        body = told.get("body") or ""
        answer = base64.b64decode(body) if told.get("isBase64Encoded") else body.encode()
    except (ValueError, KeyError, TypeError, AttributeError):
        return _FAILED
    headers.pop("Content-Length", None)
    return status, headers, answer
