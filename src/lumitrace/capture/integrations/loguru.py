"""Loguru: ``extra[traceId]`` and ``extra[spanId]`` in every message, by a patcher.

Loguru has one patcher for all its loggers; the one that is configured is kept and called first.
https://loguru.readthedocs.io/en/stable/api/logger.html#loguru._logger.Logger.configure
"""

from lumitrace.capture.frame import cut
from lumitrace.capture.guard import Guard
from lumitrace.capture.integrations.logs import SPAN_ID, TRACE_ID, ids

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

guard = Guard("capture.integrations.loguru")


def install(module: "Any") -> None:
    """Put our patcher around the one in force, once."""
    core = getattr(module.logger, "_core", None)
    if core is None or not hasattr(core, "patcher") or isinstance(core.patcher, Patcher):
        return
    module.logger.configure(patcher=Patcher(core.patcher))


class Patcher:
    """Calls the patcher before it, then adds the ids; picklable, as a logger is."""

    __slots__ = ("before",)

    def __init__(self, before: "Callable[[Any], None] | None") -> None:
        self.before = before

    def __call__(self, record: "Any") -> None:
        """Add the ids to the extra values of *record*, unless it has its own."""
        if self.before is not None:
            try:
                self.before(record)
            except BaseException as error:
                cut(error)
                raise
        with guard:
            trace_id, span_id = ids()
            record["extra"].setdefault(TRACE_ID, trace_id)
            record["extra"].setdefault(SPAN_ID, span_id)
