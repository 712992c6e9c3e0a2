"""One spelling for each DynamoDB value, however a writer or a stream spelt it.

DynamoDB trims numbers to their digits, keeps sets in no order and hands binary over in Base64:
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.NamingRulesDataTypes.html
Every part bears its type and its length, so that no two values share a spelling.
"""

import re
from base64 import b64decode

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

MAX_VALUES = 4_000  # of one item; about 1 us each
MAX_DEPTH = 34  # DynamoDB takes 32 levels
MAX_NUMBER = 256  # characters; 38 digits count, zeros may stand around them
NUMBER = re.compile(r"([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d{1,4}))?", re.ASCII)


class UnknownValueError(ValueError):
    """A value that DynamoDB would not take, or one too large to be worth it."""


def number(text: object) -> str:
    """Return the digits and the exponent of *text*: 1, 1.0 and 10E-1 are ``1e0``."""
    found = NUMBER.fullmatch(text) if isinstance(text, str) and len(text) <= MAX_NUMBER else None
    if found is None or not (found[2] or found[3]):
        raise UnknownValueError
    sign, whole, part, power = found.groups()
    part = part or ""
    digits = (whole + part).lstrip("0")
    short = digits.rstrip("0")
    if not short:
        return "0"
    exponent = int(power or 0) - len(part) + len(digits) - len(short)
    return f"{'-' if sign == '-' else ''}{short}e{exponent}"


class Speller:
    """Spells the values of one item.

    Attributes:
        encoded: whether binary stands in Base64, as in an event; a caller gives bytes.
        left: how many values may still be spelt.
    """

    __slots__ = ("encoded", "left")

    def __init__(self, *, encoded: bool) -> None:
        self.encoded = encoded
        self.left = MAX_VALUES

    def item(self, attributes: "Mapping[str, Any]", depth: int = 0) -> bytes:
        """Return the one spelling of a map of attributes."""
        parts = []
        for name in sorted(attributes):
            parts += [_part(b"n", _utf8(name)), self.value(attributes[name], depth)]
        return _part(b"M", b"".join(parts))

    def value(self, value: object, depth: int = 0) -> bytes:
        """Return the one spelling of an attribute value such as ``{"N": "1.0"}``."""
        self.left -= 1
        if self.left < 0 or depth > MAX_DEPTH or not isinstance(value, dict) or len(value) != 1:
            raise UnknownValueError
        [(kind, inner)] = value.items()
        if kind == "M" and isinstance(inner, dict):
            return self.item(inner, depth + 1)
        if kind in ("L", "SS", "NS", "BS") and isinstance(inner, list | tuple):
            if kind == "L":
                parts = [self.value(one, depth + 1) for one in inner]
            else:
                parts = sorted(self._scalar(kind[0], one) for one in inner)
                self.left -= len(parts)
            return _part(kind.encode(), b"".join(parts))
        return self._scalar(kind, inner)

    def _scalar(self, kind: str, inner: object) -> bytes:
        if kind == "S":
            return _part(b"S", _utf8(inner))
        if kind == "N":
            return _part(b"N", number(inner).encode())
        if kind == "B":
            return _part(b"B", self._binary(inner))
        if kind in ("BOOL", "NULL") and isinstance(inner, bool):
            return _part(kind.encode(), b"1" if inner else b"0")
        raise UnknownValueError

    def _binary(self, inner: object) -> bytes:
        if isinstance(inner, str):
            return b64decode(inner) if self.encoded else _utf8(inner)
        if isinstance(inner, bytes | bytearray):
            return bytes(inner)
        raise UnknownValueError  # a file, which can be read but once


def _utf8(text: object) -> bytes:
    if not isinstance(text, str):
        raise UnknownValueError
    return text.encode("utf-8", "surrogatepass")


def _part(kind: bytes, content: bytes) -> bytes:
    return b"%b%d:%b" % (kind, len(content), content)
