"""A line of Lambda itself, in whichever format it was written, and the failure it tells of."""

from dataclasses import dataclass

from lumitrace.reassembly.model import Failure, Init, Report

INIT_START = "INIT_START"
INIT_REPORT = "INIT_REPORT"
START = "START"
DONE = "DONE"  # the runtime is; JSON format only
END = "END"
REPORT = "REPORT"
TIMEOUT = "TIMEOUT"
EXIT = "EXIT"

TIMED_OUT = "Sandbox.Timedout"  # Lambda's own error type for a timeout
OUT_OF_MEMORY = "Runtime.OutOfMemory"
EXITED = "Runtime.ExitError"
UNKNOWN = "Error"  # where Lambda says that it failed, and no more

TIMEOUT_STATUS = "timeout"
_FAILED = frozenset((TIMEOUT_STATUS, "error", "failure"))


@dataclass(slots=True)
class PlatformLine:
    """A line of Lambda itself.

    Attributes:
        request_id: "" for a line about the sandbox.
        init: what an INIT_REPORT or a RESTORE_REPORT says.
        function: the function's name where the line says it.
        ends: whether the line itself is the end of the attempt (JSON format has no END).
        managed: whether the sandbox runs several invocations side by side.
    """

    kind: str
    request_id: str = ""
    report: Report | None = None
    failure: Failure | None = None
    init: Init | None = None
    function: str = ""
    ends: bool = False
    managed: bool = False


def report_failure(report: Report) -> Failure | None:
    """Return the failure that *report* tells of, or None."""
    if report.status not in _FAILED:
        return None
    if report.status == TIMEOUT_STATUS:
        return timed_out(report.duration_ms)
    if report.error_type == OUT_OF_MEMORY:
        used = f"{report.max_memory_mb} MB of {report.memory_mb} MB were used"
        return Failure(OUT_OF_MEMORY, f"The function ran out of memory: {used}")
    return Failure(report.error_type or UNKNOWN, "")


def timed_out(duration_ms: str) -> Failure:
    """Return the failure of an attempt that was killed at its deadline."""
    if not duration_ms:
        return Failure(TIMED_OUT, "Task timed out")
    seconds = f"{int(duration_ms.split('.', maxsplit=1)[0]) / 1000:.2f}"
    return Failure(TIMED_OUT, f"Task timed out after {seconds} seconds")


def init_failure(init: Init) -> Failure | None:
    """Return why an *init* failed, or None where it did not."""
    if init.status not in _FAILED:
        return None
    if init.status == TIMEOUT_STATUS:
        return timed_out(init.duration_ms)
    return Failure(init.error_type or UNKNOWN, "")
