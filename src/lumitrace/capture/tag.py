"""What a tag may be, and how it is spelt.

A tag is a string, bool, int, float or Decimal; numbers keep their own digits. Anything else is
written as its type's name, so that no user code runs and nothing large or secret gets out.
"""

from lumitrace.wire.span_line import encode

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_TAGS = 64  # a span
MAX_NAME = 64  # characters
MAX_VALUE = 256  # characters
MAX_DIGITS = 64  # of a number; longer ones become text
MAX_INT = 10**MAX_DIGITS


def json_value(value: object) -> str:
    """Return the JSON text of a tag's *value*, 256 characters of text at most."""
    kind = type(value)
    if isinstance(value, str):
        return encode(str(value[:MAX_VALUE]))
    if value is None or kind is bool:
        return encode(value)
    if kind is int:
        return str(value) if -MAX_INT < value < MAX_INT else '"int"'
    if kind is float:
        text = repr(value)
        return text if text.lstrip("-")[0].isdigit() else encode(text)
    if kind.__name__ == "Decimal" and kind.__module__ in ("decimal", "_decimal", "_pydecimal"):
        return _decimal(str(value))
    return encode(f"<{kind.__name__[:MAX_VALUE]}>")


def _decimal(text: str) -> str:
    """Return a Decimal's own digits; NaN, the infinities and very long ones become text."""
    if len(text) <= MAX_DIGITS and text.lstrip("-")[:1].isdigit():
        return text
    return encode(text[:MAX_VALUE])


def plain(value: object) -> object:
    """Return an attribute's *value* as JSON has it: as `json_value`, a Decimal as text."""
    kind = type(value)
    if isinstance(value, str):
        return str(value[:MAX_VALUE])
    if value is None or kind is bool or (kind is int and -MAX_INT < value < MAX_INT):
        return value
    text = json_value(value)
    return value if kind is float and text[0] != '"' else text.strip('"')


def texts(tags: "Mapping[str, object]") -> dict[str, str]:
    """Return *tags* as name → JSON text; names longer than 64 characters are cut."""
    return {str(name)[:MAX_NAME]: json_value(value) for name, value in tags.items()}
