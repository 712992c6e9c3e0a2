"""Neighbours: libraries in the same function that write logs or trace on their own.

One small file each, loaded only where its neighbour is in use. Nothing of a neighbour's is
replaced, and one that is not as we know it costs nothing but the join.
"""

import functools
import sys

from lumitrace.capture import on_import
from lumitrace.capture.config import settings
from lumitrace.capture.guard import Guard
from lumitrace.wire.semconv import TRIGGER_HTTP

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from lumitrace.capture.span import Span
    from lumitrace.wire.context import SpanContext

guard = Guard("capture.integrations")


@functools.cache
def install() -> None:
    """Be ready for the neighbours that are loaded, and for those that will be."""
    if settings.log_ids:
        from lumitrace.capture.integrations import logs  # noqa: PLC0415  # by consent only

        logs.install()
        on_import.call(_loguru, "loguru")


def begin(span: "Span") -> None:
    """Tell the neighbours that an invocation has begun; *span* is its handler's."""
    loaded = sys.modules
    if settings.log_ids and "structlog" in loaded:
        with guard:
            from lumitrace.capture.integrations import structlog  # noqa: PLC0415  # where it is

            structlog.install(loaded["structlog"])
    if settings.log_ids and "loguru" in loaded:
        with guard:
            _loguru(loaded["loguru"])  # a patcher configured since has taken our place
    if "aws_xray_sdk.core" in loaded:
        with guard:
            from lumitrace.capture.integrations import xray  # noqa: PLC0415  # where it is

            xray.begin(loaded["aws_xray_sdk.core"], span)


def outer(trigger: str, claimed: "SpanContext | None") -> "SpanContext | None":
    """Return the context of the OpenTelemetry span around us, or None where there is none.

    Args:
        trigger: OpenTelemetry's ``faas.trigger`` of the event.
        claimed: what a caller at a public edge claims; OpenTelemetry may have believed it.
    """
    module = sys.modules.get("opentelemetry.trace")
    if module is None:
        return None
    with guard:
        from lumitrace.capture.integrations import opentelemetry  # noqa: PLC0415  # where it is

        return opentelemetry.outer(module, claimed, is_edge=trigger == TRIGGER_HTTP)
    return None


def _loguru(module: "Any") -> None:
    from lumitrace.capture.integrations import loguru  # noqa: PLC0415  # where it is

    loguru.install(module)
