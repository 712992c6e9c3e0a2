"""``http.client``, and with it urllib, urllib3 and requests.

The header goes out as the last one of the head, put there when the caller has put all of its own:
nothing that the caller holds is touched, and a redirect is a request of its own. A request whose
answer nobody asks for ends with its connection, and with the invocation at the latest.
"""

import os
from http.client import HTTPConnection
from weakref import ref

from lumitrace.capture.calls import LiveCall
from lumitrace.capture.frame import cut
from lumitrace.capture.integrations import _request as http
from lumitrace.capture.integrations._request import guard

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

# Requests whose answer was not asked for yet, by process (a forked child has its parent's
# connections) and id of their connection, which need not be hashable and may be gone.
running: "dict[tuple[int, int], tuple[ref[Any], LiveCall]]" = {}


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
            _take(connection)
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
    http.leave_off(_take(connection))
    method, target, _ = (*head[0].split(b" ", 2), b"", b"")[:3]
    scheme = "https" if connection.default_port == 443 else "http"
    tunnel = getattr(connection, "_tunnel_host", None)
    host, port = connection.host, connection.port
    if tunnel:
        host, port = tunnel, getattr(connection, "_tunnel_port", None)
    live = http.begin(method, scheme, host, port, target)
    if live is not None:
        running[os.getpid(), id(connection)] = (ref(connection), live)
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
        live = _take(connection)
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


def close(bound: "Callable[..., Any]", connection: "Any", *args: "Any", **kwargs: "Any") -> "Any":
    """Nobody will ask this connection for an answer any more."""
    with guard:
        http.leave_off(_take(connection))
    try:
        return bound(*args, **kwargs)
    except BaseException as error:
        cut(error)
        raise


def leave_off() -> None:
    """The invocation ends: what was sent and not asked for ends with it."""
    while running:
        _, (_, live) = running.popitem()
        http.leave_off(live)


def _take(connection: "Any") -> LiveCall | None:
    """Return the request that waits on *connection*, which waits no more; None where none does."""
    found = running.pop((os.getpid(), id(connection)), None)
    if found is None or found[0]() is connection:
        return None if found is None else found[1]
    http.leave_off(found[1])  # of another connection, which is gone
    return None
