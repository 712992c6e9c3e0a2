"""The endpoint that plays DynamoDB, SNS, SQS and CloudWatch Logs: moto, in a process of its own."""

from __future__ import annotations

import http.client
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from .clients import ACCOUNT
from .http_server import LOOPBACK
from .moto_server import PATH

if TYPE_CHECKING:
    from .spawner import Spawner

_PROGRAM = Path(__file__).with_name("moto_server.py")


class EndpointError(OSError):
    """The endpoint did not start."""


class Endpoint:
    """Somebody else's endpoint, or our own moto, which ends with us.

    Attributes:
        url: Its address, known before moto is ready: who connects early waits.
    """

    def __init__(self, spawner: Spawner, url: str | None) -> None:
        """Start moto unless *url* is given."""
        self._process: subprocess.Popen[bytes] | None = None
        if url is not None:
            self.url = url
            return
        # We choose the port and listen; moto inherits the socket. Nobody can snatch the port.
        with socket.create_server((LOOPBACK, 0), backlog=128) as listener:
            port = listener.getsockname()[1]
            self.url = f"http://{LOOPBACK}:{port}"
            self._process = spawner.spawn(
                [sys.executable, str(_PROGRAM), str(os.getpid()), str(listener.fileno())],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                env={**_inherited(), "MOTO_ACCOUNT_ID": ACCOUNT, "MOTO_PORT": str(port)},
                pass_fds=(listener.fileno(),),
                start_new_session=True,  # Ctrl-C is for us: it shall still take the last log lines
            )

    @property
    def own(self) -> bool:
        """Whether we started it."""
        return self._process is not None

    @property
    def pid(self) -> int | None:
        """Our moto's process id."""
        return self._process.pid if self._process else None

    def wait(self) -> None:
        """Wait until our moto serves.

        Raises:
            EndpointError: It ended instead.
        """
        if self._process and self._process.stdout and not self._process.stdout.readline():
            message = (
                "moto did not start (see above); "
                "pip install -r examples/ushop/local_aws/requirements.txt brings what it needs"
            )
            raise EndpointError(message)

    def trace_header(self, message_id: str) -> str | None:
        """Return the X-Ray header an SNS message was published with, where the endpoint knows."""
        if not self.own:
            return None
        connection = http.client.HTTPConnection(urlsplit(self.url).netloc, timeout=5)
        try:
            connection.request("GET", PATH + message_id)
            return connection.getresponse().read().decode() or None
        except OSError:
            return None
        finally:
            connection.close()

    def stop(self) -> None:
        """Kill our moto; nobody else's endpoint is touched."""
        if self._process:
            self._process.kill()
            self._process.wait()
            if self._process.stdout:
                self._process.stdout.close()


def _inherited() -> dict[str, str]:
    """Return our environment, but let moto keep its bytecode: compiling it anew takes 1.5 s."""
    left = {"PYTHONDONTWRITEBYTECODE", "PYTHONPYCACHEPREFIX"}
    return {name: value for name, value in os.environ.items() if name not in left}
