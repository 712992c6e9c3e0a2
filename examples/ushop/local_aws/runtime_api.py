"""The Runtime API that one sandbox's process talks to.

Format: https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html, version 2018-06-01.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Protocol

from .http_server import LOOPBACK, Handler, Server

if TYPE_CHECKING:
    from collections.abc import Mapping

_PREFIX = "/2018-06-01/runtime/"


class RuntimeEvents(Protocol):
    """What a process tells its sandbox."""

    def next_event(self) -> tuple[bytes, Mapping[str, str]] | None:
        """Wait for work; return the event and its headers, or None when the process shall end."""

    def responded(self, request_id: str, payload: bytes) -> None:
        """Take what the handler returned."""

    def failed(self, request_id: str, payload: bytes) -> None:
        """Take what the handler raised, as JSON."""

    def init_failed(self, error_type: str, payload: bytes) -> None:
        """Take what the module raised while it was imported."""


class RuntimeApi:
    """A server of one sandbox's own: its address says who is asking."""

    def __init__(self, sandbox: RuntimeEvents) -> None:
        self._server = Server(_RuntimeHandler, sandbox)
        self.address = f"{LOOPBACK}:{self._server.port}"

    def stop(self) -> None:
        """Take no more requests."""
        self._server.stop()


class _RuntimeHandler(Handler):
    def do_GET(self) -> None:  # noqa: N802  # http.server's name
        sandbox: RuntimeEvents = self.server.owner  # type: ignore[attr-defined]
        if self.path != f"{_PREFIX}invocation/next":
            return self.answer(404)
        work = sandbox.next_event()
        if work is None:
            self.close_connection = True
            return None
        event, headers = work
        return self.answer(200, event, {"Content-Type": "application/json", **headers})

    def do_POST(self) -> None:  # noqa: N802  # http.server's name
        sandbox: RuntimeEvents = self.server.owner  # type: ignore[attr-defined]
        payload = self.body()
        match self.path.removeprefix(_PREFIX).split("/"):
            case ["invocation", request_id, "response"]:
                sandbox.responded(request_id, payload)
            case ["invocation", request_id, "error"]:
                sandbox.failed(request_id, payload)
            case ["init", "error"]:
                error_type = self.headers.get("Lambda-Runtime-Function-Error-Type")
                sandbox.init_failed(error_type or "Runtime.Unknown", payload)
            case _:
                return self.answer(404)
        return self.answer(
            202, json.dumps({"status": "OK"}).encode(), {"Content-Type": "application/json"}
        )
