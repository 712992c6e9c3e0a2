"""What is inside a text: JSON, a form, Base64. Secrets have their names in there.

A text that holds none of these is looked at as far as there is room, up to the end of a word.
"""

import json
import re
from binascii import Error, a2b_base64
from urllib.parse import unquote, unquote_plus

from lumitrace.capture import mask

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

AHEAD = 256  # characters looked at beyond the room: masking makes a text shorter
MAX_FIELDS = 256  # of a form
MIN_BASE64 = 16  # characters
LETTER = 3  # bytes of a letter whose last one is missing
GZIP = b"\x1f\x8b"  # https://www.rfc-editor.org/rfc/rfc1952#section-2.3.1
BASE64 = re.compile(r"[A-Za-z0-9+/_-]+={0,2}")  # https://www.rfc-editor.org/rfc/rfc4648#section-5
BREAKS = {ord(letter): None for letter in "\t\r\n"}
# https://url.spec.whatwg.org/#application/x-www-form-urlencoded
FORM = re.compile(r"[^\s=&?/:{}\"'<>,;]{1,128}=[^\s&]*(?:&[^\s=&]{1,128}=[^\s&]*)*&?")


class Inner:
    """What a text holds: its *value*, and how many characters were read for it."""

    __slots__ = ("cost", "value")

    def __init__(self, value: "Any", cost: int) -> None:
        self.value = value
        self.cost = cost


def opened(value: "str | bytes | bytearray", room: int, parsed: int) -> "tuple[str | Inner, int]":
    """Return what is inside *value*, or as much of the text as fits, and how much is left out.

    Args:
        value: a text of any length, or bytes.
        room: bytes that its picture may have.
        parsed: characters that may still be parsed.
    """
    text = value if isinstance(value, str) else _decoded(bytes(value[: max(room, parsed)]))
    if text is None:
        return Inner(f"<{len(value)} bytes>", 0), 0
    if 0 < len(value) <= parsed:
        found = _json(text) or _base64(text) or _form(text)
        if found is not None:
            return found, 0
    elif BASE64.fullmatch(text[:MIN_BASE64]) and " " not in text[: room + AHEAD]:
        return Inner(f"<{len(value)} characters>", 0), 0  # nobody can tell what is inside
    shown = mask.whole_words(text, room + AHEAD)
    return (unquote(shown) if "%" in shown else shown), len(value) - len(shown)


def _decoded(data: bytes) -> str | None:
    """Return *data* as text where it is UTF-8, up to a letter that was cut in two."""
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        whole = error.start
    return data[:whole].decode() if whole and whole >= len(data) - LETTER else None


def _json(text: str) -> Inner | None:
    if text[:64].lstrip()[:1] not in ("{", "[", '"'):
        return None
    try:
        return Inner(json.loads(text), len(text))
    except (ValueError, RecursionError):
        return None


def _base64(text: str) -> Inner | None:
    """Return the text that *text* encodes, where it does."""
    if len(text) < MIN_BASE64 or not BASE64.fullmatch(text):
        return None
    try:
        data = a2b_base64(text.replace("-", "+").replace("_", "/").rstrip("=") + "==")
    except Error:
        return None
    if data.startswith(GZIP):
        return Inner(f"<{len(data)} bytes>", len(text))
    inner = _decoded(data)
    readable = inner is not None and inner.translate(BREAKS).isprintable()
    return Inner(inner, len(text)) if readable else None


def _form(text: str) -> Inner | None:
    """Return the fields of a form, decoded: there may be JSON in one."""
    if "=" not in text or not FORM.fullmatch(text):
        return None
    pairs = (field.partition("=") for field in text.split("&", MAX_FIELDS) if field)
    return Inner({unquote_plus(name): unquote_plus(value) for name, _, value in pairs}, len(text))
