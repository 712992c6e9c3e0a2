"""One process of a sandbox: the real runtime client, its Runtime API and its pipes."""

from __future__ import annotations

import contextlib
import os
import queue
import signal
import subprocess
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .pipes import Pipes
from .runtime_api import RuntimeApi

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from .lambda_platform import Platform
    from .template import Function

_BOOTSTRAP = Path(__file__).parent / "runtime" / "bootstrap.py"


class Process:
    """Lives from an init to a kill, a crash or the end of the stage.

    What it says arrives as tuples: ``("next",)``, ``("response", payload)``,
    ``("error", payload)``, ``("init_error", type, payload)`` and ``("exit", code)``.
    """

    def __init__(
        self,
        platform: Platform,
        function: Function,
        log_stream: str,
        log: Callable[[str, float], None],
    ) -> None:
        """Start it; what it writes goes to *log* with its time."""
        self._said: queue.SimpleQueue[tuple[Any, ...]] = queue.SimpleQueue()
        self._work: queue.SimpleQueue[tuple[bytes, Mapping[str, str]] | None] = queue.SimpleQueue()
        self._api = RuntimeApi(self)
        self._pipes = Pipes(log)
        stdout, stderr, telemetry = self._pipes.writers
        environment = platform.environment(function, log_stream)
        environment["AWS_LAMBDA_RUNTIME_API"] = self._api.address
        environment["_LAMBDA_TELEMETRY_LOG_FD"] = str(telemetry)
        # https://docs.aws.amazon.com/lambda/latest/dg/runtimes-modify.html#runtime-wrapper
        wrapper = filter(None, [environment.get("AWS_LAMBDA_EXEC_WRAPPER")])
        try:
            self._popen = platform.spawner.spawn(
                [*wrapper, platform.python, str(_BOOTSTRAP), str(os.getpid())],
                cwd=function.code,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=stdout,
                stderr=stderr,
                pass_fds=(telemetry,),
                start_new_session=True,  # a group of its own, to freeze and to kill
            )
        except OSError:
            self._api.stop()
            self._pipes.close_writers()
            self._pipes.read_until_end()
            raise
        self.pid: int = self._popen.pid
        self._pipes.close_writers()
        threading.Thread(target=self._watch, name=f"pipes-{self.pid}", daemon=True).start()

    def said(self, deadline: float) -> tuple[Any, ...]:
        """Wait for what it says next.

        Raises:
            queue.Empty: *deadline*, in monotonic seconds, has passed.
        """
        said = self._said.get(timeout=max(0.0, deadline - time.monotonic()))
        self._pipes.drain()
        return said

    def give(self, event: bytes, headers: Mapping[str, str]) -> None:
        """Answer its request for work."""
        self._work.put((event, headers))

    def freeze(self) -> None:
        """Stop every thread of it, as Lambda does between two invocations."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it run on."""
        self._signal(signal.SIGCONT)

    def kill(self) -> None:
        """End it and all that it started, and wait until it is gone."""
        self._signal(signal.SIGKILL)
        self._popen.wait()

    def memory_mb(self) -> int:
        """Return the most memory it has had, in MB."""
        with contextlib.suppress(OSError):
            for line in Path(f"/proc/{self.pid}/status").read_text(encoding="ascii").splitlines():
                if line.startswith("VmHWM:"):
                    return int(line.split()[1]) // 1024
        return 0

    def next_event(self) -> tuple[bytes, Mapping[str, str]] | None:
        """Runtime API: it asks for work."""
        self._said.put(("next",))
        return self._work.get()

    def responded(self, request_id: str, payload: bytes) -> None:  # noqa: ARG002  # the API's
        """Runtime API: the handler has returned."""
        self._said.put(("response", payload))

    def failed(self, request_id: str, payload: bytes) -> None:  # noqa: ARG002  # the API's
        """Runtime API: the handler has raised."""
        self._said.put(("error", payload))

    def init_failed(self, error_type: str, payload: bytes) -> None:
        """Runtime API: the module could not be imported."""
        self._said.put(("init_error", error_type, payload))

    def _signal(self, number: int) -> None:
        # Nobody else gets the group's id as long as we have not waited for it.
        if self._popen.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.pid, number)

    def _watch(self) -> None:
        self._pipes.read_until_end()
        code = self._popen.wait()
        self._work.put(None)  # lets go of a handler thread that waits for work
        self._said.put(("exit", code))
        self._api.stop()
