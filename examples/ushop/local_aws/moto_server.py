"""Runs moto as a server: ``python moto_server.py <pid of the stage> <listening socket>``.

It prints a line when it serves. It adds what moto forgets of a request and Lambda's events tell:

    GET /_local_aws/xray-root/<MessageId>
    GET /_local_aws/s3-requests/<bucket>/<key>

The first is the X-Ray header of an SNS message, told once: SNS hands its root on to the functions
it notifies. The second are the requests that changed an object: an event bears the ids of its own.
"""

from __future__ import annotations

import base64
import ctypes
import json
import logging
import os
import re
import signal
import sys
import time
from collections import defaultdict, deque
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]

MEMORY = "/_local_aws/"
ROOTS = f"{MEMORY}xray-root/"
S3_REQUESTS = f"{MEMORY}s3-requests/"
_KEPT = 10  # requests an object
_PR_SET_PDEATHSIG = 1  # prctl(2): the signal to get when the parent dies
_MESSAGE_ID = re.compile(rb"<MessageId>([0-9a-f-]+)</MessageId>")


class Remembering:
    """moto, and a memory of requests."""

    def __init__(self, moto: Application) -> None:
        self._moto = moto
        self._roots: dict[str, str] = {}
        self._changes: dict[str, deque[dict[str, str]]] = defaultdict(lambda: deque(maxlen=_KEPT))

    def __call__(
        self, environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        """Answer as moto does, or from memory."""
        path: str = environ["PATH_INFO"]
        signed_for: str = environ.get("HTTP_AUTHORIZATION", "")
        if path.startswith(MEMORY):
            start_response("200 OK", [("Content-Type", "text/plain")])
            return [self._recall(path).encode()]
        if "/sns/" in signed_for:
            return self._sns(environ, start_response)
        if "/s3/" in signed_for:
            return self._s3(environ, start_response)
        return self._moto(environ, start_response)

    def _recall(self, path: str) -> str:
        if path.startswith(ROOTS):
            return self._roots.pop(path.removeprefix(ROOTS), "")
        return json.dumps(list(self._changes.get(path.removeprefix(S3_REQUESTS), ())))

    def _sns(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Remember which message was published under which X-Ray header."""
        trace_header = environ.get("HTTP_X_AMZN_TRACE_ID")
        if not trace_header:
            return self._moto(environ, start_response)
        body = b"".join(self._moto(environ, start_response))
        self._roots.update((it.decode(), trace_header) for it in _MESSAGE_ID.findall(body))
        return [body]

    def _s3(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Give the request the ids that S3 gives and moto does not; remember them for the event.

        moto notifies before it answers, so they are remembered before it is asked.
        """
        ids = {
            "x-amz-request-id": os.urandom(8).hex().upper(),
            "x-amz-id-2": base64.b64encode(os.urandom(57)).decode(),
        }
        if _changes_an_object(environ):
            now = datetime.now(timezone.utc)
            change = {
                **ids,
                "began": f"{now:%Y-%m-%dT%H:%M:%S}.{now.microsecond // 1000:03}Z",
                "sequencer": f"{time.time_ns():018X}",
                "sourceIPAddress": environ["REMOTE_ADDR"],
            }
            self._changes[environ["PATH_INFO"][1:]].append(change)

        def answer(status: str, headers: list[tuple[str, str]], *more: Any) -> Any:
            # moto adds a header that S3 does not send, and that botocore would prefer.
            others = {*ids, "x-amzn-requestid"}
            kept = [it for it in headers if it[0].lower() not in others]
            return start_response(status, [*kept, *ids.items()], *more)

        return self._moto(environ, answer)


def _changes_an_object(environ: dict[str, Any]) -> bool:
    """Whether S3 may notify of a request: an object is put or removed, or an upload completed."""
    query = set(parse_qs(environ["QUERY_STRING"], keep_blank_values=True)) - {"x-id"}
    if "/" not in environ["PATH_INFO"].strip("/"):
        return False
    if environ["REQUEST_METHOD"] == "POST":
        return "uploadId" in query
    return environ["REQUEST_METHOD"] in {"PUT", "DELETE"} and not query


def main() -> None:
    """Serve until killed, at the latest when the stage dies."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != int(sys.argv[1]):  # it died before we asked
        return

    from moto.moto_server.werkzeug_app import (  # noqa: PLC0415  # slow, and only after prctl
        DomainDispatcherApplication,
        MotoRequestHandler,
        create_backend_app,
    )
    from werkzeug.serving import make_server  # noqa: PLC0415

    logging.getLogger("werkzeug").setLevel(logging.ERROR)  # no access log
    application = Remembering(DomainDispatcherApplication(create_backend_app))
    server = make_server(
        "127.0.0.1",
        int(os.environ["MOTO_PORT"]),
        application,
        threaded=True,
        request_handler=MotoRequestHandler,
        fd=int(sys.argv[2]),
    )
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    server.serve_forever()


if __name__ == "__main__":
    main()
