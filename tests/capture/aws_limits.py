"""What AWS refuses or loses, and moto lets pass: a test that goes past a limit fails.

Each limit names its source. A request that the test itself made too large is not refused here
where nothing of ours is in it: the fake stands for AWS, and what counts is what we add.
"""

import base64
import json

# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html
# https://docs.aws.amazon.com/sns/latest/dg/sns-message-attributes.html
ATTRIBUTES = 10
SQS_BYTES = 1_048_576
# https://docs.aws.amazon.com/sns/latest/api/API_Publish.html
SNS_BYTES = 262_144
# https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-putevents.html
EVENTS_BYTES = 262_144
# https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html
CLIENT_CONTEXT = 3_583


def check(request, sent):
    """Refuse a *request* in which our context goes past a limit."""
    headers = {name.lower(): value for name, value in request.headers.items()}
    context = headers.get("x-amz-client-context", b"")
    if _is_ours(context):
        assert len(context) <= CLIENT_CONTEXT, "the client context is too long"
        assert isinstance(json.loads(base64.b64decode(context)), dict), "the callee would fail"
    if "traceparent" not in str(sent) and "_lumitrace" not in str(sent):
        return
    if "Action" in sent:
        _publish(sent)
    elif "QueueUrl" in sent:
        _messages(sent.get("Entries") or [sent])
    elif "Entries" in sent:
        _events(sent["Entries"])


def _is_ours(context):
    """Tell whether *context*, in Base64, has our member: a caller's own may be anything."""
    try:
        return b'"w3c"' in base64.b64decode(context)
    except ValueError:
        return False


def _publish(sent):
    names = [name for name in sent if name.endswith(".Name")]
    messages = {name.split("MessageAttributes")[0] for name in names}
    for message in messages:
        count = sum(name.startswith(f"{message}MessageAttributes") for name in names)
        assert count <= ATTRIBUTES, f"{count} attributes: lost on the way to a raw subscription"
    counted = ("Message", "Name", "StringValue", "DataType")
    size = sum(len(v.encode()) for name, v in sent.items() if name.endswith(counted))
    assert size <= SNS_BYTES, f"{size} bytes of a publish"


def _messages(entries):
    total = 0
    for entry in entries:
        attributes = entry.get("MessageAttributes", {})
        assert len(attributes) <= ATTRIBUTES, f"{len(attributes)} attributes of a message"
        total += len(entry["MessageBody"].encode())
        for name, value in attributes.items():
            total += len(name) + sum(len(part.encode()) for part in value.values())
    assert total <= SQS_BYTES, f"{total} bytes of messages"


def _events(entries):
    named = ("Source", "DetailType", "Detail")
    total = sum(len(entry.get(name, "").encode()) for entry in entries for name in named)
    assert total <= EVENTS_BYTES, f"{total} bytes of events"
    for entry in entries:
        json.loads(entry["Detail"])
