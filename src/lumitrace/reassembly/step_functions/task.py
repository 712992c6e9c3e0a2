"""What a task of a state machine called, and the ids that AWS answered it with.

A service integration answers with the request's metadata, unless it is an AWS SDK integration or
a function's own ARN: then the output alone is known. A function that failed names its request in
its error, where its runtime does.
https://docs.aws.amazon.com/step-functions/latest/dg/connect-lambda.html
https://docs.aws.amazon.com/step-functions/latest/dg/integrate-optimized.html
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from lumitrace.reassembly.fields import clean, whole
from lumitrace.reassembly.model import Failure, Span
from lumitrace.wire import link_key, semconv

INVOKE = "lambda.Invoke"
ANSWERED = 200  # a synchronous Invoke, also where the function failed

_REQUEST = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
_ID = re.compile(_REQUEST)
# Where Lambda itself ended the function, its sentence alone names the request.
_TOLD = re.compile(rf"(?:RequestId: ({_REQUEST}) Error: |\S+Z ({_REQUEST}) Task timed out)")
_SERVICES = {"states": "stepfunctions", "sfn": "stepfunctions", "eventbridge": "events"}
PLACES = (
    *("FunctionName", "TopicArn", "QueueUrl", "TableName", "StateMachineArn", "Bucket"),
    *("StreamName", "StreamARN", "JobName", "TaskDefinition", "JobDefinition", "ApiEndpoint"),
    *("TargetArn", "EventBusName", "Cluster"),
)
_KEYED = {"sns": (link_key.SNS, "MessageId"), "sqs": (link_key.SQS, "MessageId")}


def operation_of(details: Mapping[str, Any]) -> str:
    """Return what a scheduled task calls: ``lambda.Invoke``, ``sqs.SendMessage.waitForTaskToken``.

    The pattern behind it, ``.sync`` or ``.waitForTaskToken``, is Step Functions' own.
    """
    service = clean(details.get("resourceType")).removeprefix("aws-sdk:")
    name = clean(details.get("resource"))
    if not service:
        return f"task {name}".rstrip()
    return f"{_SERVICES.get(service, service)}.{name[:1].upper()}{name[1:]}"


def place_of(details: Mapping[str, Any]) -> str:
    """Return what a scheduled task calls it on: a function, a topic, a table; "" if not told."""
    parameters = object_of(details.get("parameters"))
    for name in PLACES:
        if isinstance(parameters.get(name), str):
            return clean(parameters[name])
    entries = parameters.get("Entries")
    first = entries[0] if isinstance(entries, list) and entries else {}
    return clean(first.get("EventBusName")) if isinstance(first, dict) else ""


def object_of(value: object) -> dict[str, Any]:
    """Return the JSON object that *value*, a text or the object itself, is; {} where it is none."""
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            return {}
    return value if isinstance(value, dict) else {}


def status_of(output: Mapping[str, Any]) -> int:
    """Return the HTTP status that the service answered with, 0 where the output does not say."""
    metadata = output.get("SdkHttpMetadata")
    told = metadata.get("HttpStatusCode") if isinstance(metadata, dict) else None
    return whole(output.get("StatusCode")) or whole(told)


def keys_of(operation: str, output: Mapping[str, Any]) -> list[str]:
    """Return the link keys of what the service answered: each names one receiver."""
    service, _, name = operation.partition(".")
    if service == "lambda" and name.startswith("Invoke"):
        found = [link_key.link_key(link_key.LAMBDA, _request_of(output))]
    elif service in _KEYED:
        kind, field = _KEYED[service]
        found = [link_key.link_key(kind, one.get(field)) for one in _each(output, "Successful")]
    elif service == "events":
        events = _each(output, "Entries")
        found = [link_key.link_key(link_key.EVENTS, one.get("EventId")) for one in events]
    elif service == "stepfunctions":
        arn = output.get("ExecutionArn") or output.get("executionArn")
        found = [link_key.link_key(link_key.STATES, arn)]
    elif service == "kinesis":
        found = [_record_of(one) for one in _each(output, "Records")]
    else:
        return []
    return [key for key in found if key]


def names_none(call: Span) -> bool:
    """Tell whether *call*, a task of a state machine, ran a function and nothing says which.

    The output was left out or cut, or the history never holds the request id.
    """
    asked = call.kind == semconv.KIND_INTERNAL and call.operation.startswith(INVOKE)
    return asked and not call.link_out and call.duration_us is not None


def _each(output: Mapping[str, Any], entries: str) -> Iterator[Mapping[str, Any]]:
    """Yield *output* itself and the entries of a batch."""
    yield output
    found = output.get(entries)
    for one in found if isinstance(found, list) else ():
        if isinstance(one, dict):
            yield one


def _record_of(one: Mapping[str, Any]) -> str | None:
    shard, number = one.get("ShardId"), one.get("SequenceNumber")
    if not isinstance(shard, str) or not isinstance(number, str):
        return None
    return link_key.link_key(link_key.KINESIS, f"{shard}:{number}")


def _request_of(output: Mapping[str, Any]) -> object:
    metadata = output.get("SdkResponseMetadata")
    told = metadata.get("RequestId") if isinstance(metadata, dict) else None
    if told:
        return told
    http = output.get("SdkHttpMetadata")
    headers = http.get("HttpHeaders") if isinstance(http, dict) else None
    pairs = headers.items() if isinstance(headers, dict) else ()
    return next((value for name, value in pairs if name.lower() == "x-amzn-requestid"), None)


def failure_of(details: Mapping[str, Any], kind: str) -> tuple[Failure, str]:
    """Return why a task or an execution failed, and the request id of the function that did.

    Args:
        details: of the event, with ``error`` and ``cause``; both may be missing.
        kind: what to call it where no error is named.
    """
    error, cause = clean(details.get("error")) or kind, clean(details.get("cause"))
    said = object_of(cause) if cause.startswith("{") else {}
    if not isinstance(said.get("errorMessage"), str):
        parts = (clean(said.get("Error")), clean(said.get("Cause")))  # of an execution within
        return Failure(error, ": ".join(filter(None, parts)) or cause), ""
    message = clean(said["errorMessage"])
    request = clean(said.get("requestId"))
    told = _TOLD.match(message)
    if not _ID.fullmatch(request):
        request = (told[1] or told[2]) if told else ""
    return Failure(error, message), request
