"""The lines that Lambda itself writes into a function's log, in the JSON format.

At the system log level INFO: what is DEBUG there, such as an init that went well, is left out.
Events: https://docs.aws.amazon.com/lambda/latest/dg/telemetry-schema-reference.html
"""

from __future__ import annotations

import json
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from .platform_lines import TextLines

if TYPE_CHECKING:
    from .platform_lines import Report

_INIT = {"initializationType": "on-demand", "phase": "init"}


class JsonLines(TextLines):
    """One sandbox's platform lines; there is no line that stands for END."""

    def init_start(self) -> list[str]:
        """Return what is said of a sandbox's first start."""
        record = {
            **_INIT,
            "runtimeVersion": self.runtime,
            "runtimeVersionArn": self.runtime_arn,
            "functionName": self.function,
            "functionVersion": "$LATEST",
            "instanceId": self.log_stream,
        }
        return [_line("initStart", record)]

    def init_report(
        self, duration_ms: float, phase: str, status: str, error_type: str | None
    ) -> list[str]:
        """Return what is said of an init that failed or took too long."""
        record = {
            **_INIT,
            "phase": phase,
            "status": status,
            **({"errorType": error_type} if error_type else {}),
            "metrics": {"durationMs": round(duration_ms, 3)},
        }
        return [_line("initReport", record)]

    def start(self, request_id: str) -> list[str]:
        """Return what stands before an invocation."""
        return [_line("start", {"requestId": request_id, "version": "$LATEST"})]

    def exited(self, request_id: str, reason: str) -> list[str]:  # noqa: ARG002  # in no field
        """Return what is said of a process that ended within an invocation."""
        record = {"requestId": request_id, "status": "failure", "errorType": "Runtime.ExitError"}
        return [_line("runtimeDone", record)]

    def end(self, report: Report) -> list[str]:
        """Return what stands behind an invocation."""
        metrics: dict[str, Any] = {
            "durationMs": round(report.duration_ms, 3),
            "billedDurationMs": report.billed_ms,
            "memorySizeMB": report.memory_mb,
            "maxMemoryUsedMB": report.used_mb,
        }
        if report.init_ms is not None:
            metrics["initDurationMs"] = round(report.init_ms, 3)
        record = {
            "requestId": report.request_id,
            "metrics": metrics,
            "status": report.status or ("error" if report.raised else "success"),
            **({"errorType": report.error_type} if report.error_type else {}),
        }
        return [_line("report", record)]


def _line(kind: str, record: dict[str, Any]) -> str:
    now = datetime.now(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return json.dumps({"time": now, "type": f"platform.{kind}", "record": record}) + "\n"
