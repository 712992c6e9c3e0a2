"""A thin HTTP proxy before moto, on this machine: what AWS refuses is refused as AWS does it.

    with before_moto() as proxy:
        client = proxy.client("sqs")

It runs in threads of the test's own process and is gone when the block is left.
"""

import contextlib
import http.client
import socket
import socketserver
import threading

from tests.aws import dynamodb, limits
from tests.aws.refusal import EntriesRefused, Refusal
from tests.aws.request import Request

HOP_BY_HOP = frozenset((b"connection", b"transfer-encoding", b"content-length", b"expect"))


class Proxy(socketserver.ThreadingTCPServer):
    """The proxy.

    Attributes:
        url: what a client takes as its ``endpoint_url``.
        requests: every request, oldest first, refused or not.
        refused: (request, refusal) of each that went no further.
        memory: what limits remember: ``memory["lost"]`` are messages that SNS would lose.
        checks: called with each request and *memory*; a test may add its own.
    """

    daemon_threads = True
    allow_reuse_address = True
    block_on_close = False

    def __init__(self, behind):
        super().__init__(("127.0.0.1", 0), _Connection)
        self.behind, self.open = behind, set()
        self.forget()
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()

    def forget(self):
        """Begin anew: no requests, nothing remembered, and nothing in moto."""
        self.requests, self.refused, self.memory = [], [], {}
        self.checks = [limits.check]
        self.forward(Request(b"POST", b"/moto-api/reset", [], b""))

    def client(self, service, **config):
        """Return a botocore client of *service* that sends here, each request once."""
        from botocore.config import Config
        from botocore.session import Session

        return Session().create_client(
            service,
            region_name="eu-west-1",
            endpoint_url=self.url,
            aws_access_key_id="AKIDEXAMPLE",
            aws_secret_access_key="none",  # noqa: S106  # nobody asks for it
            config=Config(**{"retries": {"total_max_attempts": 1}, **config}),
        )

    def lost(self):
        """Return the messages that SNS would discard."""
        return self.memory.get("lost", [])

    def stop(self):
        """Close the server and what clients left open."""
        self.shutdown()
        self.server_close()
        for connection in list(self.open):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def answer(self, request):
        """Return status, headers and body for *request*."""
        self.requests.append(request)
        try:
            for check in self.checks:
                check(request, self.memory)
            if (request.service, request.operation) == ("dynamodb", "UpdateItem"):
                return dynamodb.update(request, self.forward)
        except Refusal as refusal:
            self.refused.append((request, refusal))
            return refusal.answer(request)
        except EntriesRefused as refusal:
            self.refused.append((request, refusal))
            return self._rest(request, refusal)
        return self.forward(request)

    def _rest(self, request, refusal):
        rest, told = refusal.rest(request), (200, {}, b"")
        if rest is not None:
            told = self.forward(Request(request.method, request.path, request.headers, rest))
        status, headers, body = told
        return (status, headers, refusal.answer(body)) if status == 200 else told

    def forward(self, request):
        """Return what moto answers to *request*, which goes there as it came."""
        behind = http.client.HTTPConnection(*self.behind)
        behind.putrequest(
            request.method.decode(),
            request.path.decode(),
            skip_host=True,
            skip_accept_encoding=True,
        )
        for name, value in request.headers:
            if name.lower() not in HOP_BY_HOP:
                behind.putheader(name, value)
        behind.putheader("Content-Length", str(len(request.body)))
        behind.endheaders(request.body)
        with contextlib.closing(behind), behind.getresponse() as response:
            body = response.read()
            kept = {k: v for k, v in response.getheaders() if k.lower().encode() not in HOP_BY_HOP}
        return response.status, kept, body

    def handle_error(self, request, client_address):
        """A client that went away is no news."""


class _Connection(socketserver.StreamRequestHandler):
    """One connection, as many requests as the client likes."""

    disable_nagle_algorithm = True

    def setup(self):
        super().setup()
        self.server.open.add(self.connection)

    def finish(self):
        self.server.open.discard(self.connection)
        super().finish()

    def handle(self):
        while line := self.rfile.readline():
            method, path, _ = line.split(b" ", 2)
            headers = list(iter(self._header, None))
            request = Request(method, path, headers, self._body(dict(headers)))
            status, answered, body = self.server.answer(request)
            told = {**answered, "Content-Length": len(body)}
            head = [f"HTTP/1.1 {status} {http.client.responses.get(status, '')}"]
            head += [f"{name}: {value}" for name, value in told.items()]
            self.wfile.write("\r\n".join([*head, "", ""]).encode("latin-1") + body)

    def _header(self):
        name, colon, value = self.rfile.readline().partition(b":")
        return (name, value.strip()) if colon else None

    def _body(self, headers):
        known = {name.lower(): value for name, value in headers.items()}
        if known.get(b"expect", b"").lower() == b"100-continue":
            self.wfile.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        if known.get(b"transfer-encoding", b"").lower() != b"chunked":
            return self.rfile.read(int(known.get(b"content-length", 0)))
        body = b""
        while size := int(self.rfile.readline().partition(b";")[0], 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body


@contextlib.contextmanager
def before_moto():
    """Run moto, and the proxy before it, while the block lasts."""
    from moto.core.config import default_user_config  # tests ask pytest.importorskip("moto") first
    from moto.dynamodb.models.dynamo_type import LimitedSizeDict
    from moto.moto_server.threaded_moto_server import ThreadedMotoServer

    usual = default_user_config["lambda"]
    default_user_config["lambda"] = {"use_docker": False}  # an Invoke answers at once
    sized = LimitedSizeDict.__setitem__
    LimitedSizeDict.__setitem__ = dict.__setitem__  # moto's own limit is 405,000 bytes, about
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    proxy = Proxy(server.get_host_and_port())
    try:
        yield proxy
    finally:
        default_user_config["lambda"] = usual
        LimitedSizeDict.__setitem__ = sized
        proxy.stop()
        server.stop()
        server._server.server_close()
