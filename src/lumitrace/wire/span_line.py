"""The span line: how it is spelt, and how it is found again in a log.

The contract is docs/span-line.md.
"""

import json

VERSION = 1
MARK = '{"lumitrace":1,'
MAX_BYTES = 32 * 1024  # a line; longer lists go on in a further line
ROOM = 4096  # bytes a pipe takes in one piece: pipe(7), PIPE_BUF

START = "start"
CALLS = "calls"
SPAN = "span"
INVOCATION = "invocation"
HEALTH = "health"
RECORDS = frozenset((START, CALLS, SPAN, INVOCATION, HEALTH))

LAST_WRITER = "last-writer"  # a relation: who wrote an item before, which caused nothing

# What LUMITRACE_PAYLOADS adds: JSON texts, each in a further line where one line has no room.
EVENT, RESULT, PARAMS, ANSWER = "event", "result", "params", "answer"
PAYLOADS = (EVENT, RESULT, PARAMS, ANSWER)

STATUS_ERROR = 2  # OTLP: https://opentelemetry.io/docs/specs/otel/trace/api/#set-status
SEVERITY_ERROR = "E"

quote = json.encoder.encode_basestring_ascii
_plain = json.JSONEncoder(separators=(",", ":"))
# What `JSONEncoder.encode` makes anew for each object; None where Python is without its C half.
_make = getattr(json.encoder, "c_make_encoder", None)
_parts = _make and _make(None, _plain.default, quote, None, ":", ",", False, False, True)  # noqa: FBT003


def encode(value: object) -> str:
    """Return *value* as JSON text: 1.7 us for seven fields; a new encoder each time, 2.9."""
    return "".join(_parts(value, 0)) if _parts else _plain.encode(value)


# What people's metric filters look for, and the same as a JSON escape.
ALARMS = (
    ("ERROR", "\\u0045RROR"),
    ("FATAL", "\\u0046ATAL"),
    ("Task timed out", "\\u0054ask timed out"),
)


def quiet(line: str) -> str:
    """Return the JSON text *line* with the words of *ALARMS* escaped; a parser reads the same."""
    for word, escaped in ALARMS:
        if word in line:
            line = line.replace(word, escaped)
    return line


class Found:
    """What a log line holds.

    Attributes:
        objects: the span lines in it, as dictionaries; numbers with a point are text.
        broken: how many marks had no complete object behind them.
        first: whether the first mark stands at the very beginning.
        rest: the text without the objects: what the application itself printed.
    """

    __slots__ = ("broken", "first", "objects", "rest")

    def __init__(self) -> None:
        self.objects: list[dict[str, object]] = []
        self.broken = 0
        self.first = False
        self.rest = ""


_decode = json.JSONDecoder(parse_float=str, parse_constant=str).raw_decode


def find(text: str) -> Found:
    """Return every span line in *text*, a log line of any origin.

    Never raises: what does not parse, or is nested too deep, counts as broken.
    """
    found = Found()
    rest: list[str] = []
    position = 0
    while (begin := text.find(MARK, position)) >= 0:
        rest.append(text[position:begin])
        try:
            value, position = _decode(text, begin)
        except (ValueError, RecursionError):
            found.broken += 1
            position = begin + len(MARK)
            continue
        record = value.get("record")
        if isinstance(record, str) and record in RECORDS:
            found.first = found.first or begin == 0
            found.objects.append(value)
        else:
            found.broken += 1
    rest.append(text[position:])
    found.rest = "".join(rest)
    return found
