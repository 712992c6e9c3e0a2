"""How much of one event is looked at, so that its size costs no time: every bound, in one place.

Lambda hands over up to 6 MB and 10,000 records in one go. What a bound leaves out is counted
(``dropped`` on the handler's line); `lumitrace.record` looks at its own record with a room of its
own, so that nothing is out of reach of who asks for it.
https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
"""

import json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

MAX_RECORDS = 256  # looked at, of an event; about 2 us each
MAX_BODIES = 64  # opened, of an event, those inside others too; 2 to 10 us each
MAX_BODY = 16 * 1024  # characters parsed of one body
MAX_UNITS = 24 * 1024  # of an event: a character searched is a quarter, one parsed is one
COMMA = 8  # units more: what follows it may be an object, 170 ns against 1 to 5 ns a character
EDGE = 2 * 1024  # characters looked at, of a longer body, at either end
MAX_OBJECTS = 256  # of unknown shape, searched for an event in them
MAX_MEMBERS = 32  # of such an object
MAX_DEPTH = 4  # levels of messages in messages
MAX_HEADERS = 1024  # of all Kafka records of an event; 0.2 us each

# Numbers stay text: nobody needs them, and a long one takes quadratic time.
_decode = json.JSONDecoder(parse_int=str, parse_float=str).decode


class Room:
    """What may still be looked at of one event.

    Attributes:
        bodies, units, objects, headers: how many are left.
        unopened: bodies that nobody looked at any more.
    """

    __slots__ = ("bodies", "headers", "objects", "units", "unopened")

    def __init__(self) -> None:
        self.bodies = MAX_BODIES
        self.units = MAX_UNITS
        self.objects = MAX_OBJECTS
        self.headers = MAX_HEADERS
        self.unopened = 0

    def opens(self) -> bool:
        """Tell whether one more body may be opened, and take it; else count it."""
        if self.bodies <= 0:
            self.unopened += 1
            return False
        self.bodies -= 1
        return True

    def searches(self, text: str) -> bool:
        """Tell whether all of *text* may be searched for words, and take what it costs."""
        return len(text) <= MAX_BODY and self._takes(len(text) // 4)

    def parses(self, text: str) -> bool:
        """Tell whether *text* may be parsed, and take what it costs."""
        return len(text) <= self.units and self._takes(len(text) + COMMA * text.count(","))

    def _takes(self, units: int) -> bool:
        if units > self.units:
            return False
        self.units -= units
        return True


def parse(text: str) -> "Any":
    """Return what the JSON *text* holds, numbers as text, or None where it holds none."""
    try:
        return _decode(text)
    except (ValueError, RecursionError):
        return None


def loads(text: str) -> "Any":
    """Return what the JSON *text* holds, or None where it holds none."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def decoded(data: str) -> str:
    """Return the text that *data*, in Base64, holds; "" where it is none."""
    import base64  # noqa: PLC0415  # few events are in Base64

    try:
        return base64.b64decode(data).decode("utf-8", "replace")
    except ValueError:
        return ""
