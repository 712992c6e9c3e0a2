"""Amazon SQS.

Inbound:   one record a message, from ``messageAttributes.traceparent.stringValue``; where the body
           is an SNS notification or an EventBridge event, from that; of a dead letter of Lambda,
           the id of the invocation that failed.
Outbound:  ``SendMessage`` and each entry of ``SendMessageBatch``, as a message attribute.
Event:     https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html
Limits:    https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html
"""

from lumitrace.capture.services import _destination, _entries, _message_attributes, _nested
from lumitrace.capture.services._call import Call
from lumitrace.capture.services._room import Room
from lumitrace.capture.services._service import Record, Service
from lumitrace.wire.context import SpanContext
from lumitrace.wire.link_key import SQS, link_key

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

MAX_BYTES = 1_048_576  # a message, and a batch in all; a queue may allow less


class Sqs(Service):
    """Queues: many messages may arrive at once, each from a trace of its own."""

    def read(self, record: "dict[str, Any]", room: Room) -> Record:
        """Return the context and the id of one message."""
        identifier, named = record.get("messageId"), record.get("messageAttributes")
        context = _message_attributes.read(named, "stringValue")
        found = Record(context, link_key(SQS, identifier), identifier)
        found.receive_count = _count(record.get("attributes"))
        letter = _destination.dead_letter(named, "stringValue") if named else None
        if letter is not None:
            found.link_key = letter
        elif context is None:
            nested = _nested.read(record.get("body"), room)
            if nested is not None and (nested.context or nested.link_key):
                found.context, found.link_key = nested.context, nested.link_key
                found.relation = nested.relation
        return found

    def inject(self, call: Call, context: SpanContext) -> "Mapping[str, Any]":
        """Add the attribute to a message, or to each of a batch that fits."""
        params = call.params
        if call.operation == "SendMessage":
            call.not_injected = _too_large([params])
            if call.not_injected is None:
                params, call.not_injected = _message_attributes.with_context(params, context)
        elif call.operation == "SendMessageBatch":
            call.not_injected = _too_large(_entries.entries(call, "Entries"))
            if call.not_injected is None:
                put = _message_attributes.with_context
                return _entries.with_contexts(call, "Entries", context, put)
        return params

    def describe_response(self, call: Call, response: "Mapping[str, Any]") -> list[str]:
        """Return the key of every message that the queue took."""
        if call.operation == "SendMessage":
            return [key for key in [link_key(SQS, response.get("MessageId"))] if key]
        if call.operation == "SendMessageBatch":
            sent = [link_key(SQS, done.get("MessageId")) for done in response.get("Successful", ())]
            return [key for key in sent if key]
        return []


def _count(attributes: object) -> int:
    """Return how often a message was received, 0 where that is not told."""
    text = attributes.get("ApproximateReceiveCount") if isinstance(attributes, dict) else None
    return int(text) if isinstance(text, str) and text.isdecimal() and len(text) < 10 else 0


def _too_large(messages: "Sequence[Mapping[str, Any]]") -> str | None:
    total = sum(_message_attributes.size(message, "MessageBody") for message in messages)
    room = MAX_BYTES - len(messages) * _message_attributes.OUR_BYTES
    return "size" if total > room else None


service = Sqs()
