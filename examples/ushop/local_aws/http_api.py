"""API Gateway's HTTP APIs.

Event: https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
"""

from __future__ import annotations

import base64
import json
import os
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from .api_gateway import Answer, Api

if TYPE_CHECKING:
    from .api_gateway import Request


class HttpApi(Api):
    """Events of the format 2.0, and one id a request."""

    id = "u5h0phttp1"
    event_type = "HttpApi"
    no_route = 404, b'{"message":"Not Found"}'
    failed = 500, {}, b'{"message":"Internal Server Error"}'
    tells_root = False

    def ids(self) -> dict[str, str]:
        """Return the request id."""
        return {"Apigw-Requestid": base64.b64encode(os.urandom(11)).decode()}

    def event(self, request: Request, account: str) -> dict[str, Any]:
        """Return an event of the format 2.0; what a request does not have is left out."""
        route_key = f"{request.route.method} {request.route.resource}"
        headers = {name.lower(): ",".join(it) for name, it in request.headers.items()}
        cookies = headers.pop("cookie", None)
        query = parse_qs(request.query, keep_blank_values=True)
        told = {
            "version": "2.0",
            "routeKey": route_key,
            "rawPath": request.path,
            "rawQueryString": request.query,
            "cookies": cookies.split("; ") if cookies else None,
            "headers": headers,
            "queryStringParameters": {name: ",".join(it) for name, it in query.items()} or None,
            "requestContext": self._context(request, account, route_key),
            "pathParameters": request.parameters or None,
            "body": request.body.decode("utf-8", "replace") if request.body else None,
            "isBase64Encoded": False,
        }
        return {name: value for name, value in told.items() if value is not None}

    def _context(self, request: Request, account: str, route_key: str) -> dict[str, Any]:
        return {
            "accountId": account,
            "apiId": self.id,
            "domainName": request.host,
            "domainPrefix": request.host.partition(".")[0],
            "http": {
                "method": request.method,
                "path": request.path,
                "protocol": request.protocol,
                "sourceIp": request.source_ip,
                "userAgent": request.user_agent or "",
            },
            "requestId": request.ids["Apigw-Requestid"],
            "routeKey": route_key,
            "stage": "$default",
            "time": request.time,
            "timeEpoch": request.epoch_ms,
        }

    def answer(self, payload: bytes) -> Answer:
        """Return what the handler says; JSON without a status is a body, for a status of 200."""
        try:
            told = json.loads(payload)
            if not isinstance(told, dict) or "statusCode" not in told:
                return 200, {}, payload
            headers = {str(name): str(value) for name, value in (told.get("headers") or {}).items()}
            body = told.get("body") or ""
            answer = base64.b64decode(body) if told.get("isBase64Encoded") else body.encode()
            return int(told["statusCode"]), headers, answer
        except (ValueError, TypeError, AttributeError):
            return self.failed
