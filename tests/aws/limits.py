"""What AWS refuses or loses, and moto lets pass: one function a limit, each with its source.

A limit raises `Refusal`, or `EntriesRefused` where AWS takes the rest of a batch. What it has to
remember between two requests, it keeps in *memory*, a dictionary that is the proxy's own. Codes and
words are AWS's, where somebody has published them.
"""

import base64
import json

from tests.aws.refusal import EntriesRefused, Refusal

KIB, MIB = 1024, 1024 * 1024
ATTRIBUTES = 10  # a message
SQS_BYTES = MIB  # a message, and a batch in all
SNS_BYTES = 256 * KIB
EVENTS_BYTES = 256 * KIB  # what every region has; some take 1 MiB since 2026
KINESIS_BYTES = 10 * MIB
FIREHOSE_RECORD, FIREHOSE_BATCH = 1000 * KIB, 4 * MIB
STATES_INPUT = 262_144
CLIENT_CONTEXT = 3_583  # bytes of Base64
INVOKE_BYTES = {"RequestResponse": 6 * MIB, "Event": MIB}

LIMITS = {}


def limit(*operations, source):
    """Register a limit of *operations*, spelt ``sqs.SendMessage``; *source* is where it is told."""

    def register(check):
        check.source = source
        for operation in operations:
            LIMITS.setdefault(operation, []).append(check)
        return check

    return register


def check(request, memory):
    """Raise the refusal that AWS would answer *request* with, if any."""
    for one in LIMITS.get(f"{request.service}.{request.operation}", ()):
        one(request.params, memory)


@limit(
    "sqs.SendMessage",
    source="https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html",
)
def sqs_ten_attributes(params, memory):
    """Ten attributes a message.

    The words: https://github.com/aws/aws-sdk-js/issues/2876
    """
    count = len(params.get("MessageAttributes") or {})
    if count > ATTRIBUTES:
        text = f"Number of message attributes [{count}] exceeds the allowed maximum [{ATTRIBUTES}]."
        raise Refusal("InvalidParameterValue", text)


@limit(
    "sqs.CreateQueue",
    "sqs.SetQueueAttributes",
    source="https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SetQueueAttributes.html",
)
def sqs_queue_of_its_own(params, memory):
    """A queue may allow less: ``MaximumMessageSize``."""
    allowed = (params.get("Attributes") or {}).get("MaximumMessageSize")
    name = params.get("QueueName") or params["QueueUrl"].rpartition("/")[2]
    if allowed:
        memory["sqs", name] = int(allowed)


@limit(
    "sqs.SendMessage",
    source="https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html",
)
def sqs_size(params, memory):
    """Body and attributes together: names, types and values.

    The words: https://github.com/inferablehq/inferable/issues/306
    """
    allowed = memory.get(("sqs", params["QueueUrl"].rpartition("/")[2]), SQS_BYTES)
    if message_size(params, "MessageBody") > allowed:
        reason = f"Message must be shorter than {allowed} bytes."
        text = f"One or more parameters are invalid. Reason: {reason}"
        raise Refusal("InvalidParameterValue", text)


@limit(
    "sqs.SendMessageBatch",
    source="https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessageBatch.html",
)
def sqs_batch_size(params, memory):
    """All messages of a batch together."""
    total = sum(message_size(entry, "MessageBody") for entry in params["Entries"])
    if total > SQS_BYTES:
        text = f"Batch requests cannot be longer than {SQS_BYTES} bytes. You have sent {total}"
        raise Refusal("AWS.SimpleQueueService.BatchRequestTooLong", f"{text} bytes.")


@limit(
    "sqs.SendMessageBatch",
    source="https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessageBatch.html",
)
def sqs_entries(params, memory):
    """Each entry of a batch is a message: one that is refused fails alone, inside a 200."""
    refused = {}
    for entry in params["Entries"]:
        try:
            sqs_ten_attributes(entry, memory)
            sqs_size({**entry, "QueueUrl": params["QueueUrl"]}, memory)
        except Refusal as refusal:
            refused[entry["Id"]] = refusal
    if refused:
        raise EntriesRefused(refused)


@limit("sns.Publish", source="https://docs.aws.amazon.com/sns/latest/api/API_Publish.html")
def sns_size(params, memory):
    """Message and attributes together."""
    if message_size(params, "Message") > SNS_BYTES:
        raise Refusal("InvalidParameter", "Invalid parameter: Message too long")


@limit(
    "sns.PublishBatch", source="https://docs.aws.amazon.com/sns/latest/api/API_PublishBatch.html"
)
def sns_batch_size(params, memory):
    """All messages of a batch together."""
    entries = params["PublishBatchRequestEntries"]
    if sum(message_size(entry, "Message") for entry in entries) > SNS_BYTES:
        text = "The length of all the messages put together is more than the limit."
        raise Refusal("BatchRequestTooLong", text)


