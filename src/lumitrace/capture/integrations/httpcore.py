"""httpcore, and with it httpx, sync and async.

httpx makes a new request of httpcore's from its own for each it sends, redirects too. Ours is one
more, with the header behind the others: nothing that the caller holds is touched.
"""

from lumitrace.capture.frame import cut
from lumitrace.capture.integrations import _request as http
from lumitrace.capture.integrations._request import guard

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from lumitrace.capture.calls import LiveCall


def handle_request(bound: "Callable[..., Any]", _: "Any", *args: "Any", **kwargs: "Any") -> "Any":
    """Send one request."""
    live = None
    with guard:
        live, args = _begin(args)
    try:
        response = bound(*args, **kwargs)
    except BaseException as error:
        cut(error)
        with guard:
            http.fail(live, error)
        raise
    with guard:
        http.end(live, response.status, _getter(response.headers))
    return response


async def handle_async_request(
    bound: "Callable[..., Any]", _: "Any", *args: "Any", **kwargs: "Any"
) -> "Any":
    """Send one request, as `handle_request`."""
    live = None
    with guard:
        live, args = _begin(args)
    try:
        response = await bound(*args, **kwargs)
    except BaseException as error:
        cut(error)
        with guard:
            http.fail(live, error)
        raise
    with guard:
        http.end(live, response.status, _getter(response.headers))
    return response


def _begin(args: "tuple[Any, ...]") -> "tuple[LiveCall | None, tuple[Any, ...]]":
    if len(args) != 1 or http.is_quiet():
        return None, args
    [theirs] = args
    url = theirs.url
    scheme = url.scheme.decode("ascii")
    live = http.begin(theirs.method, scheme, url.host, url.port, url.target)
    value = None if live is None else http.header(live, theirs.headers)
    if value is None:
        return live, args
    ours = type(theirs)(
        theirs.method,
        url,
        headers=[*theirs.headers, (http.HEADER.encode(), value.encode())],
        content=theirs.stream,
        extensions=theirs.extensions,
    )
    return live, (ours,)


def _getter(headers: "Any") -> "Callable[[str], str | None]":
    found = {name.lower(): value for name, value in headers}

    def get(name: str) -> str | None:
        value = found.get(name.encode())
        return None if value is None else value.decode("latin-1")

    return get
