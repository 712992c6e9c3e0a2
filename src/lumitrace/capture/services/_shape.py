"""Events without ``Records``: which service writes such a one, by the keys it has.

Each rule names keys that no other documented event has together. Only the names of keys and a few
short values are looked at, so that the size of an event does not matter.
Samples: tests/events, after https://docs.aws.amazon.com/lambda/latest/dg/lambda-services.html
"""

from lumitrace.capture.services import BY_EVENT_SOURCE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

# The keys that an event must have, all of them; the first rule that fits counts. An event with none
# of the first keys, as most have, fits none: 1 us against 10.
RULES = (
    ("lambda-destination", ("requestPayload", "requestContext")),
    ("events", ("detail-type", "source", "detail")),
    ("durable", ("DurableExecutionArn", "CheckpointToken")),
    ("firehose", ("deliveryStreamArn", "records")),
    ("appsync", ("info", "request", "identity")),
    ("appsync", ("requestHeaders", "authorizationToken")),
    ("cognito", ("triggerSource", "userPoolId")),
    ("cognito", ("identityPoolId", "datasetName")),
    ("logs", ("awslogs",)),
    ("cloudwatch", ("alarmArn", "alarmData")),
    ("codepipeline", ("CodePipeline.job",)),
    ("cloudformation", ("RequestType", "StackId", "LogicalResourceId")),
    ("s3-batch", ("invocationSchemaVersion", "tasks")),
    ("s3-object-lambda", ("getObjectContext",)),
    ("s3-object-lambda", ("xAmzRequestId", "userRequest")),
    ("lex", ("bot", "invocationSource")),
    ("bedrock-agent", ("messageVersion", "agent", "sessionId")),
    ("config", ("invokingEvent", "configRuleName")),
    ("connect", ("Details", "Name")),
    ("secretsmanager", ("SecretId", "ClientRequestToken", "Step")),
    ("iot", ("protocolData", "connectionMetadata")),
    ("iot", ("serialNumber", "clickType")),
    ("iot", ("deviceEvent", "deviceInfo")),
    ("vpc-lattice", ("raw_path", "is_base64_encoded")),
)
FIRST_KEYS = frozenset(keys[0] for _, keys in RULES)
# Steps in which people hand an execution's ARN to a task.
EXECUTION_KEYS = ("Execution", "executionArn", "ExecutionArn", "executionId", "ExecutionId")
MAX_ARN = 64  # characters of an ARN, enough for its service
STARTED_BY = "AWS_STEP_FUNCTIONS_STARTED_BY_EXECUTION_ID"


def name(event: "Any") -> str:
    """Return the name of the row that *event*, a dictionary or a list, belongs to."""
    if isinstance(event, list):
        first = event[0] if event else None
        return _of_record(first) if isinstance(first, dict) else "other"
    records = event.get("Records")
    if isinstance(records, list):
        return _of_records(event, records)
    source = event.get("eventSource")
    if isinstance(source, str) and source in BY_EVENT_SOURCE:
        return BY_EVENT_SOURCE[source].name
    if event.get("type") in ("REQUEST", "TOKEN") and ("methodArn" in event or "routeArn" in event):
        return "lambda-authorizer"
    return _of_keys(event)


def _of_keys(event: "dict[str, Any]") -> str:
    if not FIRST_KEYS.isdisjoint(event):
        for found, keys in RULES:
            if all(key in event for key in keys):
                return found
    context = event.get("requestContext")
    if isinstance(context, dict):
        return _of_context(event, context)
    return "stepfunctions" if execution_of(event) else "other"


def _of_records(event: "dict[str, Any]", records: "list[Any]") -> str:
    """A tumbling window may end without a record; CloudFront's records name no source."""
    if records:
        first = records[0]
        return "cloudfront" if isinstance(first, dict) and "cf" in first else "other"
    arn = event.get("eventSourceARN")
    parts = arn[:MAX_ARN].split(":", 3) if isinstance(arn, str) else []
    service = parts[2] if len(parts) == 4 else ""
    return service if service in ("kinesis", "dynamodb") else "other"


def _of_record(record: "dict[str, Any]") -> str:
    """A pipe hands over a bare list of records; AppSync, one of the requests it gathered."""
    source = record.get("eventSource") or record.get("EventSource")
    if isinstance(source, str):
        return BY_EVENT_SOURCE[source].name if source in BY_EVENT_SOURCE else "other"
    if "topic" in record and "partition" in record and "offset" in record:
        return "kafka"
    if "recordId" in record and "data" in record:
        return "firehose"
    if "info" in record and "request" in record:
        return "appsync"
    return "events" if "detail-type" in record and "detail" in record else "other"


def _of_context(event: "dict[str, Any]", context: "dict[str, Any]") -> str:
    if "elb" in context:
        return "alb"
    if "serviceNetworkArn" in context:
        return "vpc-lattice"
    if "connectionId" in context:
        return "api-gateway-websocket"
    if isinstance(context.get("http"), dict):
        return "api-gateway-http"
    if "functionArn" in context and "condition" in context:
        return "lambda-destination"
    return "api-gateway-rest" if isinstance(event.get("httpMethod"), str) else "other"


def execution_of(event: "dict[str, Any]") -> str | None:
    """Return the ARN of the execution that *event*, a task's input, names, or None.

    A task learns of its execution only where the state machine hands it over, whole as
    ``$$`` or under one of the usual names:
    https://docs.aws.amazon.com/step-functions/latest/dg/input-output-contextobject.html
    """
    for key in (*EXECUTION_KEYS, STARTED_BY):
        value = event.get(key)
        value = value.get("Id") if isinstance(value, dict) else value
        if isinstance(value, str) and value[:4] == "arn:" and ":states:" in value[4:40]:
            return value
    return None
