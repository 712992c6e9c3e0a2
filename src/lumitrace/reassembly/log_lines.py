"""The lines that Lambda and its Python runtime write around ours: their grammar, a line at a time.

Text and JSON log format: https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs.html
"""

import json
import re
from dataclasses import dataclass
from datetime import datetime, timezone

from lumitrace.reassembly.fields import clean
from lumitrace.reassembly.model import Failure, Report

INIT_START = "INIT_START"
INIT_REPORT = "INIT_REPORT"
START = "START"
END = "END"
REPORT = "REPORT"
TIMEOUT = "TIMEOUT"
EXIT = "EXIT"

TIMED_OUT = "Sandbox.Timedout"  # Lambda's own error type for a timeout
OUT_OF_MEMORY = "Runtime.OutOfMemory"
EXITED = "Runtime.ExitError"

_START = re.compile(r"START RequestId: (\S+) Version: \S+\s*\Z")
_END = re.compile(r"END RequestId: (\S+)\s*\Z")
_REPORT = re.compile(r"REPORT RequestId: (\S+)\t(.*)\Z", re.DOTALL)
_TIMEOUT = re.compile(r"\S+Z (\S+) (Task timed out after [\d.]+ seconds)\s*\Z")
_EXIT = re.compile(r"RequestId: (\S+) Error: ([^\n]*)(?:\n([\w.]*))?\s*\Z")
_APPLICATION = re.compile(r"\[([A-Z]+)\]\t(\S+Z)\t(\S*)\t(.*)\Z", re.DOTALL)
_RAISED = re.compile(r"\[ERROR\] ([A-Za-z_][\w.]*)(?:: (.*?))?(?:[\r\n]|\Z)", re.DOTALL)
_JSON_KINDS = {
    "platform.initStart": INIT_START,
    "platform.initReport": INIT_REPORT,
    "platform.start": START,
    "platform.report": REPORT,
}
_FAILED = frozenset(("timeout", "error", "failure"))


@dataclass(slots=True)
class PlatformLine:
    """A line of Lambda itself.

    Attributes:
        request_id: "" for a line about the sandbox.
        function: the function's name where the line says it.
        ends: whether the line itself is the end of the attempt (JSON format has no END).
    """

    kind: str
    request_id: str = ""
    report: Report | None = None
    failure: Failure | None = None
    function: str = ""
    ends: bool = False


@dataclass(slots=True)
class ApplicationLine:
    """A line of the application, or of the runtime on its behalf.

    Attributes:
        request_id: "" where the line does not say it.
        failure: what the runtime printed of an exception that left the handler.
    """

    text: str
    request_id: str = ""
    failure: Failure | None = None


def platform_line(message: str) -> PlatformLine | None:
    """Return what *message* says, or None where Lambda did not write it."""
    if message.startswith("{"):
        return _json_platform_line(message) if '"platform.' in message[:200] else None
    for pattern, read in _TEXT:
        match = pattern.match(message)
        if match:
            return read(match)
    if message.startswith("INIT_START "):
        return PlatformLine(INIT_START)
    if message.startswith(("INIT_REPORT ", "RESTORE_START ", "RESTORE_REPORT ")):
        return PlatformLine(INIT_REPORT, failure=_init_failure(_report(message)))
    return None


def _read_report(match: re.Match[str]) -> PlatformLine:
    report = _report(match[2])
    return PlatformLine(REPORT, match[1], report=report, failure=report_failure(report))


def _read_exit(match: re.Match[str]) -> PlatformLine:
    return PlatformLine(EXIT, match[1], failure=Failure(match[3] or EXITED, match[2].strip()))


_TEXT = (
    (_START, lambda match: PlatformLine(START, match[1])),
    (_END, lambda match: PlatformLine(END, match[1], ends=True)),
    (_REPORT, _read_report),
    (_EXIT, _read_exit),
    (_TIMEOUT, lambda match: PlatformLine(TIMEOUT, match[1], failure=Failure(TIMED_OUT, match[2]))),
)


def _report(text: str) -> Report:
    parts = (part.strip().partition(": ") for part in re.split(r"[\t\n]", text))
    said = {name: value for name, _, value in parts}
    return Report(
        duration_ms=_number(said.get("Duration")),
        billed_ms=_number(said.get("Billed Duration")),
        memory_mb=_number(said.get("Memory Size")),
        max_memory_mb=_number(said.get("Max Memory Used")),
        init_ms=_number(said.get("Init Duration") or said.get("INIT_REPORT Init Duration")),
        status=said.get("Status", "").strip(),
        error_type=said.get("Error Type", "").strip(),
    )


def _number(value: object) -> str:
    """Return the digits of ``12.5 ms`` or of a JSON number, or "" where there are none."""
    if isinstance(value, bool) or value is None:
        return ""
    text = str(value).split(" ", 1)[0]
    return text if re.fullmatch(r"\d{1,15}(\.\d{1,9})?", text) else ""


