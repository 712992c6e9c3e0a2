"""The lines that Lambda itself writes into a function's log, in the text format.

Format: https://docs.aws.amazon.com/lambda/latest/dg/python-logging.html and logs seen in 2026.
Separators are tabs, every line ends with a newline, and REPORT has a tab before it.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Report:
    """What Lambda measured of an invocation.

    Attributes:
        init_ms: Of a cold start; billed too (since August 2025).
        status: ``timeout`` or ``error``, None where it went well.
        error_type: Lambda's own, None where a handler only raised.
        raised: Whether the handler raised; only the JSON format says so.
    """

    request_id: str
    duration_ms: float
    memory_mb: int
    used_mb: int
    init_ms: float | None = None
    status: str | None = None
    error_type: str | None = None
    raised: bool = False

    @property
    def billed_ms(self) -> int:
        """Return the milliseconds that are paid for."""
        return math.ceil(self.duration_ms + (self.init_ms or 0.0))


class TextLines:
    """One sandbox's platform lines; each method returns the lines of one moment."""

    def __init__(self, function: str, log_stream: str, runtime: str, region: str) -> None:
        """Speak of a sandbox; *runtime* is ``python3.13``."""
        self.function = function
        self.log_stream = log_stream
        self.runtime = runtime.replace("python", "python:") + ".v1"
        digest = hashlib.sha256(runtime.encode()).hexdigest()
        self.runtime_arn = f"arn:aws:lambda:{region}::runtime:{digest}"

    def init_start(self) -> list[str]:
        """Return what is said of a sandbox's first start."""
        arn = self.runtime_arn
        return [f"INIT_START Runtime Version: {self.runtime}\tRuntime Version ARN: {arn}\n"]

    def init_report(
        self, duration_ms: float, phase: str, status: str, error_type: str | None
    ) -> list[str]:
        """Return what is said of an init that failed or took too long."""
        line = f"INIT_REPORT Init Duration: {duration_ms:.2f} ms\tPhase: {phase}\tStatus: {status}"
        return [f"{line}\tError Type: {error_type}\n" if error_type else f"{line}\n"]

    def start(self, request_id: str) -> list[str]:
        """Return what stands before an invocation."""
        return [f"START RequestId: {request_id} Version: $LATEST\n"]

    def exited(self, request_id: str, reason: str) -> list[str]:
        """Return what is said of a process that ended within an invocation."""
        return [f"RequestId: {request_id} Error: {reason}\nRuntime.ExitError\n"]

    def end(self, report: Report) -> list[str]:
        """Return what stands behind an invocation; a timeout and a crash bear a status."""
        fields = [
            f"REPORT RequestId: {report.request_id}",
            f"Duration: {report.duration_ms:.2f} ms",
            f"Billed Duration: {report.billed_ms} ms",
            f"Memory Size: {report.memory_mb} MB",
            f"Max Memory Used: {report.used_mb} MB",
        ]
        if report.init_ms is not None:
            fields.append(f"Init Duration: {report.init_ms:.2f} ms")
        if report.status:
            fields.append(f"Status: {report.status}")
        if report.status and report.error_type:
            fields.append(f"Error Type: {report.error_type}")
        tail = "\n" if report.status else "\t\n"
        return [f"END RequestId: {report.request_id}\n", "\t".join(fields) + tail]


def reason(exit_code: int) -> str:
    """Return Lambda's words for an exit code; it is ``Popen``'s."""
    if exit_code == 0:
        return "Runtime exited without providing a reason"
    if exit_code > 0:
        return f"Runtime exited with error: exit status {exit_code}"
    return f"Runtime exited with error: signal: {_SIGNALS.get(-exit_code, -exit_code)}"


# Go's names for them: Lambda's supervisor is written in Go.
_SIGNALS = {6: "aborted", 9: "killed", 11: "segmentation fault", 15: "terminated"}
