"""``http.client``, and with it urllib, urllib3 and requests.

The header goes out as the last one of the head, put there when the caller has put all of its own:
nothing that the caller holds is touched, and a redirect is a request of its own.
"""

from http.client import HTTPConnection
from weakref import WeakKeyDictionary

from lumitrace.capture.calls import LiveCall
from lumitrace.capture.frame import cut
from lumitrace.capture.integrations import _request as http
from lumitrace.capture.integrations._request import guard

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

running: "WeakKeyDictionary[Any, LiveCall]" = WeakKeyDictionary()


def endheaders(
    bound: "Callable[..., Any]", connection: "Any", *args: "Any", **kwargs: "Any"
) -> "Any":
    """The caller's head is complete: announce the request, add our header, send."""
    live = None
    with guard:
        live = _begin(connection)
    try:
        return bound(*args, **kwargs)
    except BaseException as error:
        cut(error)
        with guard:
            http.fail(live, error)
        raise


def _begin(connection: "Any") -> LiveCall | None:
    """Return the request that begins here, None where an outer library has begun it."""
    outer = http.at_hand.get()
    head = getattr(connection, "_buffer", None)
    if not head or (outer is not None and outer.quiet):
        return None
    if outer is not None and outer.connection is connection:
        _add(connection, outer.live, head)
        return None
    method, target, _ = (*head[0].split(b" ", 2), b"", b"")[:3]
    scheme = "https" if connection.default_port == 443 else "http"
    tunnel = getattr(connection, "_tunnel_host", None)
    host, port = connection.host, connection.port
    if tunnel:
        host, port = tunnel, getattr(connection, "_tunnel_port", None)
    live = http.begin(method, scheme, host, port, target)
    if live is not None:
        running[connection] = live
        _add(connection, live, head)
    return live


def _add(connection: "Any", live: LiveCall | None, head: list[bytes]) -> None:
    pairs = [line.partition(b":")[::2] for line in head[1:]]
    value = None if live is None else http.header(live, pairs)
    if value is not None:
        HTTPConnection.putheader(connection, http.HEADER, value)


def getresponse(
    bound: "Callable[..., Any]", connection: "Any", *args: "Any", **kwargs: "Any"
) -> "Any":
    """Return what the server answered; its head says how the request went."""
    live = None
    with guard:
        live = running.pop(connection, None)
    try:
        response = bound(*args, **kwargs)
    except BaseException as error:
        cut(error)
        with guard:
            http.fail(live, error)
        raise
    with guard:
        http.end(live, response.status, response.headers.get)
    return response
