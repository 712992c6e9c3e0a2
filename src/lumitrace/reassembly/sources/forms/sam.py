"""What ``sam logs`` prints: stream, time, message; messages that are JSON are indented.

https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-cli-command-reference-sam-logs.html
https://github.com/aws/aws-sam-cli, samcli/lib/observability/cw_logs/cw_log_formatters.py
"""

import re
from collections.abc import Iterator

from lumitrace.reassembly.events import LogEvent
from lumitrace.reassembly.sources.forms.stamped import COLOUR, has_head, stamped_events
from lumitrace.reassembly.sources.text import Text

_TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,6})?(?:Z|\+00:00)?"
_HEAD = re.compile(
    rf"{COLOUR}(?P<stream>[^\s\x1b]{{1,512}}){COLOUR} {COLOUR}(?P<time>{_TIME}){COLOUR}(?: |\Z)"
    r"(?P<message>.*)",
    re.DOTALL,
)


def recognises(text: Text) -> bool:
    """Tell whether a stream and a time stand before the events."""
    return has_head(text, _HEAD)


def events(text: Text) -> Iterator[LogEvent]:
    """Yield the log events; nothing names the group."""
    yield from stamped_events(text, _HEAD)
