"""What a line says of an exception: its type, its text, its place."""

from lumitrace.capture.config import settings
from lumitrace.capture.guard import Guard
from lumitrace.capture.redact import message
from lumitrace.wire import span_line

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType
    from typing import Any

MAX_FRAMES = 1000  # of a traceback; recursion at the limit has as many
MAX_NAME = 100  # characters
LIBRARIES = (
    "/site-packages/",
    "/dist-packages/",
    "/lib/python3",
    "/var/runtime/",
    "<frozen ",
    "/botocore/",  # a package may lie beside the function's own files
    "/boto3/",
    "/s3transfer/",
    "/urllib3/",
)

guard = Guard("capture.error")


def describe(error: BaseException) -> dict[str, str]:
    """Return ``{"type", "message", "at"}`` of *error*; what cannot be told is left out."""
    described = {"type": type(error).__name__[:MAX_NAME]}
    if settings.errors:
        with guard:
            described["message"] = message(str(error))
    with guard:
        place = _place(error.__traceback__)
        if place:
            described["at"] = place
    return described


def spelt(kind: str, text: str) -> dict[str, str]:
    """Return ``{"type", "message"}`` of an error that is told by its names only."""
    described = {"type": kind}
    if settings.errors and text:
        described["message"] = message(text)
    return described


def suspends(raised: BaseException) -> bool:
    """Tell whether *raised* only ends an invocation of a durable function, to go on later."""
    return not isinstance(raised, Exception) and any(
        kind.__name__ == "SuspendExecution" for kind in type(raised).__mro__
    )


def outcome(raised: BaseException) -> "dict[str, Any]":
    """Return the fields of the handler's line that tell what it *raised*."""
    return {"suspended": True} if suspends(raised) else failed(describe(raised))


def of_execution(event: object, result: object) -> "dict[str, Any]":
    """Return what the SDK's *result* says of a durable execution; the user's own says nothing."""
    if type(result) is not dict or type(event) is not dict or "DurableExecutionArn" not in event:
        return {}
    from lumitrace.capture.services import durable  # noqa: PLC0415  # loaded already

    if durable.is_suspended(result):
        return {"suspended": True}
    found = durable.failure(result)
    return {} if found is None else failed(spelt(*found))


def failed(described: dict[str, str]) -> "dict[str, Any]":
    """Return the fields of a line that failed, with the error *described*."""
    return {
        "status": span_line.STATUS_ERROR,
        "severityText": span_line.SEVERITY_ERROR,
        "error": described,
    }


def failure(raised: BaseException | None) -> dict[str, str] | None:
    """Return what is told of *raised*, or None where nothing failed."""
    return None if raised is None or suspends(raised) else describe(raised)


def _place(traceback: "TracebackType | None") -> str:
    """Return ``app.py:31 handler``: the last frame that is the function's own code."""
    place = ""
    for _ in range(MAX_FRAMES):
        if traceback is None:
            break
        code = traceback.tb_frame.f_code
        name = code.co_filename.replace("\\", "/")
        if not any(part in name for part in LIBRARIES):
            place = f"{name.rsplit('/', 1)[-1]}:{traceback.tb_lineno} {code.co_name}"[:MAX_NAME]
        traceback = traceback.tb_next
    return place
