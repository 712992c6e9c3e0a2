"""Lines of several sandboxes in a text that names no stream: each gets a place of its own.

A sandbox runs one invocation at a time: a START while another invocation is under way belongs to
another sandbox. A line that names a request under way goes to its sandbox, any other to the one
that spoke last. What an application prints that looks like Lambda's own lines is believed here:
nothing tells it apart.
"""

import re
from collections.abc import Iterable, Iterator

from lumitrace.reassembly.events import LogEvent

_LOOKED_AT = 4096  # characters of a line in which its request is looked for
_REQUEST = re.compile(
    r'(?:RequestId: |"requestId":\s?"|"function_request_id":\s?"|\t|\dZ )'
    r"([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})"
)
_JSON_START = re.compile(r'\{[^{}]*"type":\s?"platform\.start"')
_JSON_REPORT = re.compile(r'\{[^{}]*"type":\s?"platform\.report"')
_JSON_SANDBOX = re.compile(r'\{[^{}]*"type":\s?"platform\.(?:init|restore)')
_SANDBOX = ("INIT_START ", "INIT_REPORT ", "RESTORE_START ", "RESTORE_REPORT ")


def told_apart(events: Iterable[LogEvent]) -> Iterator[LogEvent]:
    """Yield *events* of one text, each with the stream of its sandbox."""
    sandboxes = _Sandboxes()
    for event in events:
        number = sandboxes.number_of(event.message)
        if number:
            event.stream = f"{event.stream} ({number + 1})"
        yield event


class _Sandboxes:
    """The sandboxes of a text, numbered from 0, and what runs in them."""

    def __init__(self) -> None:
        self.running: dict[str, int] = {}  # by request id
        self.last = 0

    def number_of(self, message: str) -> int:
        """Return the number of the sandbox that wrote *message*."""
        found = _REQUEST.search(message, 0, _LOOKED_AT)
        request_id = found[1] if found else ""
        if request_id in self.running:
            self.last = self.running[request_id]
        elif _is(message, "START RequestId: ", _JSON_START) and request_id:
            self.last = self.running[request_id] = self._free()
        elif message.startswith(_SANDBOX) or _is(message, "{", _JSON_SANDBOX):
            self.last = self._free()
        if _is(message, "REPORT RequestId: ", _JSON_REPORT):
            self.running.pop(request_id, None)
        return self.last

    def _free(self) -> int:
        """Return a sandbox in which nothing runs: the last one, where that is so."""
        taken = set(self.running.values())
        if self.last not in taken:
            return self.last
        return next(number for number in range(len(taken) + 1) if number not in taken)


def _is(message: str, begins: str, spelt_as_json: re.Pattern[str]) -> bool:
    """Tell whether *message* is a line of Lambda's in either log format."""
    if message.startswith("{"):
        return '"platform.' in message[:200] and spelt_as_json.match(message) is not None
    return message.startswith(begins)
