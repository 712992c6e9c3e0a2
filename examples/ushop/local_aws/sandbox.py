"""One execution environment of a function: a process, frozen between invocations."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import time
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from . import platform_lines, xray
from .process import Process

if TYPE_CHECKING:
    from .lambda_platform import Platform
    from .template import Function

INIT_TIMEOUT_S = 10.0  # https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html


@dataclass(frozen=True)
class Invocation:
    """One event on its way to a handler.

    Attributes:
        request_id: The same for every attempt at an asynchronous event.
        event: JSON.
        trace_root: X-Ray's; the same for every attempt, too.
        client_context: JSON that the caller of Invoke gave, or None.
    """

    request_id: str
    event: bytes
    trace_root: str
    client_context: str | None = None


@dataclass(frozen=True)
class Outcome:
    """What came of an invocation: JSON, and Lambda's word for a failure where it failed."""

    request_id: str
    payload: bytes
    error: str | None = None
    log_tail: str = ""

    def json(self) -> Any:
        """Return the payload, parsed."""
        return json.loads(self.payload) if self.payload else None


class _Failure(Exception):  # noqa: N818  # it ends an invocation, it is no error of ours
    """An invocation that the platform ended, and not the handler."""

    def __init__(self, status: str, error_type: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.error_type = error_type


class Sandbox:
    """Runs one invocation at a time; its log stream outlives the processes that crash in it."""

    def __init__(self, platform: Platform, function: Function) -> None:
        self._platform = platform
        self._function = function
        self.log_stream = f"{datetime.now(timezone.utc):%Y/%m/%d}/[$LATEST]{os.urandom(16).hex()}"
        self._process: Process | None = None
        self._init_ms: float | None = None
        self._first = True
        self._tail: list[str] = []
        self._stopped = False

    @property
    def pid(self) -> int | None:
        """The process's id, or None where none lives."""
        return self._process.pid if self._process else None

    def invoke(self, invocation: Invocation) -> Outcome:
        """Run the handler once; freeze the process when it has asked for more work."""
        self._tail = []
        began = time.monotonic()
        deadline = began + self._function.timeout_s
        status = error_type = None
        try:
            if self._first:
                self._first = False
                self._cold_start()
                began = time.monotonic()
                deadline = began + self._function.timeout_s
            if self._process is None:  # what the docs call a suppressed init: inside the invocation
                self._init("invoke", deadline)
            self.log(platform_lines.start(invocation.request_id))
            outcome = self._handle(invocation, deadline)
        except _Failure as failure:
            status, error_type = failure.status, failure.error_type
            outcome = self._failed(invocation, failure)
        duration_ms = (time.monotonic() - began) * 1000
        if status == "timeout":
            duration_ms = self._function.timeout_s * 1000
        self._end(invocation, duration_ms, status, error_type)
        return Outcome(outcome.request_id, outcome.payload, outcome.error, "".join(self._tail)[-4096:])

    def stop(self) -> None:
        """Kill the process, now, also in the middle of an invocation."""
        self._stopped = True
        if process := self._process:
            process.kill()

    def _kill(self) -> None:
        if process := self._process:
            process.kill()
            while process.said(time.monotonic() + 5)[0] != "exit":  # its last lines come before
                pass
        self._process = None

    def log(self, message: str, at: float | None = None) -> None:
        """Write one event into the function's log; a sandbox that was stopped says no more."""
        if self._stopped:
            return
        self._tail.append(message)
        self._platform.shipper.put(self._function.log_group, self.log_stream, message, at)

    def _cold_start(self) -> None:
        self.log(platform_lines.init_start(self._platform.runtime, self._platform.region))
        began = time.monotonic()
        with contextlib.suppress(_Failure):  # it is tried again, within the invocation
            self._init("init", began + INIT_TIMEOUT_S)
            self._init_ms = (time.monotonic() - began) * 1000

    def _init(self, phase: str, deadline: float) -> None:
        """Start a process and wait until it asks for work."""
        began = time.monotonic()
        self._process = Process(self._platform, self._function, self.log_stream, self.log)
        init_error: tuple[str, str] | None = None
        try:
            while (said := self._process.said(deadline))[0] != "next":
                if said[0] == "init_error":
                    init_error = said[1], json.loads(said[2])["errorMessage"]
                elif said[0] == "exit":
                    error_type, message = init_error or ("Runtime.ExitError", platform_lines.reason(said[1]))
                    raise _Failure("error", error_type, message)
        except queue.Empty:
            self._kill()
            failure = _Failure("timeout", "Sandbox.Timedout", "")
        except _Failure as raised:
            self._process = None
            failure = raised
        else:
            return
        took_ms = (time.monotonic() - began) * 1000
        shown = failure.error_type if failure.status == "error" else None
        self.log(platform_lines.init_report(took_ms, phase, failure.status, shown))
        raise failure

    def _handle(self, invocation: Invocation, deadline: float) -> Outcome:
        process = self._process
        assert process is not None  # noqa: S101  # invoke() has just started it
        process.thaw()
        process.give(invocation.event, self._headers(invocation))
        outcome = Outcome(invocation.request_id, b"")
        try:
            while (said := process.said(deadline))[0] != "next":
                if said[0] == "response":
                    outcome = Outcome(invocation.request_id, said[1])
                elif said[0] == "error":
                    outcome = Outcome(invocation.request_id, said[1], "Unhandled")
                elif said[0] == "exit":
                    self._process = None
                    self.log(platform_lines.exited(invocation.request_id, said[1]))
                    raise _Failure("error", "Runtime.ExitError", platform_lines.reason(said[1]))
        except queue.Empty:
            self._kill()
            message = f"Task timed out after {self._function.timeout_s:.2f} seconds"
            raise _Failure("timeout", "Sandbox.Timedout", message) from None
        process.freeze()
        return outcome

    def _headers(self, invocation: Invocation) -> dict[str, str]:
        headers = {
            "Lambda-Runtime-Aws-Request-Id": invocation.request_id,
            "Lambda-Runtime-Deadline-Ms": str(int((time.time() + self._function.timeout_s) * 1000)),
            "Lambda-Runtime-Invoked-Function-Arn": self._platform.function_arn(self._function.name),
            "Lambda-Runtime-Trace-Id": xray.header(invocation.trace_root),
        }
        if invocation.client_context:
            headers["Lambda-Runtime-Client-Context"] = invocation.client_context
        return headers

    def _failed(self, invocation: Invocation, failure: _Failure) -> Outcome:
        told = {
            "errorType": failure.error_type,
            "errorMessage": f"RequestId: {invocation.request_id} Error: {failure}",
        }
        return Outcome(invocation.request_id, json.dumps(told).encode(), "Unhandled")

    def _end(self, invocation: Invocation, duration_ms: float, status: str | None, error_type: str | None) -> None:
        self.log(platform_lines.end(invocation.request_id))
        self.log(
            platform_lines.report(
                invocation.request_id,
                duration_ms=duration_ms,
                memory_mb=self._function.memory_mb,
                used_mb=self._process.memory_mb() if self._process else 0,
                init_ms=self._init_ms,
                status=status,
                error_type=error_type if status == "error" else None,
            )
        )
        self._init_ms = None
