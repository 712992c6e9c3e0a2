"""Rows of Logs Insights: what GetQueryResults answers, and what the console saves as JSON or CSV.

A row counts where it has ``@message``; ``@timestamp``, ``@logStream`` and ``@log`` say the rest.
https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_GetQueryResults.html
https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_AnalyzeLogData-discoverable-fields.html
"""

from collections.abc import Mapping
from typing import Any

from lumitrace.reassembly.events import LogEvent
from lumitrace.reassembly.fields import clean
from lumitrace.reassembly.sources.event import group_of, time_ms_of
from lumitrace.wire.span_line import encode


def row_event(row: Mapping[str, Any], place: str) -> LogEvent | None:
    """Return the log event that *row* is, or None where it is none."""
    message = row.get("@message")
    if isinstance(message, dict):  # the console shows JSON as JSON
        message = encode(message)
    if not isinstance(message, str):
        return None
    return LogEvent(
        group_of(clean(row.get("@log"))),
        clean(row.get("@logStream")) or place,
        time_ms_of(row.get("@timestamp")),
        clean(message),
        0,
    )
