"""What the functions of the fault sweep are given: an event, and what is to be done with it."""

import base64
import copy
import json
import time
from importlib.util import find_spec

from tests.twin.servers import MARK, ROOT

ENVIRONMENT = {
    "LUMITRACE_EVENTBRIDGE": "inject",
    "LUMITRACE_DYNAMODB_TABLES": "linked*=link,free=off",
    "LUMITRACE_FINGERPRINT_KEY": "0123456789abcdef",
    "LUMITRACE_EXTRACTOR": "wide:extract",
    "LUMITRACE_TAGS": "headers.x-sale,body.sale,does.0,Records.0.messageId",
    "LUMITRACE_HTTP_HOSTS": "127.0.0.1",
    "LUMITRACE_TRUSTED_APIS": "api.example.com",
    "LUMITRACE_LOG_IDS": "1",
    "LUMITRACE_PAYLOADS": "all",
    "LUMITRACE_SAMPLE": "0.999999999999",  # all but traces whose ids end in zeros
    "LUMITRACE_HANG_STACK": "1",
    "LUMITRACE_MAX_SPANS": "a wrong value, told in each invocation",
}
# What is loaded before the process is forked, because it takes long; None: no play needs it.
LIBRARIES = (
    "httpx", "requests", "urllib3", "aiohttp", "aiobotocore.session", "loguru", "structlog",
    "aws_xray_sdk.core", "aws_lambda_powertools.utilities.batch", "opentelemetry.trace",
)  # fmt: skip

# What needs no event of a service's, and the library that it needs.
WORK = {
    "messages": "", "topics": "", "buses": "", "streams": "", "functions": "", "machines": "",
    "objects": "", "copied": "", "items": "", "large": "", "updates": "", "batches": "",
    "transactions": "", "reads": "", "refusals": "", "steps": "", "nested": "", "threads": "",
    "forks": "", "logs": "", "by_http_client": "", "by_urllib": "", "by_urllib3": "urllib3",
    "loguru": "loguru", "structlog": "structlog", "xray": "aws_xray_sdk", "by_httpx": "httpx",
    "by_requests": "requests", "by_aiohttp": "aiohttp", "by_aiobotocore": "aiobotocore",
}  # fmt: skip
EVENTS = (
    "alb", "alb_multi_value", "api_gateway_http", "api_gateway_rest",
    "api_gateway_websocket_connect",
    "appsync", "dynamodb", "eventbridge", "eventbridge_injected", "eventbridge_lambda_destination",
    "firehose", "firehose_kinesis", "firehose_sns", "function_url", "kafka_msk", "kinesis",
    "lambda_authorizer_request", "lambda_destination_failure", "lambda_destination_stream", "s3",
    "sns", "sns_s3", "sns_lambda_destination", "sqs", "sqs_eventbridge", "sqs_lambda_destination",
    "sqs_s3", "sqs_sns", "sqs_sns_s3", "sqs_eventbridge_moved", "step_functions_context",
)  # fmt: skip

ENDS = (  # of an invocation of a durable function
    {"Status": "PENDING"},
    {"Status": "FAILED", "Error": {"ErrorType": "ValueError", "ErrorMessage": "no such sale"}},
)
PARENT = f"00-{'ab' * 16}-{'cd' * 8}-01"
HEADERS = (
    {"b3": f"{'ab' * 16}-{'cd' * 8}-1"},
    {"x-b3-traceid": "ab" * 16, "x-b3-spanid": "cd" * 8},
    {"uber-trace-id": f"{'ab' * 16}:{'cd' * 8}:0:1"},
    {"x-amzn-trace-id": f"Root=1-5759e988-{'ab' * 12};Parent={'cd' * 8}"},
)
SECRETS = (
    'password=("a", [1]) card 4111 1111 1111 1111 https://me:word@example.com/?token=a '
    "Authorization: Bearer abc {'secret': {'a': [1, 2]}} AKIAIOSFODNN7EXAMPLE"
)
UNSAMPLED = f"00-{'ab' * 9}{1:014x}-{'cd' * 8}-01"
X = "x" * 20_000
LONG = (  # bodies of which the two ends are looked at
    json.dumps({"Type": "Notification", "MessageId": "m-1", "TopicArn": "t", "Message": X}),
    json.dumps({"version": "0", "id": "e-1", "detail-type": "a", "detail": {"_lumitrace": X}}),
)


def event_of(name):
    """Return the event in the file *name* of tests/events."""
    return json.loads((ROOT / f"tests/events/{name}.json").read_text("utf-8"))


def batch(count=2):
    """Return *count* messages of a queue."""
    event = event_of("sqs")
    [first] = event["Records"][:1]
    event["Records"] = [{**first, "messageId": f"m-{n}"} for n in range(1, count + 1)]
    return event


def unsampled():
    """Return messages of one trace that is not sampled."""
    event = batch()
    for one in event["Records"]:
        one["messageAttributes"] = {"traceparent": {"stringValue": UNSAMPLED, "dataType": "String"}}
    return event


