"""Amazon SNS.

Inbound:   one record, from ``Sns.MessageAttributes.traceparent.Value``; where there is none, from
           what S3 or EventBridge says in the message.
Outbound:  ``Publish`` and each entry of ``PublishBatch`` to a topic, as a message attribute.
Event:     https://docs.aws.amazon.com/lambda/latest/dg/with-sns.html
Limits:    https://docs.aws.amazon.com/sns/latest/api/API_Publish.html
"""

from lumitrace.capture.services import _destination, _entries, _message_attributes, _nested
from lumitrace.capture.services._call import Call, name_of
from lumitrace.capture.services._room import Room
from lumitrace.capture.services._service import Inbound, Record, Service, first_records
from lumitrace.wire.context import SpanContext
from lumitrace.wire.link_key import SNS, link_key

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

ENTRIES = "PublishBatchRequestEntries"
MAX_BYTES = 262_144  # a publish, bodies and attributes together; a topic may allow more


class Sns(Service):
    """Topics: Lambda hands over one message at a time."""

    def extract(self, event: "Any") -> Inbound:
        """Return one record a message."""
        inbound = super().extract(event)
        [first, *_] = [one.get("Sns") for one in first_records(event, 1)[0]] or [None]
        inbound.source = name_of(first.get("TopicArn")) if isinstance(first, dict) else ""
        return inbound

    def read(self, record: "dict[str, Any]", room: Room) -> Record:
        """Return the context and the MessageId of one message."""
        message = record.get("Sns")
        message = message if isinstance(message, dict) else {}
        named, identifier = message.get("MessageAttributes"), message.get("MessageId")
        context = _message_attributes.read(named, "Value")
        found = Record(context, link_key(SNS, identifier), identifier)
        letter = _destination.dead_letter(named, "Value")
        if letter is not None:
            found.link_key = letter
        elif context is None:
            nested = _nested.read(message.get("Message"), room)
            if nested is not None and (nested.context or nested.link_key):
                found.context, found.link_key = nested.context, nested.link_key
                found.relation = nested.relation
        return found

    def inject(self, call: Call, context: SpanContext) -> "Mapping[str, Any]":
        """Add the attribute to a message, or to each of a batch that fits."""
        params = call.params
        if call.operation == "Publish":
            call.not_injected = _too_large([params])
            if call.not_injected is None:
                params, call.not_injected = _put(params, context)
        elif call.operation == "PublishBatch":
            call.not_injected = _too_large(_entries.entries(call, ENTRIES))
            if call.not_injected is None:
                return _entries.with_contexts(call, ENTRIES, context, _put)
        return params

    def describe_response(self, call: Call, response: "Mapping[str, Any]") -> list[str]:
        """Return the key of every message that the topic took."""
        if call.operation == "Publish":
            return [key for key in [link_key(SNS, response.get("MessageId"))] if key]
        if call.operation == "PublishBatch":
            sent = [link_key(SNS, done.get("MessageId")) for done in response.get("Successful", ())]
            return [key for key in sent if key]
        return []


def _put(
    message: "Mapping[str, Any]", context: SpanContext
) -> "tuple[Mapping[str, Any], str | None]":
    reason = _reason(message)
    if reason is not None:
        return message, reason
    return _message_attributes.with_context(message, context)


def _reason(message: "Mapping[str, Any]") -> str | None:
    """Why *message* must stay as it is: attributes mean something else there, or get lost."""
    if "PhoneNumber" in message:
        return "sms"
    if message.get("MessageStructure") == "json":
        return "json-structure"
    if "/" in str(message.get("TargetArn", ""))[:1024]:
        return "platform-endpoint"
    return None


def _too_large(messages: "Sequence[Mapping[str, Any]]") -> str | None:
    total = sum(_message_attributes.size(message, "Message") for message in messages)
    room = MAX_BYTES - len(messages) * _message_attributes.OUR_BYTES
    return "size" if total > room else None


service = Sns()
