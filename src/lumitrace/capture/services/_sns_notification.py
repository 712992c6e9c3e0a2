"""An SNS notification inside another message: the JSON that a subscribed queue receives.

https://docs.aws.amazon.com/sns/latest/dg/sns-sqs-as-subscriber.html
"""

import json

from lumitrace.capture.services import _message_attributes
from lumitrace.capture.services._service import Record
from lumitrace.wire.link_key import SNS, link_key

MAX_BODY = 16 * 1024  # characters parsed; a larger body joins by the queue's own key


def read(body: object) -> Record | None:
    """Return what the notification *body* says of its publisher, or None where it is none."""
    if not isinstance(body, str) or len(body) > MAX_BODY or '"Notification"' not in body:
        return None
    try:
        message = json.loads(body)
    except (ValueError, RecursionError):
        return None
    if not isinstance(message, dict) or message.get("Type") != "Notification":
        return None
    if not isinstance(message.get("TopicArn"), str):
        return None
    context = _message_attributes.read(message.get("MessageAttributes"), "Value")
    return Record(context, link_key(SNS, message.get("MessageId")))
