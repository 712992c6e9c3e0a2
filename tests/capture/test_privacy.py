"""By default a line has names of resources, sizes, codes and times, whatever goes through."""

import contextlib
import copy
import json
import re
from pathlib import Path

import pytest

from lumitrace import traced
from lumitrace.capture.services import ROWS

EVENTS = sorted((Path(__file__).parents[1] / "events").glob("*.json"))
CANARY = "canary7f3a"
FOUND = re.compile(CANARY + r"([A-Za-z]*)")
DEPTH = 6
# Members of calls that are names of resources and stand in lines.
NAMES = {
    *("TableName", "RequestItems", "EventBusName", "Name", "DeliveryStreamName", "ClusterArn"),
    *("StreamName", "StreamARN", "FunctionName", "Bucket", "TopicArn", "TargetArn", "QueueUrl"),
    *("QueueName", "stateMachineArn", "executionArn", "agentId", "StackName", "DistributionId"),
    *("Namespace", "pipelineName", "jobId", "UserPoolId", "ConfigRuleName", "InstanceId"),
    *("thingName", "KeyId", "botId", "logGroupName", "SecretId", "Path"),
    "Id",  # of an entry: what stands in for SQS makes a MessageId of it
}
# Services of which every operation is called; of some more, every sixteenth.
WHOLE = (
    "dynamodb",
    "events",
    "firehose",
    "kinesis",
    "lambda",
    "s3",
    "secretsmanager",
    "sns",
    "sqs",
)
# Members of events that are ids and names of resources, by which hops are joined and told.
FROM_EVENTS = {
    # Ids that AWS gave, by which hops join.
    *("MessageId", "messageId", "eventID", "id", "extendedRequestId", "requestId", "request-id"),
    *("x-amz-request-id", "sequenceNumber", "shardId", "executionArn", "executionId", "Id"),
    "DurableExecutionArn",
    *("stringValue", "Value"),  # of the attribute RequestID of a dead letter
    # Names of resources, and templates of routes.
    *("TopicArn", "eventSourceARN", "eventSourceArn", "deliveryStreamArn", "functionArn", "name"),
    *("source", "topic", "resource", "routeKey", "parentTypeName", "fieldName"),
}


def played(context, work, event=None):
    """Run *work* inside an invocation; what it raises is its own."""
    with contextlib.suppress(Exception):
        traced(lambda event, context: work())(event or {}, context)


def filled(shape, name, depth=0):
    """Return a value for *shape* whose texts bear the canary and the name of their member."""
    if shape.type_name == "structure":
        if depth > DEPTH:
            return {}
        members = shape.members.items()
        if getattr(shape, "is_tagged_union", False):
            members = list(members)[:1]
        return {key: filled(inner, key, depth + 1) for key, inner in members}
    if shape.type_name == "list":
        return [filled(shape.member, name, depth + 1)] if depth <= DEPTH else []
    if shape.type_name == "map":
        key = CANARY + name
        return {key: filled(shape.value, name, depth + 1)} if depth <= DEPTH else {}
    if shape.type_name in ("string", "character"):
        return shape.enum[0] if getattr(shape, "enum", ()) else CANARY + name
    return {"blob": (CANARY + name).encode(), "boolean": True, "timestamp": 1}.get(
        shape.type_name, 7
    )


MORE = ("apigatewaymanagementapi", "cognito-idp", "iot-data", "kms", "ssm", "stepfunctions")


def test_what_a_call_is_about_is_a_resource():
    """The table of the services names no member of a call that could be data."""
    assert {name for row in ROWS for name in row.resources} - NAMES == set()


@pytest.mark.parametrize("service", [*WHOLE, *MORE])
def test_no_call_tells_more_than_names(service, captured, context, aws):
    """Every text of every member of every operation, but for names of resources, stays inside."""
    client = aws.client(service, retries={"total_max_attempts": 1})
    model = client.meta.service_model
    names = model.operation_names if service in WHOLE else model.operation_names[::16]
    answer = aws.refuse("AccessDenied", "not for you")

    def work():
        for number, name in enumerate(names):
            operation = model.operation_model(name)
            params = filled(operation.input_shape, "") if operation.input_shape else {}
            params = {**params, **({"Bucket": f"{CANARY}Bucket"} if "Bucket" in params else {})}
            aws.answers = [answer] if number % 2 else []
            with contextlib.suppress(Exception):
                client._make_api_call(name, params)

    played(context, work)

    told = {found for text in captured.text for found in FOUND.findall(text)}
    assert told - NAMES == set()
    assert aws.sent


def leaves(value, path=()):
    """Yield the path of every text in *value*."""
    if isinstance(value, str):
        yield path
    members = value.items() if isinstance(value, dict) else ()
    for key, inner in [*members, *(enumerate(value) if isinstance(value, list) else ())]:
        yield from leaves(inner, (*path, key))


def with_canary(event, path):
    """Return *event* with the canary at the end of the text at *path*."""
    event = copy.deepcopy(event)
    at = event
    for key in path[:-1]:
        at = at[key]
    at[path[-1]] += CANARY
    return event


@pytest.mark.parametrize("file", EVENTS, ids=lambda file: file.stem)
def test_no_event_tells_more_than_names(file, captured, context):
    """Whatever a text of an event holds, it is in no line, but for ids and names of resources."""
    event = json.loads(file.read_text("utf-8"))
    handler = traced(lambda event, context: None)

    told = set()
    for path in leaves(event):
        if not path:
            continue
        captured.writes.clear()
        handler(with_canary(event, path), context)
        if any(CANARY in text for text in captured.text):
            told.add([part for part in path if isinstance(part, str)][-1])

    assert told - FROM_EVENTS == set()
