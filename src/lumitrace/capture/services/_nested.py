"""A message inside another: SNS in SQS, EventBridge in SQS, S3 in either, SNS in Firehose.

A body is parsed where it is short and bears a word that such a message has; of a longer one the
two ends are looked at (bounds: `_room`). What is found nearest to the first sender counts.
SNS:         https://docs.aws.amazon.com/sns/latest/dg/sns-sqs-as-subscriber.html
EventBridge: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-transform-target-input.html
"""

import re
from itertools import islice

from lumitrace.capture.services import BY_EVENT_SOURCE, _destination, _event_detail
from lumitrace.capture.services import _message_attributes as attributes
from lumitrace.capture.services._room import EDGE, MAX_DEPTH, MAX_MEMBERS, Room, parse
from lumitrace.capture.services._service import Record
from lumitrace.wire.context import SpanContext, parse_traceparent
from lumitrace.wire.link_key import DESTINATION, EVENTS, S3, SNS, STATES, link_key

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

LEAVES = ("aws:s3", "aws:kinesis", "aws:dynamodb", "aws:kafka", "SelfManagedKafka")
# One of these stands in every body that says something, also where it is text in a text. To look
# for them takes 0.5 us a KiB, to parse 3 to 25.
WORDS = ("TopicArn", "detail-type", "eventSource", "functionArn", "_lumitrace")

NOTIFICATION = re.compile(r'"Type"\s{0,2}:\s{0,2}"Notification"')
MESSAGE_ID = re.compile(r'"MessageId"\s{0,2}:\s{0,2}"([\w-]{1,100})"')
ATTRIBUTE = re.compile(
    r'"traceparent"\s{0,2}:\s{0,2}\{[^{}]{0,40}"Value"\s{0,2}:\s{0,2}"([0-9a-f-]{55})"'
)
EVENT = re.compile(r'"id"\s{0,2}:\s{0,2}"([0-9a-f-]{36})"\s{0,2},\s{0,2}"detail-type"')
EVENT_LENGTH = 70  # characters, at most
MEMBER = re.compile(r'"_lumitrace"\s{0,2}:\s{0,2}"([0-9a-f-]{55})"')
INVOCATION = re.compile(
    r'"requestContext"\s{0,2}:\s{0,2}\{\s{0,8}"requestId"\s{0,2}:\s{0,2}"([\w-]{1,100})"'
    r'\s{0,2},\s{0,8}"functionArn"'
)


def read(body: object, room: Room, depth: int = MAX_DEPTH) -> Record | None:
    """Return what *body*, a text or an object, says of its sender, or None where it is opaque.

    Never raises, whatever *body* is.
    """
    if depth == 0:
        return None
    if isinstance(body, str):
        if "{" not in body[:EDGE] or not room.opens():
            return None
        return opened(body, room, depth)
    return _object(body, room, depth) if isinstance(body, dict) else None


def opened(body: str, room: Room, depth: int = MAX_DEPTH) -> Record | None:
    """Return what *body* says, which *room* has opened."""
    if not room.searches(body):
        return scan(body[:EDGE], body[-EDGE:])
    if not any(word in body for word in WORDS):
        return None
    if not room.parses(body):
        return scan(body[:EDGE], body[-EDGE:])
    found = parse(body)
    return _object(found, room, depth) if isinstance(found, dict) else None


def _object(body: "dict[str, Any]", room: Room, depth: int) -> Record | None:
    room.objects -= 1
    if body.get("Type") == "Notification" and isinstance(body.get("TopicArn"), str):
        return _notification(body, room, depth)
    if "detail-type" in body and "detail" in body:
        return event(body, room, depth)
    found = _destination.read(body)
    if found is not None:
        return found
    records = body.get("Records")
    one = records[0] if isinstance(records, list) and records else body
    source = one.get("eventSource") if isinstance(one, dict) else None
    if isinstance(source, str) and source in LEAVES:
        service = BY_EVENT_SOURCE[source].service()
        return service.extract_record(one) if service is not None else None
    return _moved(body, room, depth)


def _notification(body: "dict[str, Any]", room: Room, depth: int) -> Record:
    named = body.get("MessageAttributes")
    identifier = body.get("MessageId")
    context = attributes.read(named, "Value")
    if context is None:
        inner = read(body.get("Message"), room, depth - 1)
        if inner is not None and (inner.context or inner.link_key):
            return inner
    key = _destination.dead_letter(named, "Value") or link_key(SNS, identifier)
    return Record(context, key, identifier)


def event(body: "dict[str, Any]", room: Room, depth: int = MAX_DEPTH) -> Record:
    """Return what an EventBridge event says: a replay's sender relates, and did not cause this."""
    identifier, detail = body.get("id"), body.get("detail")
    key = link_key(EVENTS, identifier)
    if body.get("replay-name"):
        return Record(None, key, identifier, relation="replay")
    context = _event_detail.read(detail)
    if context is not None or not isinstance(detail, dict):
        return Record(context, key, identifier)
    source = body.get("source")
    if isinstance(source, str) and source.startswith("aws."):  # no event of ours may say so
        told = link_key(S3, detail.get("request-id") if "bucket" in detail else None)
        told = told or link_key(STATES, detail.get("executionArn"))
        return Record(None, told or key, identifier)
    inner = read(detail, room, depth - 1)
    if inner is not None and (inner.context or inner.link_key):
        return Record(inner.context, inner.link_key, identifier)
    return Record(None, key, identifier)


def _moved(body: "dict[str, Any]", room: Room, depth: int) -> Record | None:
    """Look for a detail, or a whole event, that an InputTransformer put somewhere else."""
    context = _event_detail.read(body)
    if context is not None:
        return Record(context)
    for value in islice(body.values(), MAX_MEMBERS) if depth > 1 else ():
        if isinstance(value, dict) and room.objects > 0:
            found = _object(value, room, depth - 1)
            if found is not None and (found.context or found.link_key):
                return found
    return None


def scan(head: str, tail: str) -> Record | None:
    """Return what the two ends of a long body say; a text inside it has its quotes escaped.

    Each name is looked for once, where it first stands: hostile text cannot make it slow.
    """
    if _at(NOTIFICATION, '"Type"', head):
        identifier = _at(MESSAGE_ID, '"MessageId"', head)
        key = link_key(SNS, identifier[1]) if identifier else None
        context = _context(_at(ATTRIBUTE, '"traceparent"', tail))
        return Record(context, key, identifier[1] if identifier else "")
    end = head.find('"detail-type"') + len('"detail-type"')
    found = EVENT.search(head, max(0, end - EVENT_LENGTH), end)
    if found and '"replay-name"' not in head and '"replay-name"' not in tail:
        context = _context(_at(MEMBER, '"_lumitrace"', head))
        return Record(context, link_key(EVENTS, found[1]), found[1])
    found = _at(INVOCATION, '"requestContext"', head)
    return Record(None, link_key(DESTINATION, found[1]), found[1]) if found else None


def _at(pattern: "re.Pattern[str]", name: str, text: str) -> "re.Match[str] | None":
    """Match *pattern* where *name*, with which it begins, first stands in *text*."""
    position = text.find(name)
    return pattern.match(text, position) if position >= 0 else None


def _context(found: "re.Match[str] | None") -> SpanContext | None:
    return parse_traceparent(found[1]) if found else None
