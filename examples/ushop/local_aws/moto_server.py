"""Runs moto as a server: ``python moto_server.py <pid of the stage> <listening socket>``.

It prints a line when it serves. It adds one thing: moto forgets the X-Ray header of a request,
but SNS hands its root on to the functions it notifies. ``GET /_local_aws/xray-root/<MessageId>``
answers with it, once.
"""

from __future__ import annotations

import ctypes
import logging
import os
import re
import signal
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]

PATH = "/_local_aws/xray-root/"
_PR_SET_PDEATHSIG = 1  # prctl(2): the signal to get when the parent dies
_MESSAGE_ID = re.compile(rb"<MessageId>([0-9a-f-]+)</MessageId>")


def remembering_roots(moto: Application) -> Application:
    """Return *moto* with a memory: which message was published under which X-Ray header."""
    roots: dict[str, str] = {}

    def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        path: str = environ["PATH_INFO"]
        if path.startswith(PATH):
            start_response("200 OK", [("Content-Type", "text/plain")])
            return [roots.pop(path.removeprefix(PATH), "").encode()]
        trace_header = environ.get("HTTP_X_AMZN_TRACE_ID")
        if not trace_header or "/sns/" not in environ.get("HTTP_AUTHORIZATION", ""):
            return moto(environ, start_response)
        body = b"".join(moto(environ, start_response))
        roots.update((found.decode(), trace_header) for found in _MESSAGE_ID.findall(body))
        return [body]

    return application


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
    application = remembering_roots(DomainDispatcherApplication(create_backend_app))
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
