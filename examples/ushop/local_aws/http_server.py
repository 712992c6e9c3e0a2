"""Small HTTP servers on the loopback, quick enough to stand between a function and its work."""

from __future__ import annotations

import contextlib
import socket
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

LOOPBACK = "127.0.0.1"


class Handler(BaseHTTPRequestHandler):
    """A request handler that keeps connections open and answers in one piece.

    Without the two settings below headers and body leave in two packets, and Nagle's algorithm
    with delayed acknowledgements adds 42 ms to every answer.
    """

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1

    def body(self) -> bytes:
        """Return the request's body; chunked ones too, as the runtime client may send them."""
        if "chunked" in self.headers.get("Transfer-Encoding", "").lower():
            chunks = []
            while size := int(self.rfile.readline().split(b";")[0], 16):
                chunks.append(self.rfile.read(size))
                self.rfile.readline()
            self.rfile.readline()
            return b"".join(chunks)
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def answer(
        self, status: int, body: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> None:
        """Send the whole answer."""
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()

    def log_message(self, *_: object) -> None:
        """Write no access log."""


class Server:
    """A server in threads of its own, on a free port of the loopback."""

    def __init__(self, handler: type[Handler], owner: Any) -> None:
        """Start it at once; handlers find *owner* as ``self.server.owner``."""
        self._http = _Http((LOOPBACK, 0), handler)
        self._http.owner = owner
        self.port: int = self._http.server_port
        self._stopped = False
        self._thread = threading.Thread(target=self._run, name=f"http-{self.port}", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        # Not serve_forever: it looks twice a second whether it should end, and stop() would wait.
        while not self._stopped:
            self._http.handle_request()

    def stop(self) -> None:
        """Take no more requests; those under way end with their threads."""
        self._stopped = True
        with contextlib.suppress(OSError):
            self._http.socket.shutdown(socket.SHUT_RDWR)  # wakes the thread that waits for requests
        self._thread.join(5)
        self._http.server_close()


class _Http(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128
    owner: Any = None

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Be silent where the other side went away; tell everything else."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)
