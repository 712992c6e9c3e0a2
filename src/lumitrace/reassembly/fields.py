"""Fields of a line that a stranger may have written: read as what they should be, or as nothing."""

import re
from collections.abc import Mapping
from typing import Any, TypeVar

from lumitrace.reassembly.model import Failure
from lumitrace.wire import semconv

# What botocore puts before AWS's own message: https://github.com/boto/botocore, exceptions.py
_AWS_ERROR = re.compile(
    r"An error occurred \((\w+)\) when calling the \w+ operation"
    r"(?: \(reached max retries: \d+\))?[^:]{0,64}: "
)

MAX_NUMBER = 2**52  # as microseconds the year 2112; beyond it a number is no time of ours

T = TypeVar("T")


def text(line: Mapping[str, Any], key: str) -> str:
    """Return the string at *key*, or ""."""
    return clean(line.get(key))


def clean(value: object) -> str:
    """Return the string *value* without what no UTF-8 and no database can hold, or ""."""
    if not isinstance(value, str):
        return ""
    if not value.isascii():
        value = value.encode("utf-8", "replace").decode("utf-8")
    return value.replace("\0", "\ufffd")


def texts(value: object) -> list[str]:
    """Return the strings of the list *value* that are not empty."""
    if not isinstance(value, list):
        return []
    return [clean(item) for item in value if isinstance(item, str) and item]


def rare(entry: list[Any]) -> Mapping[str, Any]:
    """Return the object at the end of *entry* that holds what is rare."""
    return entry[-1] if isinstance(entry[-1], dict) else {}


def relations(value: object) -> list[tuple[str, str]]:
    """Return the ``[key, relation]`` elements of the list *value*."""
    found = (texts(item) for item in items(value))
    return [(told[0], told[1]) for told in found if len(told) > 1]


def items(value: object) -> list[list[Any]]:
    """Return the lists of the list *value*."""
    return [item for item in value if isinstance(item, list)] if isinstance(value, list) else []


def whole(value: object) -> int:
    """Return the whole number *value*, or 0."""
    if not isinstance(value, int) or isinstance(value, bool) or abs(value) > MAX_NUMBER:
        return 0
    return value


def integer(line: Mapping[str, Any], key: str) -> int:
    """Return the whole number at *key*, or 0."""
    return whole(line.get(key))


def earlier(time: int, other: int) -> int:
    """Return the earlier of two times; a number that is not positive is none."""
    return min((one for one in (time, other) if one > 0), default=0)


def extend(known: list[T], more: list[T]) -> None:
    """Append to *known* what it does not hold yet."""
    known += [item for item in dict.fromkeys(more) if item not in known]


def tag_text(value: object) -> str:
    """Return a tag's value as text, as JSON spells it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return clean(value if isinstance(value, str) else str(value)[:256])


def failure_of(error: object) -> Failure:
    """Return the ``error`` of a line."""
    if not isinstance(error, dict):
        return Failure("Error", "")
    kind, message, code, at = (text(error, key) for key in ("type", "message", "code", "at"))
    aws = _AWS_ERROR.match(message)
    if aws:
        code, message = code or aws[1], message[aws.end() :]
    return Failure(kind or "Error", message, code, at)


def http_status(line: Mapping[str, Any]) -> int:
    """Return the status that an ``invocation`` line's attributes hold, or 0."""
    return integer(_attributes(line), semconv.HTTP_RESPONSE_STATUS_CODE)


def url(line: Mapping[str, Any]) -> str:
    """Return the address that an HTTP call's attributes hold, or ""."""
    return text(_attributes(line), semconv.URL_FULL)


def release(line: Mapping[str, Any]) -> str:
    """Return the release that a process's first line names, or ""."""
    return text(_attributes(line), semconv.SERVICE_VERSION)


def _attributes(line: Mapping[str, Any]) -> Mapping[str, Any]:
    attributes = line.get("attributes")
    return attributes if isinstance(attributes, dict) else {}
