"""What CreateExportTask writes into S3: a time before each event, a folder for each stream.

``<prefix>/<export id>/<stream>/000000.gz``, where ``-`` stands for the ``/`` of the stream's name.
A file ``aws-logs-write-test`` beside it shows that CloudWatch Logs may write there.
https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/S3ExportTasks.html
"""

import re
from collections.abc import Iterator

from lumitrace.reassembly.events import LogEvent
from lumitrace.reassembly.sources.forms.stamped import NO_HEAD, has_head, stamped_events
from lumitrace.reassembly.sources.text import Text

WRITE_TEST = "Permission Check Successful"  # all that aws-logs-write-test holds
_TIME = r"(?P<time>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z)"
_HEAD = re.compile(rf"{_TIME} {NO_HEAD}(?P<message>.*)", re.DOTALL)
_NUMBERED = re.compile(r"(?:.*[/\\])?([^/\\]+)[/\\]\d{6}(?:\.gz)?(?:!.*)?\Z", re.DOTALL)
_DATE = re.compile(r"(\d{4})-(\d\d)-(\d\d)-(?=.*\[)")


def recognises(text: Text) -> bool:
    """Tell whether a time stands before the events."""
    return has_head(text, _HEAD) or is_write_test(text)


def is_write_test(text: Text) -> bool:
    """Tell whether *text* is that of ``aws-logs-write-test``."""
    return text.head.strip() == WRITE_TEST


def events(text: Text) -> Iterator[LogEvent]:
    """Yield the log events; the folder names the stream, nothing names the group."""
    if not is_write_test(text):
        yield from stamped_events(text, _HEAD, _stream)


def _stream(place: str) -> str:
    """Return the stream that a numbered file in a folder is a part of; of other files the place."""
    numbered = _NUMBERED.match(place)
    return _DATE.sub(r"\1/\2/\3/", numbered[1]) if numbered else place
