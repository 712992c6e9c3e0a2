"""Tracing a function whose code does not know of us: the layer's ways in.

`start` is what ``python/lumitrace.pth`` calls with ``LUMITRACE_AUTO=1``: the runtime client then
hands us what it has found for the handler's name. `handler` is what it finds under the name
``lumitrace.handler``. Either way the runtime client itself looks for the user's handler, so that a
wrong name is told in its own words.
"""

import gc
import os

from lumitrace.capture import handler as wrapping
from lumitrace.capture import on_import
from lumitrace.capture.config import OFF, settings
from lumitrace.capture.frame import cut, dress
from lumitrace.capture.guard import Guard

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType
    from typing import Any

CLIENT = "awslambdaric.bootstrap"
OWN = "lumitrace.handler"

guard = Guard("capture.auto")


def start() -> None:
    """Trace whatever handler the runtime client is going to find."""
    with guard:
        if settings.enabled != OFF:
            on_import.call(_patch, CLIENT)


def _patch(client: "Any") -> None:
    original = client._get_handler  # noqa: SLF001  # its name in every version since 1.0

    def _get_handler(name: str) -> "Any":
        if name == OWN:  # then `handler` looks for the user's
            return original(name)
        thresholds = None
        with guard:
            thresholds = _before()
        try:
            found = original(name)
        except BaseException as error:
            with guard:
                _after(thresholds)
            cut(error)
            raise
        with guard:
            _after(thresholds)
        with guard:
            return wrapping.traced_with(found, None, None)
        return found

    client._get_handler = dress(_get_handler, original)  # noqa: SLF001  # as above


def handler() -> "Any":
    """Return the handler that ``LUMITRACE_HANDLER`` names, traced.

    Raises:
        AttributeError: this is no Lambda.
        Exception: the runtime client's own, in its own words: there is no such handler, or its
            module cannot be imported.
    """
    try:
        from awslambdaric import bootstrap  # noqa: PLC0415  # it is there where a handler is called
    except ImportError as error:
        message = "lumitrace.handler is for Lambda's runtime client, which is not here"
        raise AttributeError(message) from error
    name = settings.handler or os.environ.get("LUMITRACE_HANDLER", "").strip()
    if name and name != OWN:
        found = _found(bootstrap, name)
        with guard:
            return wrapping.traced_with(found, None, None)
        return found
    message = "LUMITRACE_HANDLER names no handler: set it to the function's own, as in app.handler"
    raise bootstrap.FaultException(bootstrap.FaultException.HANDLER_NOT_FOUND, message, None)


def _found(client: "Any", name: str) -> "Any":
    thresholds = None
    with guard:
        thresholds = _before()
    try:
        with InItsWords(client):
            return client._get_handler(name)  # noqa: SLF001  # its name in every version since 1.0
    finally:
        with guard:
            _after(thresholds)


class InItsWords:
    """Hands the runtime client what it would have made of an error of the user's module itself.

    It is asking us for an attribute: an AttributeError would tell it that there is none, and every
    other error would bear our frames.
    """

    __slots__ = ("client",)

    def __init__(self, client: "Any") -> None:
        self.client = client

    def __enter__(self) -> None:
        pass

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: "TracebackType | None",
    ) -> None:
        if isinstance(error, Exception) and not isinstance(error, self.client.FaultException):
            theirs = traceback and traceback.tb_next
            told = self.client.build_fault_result((kind, error, theirs), None)
            words = (told["errorType"], told["errorMessage"], told["stackTrace"])
            raise self.client.FaultException(*words) from error


def _before() -> tuple[int, int, int] | None:
    """Be ready before the user's module makes its first client; put off collecting garbage.

    By the thresholds, not by `gc.disable`: so a module that disables it itself is obeyed.
    """
    if settings.enabled != OFF:
        wrapping.install()
    if not settings.fast_init or not gc.get_threshold()[0]:
        return None
    thresholds = gc.get_threshold()
    gc.set_threshold(0, *thresholds[1:])
    return thresholds


def _after(thresholds: tuple[int, int, int] | None) -> None:
    """Collect garbage again as before, but leave alone what was imported: it stays for good."""
    if thresholds is not None:
        gc.freeze()
        if not gc.get_threshold()[0]:  # else the module has chosen its own
            gc.set_threshold(*thresholds)
