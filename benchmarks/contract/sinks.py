"""What the peers send to: servers of this machine that take everything and keep it."""

import socket
import ssl
import sys
import threading
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from tests.aws.proxy import Proxy  # noqa: E402  # after the path is set

MAX_DATAGRAM = 65_535  # bytes
BARRIER, LAST = b"contract: so far", b"contract: the last"  # datagrams of our own


class Sink(Proxy):
    """Takes every HTTP request; with *certificate* it speaks TLS."""

    def __init__(self, certificate=None):
        self.tls = None
        if certificate is not None:
            self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.tls.load_cert_chain(certificate)
        super().__init__(None)

    def get_request(self):
        """Return a connection; a client that breaks off its handshake is no news."""
        connection, address = super().get_request()
        if self.tls is not None:
            connection.settimeout(5)
            connection = self.tls.wrap_socket(connection, server_side=True)
        return connection, address

    def forward(self, _):
        """Take it."""
        return 200, {"Content-Type": "application/json"}, b"{}"

    def answer(self, request):
        """Keep it, and say that all is well."""
        self.requests.append(request)
        return self.forward(request)


class Daemon:
    """Takes datagrams, as X-Ray's daemon does."""

    def __init__(self):
        self.datagrams, self.reached = [], threading.Event()
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.thread = threading.Thread(target=self._take, daemon=True)
        self.thread.start()

    def _take(self):
        while (datagram := self.socket.recv(MAX_DATAGRAM)) != LAST:
            if datagram == BARRIER:
                self.reached.set()
            else:
                self.datagrams.append(datagram)

    def settle(self):
        """Wait until everything that was sent by now is taken: datagrams keep their order here."""
        self.reached.clear()
        self.socket.sendto(BARRIER, ("127.0.0.1", self.port))
        self.reached.wait(5)

    def stop(self):
        """Take no more."""
        self.socket.sendto(LAST, ("127.0.0.1", self.port))
        self.thread.join(5)
        self.socket.close()


class Sinks:
    """All of them."""

    def __init__(self, certificate):
        self.http, self.tls, self.udp = Sink(), Sink(certificate), Daemon()
        self.places = {
            "http": self.http.url.removeprefix("http://"),
            "tls": str(self.tls.server_address[1]),
            "udp": f"127.0.0.1:{self.udp.port}",
            "certificate": str(certificate),
        }

    def settings(self, peer):
        """Return the environment variables of *peer*."""
        return {name: value.format_map(self.places) for name, value in peer.settings.items()}

    def taken(self):
        """Return what has come: HTTP requests, and datagrams."""
        self.udp.settle()
        return [*self.http.requests, *self.tls.requests], list(self.udp.datagrams)

    def forget(self):
        """Begin anew."""
        self.udp.settle()
        self.http.requests, self.tls.requests = [], []
        self.udp.datagrams.clear()

    def stop(self):
        """Close all."""
        for server in (self.http, self.tls, self.udp):
            server.stop()
