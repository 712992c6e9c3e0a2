"""API Gateway's REST APIs.

Event: https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html
"""

from __future__ import annotations

import base64
import json
import os
import uuid
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from .api_gateway import Answer, Api

if TYPE_CHECKING:
    from .api_gateway import Request

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


class RestApi(Api):
    """Events of the format 1.0, and two ids a request."""

    id = "u5h0pl0cal"
    event_type = "Api"
    no_route = 403, b'{"message":"Missing Authentication Token"}'
    failed = 502, {}, b'{"message": "Internal server error"}'
    tells_root = True

    def ids(self) -> dict[str, str]:
        """Return the request id and the extended one."""
        return {
            "x-amzn-RequestId": str(uuid.uuid4()),
            "x-amz-apigw-id": base64.b64encode(os.urandom(11)).decode(),
        }

    def event(self, request: Request, account: str) -> dict[str, Any]:
        """Return an event of the format 1.0."""
        query = parse_qs(request.query, keep_blank_values=True)
        return {
            "resource": request.route.resource,
            "path": request.path,
            "httpMethod": request.method,
            "headers": {name: values[-1] for name, values in request.headers.items()},
            "multiValueHeaders": request.headers,
            "queryStringParameters": {name: values[-1] for name, values in query.items()} or None,
            "multiValueQueryStringParameters": query or None,
            "pathParameters": request.parameters or None,
            "stageVariables": None,
            "requestContext": self._context(request, account),
            "body": request.body.decode("utf-8", "replace") if request.body else None,
            "isBase64Encoded": False,
        }

    def _context(self, request: Request, account: str) -> dict[str, Any]:
        return {
            "resourceId": f"{sum(map(ord, request.route.resource)):06x}",
            "resourcePath": request.route.resource,
            "httpMethod": request.method,
            "extendedRequestId": request.ids["x-amz-apigw-id"],
            "requestTime": request.time,
            "path": f"/{STAGE_NAME}{request.path}",
            "accountId": account,
            "protocol": request.protocol,
            "stage": STAGE_NAME,
            "domainPrefix": request.host.partition(".")[0],
            "requestTimeEpoch": request.epoch_ms,
            "requestId": request.ids["x-amzn-RequestId"],
            "identity": {
                **_NOBODY,
                "sourceIp": request.source_ip,
                "userAgent": request.user_agent,
            },
            "domainName": request.host,
            "deploymentId": "l0c4l1",
            "apiId": self.id,
        }

    def answer(self, payload: bytes) -> Answer:
        """Return status, headers and body as the handler says, 502 where it says nonsense."""
        try:
            told = json.loads(payload)
            status = int(told["statusCode"])
            headers = {str(name): str(value) for name, value in (told.get("headers") or {}).items()}
            for name, values in (told.get("multiValueHeaders") or {}).items():
                headers[str(name)] = ", ".join(map(str, values))
            body = told.get("body") or ""
            answer = base64.b64decode(body) if told.get("isBase64Encoded") else body.encode()
        except (ValueError, KeyError, TypeError, AttributeError):
            return self.failed
        headers.pop("Content-Length", None)
        return status, headers, answer
