"""The AWS services: a file each for those with a context or a link key, a row for the rest.

`ROWS` is the one table. A row's module is imported when its first event or call comes, because a
function uses two or three of them and pays for every import.
"""

from importlib import import_module

from lumitrace.wire.semconv import (
    KIND_CONSUMER,
    KIND_SERVER,
    TRIGGER_DATASOURCE,
    TRIGGER_HTTP,
    TRIGGER_OTHER,
    TRIGGER_PUBSUB,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from lumitrace.capture.services._service import Service


class Row:
    """One service.

    Attributes:
        name: what the ``trigger`` field says of its events.
        module: the file in this folder, or None where the service is only recognised.
        trigger: OpenTelemetry's ``faas.trigger``.
        event_sources: what ``eventSource`` says in its records, each spelling.
        client: botocore's name of the service.
        resources: the parameters that name what a call is about, the first present counts.
        waits: operations whose caller waits for another function, announced before they begin.
    """

    __slots__ = ("client", "event_sources", "module", "name", "resources", "trigger", "waits")

    def __init__(  # noqa: PLR0913  # a row of a table
        self,
        name: str,
        module: str | None = None,
        *,
        trigger: str = TRIGGER_OTHER,
        event_sources: tuple[str, ...] = (),
        client: str | None = None,
        resources: tuple[str, ...] = (),
        waits: tuple[str, ...] = (),
    ) -> None:
        self.name = name
        self.module = module
        self.trigger = trigger
        self.event_sources = event_sources
        self.client = client
        self.resources = resources
        self.waits = waits

    @property
    def kind(self) -> str:
        """Return the span kind of a handler that this service started."""
        waits = self.trigger in (TRIGGER_HTTP, TRIGGER_OTHER)
        return KIND_SERVER if waits else KIND_CONSUMER

    def service(self) -> "Service | None":
        """Return the service itself, imported at first use, or None where the row is all."""
        if self.module is None:
            return None
        if self.module not in _loaded:
            _loaded[self.module] = import_module(f"{__name__}.{self.module}").service
        return _loaded[self.module]


_loaded: "dict[str, Service]" = {}

# What runs on its own file: both directions, or a link key.
CARRIERS = (
    Row("alb", "alb", trigger=TRIGGER_HTTP),
    Row("api-gateway-http", "api_gateway", trigger=TRIGGER_HTTP),
    Row("api-gateway-rest", "api_gateway", trigger=TRIGGER_HTTP),
    Row("api-gateway-websocket", "api_gateway", trigger=TRIGGER_HTTP),
    Row("appsync", "appsync", trigger=TRIGGER_HTTP),
    Row("function-url", "function_url", trigger=TRIGGER_HTTP),
    Row("lambda-authorizer", "lambda_authorizer", trigger=TRIGGER_HTTP),
    Row("durable", "durable"),
    Row(
        "dynamodb",
        "dynamodb",
        trigger=TRIGGER_DATASOURCE,
        event_sources=("aws:dynamodb",),
        client="dynamodb",
        resources=("TableName",),
    ),
    Row(
        "events",
        "eventbridge",
        trigger=TRIGGER_PUBSUB,
        client="events",
        resources=("EventBusName", "Name"),
    ),
    Row(
        "firehose",
        "firehose",
        trigger=TRIGGER_PUBSUB,
        client="firehose",
        resources=("DeliveryStreamName",),
    ),
    Row(
        "kafka",
        "kafka",
        trigger=TRIGGER_PUBSUB,
        event_sources=("aws:kafka", "SelfManagedKafka"),
        client="kafka",
        resources=("ClusterArn",),
    ),
    Row(
        "kinesis",
        "kinesis",
        trigger=TRIGGER_PUBSUB,
        event_sources=("aws:kinesis",),
        client="kinesis",
        resources=("StreamName", "StreamARN"),
    ),
    Row("lambda", "lambda_", client="lambda", resources=("FunctionName",), waits=("Invoke",)),
    Row("lambda-destination", "lambda_destination", trigger=TRIGGER_PUBSUB),
    Row(
        "s3",
        "s3",
        trigger=TRIGGER_DATASOURCE,
        event_sources=("aws:s3",),
        client="s3",
        resources=("Bucket",),
    ),
    Row(
        "sns",
        "sns",
        trigger=TRIGGER_PUBSUB,
        event_sources=("aws:sns",),
        client="sns",
        resources=("TopicArn", "TargetArn"),
    ),
    Row(
        "sqs",
        "sqs",
        trigger=TRIGGER_PUBSUB,
        event_sources=("aws:sqs",),
        client="sqs",
        resources=("QueueUrl", "QueueName"),
    ),
    Row(
        "stepfunctions",
        "step_functions",
        client="stepfunctions",
        resources=("stateMachineArn", "executionArn"),
        waits=("StartSyncExecution",),
    ),
)

# What is only recognised, as an event, as a call or both.
RECOGNISED = (
    Row("api-gateway-management", client="apigatewaymanagementapi"),
    Row("bedrock-agent", client="bedrock-agent-runtime", resources=("agentId",)),
    Row("cloudformation", client="cloudformation", resources=("StackName",)),
    Row("cloudfront", trigger=TRIGGER_HTTP, client="cloudfront", resources=("DistributionId",)),
    Row("cloudwatch", client="cloudwatch", resources=("Namespace",)),
    Row("codepipeline", client="codepipeline", resources=("pipelineName", "jobId")),
    Row("cognito", client="cognito-idp", resources=("UserPoolId",)),
    Row("config", client="config", resources=("ConfigRuleName",)),
    Row("connect", client="connect", resources=("InstanceId",)),
    Row("iot", client="iot-data", resources=("thingName",)),
    Row("kms", client="kms", resources=("KeyId",)),
    Row("lex", client="lexv2-runtime", resources=("botId",)),
    Row("logs", trigger=TRIGGER_DATASOURCE, client="logs", resources=("logGroupName",)),
    Row("mq", trigger=TRIGGER_PUBSUB, event_sources=("aws:mq", "aws:amq", "aws:rmq")),
    Row("s3-batch"),
    Row("s3-object-lambda"),
    Row("secretsmanager", client="secretsmanager", resources=("SecretId",)),
    Row("ses", trigger=TRIGGER_PUBSUB, event_sources=("aws:ses",), client="ses"),
    Row("ssm", client="ssm", resources=("Name", "Path")),
    Row("vpc-lattice", trigger=TRIGGER_HTTP, client="vpc-lattice"),
    Row("other"),
)

ROWS = (*CARRIERS, *RECOGNISED)

BY_NAME = {row.name: row for row in ROWS}
BY_CLIENT = {row.client: row for row in ROWS if row.client is not None}
BY_EVENT_SOURCE = {source: row for row in ROWS for source in row.event_sources}
OTHER = BY_NAME["other"]
