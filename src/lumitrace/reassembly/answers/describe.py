"""What the answers call things: an entry, a call, a transaction's tags."""

from lumitrace.reassembly.assemble import HTTP, place_name
from lumitrace.reassembly.model import INIT, INVOKE, LAMBDA, PUBLIC, RESTORE, Attempt, Span
from lumitrace.reassembly.platform_line import init_failure
from lumitrace.reassembly.transaction import Assembled, Transaction

PLACES = {
    "activemq": "ActiveMQ",
    "alb": "ALB",
    "api-gateway-http": "API Gateway",
    "api-gateway-rest": "API Gateway",
    "api-gateway-websocket": "WebSocket",
    "appsync": "AppSync",
    "authorizer": "Authorizer",
    "bedrock-agent": "Bedrock agent",
    "cloudformation": "CloudFormation",
    "cloudfront": "CloudFront",
    "cloudwatch-logs": "CloudWatch Logs",
    "codepipeline": "CodePipeline",
    "cognito": "Cognito",
    "config": "Config",
    "connect": "Connect",
    "destination": "Destination",
    "dynamodb": "DynamoDB stream",
    "eventbridge": "EventBridge",
    "events": "EventBridge",
    "firehose": "Firehose",
    "function-url": "Function URL",
    "iot": "IoT",
    "kafka": "Kafka",
    "kinesis": "Kinesis",
    "lambda": "Invoke",
    "lambda-authorizer": "Authorizer",
    "lambda-destination": "Destination",
    "lex": "Lex",
    "logs": "CloudWatch Logs",
    "mq": "MQ",
    "pipes": "EventBridge Pipe",
    "rabbitmq": "RabbitMQ",
    "s3": "S3",
    "s3-batch": "S3 Batch",
    "scheduler": "Schedule",
    "ses": "SES",
    "sns": "SNS",
    "sqs": "SQS",
    "step-functions": "Step Functions",
    "stepfunctions": "Step Functions",
    "vpc-lattice": "VPC Lattice",
    "websocket": "WebSocket",
}
SERVICES = {
    "apigateway": "API Gateway",
    "apigatewaymanagementapi": "WebSocket",
    "appsync": "AppSync",
    "athena": "Athena",
    "bedrock-runtime": "Bedrock",
    "cloudwatch": "CloudWatch",
    "cognito-idp": "Cognito",
    "dynamodb": "DynamoDB",
    "ecs": "ECS",
    "events": "EventBridge",
    "firehose": "Firehose",
    "glue": "Glue",
    "http": "HTTP",
    "iot-data": "IoT",
    "kinesis": "Kinesis",
    "kms": "KMS",
    "lambda": "Lambda",
    "logs": "CloudWatch Logs",
    "pipes": "EventBridge Pipes",
    "rds-data": "RDS Data",
    "s3": "S3",
    "scheduler": "Scheduler",
    "secretsmanager": "Secrets Manager",
    "ses": "SES",
    "sesv2": "SES",
    "sns": "SNS",
    "sqs": "SQS",
    "ssm": "SSM",
    "stepfunctions": "Step Functions",
    "sts": "STS",
}
UNTOLD = frozenset(("", "other"))  # triggers that say nothing to a person
SHORT_ID = 12  # hex digits of a trace id that people are shown; any unambiguous beginning is read


def entry_attempt(transaction: Transaction) -> Attempt | None:
    """Return the attempt where *transaction* begins, or None where it was not read."""
    for attempt in transaction.attempts:
        if attempt.invocation is not None and attempt.invocation.trace_id == transaction.id:
            return attempt
    return None


def entry(transaction: Transaction) -> str:
    """Return how *transaction* came in: ``POST /sales``, or the source and its function."""
    attempt = entry_attempt(transaction)
    if attempt is None:
        return "(beginning not read)"
    if attempt.route:
        return attempt.route
    if attempt.service != LAMBDA:
        return attempt.runner
    place = PLACES.get(attempt.trigger, "" if attempt.trigger in UNTOLD else attempt.trigger)
    source = place_name(attempt.source)
    told = " ".join(word for word in (place, source) if word)
    return f"{told} → {attempt.function}" if told else attempt.function


def place_of(attempt: Attempt) -> tuple[str, str]:
    """Return the service that *attempt* was called by, and the route or name there."""
    if attempt.trigger in PUBLIC:
        return PLACES[attempt.trigger], attempt.route or place_name(attempt.source)
    unknown = "Event" if attempt.trigger in UNTOLD else attempt.trigger
    return PLACES.get(attempt.trigger, unknown), place_name(attempt.source) or attempt.route


def call_name(span: Span) -> tuple[str, str]:
    """Return the service of a call and the rest of its name: DynamoDB, ``PutItem ushop_sales``."""
    service, _, operation = span.operation.partition(".")
    if not operation:
        return service or span.name, place_name(span.resource)
    host = span.operation.startswith(HTTP)
    resource = span.resource if host else place_name(span.resource)
    return SERVICES.get(service, service), f"{operation} {resource}".strip()


def functions(transaction: Transaction) -> list[str]:
    """Return the functions of *transaction*, in the order in which they began."""
    invoked = (one.function for one in transaction.attempts if one.service == LAMBDA)
    return list(dict.fromkeys(invoked))


def tags(assembled: Assembled, transaction: Transaction) -> dict[str, str]:
    """Return the tags of *transaction*: the first word holds; a shared batch has none."""
    found: dict[str, str] = {}
    for span in transaction.spans:
        if assembled.fan.get(span.trace_id, 1) == 1:
            for key, value in span.tags.items():
                found.setdefault(key, value)
    return found


def start_of(attempt: Attempt) -> list[str]:
    """Return how the function's code started for *attempt*, in words; [] where it ran already."""
    told = []
    for init in attempt.inits:
        word = "restore" if init.phase == RESTORE else "init"
        again = " again within the invocation" if init.phase == INVOKE else ""
        failed = f" ended in {init.status}" if init_failure(init) else ""
        told.append(f"{word}{again} {_ms(init.duration_ms)}{failed}".replace("  ", " "))
    last = attempt.inits[-1] if attempt.inits else None
    if last and last.phase == INIT and init_failure(last) and attempt.objects:
        told[-1] += ", then again within the invocation"
    report = attempt.report
    if report and report.init_ms and not any(one.phase == INIT for one in attempt.inits):
        told.append(f"init {_ms(report.init_ms)}")
    if report and report.restore_ms and not any(one.phase == RESTORE for one in attempt.inits):
        told.append(f"restore {_ms(report.restore_ms)}")
    return told


def _ms(digits: str) -> str:
    return f"{float(digits):,.1f} ms" if digits else ""


def span_of_time(transaction: Transaction) -> tuple[int, int]:
    """Return when *transaction* began and ended, in Unix microseconds."""
    own = [span for span in transaction.spans if span.trace_id == transaction.id]
    began = min((span.start_us for span in own or transaction.spans), default=0)
    return began, max((span.end_us for span in transaction.spans), default=began)
