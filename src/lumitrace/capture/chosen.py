"""What the user told us to look for in an event: a context, and tags.

``LUMITRACE_EXTRACTOR`` names a function, asked where no parser of ours found a context.
``LUMITRACE_TAGS`` names parts of the event.
"""

import base64
import json
from importlib import import_module
from itertools import islice

from lumitrace.capture.config import settings
from lumitrace.capture.tag import texts
from lumitrace.wire.context import SpanContext, parse_traceparent

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

MAX_TEXT = 16 * 1024  # characters of JSON parsed
MAX_PATHS = 32
MAX_STEPS = 16
MAX_HEADERS = 200
HEADERS = ("headers", "multiValueHeaders")

_parsed: "dict[str, Any]" = {}


def context(event: "Any", of_lambda: object) -> SpanContext | None:
    """Return the context that the user's function finds, a traceparent or a mapping with one.

    Raises whatever the function raises: the caller stands inside the guard.
    """
    module, _, name = settings.extractor.partition(":")
    found = getattr(import_module(module), name)(event, of_lambda)
    return parse_traceparent(found.get("traceparent") if isinstance(found, dict) else found)


def tags(event: "Any") -> dict[str, str]:
    """Return the tags that the event has, name → JSON text; a tag is named as its path ends."""
    _parsed.clear()
    found = {}
    for path in settings.tags[:MAX_PATHS]:
        value = _at(event, path[:MAX_STEPS])
        if value is not None and not isinstance(value, dict | list):
            found[path[-1]] = value
    _parsed.clear()
    return texts(found)


def _at(event: "Any", path: tuple[str, ...]) -> "Any":
    value, is_base64 = event, isinstance(event, dict) and event.get("isBase64Encoded") is True
    above = ""
    for step in path:
        if isinstance(value, str):
            value = _json(value, is_base64=is_base64 and above == "body")
        if isinstance(value, list) and step.isdecimal() and len(step) < 6:
            value = value[int(step)] if int(step) < len(value) else None
        elif isinstance(value, dict):
            value = _header(value, step) if above in HEADERS else value.get(step)
        else:
            return None
        above = step
    return value[0] if isinstance(value, list) and len(value) == 1 else value


def _header(headers: "dict[str, Any]", name: str) -> "Any":
    for key, value in islice(headers.items(), MAX_HEADERS):
        if isinstance(key, str) and key.lower() == name.lower():
            return value
    return None


def _json(text: str, *, is_base64: bool) -> "Any":
    """Return what a JSON *text* holds, None where it is too long or none; parsed once an event."""
    if len(text) > MAX_TEXT:
        return None
    if text not in _parsed:
        _parsed[text] = None
        try:
            _parsed[text] = json.loads(base64.b64decode(text) if is_base64 else text)
        except (ValueError, RecursionError):
            return None
    return _parsed[text]
