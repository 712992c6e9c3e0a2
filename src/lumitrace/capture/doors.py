"""Methods of other libraries with us behind them, and nothing of ours loaded before their use.

A function that makes no HTTP call pays for this file alone: ``http.client`` is loaded in almost
every function, and urllib3 with botocore.
"""

import functools
from importlib import import_module

from lumitrace.capture import on_import
from lumitrace.capture.current import process
from lumitrace.capture.guard import Guard

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

OURS = "lumitrace.capture.integrations"
POWERTOOLS = "aws_lambda_powertools.utilities.batch.base"
BOTOCORE = "botocore.awsrequest"  # its classes for its own requests

# The module that is watched for, the method, and our file. Our function bears the method's name.
TABLE = (
    ("http.client", "HTTPConnection", "endheaders", "http_client"),
    ("http.client", "HTTPConnection", "getresponse", "http_client"),
    ("http.client", "HTTPConnection", "close", "http_client"),
    ("urllib3.connectionpool", "HTTPConnectionPool", "_make_request", "urllib3"),
    ("httpcore", "ConnectionPool", "handle_request", "httpcore"),
    ("httpcore", "AsyncConnectionPool", "handle_async_request", "httpcore"),
    ("aiohttp", "ClientSession", "_request", "aiohttp"),
    ("aiohttp", "BaseConnector", "connect", "aiohttp"),
    ("aiohttp", "ClientResponse", "start", "aiohttp"),
    ("aiobotocore.client", "AioBaseClient", "_emit_api_params", "aiobotocore"),
    ("aiobotocore.httpsession", "AIOHTTPSession", "send", "aiobotocore"),
    ("aiobotocore.httpxsession", "HttpxSession", "send", "aiobotocore"),
    (POWERTOOLS, "BatchProcessor", "_process_record", "powertools_batch"),
    (POWERTOOLS, "AsyncBatchProcessor", "_async_process_record", "powertools_batch"),
    (POWERTOOLS, "BasePartialProcessor", "failure_handler", "powertools_batch"),
    ("concurrent.futures.thread", "ThreadPoolExecutor", "submit", "threads"),
)
# What our own file puts in place, by its function `patch`.
OWN = (
    ("botocore.client", "lumitrace.capture.botocore"),
    ("aws_xray_sdk.core.models.subsegment", f"{OURS}.xray"),
)
ALWAYS = "_emit_api_params"  # marks are taken off outside an invocation too

guard = Guard("capture.doors")


class Bound(functools.partial):  # type: ignore[type-arg]  # no types at run time
    """Our function before a bound method: a partial adds no frame. It looks like the method."""

    __slots__ = ()

    @property
    def __wrapped__(self) -> "Any":
        return self.args[0]

    def __getattr__(self, name: str) -> "Any":
        return getattr(self.args[0], name)

    def __eq__(self, other: object) -> bool:
        return self.args[0] == (other.args[0] if isinstance(other, Bound) else other)  # type: ignore[no-any-return]

    def __hash__(self) -> int:
        return hash(self.args[0])

    def __repr__(self) -> str:
        return repr(self.args[0])


class Door:
    """A method, with us behind it while an invocation runs.

    Outside an invocation, and for botocore's own requests, it is the method itself; else a partial,
    which adds no frame to what it raises.
    """

    __slots__ = ("__wrapped__", "file", "function", "ours")

    def __init__(self, wrapped: "Any", file: str, function: str) -> None:
        self.__wrapped__ = wrapped
        self.file = file
        self.function = function
        self.ours: Callable[..., Any] | None = None

    def __get__(self, instance: "Any", owner: object = None) -> "Any":
        bound = self.__wrapped__.__get__(instance, owner)
        if instance is None or (process.active is None and self.function != ALWAYS):
            return bound
        with guard:
            if any(base.__module__ == BOTOCORE for base in type(instance).__mro__):
                return bound
            if self.ours is None:
                self.ours = getattr(import_module(f"{OURS}.{self.file}"), self.function.lstrip("_"))
            return Bound(self.ours, bound, instance)
        return bound

    def __call__(self, *args: "Any", **kwargs: "Any") -> "Any":
        """Call the method itself, as one does who took it from the class's dictionary."""
        return self.__wrapped__(*args, **kwargs)

    def __getattr__(self, name: str) -> "Any":
        return getattr(self.__wrapped__, name)


def patch(name: str, module: "Any") -> None:
    """Put a door before each method of *module* that the table names; what is missing is left."""
    for target, class_name, method, file in TABLE:
        owner = getattr(module, class_name, None) if target == name else None
        wrapped = getattr(owner, "__dict__", {}).get(method)
        if hasattr(wrapped, "__get__") and not isinstance(wrapped, Door):
            setattr(owner, method, Door(wrapped, file, method))


@functools.cache
def install() -> None:
    """Patch what is loaded now, and the rest as soon as the function imports it."""
    for name, file in OWN:
        on_import.call(functools.partial(_own, file), name)
    for name in dict.fromkeys(row[0] for row in TABLE):
        on_import.call(functools.partial(patch, name), name)


def _own(file: str, module: "Any") -> None:
    import_module(file).patch(module)
