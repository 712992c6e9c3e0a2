"""Every attribute name lumitrace writes or reads.

OpenTelemetry's registry first (https://opentelemetry.io/docs/specs/semconv/registry/attributes/);
what it lacks begins with ``lumitrace.``. No attribute string stands anywhere else.
"""

AWS_LOG_STREAM_NAMES = "aws.log.stream.names"
CLOUD_ACCOUNT_ID = "cloud.account.id"
CLOUD_REGION = "cloud.region"
FAAS_COLDSTART = "faas.coldstart"
FAAS_MAX_MEMORY = "faas.max_memory"  # bytes
FAAS_TRIGGER = "faas.trigger"
FAAS_VERSION = "faas.version"
HOST_ARCH = "host.arch"
HTTP_RESPONSE_STATUS_CODE = "http.response.status_code"
HTTP_REQUEST_METHOD = "http.request.method"
LUMITRACE_TENANT_ID = "lumitrace.tenant_id"  # of a function in tenant isolation mode
SERVER_ADDRESS = "server.address"
SERVICE_VERSION = "service.version"
TELEMETRY_DISTRO_VERSION = "telemetry.distro.version"
URL_FULL = "url.full"  # without query and user info

TRIGGER_DATASOURCE = "datasource"
TRIGGER_HTTP = "http"
TRIGGER_OTHER = "other"
TRIGGER_PUBSUB = "pubsub"

KIND_CLIENT = "CLIENT"
KIND_CONSUMER = "CONSUMER"
KIND_INTERNAL = "INTERNAL"
KIND_PRODUCER = "PRODUCER"
KIND_SERVER = "SERVER"

# No attributes: what schedules of EventBridge's rules and of its Scheduler call themselves.
TIMERS = ("aws.events", "aws.scheduler")

PRODUCER_OPERATIONS = frozenset(
    (
        "events.PutEvents",
        "firehose.PutRecord",
        "firehose.PutRecordBatch",
        "kinesis.PutRecord",
        "kinesis.PutRecords",
        "sns.Publish",
        "sns.PublishBatch",
        "sqs.SendMessage",
        "sqs.SendMessageBatch",
    )
)


def kind_of_call(operation: str) -> str:
    """Return the span kind of an AWS call such as ``sns.Publish``: a send is a PRODUCER."""
    return KIND_PRODUCER if operation in PRODUCER_OPERATIONS else KIND_CLIENT
