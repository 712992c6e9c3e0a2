"""aiobotocore: as botocore, its method a coroutine; its own HTTP requests are no spans."""

from lumitrace.capture import botocore
from lumitrace.capture.frame import cut
from lumitrace.capture.integrations import _request as http
from lumitrace.capture.outgoing import arguments

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


async def emit_api_params(
    bound: "Callable[..., Any]", client: "Any", *args: "Any", **kwargs: "Any"
) -> "Any":
    """Stand in for the method: aiobotocore's own work first, then ours on what it returns."""
    names: tuple[Any, ...] = ()
    with botocore.guard:
        names = arguments(args, kwargs)
    try:
        params = await bound(*args, **kwargs)
    except BaseException as error:
        cut(error)
        raise
    with botocore.guard:
        return botocore.prepare(client, params, *names)
    return params


async def send(bound: "Callable[..., Any]", _: "Any", *args: "Any", **kwargs: "Any") -> "Any":
    """Send one request of an AWS call, which is a span already."""
    token = None
    with botocore.guard:
        token = http.at_hand.set(http.AtHand(quiet=True))
    try:
        return await bound(*args, **kwargs)
    except BaseException as error:
        cut(error)
        raise
    finally:
        with botocore.guard:
            http.leave(token)
