"""The endpoint that plays all but Lambda and API Gateway: moto, in a process of its own."""

from __future__ import annotations

import http.client
import json
import os
import socket
import subprocess
import sys
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

from .clients import ACCOUNT
from .http_server import LOOPBACK
from .moto_server import MEMORY, ROOTS, S3_REQUESTS

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
        self._remembers = True
        if url is not None:
            self.url = url
            self._remembers = self._ask(MEMORY) is not None  # another stage's moto
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
        return self._ask(ROOTS + message_id) or None

    def s3_request(self, bucket: str, key: str, event_time: str) -> dict[str, str] | None:
        """Return the ids of the request that changed an object, where the endpoint knows.

        It is the last one that had begun by *event_time*.
        """
        told = self._ask(f"{S3_REQUESTS}{bucket}/{quote(key)}")
        known: list[dict[str, str]] = json.loads(told) if told else []
        begun = [it for it in known if it["began"] <= event_time]
        return max(begun, key=itemgetter("began"), default=None)

    def _ask(self, path: str) -> str | None:
        """Ask what moto itself would have forgotten."""
        if not self._remembers:
            return None
        connection = http.client.HTTPConnection(urlsplit(self.url).netloc, timeout=5)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            told = answer.read().decode()
        except (OSError, http.client.HTTPException):
            return None
        finally:
            connection.close()
        return told if answer.status == http.HTTPStatus.OK else None

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
