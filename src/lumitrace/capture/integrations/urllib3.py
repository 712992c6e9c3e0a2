"""urllib3, and with it requests: a request is told before its connection is opened.

``HTTPConnectionPool._make_request`` sends one request, where ``urlopen`` goes on to retries and
redirects. Our header is added below it, by ``http.client``.
"""

from lumitrace.capture.frame import cut
from lumitrace.capture.integrations import _request as http
from lumitrace.capture.integrations._request import guard

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


def make_request(bound: "Callable[..., Any]", pool: "Any", *args: "Any", **kwargs: "Any") -> "Any":
    """Send one request of *pool*."""
    live = token = None
    with guard:
        if not http.is_quiet():
            named = dict(zip(("conn", "method", "url"), args, strict=False), **kwargs)
            live = http.begin(named["method"], pool.scheme, pool.host, pool.port, named["url"])
            token = http.at_hand.set(http.AtHand(live, named["conn"]))
    try:
        response = bound(*args, **kwargs)
    except BaseException as error:
        cut(error)
        with guard:
            http.fail(live, error)
        raise
    finally:
        with guard:
            http.leave(token)
    with guard:
        http.end(live, response.status, response.headers.get)
    return response
