"""Destinations of AWS Lambda: what became of an asynchronous invocation, or of a stream's batch.

Inbound:   the request id of the invocation that the record speaks of.
Outbound:  nothing: Lambda sends the record; its sender is known by its own request id.
Event:     https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html
"""

from lumitrace.capture.services import _destination
from lumitrace.capture.services._call import name_of
from lumitrace.capture.services._room import Room
from lumitrace.capture.services._service import Inbound, Record, Service

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class LambdaDestination(Service):
    """One record on success or on failure."""

    def extract(self, event: "dict[str, Any]") -> Inbound:
        """Return the key of the invocation, and the function's name as the source."""
        context = event.get("requestContext")
        arn = context.get("functionArn") if isinstance(context, dict) else None
        return Inbound([self.extract_record(event)], source=name_of(arn))

    def read(self, record: "dict[str, Any]", room: Room) -> Record:
        """Return the key of the invocation."""
        del room
        return _destination.read(record) or Record(None)


service = LambdaDestination()
