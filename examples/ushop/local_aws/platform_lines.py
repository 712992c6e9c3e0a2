"""The lines that Lambda itself writes into a function's log, in the text format.

Format: https://docs.aws.amazon.com/lambda/latest/dg/python-logging.html and logs seen in 2026.
Separators are tabs, every line ends with a newline, and REPORT has a tab before it.
"""

from __future__ import annotations

import hashlib
import math


def init_start(runtime: str, region: str) -> str:
    """Return the line of a sandbox's first start; *runtime* is ``python3.13``."""
    version = runtime.replace("python", "python:")
    arn = f"arn:aws:lambda:{region}::runtime:{hashlib.sha256(runtime.encode()).hexdigest()}"
    return f"INIT_START Runtime Version: {version}.v1\tRuntime Version ARN: {arn}\n"


def init_report(duration_ms: float, phase: str, status: str, error_type: str | None) -> str:
    """Return the line of an init that failed or took too long."""
    line = f"INIT_REPORT Init Duration: {duration_ms:.2f} ms\tPhase: {phase}\tStatus: {status}"
    return f"{line}\tError Type: {error_type}\n" if error_type else f"{line}\n"


def start(request_id: str) -> str:
    """Return the line before an invocation."""
    return f"START RequestId: {request_id} Version: $LATEST\n"


def end(request_id: str) -> str:
    """Return the line after an invocation."""
    return f"END RequestId: {request_id}\n"


def report(  # noqa: PLR0913  # as many as the line has fields
    request_id: str,
    *,
    duration_ms: float,
    memory_mb: int,
    used_mb: int,
    init_ms: float | None = None,
    status: str | None = None,
    error_type: str | None = None,
) -> str:
    """Return the line with an invocation's numbers.

    The init of a cold start is billed too (since August 2025); a timeout and a crash bear a status.
    """
    billed_ms = math.ceil(duration_ms + (init_ms or 0.0))
    fields = [
        f"REPORT RequestId: {request_id}",
        f"Duration: {duration_ms:.2f} ms",
        f"Billed Duration: {billed_ms} ms",
        f"Memory Size: {memory_mb} MB",
        f"Max Memory Used: {used_mb} MB",
    ]
    if init_ms is not None:
        fields.append(f"Init Duration: {init_ms:.2f} ms")
    if status:
        fields.append(f"Status: {status}")
        return "\t".join(fields + ([f"Error Type: {error_type}"] if error_type else [])) + "\n"
    return "\t".join(fields) + "\t\n"


def exited(request_id: str, exit_code: int) -> str:
    """Return the line of a process that ended by itself; *exit_code* is ``Popen``'s."""
    return f"RequestId: {request_id} Error: {reason(exit_code)}\nRuntime.ExitError\n"


def reason(exit_code: int) -> str:
    """Return Lambda's words for an exit code."""
    if exit_code == 0:
        return "Runtime exited without providing a reason"
    if exit_code > 0:
        return f"Runtime exited with error: exit status {exit_code}"
    return f"Runtime exited with error: signal: {_SIGNALS.get(-exit_code, -exit_code)}"


# Go's names for them: Lambda's supervisor is written in Go.
_SIGNALS = {6: "aborted", 9: "killed", 11: "segmentation fault", 15: "terminated"}
