"""Lambda's own API, as far as functions call each other: Invoke.

Format: https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html
"""

from __future__ import annotations

import base64
import json
import re
import uuid
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from . import xray
from .http_server import LOOPBACK, Handler, Server
from .lambda_platform import FunctionNotFoundError, TooManyRequestsError

if TYPE_CHECKING:
    from .lambda_platform import Platform

_PATH = re.compile(r"/2015-03-31/functions/([^/]+)/invocations")
_NAME = re.compile(
    r"(?:arn:aws:lambda:[\w-]+:|\d{12}:)?(?:\d{12}:)?(?:function:)?([\w-]+)(?::[\w$-]+)?"
)


class InvokeApi:
    """Listens where ``AWS_ENDPOINT_URL_LAMBDA`` of the functions points."""

    def __init__(self, platform: Platform) -> None:
        """Listen at once."""
        self._server = Server(_InvokeHandler, platform)
        self.url = f"http://{LOOPBACK}:{self._server.port}"

    def stop(self) -> None:
        """Take no more requests."""
        self._server.stop()


class _InvokeHandler(Handler):
    def do_POST(self) -> None:  # noqa: N802  # http.server's name
        event = self.body() or b"{}"
        try:
            self._invoke(event)
        except FunctionNotFoundError as error:
            self._refuse(404, "ResourceNotFoundException", str(error))
        except TooManyRequestsError as error:
            self._refuse(429, "TooManyRequestsException", str(error))
        except InterruptedError as error:
            self._refuse(500, "ServiceException", str(error))
        except ValueError as error:
            self._refuse(
                400,
                "InvalidRequestContentException",
                f"Could not parse request body into json: {error}",
            )

    def _invoke(self, event: bytes) -> None:
        platform: Platform = self.server.owner  # type: ignore[attr-defined]
        path = _PATH.fullmatch(urlsplit(self.path).path)
        name = _NAME.fullmatch(unquote(path[1])) if path else None
        if name is None:
            message = f"not played here: {self.path}"
            raise FunctionNotFoundError(message)
        json.loads(event)
        root = xray.root_of(self.headers.get("X-Amzn-Trace-Id"))
        given = self.headers.get("X-Amz-Client-Context")
        client_context = base64.b64decode(given).decode() if given else None
        invocation_type = self.headers.get("X-Amz-Invocation-Type")
        if invocation_type == "DryRun":
            return self.answer(204)
        if invocation_type == "Event":
            request_id = platform.invoke_later(
                name[1], event, trace_root=root, client_context=client_context
            )
            return self.answer(202, b"", {"x-amzn-RequestId": request_id})
        outcome = platform.invoke(name[1], event, trace_root=root, client_context=client_context)
        headers = {
            "Content-Type": "application/json",
            "x-amzn-RequestId": outcome.request_id,
            "X-Amz-Executed-Version": "$LATEST",
        }
        if outcome.error:
            headers["X-Amz-Function-Error"] = outcome.error
        if self.headers.get("X-Amz-Log-Type") == "Tail":
            headers["X-Amz-Log-Result"] = base64.b64encode(outcome.log_tail.encode()).decode()
        return self.answer(200, outcome.payload, headers)

    def _refuse(self, status: int, error_type: str, message: str) -> None:
        body = json.dumps({"Type": "User", "Message": message}).encode()
        self.answer(
            status,
            body,
            {
                "Content-Type": "application/json",
                "x-amzn-ErrorType": error_type,
                "x-amzn-RequestId": str(uuid.uuid4()),
            },
        )
