"""A small HTTP server on this machine, which remembers every byte it was sent."""

import base64
import hashlib
import socket
import socketserver
import threading
from urllib.parse import parse_qs, unquote

REASONS = {
    200: "OK",
    302: "Found",
    303: "See Other",
    307: "Temporary Redirect",
    400: "Bad Request",
    404: "Not Found",
    503: "Service Unavailable",
}
WEBSOCKET = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455, section 1.3


class Server(socketserver.ThreadingTCPServer):
    """Answers by the path.

    ``/503``, ``/redirect?to=…&status=307``, ``/hangup``, ``/chunked``, ``/never`` (it waits),
    ``/echo`` (a WebSocket); else 200. ``CONNECT`` opens a tunnel to any port of this machine.

    Attributes:
        heads: the head of each request, as it came.
        bodies: the body of each.
        headers, answer: what every answer bears.
        status: of every answer whose path is no number.
        failures: how many requests more are hung up on.
        waiting: set when ``/never`` was asked for.
        connections: how many were accepted.
    """

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, tls=None):
        self.tls, self.connections, self.failures = tls, 0, 0
        super().__init__(("127.0.0.1", 0), Handler)
        self.heads, self.bodies, self.headers, self.answer = [], [], {}, b"hello"
        self.status = 200
        self.stopping, self.waiting = threading.Event(), threading.Event()
        self.thread = threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True)
        self.thread.start()

    def get_request(self):
        connection, address = super().get_request()
        self.connections += 1
        if self.tls is not None:
            wrap = self.tls.wrap_socket
            connection = wrap(connection, server_side=True, do_handshake_on_connect=False)
        return connection, address

    def shutdown(self):
        self.stopping.set()
        super().shutdown()

    def url(self, path="/", host="127.0.0.1"):
        return f"http{'s' if self.tls else ''}://{host}:{self.server_address[1]}{path}"

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
            method, path = head.split(b" ", 2)[:2]
            path = path.decode()
            if self.server.failures:
                self.server.failures -= 1
                return
            if path.startswith("/hangup"):
                return
            if path.startswith("/never"):
                self.server.waiting.set()
                self.server.stopping.wait()
                return
            if method == b"CONNECT":
                self._tunnel(path)
                return
            if path.startswith("/echo"):
                self._websocket(head)
                return
            self._answer(path if path.startswith("/") else "/" + path.split("/", 3)[-1])

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
            said = parse_qs(query)
            status = int(said.get("status", ["302"])[0])
            headers["Location"] = unquote(said["to"][0])
        answer, length = self.server.answer, f"Content-Length: {len(self.server.answer)}"
        if name == "/chunked":
            length = "Transfer-Encoding: chunked"
            answer = b"".join(b"1\r\n%c\r\n" % byte for byte in answer) + b"0\r\n\r\n"
        lines = [f"HTTP/1.1 {status} {REASONS[status]}", length]
        lines += [f"{key}: {value}" for key, value in headers.items()]
        self.wfile.write("\r\n".join([*lines, "", ""]).encode() + answer)

    def _tunnel(self, place):
        port = int(place.rpartition(":")[2])
        with socket.create_connection(("127.0.0.1", port)) as beyond:
            self.wfile.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            back = threading.Thread(target=_pass, args=(beyond, self.connection), daemon=True)
            back.start()
            _pass(self.connection, beyond)
            back.join()

    def _websocket(self, head):
        key = _header(head, "sec-websocket-key").encode()
        accept = base64.b64encode(hashlib.sha1(key + WEBSOCKET).digest()).decode()  # noqa: S324  # RFC 6455
        lines = ["HTTP/1.1 101 Switching Protocols", "Upgrade: websocket", "Connection: Upgrade"]
        said = "\r\n".join([*lines, f"Sec-WebSocket-Accept: {accept}", "", ""])
        self.wfile.write(said.encode())
        while len(start := self.rfile.read(2)) == 2:  # frames of at most 125 bytes
            mask = self.rfile.read(4)
            text = bytes(b ^ mask[i % 4] for i, b in enumerate(self.rfile.read(start[1] & 127)))
            self.wfile.write(bytes([start[0], len(text)]) + text)
            if start[0] & 15 == 8:  # close
                return


def _pass(source, target):
    """Pass on bytes until there are no more."""
    try:
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        return


def _header(head, name):
    for line in head.decode("latin-1").split("\r\n")[1:]:
        key, _, value = line.partition(":")
        if key.lower() == name:
            return value.strip()
    return None