def thinned():
    """Yield what is told in sums, and what fails and is told in full."""
    every = ["messages", "topics", "items", "functions", "steps", "threads", "by_http_client"]
    for more in ({}, {"raises": "no such sale"}):
        yield {"does": every, "own": UNSAMPLED, **more}
        yield {"does": ["refusals"], "own": UNSAMPLED, **more}
        yield {"does": ["forks"], "own": UNSAMPLED, **more}
        yield {**unsampled(), "does": ["loop", "bound"], **more}
    yield {**unsampled(), "does": ["loop"], "raises in the loop": True}
    yield {**unsampled(), "does": ["quiet", "by_hand", "partial"], "failed": ["m-1"]}


def change():
    """Return a change of a table's as it comes through Kinesis, with a mark."""
    [record] = event_of("dynamodb")["Records"][:1]
    record = {**record, "tableName": "sales", "dynamodb": copy.deepcopy(record["dynamodb"])}
    record["dynamodb"].setdefault("NewImage", {})["_lumitrace"] = {"S": MARK}
    record["dynamodb"]["NewImage"]["map"] = {"M": {"a": {"S": "x"}}}
    event = event_of("kinesis")
    event["Records"] = event["Records"][:1]
    data = base64.b64encode(json.dumps(record).encode()).decode()
    event["Records"][0]["kinesis"]["data"] = data
    return event


def replica():
    """Return the change of a table that another region's table made."""
    event = event_of("dynamodb")
    for record in event["Records"]:
        record["dynamodb"].setdefault("NewImage", {})["_lumitrace"] = {"S": MARK}
    return event


def plays():
    """Yield each play as an event; ``does`` says what the handler does."""
    for name, library in WORK.items():
        if not library or find_spec(library):
            yield {"does": [name]}
    for name in EVENTS:
        yield {**event_of(name), "does": ["nothing"]}
    if find_spec("structlog"):
        yield {"does": ["structlog"], "configures": True}
    if find_spec("aws_lambda_powertools"):
        yield {**batch(), "does": ["powertools"]}
    if find_spec("opentelemetry"):
        yield {"does": ["messages"], "around": True}
    yield {"does": ["messages", "items"], "raises": "no such sale"}
    yield {"does": ["nothing"], "raises": SECRETS}
    yield {**event_of("sqs"), "does": ["refusals"], "raises": "no such sale"}
    yield {"does": ["messages"], "own": f"00-{'ab' * 16}-{'cd' * 8}-01"}
    yield {"headers": {"X-Sale": "1"}, "body": '{"sale": 2}', "does": ["nothing"]}
    yield {**batch(), "does": ["loop"]}
    yield {**batch(), "does": ["loop"], "breaks": True}
    yield {**batch(), "does": ["loop"], "raises in the loop": True}
    yield {**batch(), "does": ["twice", "by_hand"]}
    yield {**batch(), "does": ["twice"], "raises": "no such sale"}
    yield {**batch(), "does": ["bound"]}
    yield {**batch(), "does": ["quiet"]}
    yield {**batch(), "does": ["partial"], "failed": ["m-1", ""]}
    yield {
        **event_of("kafka_msk"),
        "does": ["partial"],
        "failed": [{"partition": "t-0", "offset": 1}],
    }
    yield {**event_of("kinesis"), "does": ["loop", "partial"], "failed": ["1"]}
    yield {**event_of("firehose"), "does": ["transformed"]}
    for ends in ENDS:
        yield {**event_of("durable"), "does": ["execution"], "ends": ends}
    yield {"does": ["nothing"], "execution": event_of("durable")["DurableExecutionArn"]}
    yield {**event_of("dynamodb"), "does": ["loop", "items"]}
    yield {**event_of("kafka_msk"), "does": ["loop"]}
    yield {**batch(), "does": ["by_hand"], "raises inside": True}
    yield {**batch(), "does": ["by_next"], "raises inside": True}
    yield {"does": ["nothing"], "own": "raises"}
    yield {"Records": [], "eventSourceARN": "arn:aws:kinesis:eu-west-1:1:a", "does": ["nothing"]}
    for headers in HEADERS:
        event = event_of("api_gateway_http")
        event["headers"] = headers
        event["requestContext"]["domainName"] = "api.example.com"
        yield {**event, "does": ["nothing"]}
    for body in LONG:
        event = batch(1)
        event["Records"][0].update(body=body, messageAttributes={})
        yield {**event, "does": ["nothing"]}
    yield {"does": ["nothing"], "client context": {"w3c": {"traceparent": PARENT}}}
    yield {**replica(), "does": ["loop"]}
    yield {**change(), "does": ["loop"]}
    yield from thinned()
    yield {"does": ["collected"]}  # the last: then the process is compared


def headers_of(play):
    """Return what the runtime says beside the event of *play*."""
    told = {"Lambda-Runtime-Deadline-Ms": str(int(time.time() * 1000) + 800_000)}
    if "client context" in play:
        told["Lambda-Runtime-Client-Context"] = json.dumps(play["client context"])
    return told


PLAYS = list(plays())
