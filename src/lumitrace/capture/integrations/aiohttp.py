"""aiohttp: a span for each request that a session's ``_request`` sends, redirects too.

The header goes into the headers of the ``ClientRequest``, which aiohttp makes anew for each, so
that it is not carried along; ``response.request_info`` shows it. There is no other place for it.
"""

from lumitrace.capture.frame import cut
from lumitrace.capture.integrations import _request as http
from lumitrace.capture.integrations._request import AtHand, guard

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


def request(bound: "Callable[..., Any]", _: "Any", *args: "Any", **kwargs: "Any") -> "Any":
    """Return the coroutine that sends a request and follows where it leads."""
    quiet = True
    with guard:
        quiet = http.is_quiet()
    return bound(*args, **kwargs) if quiet else _request(bound, *args, **kwargs)


async def _request(bound: "Callable[..., Any]", *args: "Any", **kwargs: "Any") -> "Any":
    outer = token = None
    with guard:
        outer = AtHand()
        token = http.at_hand.set(outer)
    try:
        return await bound(*args, **kwargs)
    except BaseException as error:
        cut(error)
        with guard:
            http.fail(outer.live if outer else None, error)
        raise
    finally:
        with guard:
            http.leave(token)


def connect(bound: "Callable[..., Any]", _: "Any", *args: "Any", **kwargs: "Any") -> "Any":
    """Announce a request before its connection is opened; one sent again is one attempt more."""
    with guard:
        outer = http.at_hand.get()
        if outer is not None and not outer.quiet:
            _begin(outer, args[0] if args else kwargs["req"])
    return bound(*args, **kwargs)


def _begin(outer: AtHand, theirs: "Any") -> None:
    url = theirs.url
    if outer.header is not None and theirs.headers.get(http.HEADER) == outer.header:
        del theirs.headers[http.HEADER]  # a middleware sends the same request again
    if outer.live is not None and not outer.live.ended:
        outer.live.attempts += 1
    else:
        target = url.raw_path_qs
        outer.live = http.begin(theirs.method, url.scheme, url.raw_host, url.port, target)
    if outer.live is not None:
        outer.header = value = http.header(outer.live, theirs.headers.items())
        if value is not None:
            theirs.headers[http.HEADER] = value


async def start(
    bound: "Callable[..., Any]", response: "Any", *args: "Any", **kwargs: "Any"
) -> "Any":
    """Wait for the head of the answer, which says how the request went."""
    try:
        result = await bound(*args, **kwargs)
    except BaseException as error:
        cut(error)
        raise
    with guard:
        outer = http.at_hand.get()
        if outer is not None and response.method != "CONNECT":  # a proxy's answer
            http.end(outer.live, response.status, response.headers.get)
    return result
