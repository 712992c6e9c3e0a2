"""A picture of a value: JSON text of a bounded size, secrets masked before anything is cut.

Loaded only where ``LUMITRACE_PAYLOADS`` asks. The value is looked at and neither changed nor
copied; of its classes only Python's own are opened, so that no code of the user's runs.
"""

import sys
from itertools import islice

from lumitrace.capture import mask, secret
from lumitrace.capture.picture_text import Inner, opened
from lumitrace.capture.redact import MASK
from lumitrace.wire.span_line import encode

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

MAX_DEPTH = 16  # levels, those of texts inside texts too
MAX_NODES = 1_000  # values looked at, of one picture
MAX_MEMBERS = 256  # of one dictionary or list
MAX_PARSED = 64 * 1024  # characters of JSON in texts that are parsed, of one picture
MAX_KEY = 64  # characters
MAX_INT = 10**64
ROOM_EACH = 64  # bytes left for each member that comes after
LEAST = 24  # bytes in which something can be told
CUT = encode("\u2026")
MASKED = encode(MASK)
ESCAPES = 20  # bytes that the end of a cut text takes

# What is told first, and what only where room is left; the rest stands between, in its own order.
FIRST = (
    *("httpMethod", "path", "rawPath", "routeKey", "resource", "statusCode", "pathParameters"),
    *("queryStringParameters", "rawQueryString", "body", "Records", "records", "detail-type"),
    *("source", "detail", "Sns", "Message", "eventName", "dynamodb", "Keys", "NewImage", "s3"),
    *("Error", "TableName", "Key", "Item", "UpdateExpression", "ExpressionAttributeValues"),
    *("Bucket", "QueueUrl", "TopicArn", "FunctionName", "MessageBody", "Payload"),
)
LAST = (
    *("OldImage", "attributes", "messageAttributes", "MessageAttributes", "headers", "cookies"),
    *("requestContext", "multiValueHeaders", "multiValueQueryStringParameters", "stageVariables"),
    *("eventVersion", "awsRegion", "eventSourceARN", "EventSubscriptionArn", "isBase64Encoded"),
    *("SignatureVersion", "SigningCertUrl", "UnsubscribeUrl", "md5OfBody", "receiptHandle"),
)
RANK = {
    **{name: at - len(FIRST) for at, name in enumerate(FIRST)},
    **{name: at for at, name in enumerate(LAST, 1)},
}
NAMED = frozenset(("name", "key", "attributename", "parameterkey", "headername"))
# Values whose names stand in a text beside them.
BOUND = frozenset(("ExpressionAttributeValues", "Parameters", "parameters"))
_name_of = type.__dict__["__name__"].__get__  # whatever a metaclass says


def picture(value: object, size: int) -> str:
    """Return *value* as JSON text, ASCII only, of *size* bytes at most."""
    text = _Picture().of(value, size, 0)
    return text if len(text) <= size else CUT


