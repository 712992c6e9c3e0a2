"""One log event from the fields in which a source spells it."""

from collections.abc import Mapping
from typing import Any

from lumitrace.reassembly.events import LogEvent
from lumitrace.reassembly.fields import clean
from lumitrace.reassembly.log_lines import parse_time_ms

MAX_TIME_MS = 2**47  # the year 6429


def event_of(event: Mapping[str, Any], place: str, group: str = "") -> LogEvent:
    """Return the log event *event*, whose ``message`` is text; *place* where no stream is named.

    https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_FilteredLogEvent.html
    """
    named = clean(event.get("logGroupName")) or group_of(clean(event.get("logGroupIdentifier")))
    return LogEvent(
        named or group,
        clean(event.get("logStreamName")) or place,
        time_ms_of(event.get("timestamp")),
        clean(event["message"]),
        0,
        clean(event.get("eventId")) or clean(event.get("id")),
    )


def group_of(identifier: str) -> str:
    """Return the log group of ``account:group``, or of an ARN; a name is itself.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_AnalyzeLogData-discoverable-fields.html
    """
    if identifier.startswith("arn:"):
        return identifier.partition(":log-group:")[2].removesuffix(":*")
    account, colon, name = identifier.partition(":")
    return name if colon and account.isdigit() else identifier


def time_ms_of(value: object) -> int | None:
    """Return the Unix milliseconds that *value* is: a number, its digits, or a time as text."""
    if isinstance(value, str) and len(value) <= 40:
        value = int(value) if value.isascii() and value.isdigit() else parse_time_ms(value)
    if not isinstance(value, int) or isinstance(value, bool):
        return None
    return value if 0 <= value < MAX_TIME_MS else None
