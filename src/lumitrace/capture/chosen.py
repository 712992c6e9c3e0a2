"""What the user told us to look for in an event: a context, and tags.

``LUMITRACE_EXTRACTOR`` names a function, asked where no parser of ours found a context.
``LUMITRACE_TAGS`` names parts of the event.
"""

from importlib import import_module
from itertools import islice

from lumitrace.capture.config import settings
from lumitrace.capture.guard import Guard
from lumitrace.capture.services._room import MAX_BODY, Room, decoded, loads
from lumitrace.capture.services._service import Inbound, Record
from lumitrace.capture.tag import texts
from lumitrace.wire.context import SpanContext, parse_traceparent

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

MAX_PATHS = 32
MAX_STEPS = 16
MAX_HEADERS = 200
HEADERS = ("headers", "multiValueHeaders")

guard = Guard("capture.chosen")


def apply(
    source: Inbound, given: dict[str, str], event: "Any", of_lambda: object
) -> dict[str, str]:
    """Put the context that the user's function finds into *source*; return all tags."""
    with guard:
        if settings.tags:
            given = {**tags(event), **given}
    with guard:
        if settings.extractor and all(one.context is None for one in source.records):
            found = context(event, of_lambda)
            if found is not None:
                source.records, source.unread, source.claimed = [Record(found)], 0, None
    return given


def context(event: "Any", of_lambda: object) -> SpanContext | None:
    """Return the context that the user's function finds, a traceparent or a mapping with one.

    Raises whatever the function raises: the caller stands inside the guard.
    """
    module, _, name = settings.extractor.partition(":")
    found = getattr(import_module(module), name)(event, of_lambda)
    return parse_traceparent(found.get("traceparent") if isinstance(found, dict) else found)


def tags(event: "Any") -> dict[str, str]:
    """Return the tags that the event has, name → JSON text; a tag is named as its path ends."""
    look, found = _Look(event), {}
    for path in settings.tags[:MAX_PATHS]:
        value = look.at(path[:MAX_STEPS])
        if value is not None and not isinstance(value, dict | list):
            found[path[-1]] = value
    return texts(found)


class _Look:
    """What was parsed of one *event*; all its paths share one room."""

    __slots__ = ("event", "headers", "parsed", "room")

    def __init__(self, event: "Any") -> None:
        self.event = event
        self.room = Room()
        self.parsed: dict[str, Any] = {}
        self.headers: dict[str, dict[str, Any]] = {}

    def at(self, path: tuple[str, ...]) -> "Any":
        """Return what *path* leads to, or None."""
        value, event, above = self.event, self.event, ""
        is_base64 = isinstance(event, dict) and event.get("isBase64Encoded") is True
        for step in path:
            if isinstance(value, str):
                value = self._json(value, is_base64=is_base64 and above == "body")
            if isinstance(value, list) and step.isdecimal() and len(step) < 6:
                value = value[int(step)] if int(step) < len(value) else None
            elif isinstance(value, dict):
                value = self._header(value, above, step) if above in HEADERS else value.get(step)
            else:
                return None
            above = step
        return value[0] if isinstance(value, list) and len(value) == 1 else value

    def _header(self, headers: "dict[str, Any]", above: str, name: str) -> "Any":
        """Return the header of this *name*, however it is spelt; the first spelling counts."""
        if above not in self.headers:
            known = self.headers[above] = {}
            for key, value in islice(headers.items(), MAX_HEADERS):
                known.setdefault(key.lower() if isinstance(key, str) else key, value)
        return self.headers[above].get(name.lower())

    def _json(self, text: str, *, is_base64: bool) -> "Any":
        """Return what a JSON *text* holds, None where there is no room for it or it holds none."""
        if len(text) > MAX_BODY:
            return None
        if text not in self.parsed:
            plain = decoded(text) if is_base64 else text
            self.parsed[text] = loads(plain) if self.room.parses(plain) else None
        return self.parsed[text]
