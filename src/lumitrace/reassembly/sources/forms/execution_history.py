"""What GetExecutionHistory answers: a document of events, several, or the list of them.

It does not say whose history it is; a document may name it before, as ``executionArn``, and the
run of the distributed Map whose child it is, as ``mapRunArn``.
https://docs.aws.amazon.com/step-functions/latest/apireference/API_GetExecutionHistory.html
"""

import json
import re
from collections.abc import Iterator

from lumitrace.reassembly.events import LogEvent
from lumitrace.reassembly.sources.text import HEAD, Text
from lumitrace.reassembly.sources.values import Values
from lumitrace.reassembly.step_functions.history import as_logged, is_answered, moment_ms

_EVENTS = r'"events"\s*:\s*\['
_OPENING = re.compile(rf"\s*(?:\{{.*?{_EVENTS}|\[)\s*(?=\{{)", re.DOTALL)
_ARN, _RUN = (
    re.compile(rf'"{name}"\s*:\s*"(arn:[^"\s]{{1,512}})"') for name in ("executionArn", "mapRunArn")
)
# Where the first event is longer than what is looked at.
_BEGUN = re.compile(r'(?=.*"type"\s*:\s*"Execution\w+")(?=.*"id"\s*:\s*\d)', re.DOTALL)

_decode = json.JSONDecoder().raw_decode


def recognises(text: Text) -> bool:
    """Tell whether *text* holds the history of an execution."""
    opening = _OPENING.match(text.head)
    if opening is None:
        return False
    try:
        first, _ = _decode(text.head, opening.end())
    except (ValueError, RecursionError):
        return len(text.head) == HEAD and bool(_BEGUN.match(text.head, opening.end()))
    return is_answered(first)


def events(text: Text) -> Iterator[LogEvent]:
    """Yield the events as Step Functions would have logged them; a stream is an execution."""
    opening = _OPENING.match(text.head)
    before = text.head[: opening.end() if opening else 0]
    arn, run = (named[1] if named else "" for named in (_ARN.search(before), _RUN.search(before)))
    values = Values(text)
    document = text.head.lstrip().startswith("{")
    histories = last = 0
    while values.skip_behind(_EVENTS if document else r"\["):
        for value in values.each("]"):
            if not is_answered(value):
                text.counts.skipped += 1
                continue
            if value["id"] <= last or not histories:  # the next one begins
                histories += 1
                arn, run = (arn, run) if histories == 1 else ("", "")
            last = value["id"]
            place = arn or (text.place if histories == 1 else f"{text.place} ({histories})")
            try:
                message = as_logged(value, arn, run)
            except RecursionError:
                text.counts.broken += 1
                continue
            yield LogEvent("", place, moment_ms(value["timestamp"]), message, 0)
