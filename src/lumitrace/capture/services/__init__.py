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
        event_source: what ``eventSource`` says in its records.
        client: botocore's name of the service.
        resources: the parameters that name what a call is about, the first present counts.
        waits: operations whose caller waits for another function, announced before they begin.
    """

    __slots__ = ("client", "event_source", "module", "name", "resources", "trigger", "waits")

    def __init__(  # noqa: PLR0913  # a row of a table
        self,
        name: str,
        module: str | None = None,
        *,
        trigger: str = TRIGGER_OTHER,
        event_source: str | None = None,
        client: str | None = None,
        resources: tuple[str, ...] = (),
        waits: tuple[str, ...] = (),
    ) -> None:
        self.name = name
        self.module = module
        self.trigger = trigger
        self.event_source = event_source
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

ROWS = (
    Row("alb", "alb", trigger=TRIGGER_HTTP),
    Row("api-gateway-http", "api_gateway", trigger=TRIGGER_HTTP),
    Row("api-gateway-rest", "api_gateway", trigger=TRIGGER_HTTP),
    Row("function-url", "function_url", trigger=TRIGGER_HTTP),
    Row(
        "dynamodb",
        "dynamodb",
        trigger=TRIGGER_DATASOURCE,
        event_source="aws:dynamodb",
        client="dynamodb",
        resources=("TableName",),
    ),
    Row("lambda", "lambda_", client="lambda", resources=("FunctionName",), waits=("Invoke",)),
    Row(
        "sns",
        "sns",
        trigger=TRIGGER_PUBSUB,
        event_source="aws:sns",
        client="sns",
        resources=("TopicArn", "TargetArn"),
    ),
    Row(
        "sqs",
        "sqs",
        trigger=TRIGGER_PUBSUB,
        event_source="aws:sqs",
        client="sqs",
        resources=("QueueUrl", "QueueName"),
    ),
    Row(
        "kinesis",
        trigger=TRIGGER_PUBSUB,
        event_source="aws:kinesis",
        client="kinesis",
        resources=("StreamName", "StreamARN"),
    ),
    Row(
        "s3",
        trigger=TRIGGER_DATASOURCE,
        event_source="aws:s3",
        client="s3",
        resources=("Bucket",),
    ),
    Row("ses", trigger=TRIGGER_PUBSUB, event_source="aws:ses", client="ses"),
    Row("events", client="events", resources=("EventBusName", "Name")),
    Row("firehose", client="firehose", resources=("DeliveryStreamName",)),
    Row("kms", client="kms", resources=("KeyId",)),
    Row("secretsmanager", client="secretsmanager", resources=("SecretId",)),
    Row("ssm", client="ssm", resources=("Name", "Path")),
    Row("stepfunctions", client="stepfunctions", resources=("stateMachineArn", "executionArn")),
    Row("other"),
)

BY_NAME = {row.name: row for row in ROWS}
BY_CLIENT = {row.client: row for row in ROWS if row.client is not None}
BY_EVENT_SOURCE = {row.event_source: row for row in ROWS if row.event_source is not None}
OTHER = BY_NAME["other"]
