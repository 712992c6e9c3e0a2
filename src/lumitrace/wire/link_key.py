"""Link keys: the id that AWS gave the sender is the id that the receiver sees.

A key is ``kind:id``. Both sides build it here, so that they cannot drift apart.
"""

APIGW = "apigw"
DESTINATION = "destination"
DURABLE = "durable"
DYNAMODB = "dynamodb"  # a fingerprint: docs/span-line.md
EVENTS = "events"
KINESIS = "kinesis"
LAMBDA = "lambda"
S3 = "s3"
SNS = "sns"
SQS = "sqs"
STATES = "states"
W3C = "w3c"  # another tracer's span, whose context a message bears instead of ours
KINDS = frozenset(
    (APIGW, DESTINATION, DURABLE, DYNAMODB, EVENTS, KINESIS, LAMBDA, S3, SNS, SQS, STATES, W3C)
)

MAX_LENGTH = 320  # characters; the longest of AWS's own is the ARN of an execution


def link_key(kind: str, identifier: object) -> str | None:
    """Return the key of *identifier*, or None where it is no usable id.

    Never raises, whatever *identifier* is: it may come from a stranger's event.
    """
    if not isinstance(identifier, str) or not identifier or len(identifier) > MAX_LENGTH:
        return None
    return f"{kind}:{identifier}"
