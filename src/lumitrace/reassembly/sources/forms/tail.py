"""What ``aws logs tail`` prints, in each of its formats but ``none``, which is JSON lines.

``detailed`` and ``json``: time, stream, message; ``json`` indents messages that are JSON.
``short``: time to the second, message.
https://docs.aws.amazon.com/cli/latest/reference/logs/tail.html
https://github.com/aws/aws-cli, awscli/customizations/logs/tail.py
"""

import re
from collections.abc import Iterator

from lumitrace.reassembly.events import LogEvent
from lumitrace.reassembly.sources.forms.stamped import COLOUR, has_head, stamped_events
from lumitrace.reassembly.sources.sandboxes import told_apart
from lumitrace.reassembly.sources.text import Text

_SECOND = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d"
_DETAILED = re.compile(
    rf"{COLOUR}(?P<time>{_SECOND}(?:\.\d{{1,6}})?\+00:00){COLOUR} "
    rf"{COLOUR}(?P<stream>[^\s\x1b]+){COLOUR}(?: |\Z)(?P<message>.*)",
    re.DOTALL,
)
_SHORT = re.compile(rf"{COLOUR}(?P<time>{_SECOND}){COLOUR}(?: |\Z)(?P<message>.*)", re.DOTALL)


def recognises(text: Text) -> bool:
    """Tell whether a time stands before the events, and perhaps the stream."""
    return has_head(text, _DETAILED) or has_head(text, _SHORT)


def events(text: Text) -> Iterator[LogEvent]:
    """Yield the log events; nothing names the group, and ``short`` no stream."""
    if has_head(text, _DETAILED):
        yield from stamped_events(text, _DETAILED)
    else:
        yield from told_apart(stamped_events(text, _SHORT))
