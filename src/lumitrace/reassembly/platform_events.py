"""Lambda's own lines in the JSON log format: ``platform.start``, ``platform.report`` and others.

Events: https://docs.aws.amazon.com/lambda/latest/dg/telemetry-schema-reference.html
"""

import json
import re
from collections.abc import Mapping
from typing import Any

from lumitrace.reassembly.fields import clean
from lumitrace.reassembly.model import INIT, RESTORE, Failure, Init, Report
from lumitrace.reassembly.platform_line import (
    DONE,
    INIT_REPORT,
    INIT_START,
    REPORT,
    START,
    TIMEOUT_STATUS,
    PlatformLine,
    report_failure,
)

_KINDS = {
    "platform.initStart": INIT_START,
    "platform.initReport": INIT_REPORT,
    "platform.restoreStart": INIT_START,
    "platform.restoreReport": INIT_REPORT,
    "platform.start": START,
    "platform.runtimeDone": DONE,
    "platform.report": REPORT,
}
_MANAGED = "lambda-managed-instances"  # an initialization type: several invocations side by side


def platform_event(message: str) -> PlatformLine | None:
    """Return what the JSON line *message* says, or None where Lambda did not write it."""
    event = json_object(message)
    said = str(event.get("type")) if event else ""
    kind = _KINDS.get(said)
    record = event.get("record") if event else None
    if kind is None or not isinstance(record, dict):
        return None
    line = PlatformLine(kind, clean(record.get("requestId")), function=_function(record))
    if kind == REPORT:
        line.ends = True
        line.report = _report(record)
        line.failure = report_failure(line.report)
    elif kind == DONE:
        line.failure = _failure(record)
    elif kind == INIT_REPORT:
        line.init = _init(said, record)
    elif kind == INIT_START:
        line.managed = record.get("initializationType") == _MANAGED
    return line


def _failure(record: Mapping[str, Any]) -> Failure | None:
    """Return why the runtime was done; its report follows and says how long a timeout was."""
    report = _report(record)
    return None if report.status == TIMEOUT_STATUS else report_failure(report)


def _init(said: str, record: Mapping[str, Any]) -> Init:
    report = _report(record)
    phase = RESTORE if "restore" in said else clean(record.get("phase")) or INIT
    return Init(phase, report.duration_ms, report.status, report.error_type)


def _report(record: Mapping[str, Any]) -> Report:
    metrics = record.get("metrics")
    said = metrics if isinstance(metrics, dict) else {}
    status = clean(record.get("status"))
    return Report(
        duration_ms=number(said.get("durationMs")),
        billed_ms=number(said.get("billedDurationMs")),
        memory_mb=number(said.get("memorySizeMB")),
        max_memory_mb=number(said.get("maxMemoryUsedMB")),
        init_ms=number(said.get("initDurationMs")),
        restore_ms=number(said.get("restoreDurationMs")),
        status="" if status == "success" else status,
        error_type=clean(record.get("errorType")),
    )


def _function(record: Mapping[str, Any]) -> str:
    return clean(record.get("functionName")) or clean(record.get("functionArn")).split(":")[-1]


def number(value: object) -> str:
    """Return the digits of ``12.5 ms`` or of a JSON number, or "" where there are none."""
    if isinstance(value, bool) or value is None:
        return ""
    text = str(value).split(" ", 1)[0]
    return text if re.fullmatch(r"\d{1,15}(\.\d{1,9})?", text) else ""


def json_object(text: str) -> dict[str, object] | None:
    """Return the JSON object that *text* spells, or None. Never raises."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None
