"""What the answers call things: an entry, a call, a transaction's tags."""

from lumitrace.reassembly.assemble import place_name
from lumitrace.reassembly.model import PUBLIC, Assembled, Attempt, Span, Transaction

PLACES = {
    "api-gateway-rest": "API Gateway",
    "api-gateway-http": "API Gateway",
    "function-url": "Function URL",
    "alb": "ALB",
    "sns": "SNS",
    "sqs": "SQS",
    "dynamodb": "DynamoDB stream",
    "kinesis": "Kinesis",
    "lambda": "Invoke",
}
SERVICES = {
    "apigateway": "API Gateway",
    "dynamodb": "DynamoDB",
    "events": "EventBridge",
    "kinesis": "Kinesis",
    "lambda": "Lambda",
    "s3": "S3",
    "ses": "SES",
    "sns": "SNS",
    "sqs": "SQS",
    "stepfunctions": "Step Functions",
}
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
    place = PLACES.get(attempt.trigger, "")
    source = place_name(attempt.source)
    told = " ".join(word for word in (place, source) if word)
    return f"{told} → {attempt.function}" if told else attempt.function


def place_of(attempt: Attempt) -> tuple[str, str]:
    """Return the service that *attempt* was called by, and the route or name there."""
    if attempt.trigger in PUBLIC:
        return PLACES[attempt.trigger], attempt.route
    return PLACES.get(attempt.trigger, attempt.trigger or "Event"), place_name(attempt.source)


def call_name(span: Span) -> tuple[str, str]:
    """Return the service of a call and the rest of its name: DynamoDB, ``PutItem ushop_sales``."""
    service, _, operation = span.operation.partition(".")
    if not operation:
        return service or span.name, place_name(span.resource)
    return SERVICES.get(service, service), f"{operation} {place_name(span.resource)}".strip()


def functions(transaction: Transaction) -> list[str]:
    """Return the functions of *transaction*, in the order in which they began."""
    return list(dict.fromkeys(attempt.function for attempt in transaction.attempts))


def tags(assembled: Assembled, transaction: Transaction) -> dict[str, str]:
    """Return the tags of *transaction*: the first word holds; a shared batch has none."""
    found: dict[str, str] = {}
    for span in transaction.spans:
        if assembled.fan.get(span.trace_id, 1) == 1:
            for key, value in span.tags.items():
                found.setdefault(key, value)
    return found


def span_of_time(transaction: Transaction) -> tuple[int, int]:
    """Return when *transaction* began and ended, in Unix microseconds."""
    own = [span for span in transaction.spans if span.trace_id == transaction.id]
    began = min((span.start_us for span in own or transaction.spans), default=0)
    return began, max((span.end_us for span in transaction.spans), default=began)
