"""Contexts as other tracers spell them in HTTP headers.

B3:     https://github.com/openzipkin/b3-propagation
Jaeger: https://www.jaegertracing.io/docs/1.76/sdk-migration/#propagation-format
X-Ray:  https://docs.aws.amazon.com/xray/latest/devguide/xray-concepts.html#xray-concepts-tracingheader
"""

from lumitrace.wire.context import (
    NOT_SAMPLED,
    SAMPLED,
    SpanContext,
    is_id,
    parse_traceparent,
    parse_xray_root,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    Lookup = Callable[[str], object]

NAMES = frozenset(
    (
        *("traceparent", "b3", "x-b3-traceid", "x-b3-spanid", "x-b3-sampled"),
        *("uber-trace-id", "x-amzn-trace-id"),
    )
)
JAEGER_NOT_SAMPLED = tuple("02468aceACE")  # the last bit of its flags says so
MAX_LENGTH = 256  # characters of a header that is worth reading


def parse_headers(header: "Lookup") -> SpanContext | None:
    """Return the context in an HTTP request: W3C first, then B3, Jaeger.

    *header* answers the value of a header by its name in lower case. Never raises.
    """
    return (
        parse_traceparent(header("traceparent"))
        or parse_b3(header("b3"))
        or _context(header("x-b3-traceid"), header("x-b3-spanid"), header("x-b3-sampled"))
        or parse_uber(header("uber-trace-id"))
    )


def parse_b3(text: object) -> SpanContext | None:
    """Return the context of a single ``b3`` header, ``{trace}-{span}[-{sampled}[-{parent}]]``."""
    parts = text.split("-") if isinstance(text, str) and len(text) <= MAX_LENGTH else []
    return _context(*parts[:3]) if 2 <= len(parts) <= 4 else None


def parse_uber(text: object) -> SpanContext | None:
    """Return the context of ``uber-trace-id``: ``{trace}:{span}:{parent}:{flags}``.

    The colons may be percent-encoded; leading zeros may be missing.
    """
    if not isinstance(text, str) or len(text) > MAX_LENGTH:
        return None
    parts = text.replace("%3A", ":").replace("%3a", ":").split(":")
    if len(parts) != 4 or not 0 < len(parts[0]) <= 32 or not 0 < len(parts[1]) <= 16:
        return None
    found = _context(parts[0].zfill(32), parts[1].zfill(16))
    if found is not None:
        found.flags = NOT_SAMPLED if parts[3][-1:] in JAEGER_NOT_SAMPLED else SAMPLED
    return found


def parse_xray(text: object) -> SpanContext | None:
    """Return the root and the parent of an ``X-Amzn-Trace-Id``, or None where one is missing.

    AWS reuses a root for whatever one poller sends on: such a context is only ever a claim.
    """
    if not isinstance(text, str) or "Parent=" not in text:  # as a public edge's is: 3 us less
        return None
    root = parse_xray_root(text)
    if root is None:
        return None
    for part in text.split(";"):
        key, _, value = part.strip().partition("=")
        if key == "Parent":
            return _context(root, value)
    return None


def _context(trace_id: object, span_id: object, sampled: object = "1") -> SpanContext | None:
    """Return the context of two ids in hex; a trace id of 64 bits gets 16 zeros before it.

    *sampled* is B3's word, "0" where somebody decided against the trace.
    """
    if not isinstance(trace_id, str) or not isinstance(span_id, str) or len(trace_id) > 32:
        return None
    if len(trace_id) == 16:
        trace_id = trace_id.zfill(32)
    trace_id, span_id = trace_id.lower(), span_id.lower()
    if not is_id(trace_id, 32) or not is_id(span_id, 16):
        return None
    return SpanContext(trace_id, span_id, flags=NOT_SAMPLED if sampled == "0" else SAMPLED)
