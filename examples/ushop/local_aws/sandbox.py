"""One execution environment of a function: a process, frozen between invocations."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import time
from dataclasses import replace
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any, NoReturn

from . import xray
from .invocation import Outcome
from .json_platform_lines import JsonLines
from .platform_lines import Report, TextLines, reason
from .process import Process

if TYPE_CHECKING:
    from .invocation import Invocation
    from .lambda_platform import Platform
    from .template import Function

_DEATH_S = 60.0  # a killed process is gone long before
_WATCH_S = 0.02  # how often the memory of a process at work is looked at


class _Failure(Exception):  # noqa: N818  # it ends an invocation, it is no error of ours
    """An invocation, or an init, that the platform ended and not the handler."""

    def __init__(self, message: str, status: str, error_type: str, told: bytes = b"") -> None:
        super().__init__(message)
        self.status = status
        self.error_type = error_type
        self.told = told  # what the runtime said itself


class Sandbox:
    """Runs one invocation at a time; its log stream outlives the processes that crash in it."""

    def __init__(self, platform: Platform, function: Function) -> None:
        self._platform = platform
        self._function = function
        self.log_stream = f"{datetime.now(timezone.utc):%Y/%m/%d}/[$LATEST]{os.urandom(16).hex()}"
        style = JsonLines if function.log_format == "JSON" else TextLines
        self._lines = style(function.name, self.log_stream, platform.runtime, platform.region)
        self._process: Process | None = None
        self._init_ms: float | None = None
        self._used_mb = 0
        self._out_of_memory = False
        self._first = True
        self._tail: list[str] = []
        self._stopped = False

    @property
    def pid(self) -> int | None:
        """The process's id, or None where none lives."""
        return self._process.pid if self._process else None

    def invoke(self, invocation: Invocation) -> Outcome:
        """Run the handler once; freeze the process when it has asked for more work.

        Raises:
            InterruptedError: The stage has ended.
        """
        self._tail = []
        if self._first:
            self._first = False
            self._cold_start()
        began = time.monotonic()
        failure = None
        try:
            outcome = self._run(invocation, began + self._function.timeout_s)
        except _Failure as raised:
            failure = raised
            outcome = _failed(invocation, failure)
        if self._stopped:
            message = "the stage has ended"
            raise InterruptedError(message)
        self._end(invocation, time.monotonic() - began, failure, raised=outcome.error is not None)
        return replace(outcome, log_tail="".join(self._tail)[-4096:])

    def stop(self) -> None:
        """Kill the process, now, also in the middle of an invocation."""
        self._stopped = True
        if process := self._process:
            process.kill()

    def log(self, message: str, at: float | None = None) -> None:
        """Write one event into the function's log; a sandbox that was stopped says no more."""
        if self._stopped:
            return
        self._tail.append(message)
        self._platform.shipper.put(self._function.log_group, self.log_stream, message, at)

    def _tell(self, lines: list[str]) -> None:
        """Write what Lambda itself says."""
        for line in lines:
            self.log(line)

    def _cold_start(self) -> None:
        self._tell(self._lines.init_start())
        began = time.monotonic()
        with contextlib.suppress(_Failure):  # it is tried again, within the invocation
            self._init("init", began + self._platform.init_timeout_s)
            self._init_ms = (time.monotonic() - began) * 1000

    def _run(self, invocation: Invocation, deadline: float) -> Outcome:
        process = self._process
        try:
            # After a crash or a timeout: what the documents call a suppressed init.
            process = process or self._init("invoke", deadline)
        finally:
            self._tell(self._lines.start(invocation.request_id))
        self._measure()
        process.thaw()
        process.give(invocation.event, self._headers(invocation))
        outcome = Outcome(invocation.request_id, b"")
        while (said := self._said(process, deadline))[0] != "next":
            if said[0] == "response":
                outcome = Outcome(invocation.request_id, said[1])
            elif said[0] == "error":
                outcome = Outcome(invocation.request_id, said[1], "Unhandled")
            elif said[0] == "exit":
                self._died(invocation, said[1])
        self._measure()
        process.freeze()
        return outcome

    def _init(self, phase: str, deadline: float) -> Process:
        """Start a process and wait until it asks for work."""
        began = time.monotonic()
        self._used_mb, self._out_of_memory = 0, False
        try:
            self._process = Process(self._platform, self._function, self.log_stream, self.log)
            if self._stopped:  # stop() came while the process was being started
                self._process.kill()
            self._wait_for_init(self._process, deadline)
        except _Failure as failure:
            self._process = None
            took_ms = (time.monotonic() - began) * 1000
            error_type = failure.error_type if failure.status == "error" else None
            self._tell(self._lines.init_report(took_ms, phase, failure.status, error_type))
            raise
        return self._process

    def _wait_for_init(self, process: Process, deadline: float) -> None:
        error_type, told = "Runtime.ExitError", b""
        while (said := self._said(process, deadline))[0] != "next":
            if said[0] == "init_error":
                error_type, told = said[1], said[2]
            elif said[0] == "exit":
                raise _Failure(reason(said[1]), "error", error_type, told)

    def _died(self, invocation: Invocation, exit_code: int) -> NoReturn:
        """Tell of a process that ended within an invocation."""
        self._process = None
        told = reason(exit_code)
        self._tell(self._lines.exited(invocation.request_id, told))
        kind = "Runtime.OutOfMemory" if self._out_of_memory else "Runtime.ExitError"
        raise _Failure(told, "error", kind)

    def _said(self, process: Process, deadline: float) -> tuple[Any, ...]:
        """Wait for what the process says next; kill it at the deadline, or for its memory."""
        while True:
            try:
                return process.said(min(deadline, time.monotonic() + _WATCH_S))
            except queue.Empty:
                self._measure()
            if time.monotonic() >= deadline:
                break
            if self._used_mb > self._function.memory_mb and not self._out_of_memory:
                self._out_of_memory = True
                self._used_mb = self._function.memory_mb  # no kernel lets it have more
                process.kill()
        process.kill()
        while process.said(time.monotonic() + _DEATH_S)[0] != "exit":  # its last lines first
            pass
        self._process = None
        message = f"Task timed out after {self._function.timeout_s:.2f} seconds"
        raise _Failure(message, "timeout", "Sandbox.Timedout")

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

    def _measure(self) -> None:
        if self._process:
            self._used_mb = max(self._used_mb, self._process.memory_mb())

    def _end(
        self, invocation: Invocation, took_s: float, failure: _Failure | None, *, raised: bool
    ) -> None:
        timed_out = failure is not None and failure.status == "timeout"
        self._tell(
            self._lines.end(
                Report(
                    invocation.request_id,
                    duration_ms=(self._function.timeout_s if timed_out else took_s) * 1000,
                    memory_mb=self._function.memory_mb,
                    used_mb=self._used_mb,
                    init_ms=self._init_ms,
                    status=failure.status if failure else None,
                    error_type=failure.error_type if failure and not timed_out else None,
                    raised=raised,
                )
            )
        )
        self._init_ms = None


def _failed(invocation: Invocation, failure: _Failure) -> Outcome:
    """Return what the caller of Invoke gets to see of a failure."""
    message = f"RequestId: {invocation.request_id} Error: {failure}"
    told = {"errorType": failure.error_type, "errorMessage": message}
    return Outcome(invocation.request_id, failure.told or json.dumps(told).encode(), "Unhandled")