class _Picture:
    """One picture while it is taken; *nodes* and *parsed* are what is left to look at."""

    __slots__ = ("nodes", "parsed")

    def __init__(self) -> None:
        self.nodes = MAX_NODES
        self.parsed = MAX_PARSED

    def of(self, value: "Any", room: int, depth: int) -> str:
        """Return the text of *value*, of about *room* bytes at most."""
        self.nodes -= 1
        if self.nodes < 0 or depth > MAX_DEPTH or room < LEAST:
            return CUT
        kind = type(value)
        if kind in (str, bytes, bytearray):
            return self._text(value, room, depth)
        if kind is dict or kind in _classes("collections", "OrderedDict", "defaultdict"):
            return self._members(value, room, depth)
        if kind in (list, tuple, set, frozenset):
            return self._elements(list(islice(value, MAX_MEMBERS)), len(value), room, depth)
        return _scalar(value, kind)

    def _text(self, value: "str | bytes | bytearray", room: int, depth: int) -> str:
        inner, left = opened(value, room, self.parsed)
        if isinstance(inner, Inner):
            self.parsed -= inner.cost
            return self.of(inner.value, room, depth + 1)
        return _cut(mask.masked(inner), left, room)

    def _members(self, value: "dict[Any, Any]", room: int, depth: int) -> str:
        pairs = [(_key(key), inner) for key, inner in islice(value.items(), MAX_MEMBERS)]
        left = len(value) - len(pairs)
        pairs.sort(key=_rank)
        hidden = _hidden(pairs)
        told: list[str] = []
        for number, (key, inner) in enumerate(pairs, 1):
            after = len(pairs) - number
            name = encode(MASK if secret.LOOKS.search(key) else key[:MAX_KEY])
            room -= len(name) + 4
            if room < LEAST:
                left += after + 1
                break
            share = max(room // 2, room - ROOM_EACH * after)
            text = MASKED if key in hidden else self.of(inner, share, depth + 1)
            told.append(f"{name}:{text}")
            room -= len(text)
        return "{" + ",".join([*told, f"{CUT}:{left}"] if left else told) + "}"

    def _elements(self, values: "list[Any]", count: int, room: int, depth: int) -> str:
        told: list[str] = []
        before: Any = None
        for number, inner in enumerate(values):
            if room < LEAST + 12:
                break
            share = min(room, max(room // (len(values) - number), 6 * ROOM_EACH))
            is_value = _is_name(before) and secret.is_secret(_key(before))
            text = MASKED if is_value else self.of(inner, share - 12, depth + 1)
            told.append(text)
            room -= len(text) + 1
            before = inner
        left = count - len(told)
        return "[" + ",".join([*told, encode(f"\u2026 {left} more")] if left else told) + "]"


def _rank(pair: "tuple[str, Any]") -> int:
    return RANK.get(pair[0], 0)


def _key(key: object) -> str:
    """Return the name of a member as text; of a class that is not Python's own, the class."""
    kind = type(key)
    if kind is str:
        return key  # type: ignore[return-value]  # it is one
    if kind is bytes:
        return str(key, "latin-1")  # type: ignore[call-overload,no-any-return]  # it is one
    return _scalar(key, kind).strip('"')


def _is_name(value: object) -> bool:
    """Tell whether *value*, in a list, may be the name of what follows it."""
    return type(value) in (str, bytes) and len(value) <= MAX_KEY  # type: ignore[arg-type]  # has one


def _hidden(pairs: "list[tuple[str, Any]]") -> set[str]:
    """Return the members that are secrets: by name, or by a name that stands beside them."""
    hidden = {key for key, _ in pairs if secret.is_secret(key)}
    names = [key for key, value in pairs if key.lower() in NAMED and _is_name(value)]
    if any(secret.is_secret(_key(value)) for key, value in pairs if key in names):
        hidden.update(key for key, _ in pairs if key not in names)
    bound = [key for key, _ in pairs if key in BOUND]
    if bound and any(_speaks(value) for key, value in pairs if key not in BOUND):
        hidden.update(bound)
    return hidden


def _speaks(value: "Any") -> bool:
    """Tell whether an expression, a statement or the names for one speak of a secret."""
    if type(value) is dict:
        return any(_speaks(inner) for inner in islice(value.values(), MAX_MEMBERS))
    return type(value) is str and any(map(secret.is_secret, mask.RUN.findall(value[:MAX_PARSED])))


def _scalar(value: "Any", kind: type) -> str:
    """Return a value without members as JSON; of any other class than Python's own its name."""
    if value is None or kind is bool:
        return encode(value)
    if kind is int:
        text = str(value) if -MAX_INT < value < MAX_INT else '"int"'
        return text if secret.without_cards(text) == text else MASKED
    if kind is float:
        text = repr(value)
        return text if text[-1].isdigit() else encode(text)
    if kind in _classes("decimal", "Decimal") or kind in _classes("uuid", "UUID"):
        return encode(str(value)[:MAX_KEY])
    if kind in _classes("datetime", "date") or (
        kind in _classes("datetime", "datetime")
        and (value.tzinfo is None or type(value.tzinfo) in _classes("datetime", "timezone"))
    ):
        return encode(value.isoformat())
    return encode(f"<{str(_name_of(kind))[:MAX_KEY]}>")


def _classes(module: str, *names: str) -> "tuple[Any, ...]":
    """Return classes of a *module* that is loaded; of one that is not, there is no value."""
    loaded = sys.modules.get(module)
    return tuple(getattr(loaded, name) for name in names) if loaded is not None else ()


def _cut(text: str, left: int, room: int) -> str:
    """Return *text* as JSON in *room* bytes, and how many characters are *left* out."""
    spelt = encode(text)
    if not left and len(spelt) <= room:
        return spelt
    kept = text
    while len(spelt) > room - ESCAPES and kept:
        kept = kept[: max(0, len(kept) * (room - ESCAPES) // (len(spelt) + 1))]
        spelt = encode(kept)
    left += len(text) - len(kept)
    return encode(f"{kept}\u2026 {left} more") if left else spelt
