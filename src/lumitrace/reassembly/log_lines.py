"""The lines that Lambda and its Python runtime write around ours: their grammar, a line at a time.

Text and JSON log format: https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs.html
"""

import re
from dataclasses import dataclass
from datetime import datetime, timezone

from lumitrace.reassembly.fields import clean
from lumitrace.reassembly.model import INIT, RESTORE, Failure, Init, Report
from lumitrace.reassembly.platform_events import json_object, number, platform_event
from lumitrace.reassembly.platform_line import (
    END,
    EXIT,
    EXITED,
    INIT_REPORT,
    INIT_START,
    REPORT,
    START,
    TIMED_OUT,
    TIMEOUT,
    PlatformLine,
    report_failure,
)

_START = re.compile(r"START RequestId: (\S+) Version: \S+\s*\Z")
_END = re.compile(r"END RequestId: (\S+)\s*\Z")
_REPORT = re.compile(r"REPORT RequestId: (\S+)\t(.*)\Z", re.DOTALL)
_TIMEOUT = re.compile(r"\S+Z (\S+) (Task timed out after [\d.]+ seconds)\s*\Z")
_EXIT = re.compile(r"RequestId: (\S+) Error: ([^\n]*)(?:\n([\w.]*))?\s*\Z")
_APPLICATION = re.compile(r"\[([A-Z]+)\]\t(\S+Z)\t(\S*)\t(.*)\Z", re.DOTALL)
_ZONE = re.compile(r"[+-]\d\d:\d\d\Z")
_RAISED = re.compile(r"\[ERROR\] ([A-Za-z_][\w.]*)(?:: (.*?))?(?:[\r\n]|\Z)", re.DOTALL)


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
        return platform_event(message) if '"platform.' in message[:200] else None
    for pattern, read in _TEXT:
        match = pattern.match(message)
        if match:
            return read(match)
    if message.startswith(("INIT_START ", "RESTORE_START ")):
        return PlatformLine(INIT_START)
    if message.startswith(("INIT_REPORT ", "RESTORE_REPORT ")):
        return PlatformLine(INIT_REPORT, init=_init(message))
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


def _said(text: str) -> dict[str, str]:
    parts = (part.strip().partition(": ") for part in re.split(r"[\t\n]", text))
    return {name: value.strip() for name, _, value in parts}


def _init(message: str) -> Init:
    """Return what an INIT_REPORT or a RESTORE_REPORT says; its first field follows the word."""
    said = _said(message.partition("_REPORT ")[2])
    restore = message.startswith("RESTORE")
    return Init(
        RESTORE if restore else said.get("Phase", INIT),
        number(said.get("Restore Duration" if restore else "Init Duration")),
        said.get("Status", ""),
        said.get("Error Type", ""),
    )


def _report(text: str) -> Report:
    said = _said(text)
    return Report(
        duration_ms=number(said.get("Duration")),
        billed_ms=number(said.get("Billed Duration")),
        memory_mb=number(said.get("Memory Size")),
        max_memory_mb=number(said.get("Max Memory Used")),
        init_ms=number(said.get("Init Duration")),
        restore_ms=number(said.get("Restore Duration")),
        status=said.get("Status", ""),
        error_type=said.get("Error Type", ""),
    )


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
    if "." in text and not _ZONE.search(text):  # Python 3.10 reads three or six digits only
        whole, _, fraction = text.partition(".")
        text = f"{whole}.{fraction[:6]:0<6}"
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=timezone.utc)
    return int(moment.timestamp() * 1000)