def _json_platform_line(message: str) -> PlatformLine | None:
    event = json_object(message)
    kind = _JSON_KINDS.get(str(event.get("type"))) if event else None
    record = event.get("record") if event else None
    if kind is None or not isinstance(record, dict):
        return None
    line = PlatformLine(kind, clean(record.get("requestId")), function=_function(record))
    if kind == REPORT:
        line.ends = True
        line.report = _json_report(record)
        line.failure = report_failure(line.report)
    elif kind == INIT_REPORT:
        line.failure = _init_failure(_json_report(record))
    return line


def _json_report(record: dict[str, object]) -> Report:
    metrics = record.get("metrics")
    said = metrics if isinstance(metrics, dict) else {}
    status = clean(record.get("status"))
    return Report(
        duration_ms=_number(said.get("durationMs")),
        billed_ms=_number(said.get("billedDurationMs")),
        memory_mb=_number(said.get("memorySizeMB")),
        max_memory_mb=_number(said.get("maxMemoryUsedMB")),
        init_ms=_number(said.get("initDurationMs")),
        status="" if status == "success" else status,
        error_type=clean(record.get("errorType")),
    )


def _function(record: dict[str, object]) -> str:
    return clean(record.get("functionName")) or clean(record.get("functionArn")).split(":")[-1]


def report_failure(report: Report) -> Failure | None:
    """Return the failure that *report* tells of, or None."""
    if report.status not in _FAILED:
        return None
    if report.status == "timeout":
        seconds = f"{int(report.duration_ms.split('.')[0] or 0) / 1000:.2f}"
        return Failure(TIMED_OUT, f"Task timed out after {seconds} seconds")
    if report.error_type == OUT_OF_MEMORY:
        used = f"{report.max_memory_mb} MB of {report.memory_mb} MB were used"
        return Failure(OUT_OF_MEMORY, f"The function ran out of memory: {used}")
    return Failure(report.error_type or "Error", "")


def _init_failure(report: Report) -> Failure | None:
    failure = report_failure(report)
    if failure is None:
        return None
    return Failure(failure.type, f"initialisation failed: {report.status}")


def application_line(message: str) -> ApplicationLine:
    """Return what *message* says as a line of the application. Never raises."""
    if message.startswith("["):
        match = _APPLICATION.match(message)
        if match:
            return ApplicationLine(f"[{match[1]}] {match[4].rstrip()}", match[3])
        raised = _RAISED.match(message)
        if raised and _is_exception(raised[1], message):
            failure = Failure(raised[1], (raised[2] or "").strip())
            return ApplicationLine(message.rstrip(), failure=failure)
    elif message.startswith("{"):
        event = json_object(message)
        if event:
            return _json_application_line(message, event)
    return ApplicationLine(message.rstrip())


def _is_exception(name: str, message: str) -> bool:
    return (
        name.startswith("Runtime.")
        or name.endswith(("Error", "Exception"))
        or "Traceback (most recent call last)" in message
    )


def _json_application_line(message: str, event: dict[str, object]) -> ApplicationLine:
    request_id = clean(event.get("requestId")) or clean(event.get("function_request_id"))
    level = clean(event.get("level"))
    failure = None
    text = clean(event.get("message"))
    error_type = clean(event.get("errorType"))
    if error_type and not text:  # the runtime's own line about an exception has no message
        failure = Failure(error_type, clean(event.get("errorMessage")))
        text = f"{failure.type}: {failure.message}"
    if not text:
        return ApplicationLine(message.rstrip(), request_id)
    stack = event.get("stackTrace")
    if isinstance(stack, list):
        text = "\n".join([text, *(str(frame).rstrip("\n") for frame in stack)])
    return ApplicationLine(f"[{level}] {text}" if level else text, request_id, failure)


def json_object(text: str) -> dict[str, object] | None:
    """Return the JSON object that *text* spells, or None. Never raises."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def said_time_ms(message: str) -> int | None:
    """Return the time that stands in *message* itself, in Unix milliseconds, or None."""
    match = (
        re.match(r"\[[A-Z]+\]\t(\S+Z)\t", message)
        or re.search(r'"(?:timestamp|time)":\s?"([^"]{19,40})"', message[:2000])
        or re.match(r"(\d{4}-\d\d-\d\dT[\d:.]+Z) ", message)
    )
    return parse_time_ms(match[1]) if match else None


def parse_time_ms(text: str) -> int | None:
    """Return the Unix milliseconds of an RFC 3339 time, or None. No zone means UTC."""
    text = text.removesuffix("Z")
    if "." in text and "+" not in text:  # Python 3.10 reads three or six digits only
        whole, _, fraction = text.partition(".")
        text = f"{whole}.{fraction[:6]:0<6}"
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=timezone.utc)
    return int(moment.timestamp() * 1000)
