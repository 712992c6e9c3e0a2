"""A small HTTP server on this machine, which remembers every byte it was sent."""

import socketserver
import threading
from urllib.parse import parse_qs, unquote

REASONS = {
    200: "OK",
    302: "Found",
    400: "Bad Request",
    404: "Not Found",
    503: "Service Unavailable",
}


class Server(socketserver.ThreadingTCPServer):
    """Answers by the path: ``/503``, ``/redirect?to=…``, ``/hangup``; else 200.

    Attributes:
        heads: the head of each request, as it came.
        bodies: the body of each.
        headers, answer: what every answer bears.
        status: of every answer whose path is no number.
    """

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.heads, self.bodies, self.headers, self.answer = [], [], {}, b"hello"
        self.status = 200
        self.thread = threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True)
        self.thread.start()

    def url(self, path="/", host="127.0.0.1"):
        return f"http://{host}:{self.server_address[1]}{path}"

    def traceparents(self):
        """Return the header of each request, None where it had none."""
        return [_header(head, "traceparent") for head in self.heads]

    def handle_error(self, request, client_address):
        """A client that went away is no news."""


class Handler(socketserver.StreamRequestHandler):
    """One connection, as many requests as the client likes."""

    def handle(self):
        while head := self._head():
            body = self._body(head)
            self.server.heads.append(head)
            self.server.bodies.append(body)
            path = head.split(b" ", 2)[1].decode()
            if path.startswith("/hangup"):
                return
            self._answer(path)

    def _head(self):
        lines = []
        while line := self.rfile.readline():
            lines.append(line)
            if line == b"\r\n":
                return b"".join(lines)
        return b""

    def _body(self, head):
        length = _header(head, "content-length")
        if length:
            return self.rfile.read(int(length))
        body = b""
        if _header(head, "transfer-encoding") == "chunked":
            while not body.endswith(b"0\r\n\r\n"):
                body += self.rfile.readline()
        return body

    def _answer(self, path):
        name, _, query = path.partition("?")
        headers = dict(self.server.headers)
        status = int(name.strip("/")) if name.strip("/").isdigit() else self.server.status
        if name == "/redirect":
            status, headers["Location"] = 302, unquote(parse_qs(query)["to"][0])
        answer = [
            f"HTTP/1.1 {status} {REASONS[status]}",
            f"Content-Length: {len(self.server.answer)}",
        ]
        answer += [f"{key}: {value}" for key, value in headers.items()]
        self.wfile.write("\r\n".join([*answer, "", ""]).encode() + self.server.answer)


def _header(head, name):
    for line in head.decode("latin-1").split("\r\n")[1:]:
        key, _, value = line.partition(":")
        if key.lower() == name:
            return value.strip()
    return None