@limit(
    "sns.Publish",
    "sns.PublishBatch",
    source="https://docs.aws.amazon.com/sns/latest/dg/sns-message-attributes.html",
)
def sns_ten_attributes_raw(params, memory):
    """With more than ten a message is discarded on its way to a raw queue, after a 200.

    So nothing is refused; what would be lost stands in ``memory["lost"]``.
    """
    for entry in params.get("PublishBatchRequestEntries") or [params]:
        if len(entry.get("MessageAttributes") or {}) > ATTRIBUTES:
            memory.setdefault("lost", []).append(entry)


@limit(
    "events.PutEvents",
    source="https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-putevents.html",
)
def events_size(params, memory):
    """All entries of a request together are *less than* the limit.

    The words: https://github.com/awslabs/aws-service-catalog-puppet/issues/563
    """
    if sum(map(event_size, params["Entries"])) >= EVENTS_BYTES:
        text = "Total size of the entries in the request is over the limit."
        raise Refusal("ValidationException", text)


@limit(
    "kinesis.PutRecord",
    "kinesis.PutRecords",
    source="https://docs.aws.amazon.com/kinesis/latest/APIReference/API_PutRecords.html",
)
def kinesis_size(params, memory):
    """A record, and all of a request: data and partition keys."""
    records = params.get("Records") or [params]
    sizes = [_base64(one["Data"]) + len(one["PartitionKey"].encode()) for one in records]
    if len(records) > 500 or sum(sizes) > KINESIS_BYTES:
        raise Refusal("InvalidArgumentException", "Records size exceeds 10 MB limit")


@limit(
    "firehose.PutRecord",
    "firehose.PutRecordBatch",
    source="https://docs.aws.amazon.com/firehose/latest/APIReference/API_PutRecordBatch.html",
)
def firehose_size(params, memory):
    """A record, and all of a request, before Base64."""
    sizes = [_base64(one["Data"]) for one in params.get("Records") or [params["Record"]]]
    if max(sizes) > FIREHOSE_RECORD or sum(sizes) > FIREHOSE_BATCH or len(sizes) > 500:
        raise Refusal("InvalidArgumentException", "The size of the records exceeds the limit")


@limit(
    "states.StartExecution",
    "states.StartSyncExecution",
    source="https://docs.aws.amazon.com/step-functions/latest/apireference/API_StartExecution.html",
)
def states_input(params, memory):
    """The input of an execution."""
    if len((params.get("input") or "").encode()) > STATES_INPUT:
        constraint = f"Member must have length less than or equal to {STATES_INPUT}"
        told = f"Value at 'input' failed to satisfy constraint: {constraint}"
        raise Refusal("ValidationException", f"1 validation error detected: {told}")


@limit("lambda.Invoke", source="https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html")
def invoke_client_context(params, memory):
    """3,583 bytes of Base64, and a JSON object in it.

    The words of the second: https://github.com/aws/aws-sdk-js/issues/1388
    """
    context = params.get("ClientContext", "")
    if len(context) > CLIENT_CONTEXT:
        text = f"Client context must be no longer than {CLIENT_CONTEXT} bytes"
        raise Refusal("InvalidRequestContentException", text)
    try:
        value = json.loads(base64.b64decode(context, validate=True)) if context else {}
    except ValueError:
        value = None
    if not isinstance(value, dict):
        text = "Client context must be a valid Base64-encoded JSON object"
        raise Refusal("InvalidRequestContentException", text)


@limit("lambda.Invoke", source="https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html")
def invoke_payload(params, memory):
    """6 MB where the caller waits, 1 MB else."""
    kind = params.get("InvocationType", "RequestResponse")
    size, allowed = len(params["Payload"]), INVOKE_BYTES.get(kind, 6 * MIB)
    if size > allowed:
        text = f"{size} byte payload is too large for the {kind} invocation type"
        raise Refusal("RequestTooLargeException", f"{text} (limit {allowed} bytes)", 413)


def message_size(entry, body):
    """Return what a message counts: its body and the names, types and values of its attributes."""
    total = len(entry.get(body, "").encode())
    for name, value in (entry.get("MessageAttributes") or {}).items():
        total += len(name.encode()) + len(value.get("DataType", "").encode())
        total += len(value.get("StringValue", "").encode()) + _base64(value.get("BinaryValue", ""))
    return total


def event_size(entry):
    """Return what an event counts.

    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-putevents.html
    """
    texts = [entry.get(name) or "" for name in ("Source", "DetailType", "Detail")]
    texts += entry.get("Resources") or ()
    return sum(len(text.encode()) for text in texts) + 14 * (entry.get("Time") is not None)


def _base64(value):
    """Return how many bytes *value* is: as the caller gave it, or in Base64, as it is sent."""
    if isinstance(value, bytes):
        return len(value)
    return len(value) * 3 // 4 - value[-2:].count("=")
