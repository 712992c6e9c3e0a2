"""AWS Step Functions.

Inbound:   the ARN of the execution, where the state machine hands it to the task (``$$``,
           ``$$.Execution`` or its id under one of the names in `_shape`).
Outbound:  nothing: an execution's input makes its name idempotent, and ``traceHeader`` is AWS's
           own. The answer to ``StartExecution`` holds the ARN.
Event:     https://docs.aws.amazon.com/step-functions/latest/dg/connect-lambda.html
"""

from lumitrace.capture.services import _shape
from lumitrace.capture.services._call import Call, name_of
from lumitrace.capture.services._service import Inbound, Record, Service
from lumitrace.wire.link_key import STATES, link_key

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any


class StepFunctions(Service):
    """A state machine waits for the answer of its task."""

    def extract(self, event: "dict[str, Any]") -> Inbound:
        """Return the key of the execution, and its state machine as the source."""
        arn = _shape.execution_of(event)
        key = link_key(STATES, arn)
        machine = arn.split(":", 7)[6:7] if arn is not None and key is not None else []
        return Inbound([Record(None, key)], source=name_of("".join(machine)))

    def describe_response(self, call: Call, response: "Mapping[str, Any]") -> list[str]:
        """Return the key of the execution that was started."""
        if call.operation not in ("StartExecution", "StartSyncExecution"):
            return []
        return [key for key in [link_key(STATES, response.get("executionArn"))] if key]


service = StepFunctions()
