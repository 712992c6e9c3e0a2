"""One HTTP request while it runs, whatever library sends it.

A request that is sent again (a retry, a redirect) is a span of its own, as OpenTelemetry has it:
https://opentelemetry.io/docs/specs/semconv/http/http-spans/#http-request-retries-and-redirects
"""

from contextvars import ContextVar

from lumitrace.capture import foreign
from lumitrace.capture.calls import LiveCall
from lumitrace.capture.config import settings
from lumitrace.capture.current import current
from lumitrace.capture.error import describe
from lumitrace.capture.guard import Guard
from lumitrace.capture.path import REST, named
from lumitrace.capture.redact import failure
from lumitrace.capture.services._call import OWN, Call
from lumitrace.wire import link_key as keys
from lumitrace.wire.context import format_traceparent, parse_traceparent
from lumitrace.wire.semconv import SERVER_ADDRESS, URL_FULL

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from contextvars import Token
    from typing import Any

HEADER = "traceparent"
MAX_METHOD = 32  # characters
MAX_HOST = 253  # characters: RFC 1035, section 2.3.4
MAX_URL = 1024  # characters that are kept
SIGNED = "AWS4-"  # how the Authorization of a signed AWS request begins
AWS = (".amazonaws.com", ".amazonaws.com.cn")
SIGNATURE = "x-amz-signature="  # in the query of a presigned one
CONTENT_SHA256 = "x-amz-content-sha256"
DEFAULT_PORTS = {"http": 80, "https": 443}

guard = Guard("capture.http")


class AtHand:
    """What an outer library is sending, so that the library below it adds no second span.

    Attributes:
        live: the request, None where it is to be no span (an AWS call is one already).
        connection: on which it goes, where that is known.
        header: ours in the request that was sent last, where a request object is sent again.
        quiet: whether nothing below is told.
    """

    __slots__ = ("connection", "header", "live", "quiet")

    def __init__(
        self, live: LiveCall | None = None, connection: object = None, *, quiet: bool = False
    ) -> None:
        self.live = live
        self.connection = connection
        self.header: str | None = None
        self.quiet = quiet


at_hand: "ContextVar[AtHand | None]" = ContextVar("lumitrace_http", default=None)


def leave(token: "Token[AtHand | None] | None") -> None:
    """Have at hand what was before; nothing where *token* is None."""
    try:
        if token is not None:
            at_hand.reset(token)
    except ValueError:  # a coroutine that was closed in another context than it began in
        return


def is_quiet() -> bool:
    """Tell whether an AWS call is being sent, which is a span already."""
    outer = at_hand.get()
    return outer is not None and outer.quiet


def begin(method: "Any", scheme: str, host: "Any", port: "Any", target: "Any") -> LiveCall | None:
    """Announce a request, or return None outside an invocation.

    Args:
        method: text or bytes.
        scheme: ``http`` or ``https``.
        host: text or bytes, without brackets or with.
        port: a number or None.
        target: path and query, or the whole URL as a proxy gets it.
    """
    span = current()
    if span is None:
        return None
    target, host = _text(target), _text(host)
    if not target.startswith("/") and "://" in target:
        scheme, _, target = target.partition("://")
        host, slash, path = target.partition("/")
        host, target = host.rpartition("@")[2], slash + path
        host, port = _split_port(host)
    host = host.strip("[]").rstrip(".").lower()[:MAX_HOST]
    path = _path(host, target)
    place = f"[{host}]" if ":" in host else host
    if port is not None and port != DEFAULT_PORTS.get(scheme):
        place = f"{place}:{port}"
    asked = {"target": target, "path": path}
    live = LiveCall(Call("http", _text(method)[:MAX_METHOD], asked), None, span, None)
    live.resource = host
    live.attributes = {URL_FULL: f"{scheme}://{place}{path}"[:MAX_URL], SERVER_ADDRESS: host}
    live.announce = True
    live.begin()
    return live


def _path(host: str, target: str) -> str:
    """Return what is written of the path in *target*; of an object in S3 it would be its key."""
    path = target.partition("?")[0].partition("#")[0]
    store = host.endswith(AWS) and ".execute-api." not in host
    return f"/{REST}" if len(path) > 1 and (store or SIGNATURE in target.lower()) else named(path)


def header(live: LiveCall, headers: "Iterable[tuple[Any, Any]]") -> str | None:
    """Return the ``traceparent`` to send with *live*, or None where none may go.

    *headers* are those that go out, names and values as text or bytes; they are only read.
    """
    if live.span is None:
        return None
    signed = SIGNATURE in live.call.params["target"].lower()
    own = None
    for name, value in headers:
        lower = _text(name).lower()
        if lower == HEADER:
            own = _text(value).strip()
        elif lower in (CONTENT_SHA256, "authorization"):
            signed = signed or lower == CONTENT_SHA256 or _text(value).lstrip().startswith(SIGNED)
    if own is not None:
        context = parse_traceparent(own)
        live.keys = foreign.keys(live.span, [context] if context else [])
    if not settings.inject or not is_listed(live.resource):
        return None
    if own is not None or signed:
        live.call.not_injected = "signed-request" if own is None else OWN
        return None
    return format_traceparent(live.span.context(live.span_id))


def is_listed(host: str) -> bool:
    """Tell whether a context may go to *host*; a leading ``*`` stands for one label or more."""
    labels = tuple(host.split("."))
    return any(_matches(pattern, labels) for pattern in settings.http_hosts)


def _matches(pattern: tuple[str, ...], labels: tuple[str, ...]) -> bool:
    if pattern[0] == "*" and len(labels) >= len(pattern):
        labels = ("*", *labels[1 - len(pattern) :])
    return len(pattern) == len(labels) and all(
        mine in ("*", theirs) for mine, theirs in zip(pattern, labels, strict=True)
    )


def end(live: LiveCall | None, code: "Any", get: "Callable[[str], Any]") -> None:
    """The head of the answer is there: its status is *code*, *get* returns a header or None."""
    if live is None or live.ended:
        return
    # A cache answers with the ids of the request that filled it, and Age says so:
    # https://www.rfc-editor.org/rfc/rfc9111#section-5.1
    ids = () if get("age") is not None else ("x-amz-apigw-id", "apigw-requestid")
    found = [keys.link_key(keys.APIGW, get(name)) for name in ids]
    if ids and ".lambda-url." in live.resource:
        found.append(keys.link_key(keys.LAMBDA, get("x-amzn-requestid")))
    error = failure(str(code), f"{live.resource} answered {code}") if code >= 500 else None
    known = dict.fromkeys(key for key in found if key)
    live.end(code, [*live.keys, *known], error, None)


def fail(live: LiveCall | None, error: BaseException) -> None:
    """No answer came: *error* did."""
    if live is not None and not live.ended:
        described = describe(error)
        described.pop("at", None)
        target = live.call.params["target"]
        if len(target) > 1 and "message" in described:
            text = str(error).replace(target, live.call.params["path"])
            described |= failure(described["type"], text)
        live.end(0, [*live.keys], described, None)


def leave_off(live: LiveCall | None) -> None:
    """The request was sent, and nobody asks for its answer: it neither failed nor succeeded."""
    if live is not None:
        live.end(0, [*live.keys], None, None)


def _text(value: "Any") -> str:
    return value.decode("latin-1") if isinstance(value, (bytes, bytearray)) else str(value)


def _split_port(host: str) -> tuple[str, int | None]:
    name, colon, port = host.rpartition(":")
    return (name, int(port)) if colon and port.isdigit() else (host, None)
