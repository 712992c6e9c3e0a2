"""Durable functions of AWS Lambda: one execution, many invocations that replay it from the top.

Inbound:   the execution's ARN. The trace id is a hash of it, so that all its invocations are one
           trace, whoever started them.
Outbound:  nothing: the payload is the execution's input. The answer to ``Invoke`` holds the ARN.
Event:     https://docs.aws.amazon.com/lambda/latest/dg/durable-functions.html
"""

from lumitrace.capture.services._service import Inbound, Record, Service
from lumitrace.wire.link_key import DURABLE, link_key

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

MAX_TYPE = 100  # characters


class Durable(Service):
    """One invocation of an execution: it runs until the end, or until it has to wait."""

    def extract(self, event: "dict[str, Any]") -> Inbound:
        """Return the key and the trace of the execution, and the function's name as the source."""
        return _of(event.get("DurableExecutionArn"))


def extract_context(context: object) -> Inbound | None:
    """Return the same from the SDK's own *context*, where its decorator stands outside ours."""
    execution = getattr(context, "execution_context", None)
    arn = getattr(execution, "durable_execution_arn", None)
    return _of(arn) if isinstance(arn, str) else None


def _of(arn: object) -> Inbound:
    key = link_key(DURABLE, arn)
    if key is None or not isinstance(arn, str):
        return Inbound()
    from hashlib import blake2b  # noqa: PLC0415  # durable functions only

    inbound = Inbound([Record(None, key)], source="".join(arn.split(":", 7)[6:7])[:MAX_TYPE])
    inbound.trace_id = blake2b(arn.encode("utf-8", "replace"), digest_size=16).hexdigest()
    return inbound


def is_suspended(result: "dict[str, Any]") -> bool:
    """Tell whether the execution goes on in a later invocation."""
    return result.get("Status") == "PENDING"


def failure(result: "dict[str, Any]") -> "tuple[str, str] | None":
    """Return type and message of the error that ended the execution, or None."""
    if result.get("Status") != "FAILED":
        return None
    error = result.get("Error")
    error = error if isinstance(error, dict) else {}
    kind, message = error.get("ErrorType"), error.get("ErrorMessage")
    kind = kind[:MAX_TYPE] if isinstance(kind, str) and kind else "FAILED"
    return kind, message if isinstance(message, str) else ""


service = Durable()
