"""What Lambda itself tells of an invocation: a destination's record, a dead letter's attributes.

https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html
"""

from lumitrace.capture.services._service import Record
from lumitrace.wire.link_key import DESTINATION, link_key

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def read(record: "dict[str, Any]") -> Record | None:
    """Return the key in a destination's *record*, or None where it is none."""
    context = record.get("requestContext")
    if not isinstance(context, dict) or "functionArn" not in context or "condition" not in context:
        return None
    identifier = context.get("requestId")
    return Record(None, link_key(DESTINATION, identifier), identifier)


def dead_letter(attributes: object, value_name: str) -> str | None:
    """Return the key of the invocation whose event came to a dead-letter queue or topic, or None.

    Lambda puts ``RequestID``, ``ErrorCode`` and ``ErrorMessage`` into the message *attributes*,
    whose text stands under *value_name*.
    """
    if not isinstance(attributes, dict) or "RequestID" not in attributes:
        return None
    if "ErrorCode" not in attributes and "ErrorMessage" not in attributes:
        return None
    attribute = attributes["RequestID"]
    text = attribute.get(value_name) if isinstance(attribute, dict) else None
    return link_key(DESTINATION, text)
