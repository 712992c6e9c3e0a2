"""The message attribute ``traceparent`` of SNS and SQS, both directions.

At most ten attributes in all: with more, SNS discards a message on its way to a raw SQS
subscription, and SQS refuses it.
https://docs.aws.amazon.com/sns/latest/dg/sns-message-attributes.html
https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html
"""

from lumitrace.capture.services._call import OWN
from lumitrace.wire.context import TRACEPARENT_LENGTH, format_traceparent, parse_traceparent

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

    from lumitrace.wire.context import SpanContext

NAME = "traceparent"
MAX_ATTRIBUTES = 10  # a message
OUR_BYTES = len(NAME) + len("String") + TRACEPARENT_LENGTH


def with_context(
    message: "Mapping[str, Any]", context: "SpanContext"
) -> "tuple[Mapping[str, Any], str | None]":
    """Return *message* with the attribute added, or itself and the reason why not.

    *message* is the parameters of a call or an entry of a batch; it is not changed.
    """
    attributes = message.get("MessageAttributes", {})
    if not isinstance(attributes, dict):
        return message, "attributes-not-a-map"
    if NAME in attributes:
        return message, OWN
    if len(attributes) >= MAX_ATTRIBUTES:
        return message, "ten-attributes"
    value = {"DataType": "String", "StringValue": format_traceparent(context)}
    return {**message, "MessageAttributes": {**attributes, NAME: value}}, None


def size(message: "Mapping[str, Any]", body: str) -> int:
    """Return the bytes that AWS counts of *message*: its body and its attributes.

    *body* is the parameter's name. What is no text counts nothing: AWS refuses it anyway.
    """
    total = _bytes(message.get(body))
    attributes = message.get("MessageAttributes")
    for name, value in (attributes if isinstance(attributes, dict) else {}).items():
        total += _bytes(name)
        if isinstance(value, dict):
            total += sum(_bytes(part) for part in value.values())
    return total


def _bytes(value: object) -> int:
    if isinstance(value, str):
        return len(value) if value.isascii() else len(value.encode("utf-8", "surrogatepass"))
    return len(value) if isinstance(value, bytes | bytearray) else 0


def read(attributes: object, value_name: str) -> "SpanContext | None":
    """Return the context in the *attributes* of a message that came in, or None.

    *value_name* is how the event spells an attribute's text: ``Value`` or ``stringValue``.
    """
    attribute = attributes.get(NAME) if isinstance(attributes, dict) else None
    return parse_traceparent(attribute.get(value_name)) if isinstance(attribute, dict) else None


def own(messages: "Iterable[Any]") -> "list[SpanContext]":
    """Return the contexts that *messages* bear as their caller gave them."""
    named = (one.get("MessageAttributes") for one in messages if isinstance(one, dict))
    found = (read(attributes, "StringValue") for attributes in named)
    return [context for context in found if context is not None]
