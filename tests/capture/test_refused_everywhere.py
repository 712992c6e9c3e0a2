"""Every carrier, in every retry mode of the SDK: refused with our mark, sent again without (P3)."""

import json
import re
from urllib.parse import parse_qsl

import pytest

from lumitrace import traced
from lumitrace.capture import resend
from lumitrace.capture.config import settings

MODES = ("legacy", "standard", "adaptive")
TOPIC = "arn:aws:sns:eu-west-1:123456789012:sales"
QUEUE = "https://sqs.eu-west-1.amazonaws.com/123456789012/sales"
KEY = {"id": {"S": "1"}}
PUT = {"Put": {"TableName": "t", "Item": KEY}}
ENTRY = {"Source": "shop", "DetailType": "sale", "Detail": '{"a": 1}'}
TOKEN = re.compile(r'(?<="ClientRequestToken": ")[0-9a-f-]{36}')  # the SDK's own, another each time
THEIRS = "eyJjdXN0b20iOiB7ImEiOiAxfX0="
TOO_LARGE = ("ValidationException", "Item size has exceeded the maximum allowed size")


def xml(code, text):
    """Return a refusal of the query protocol."""
    error = f"<Error><Code>{code}</Code><Message>{text}</Message></Error>"
    return 400, f"<ErrorResponse>{error}</ErrorResponse>"


def plain(code, text):
    """Return a refusal of the JSON protocols."""
    return 400, json.dumps({"__type": f"com.amazonaws#{code}", "message": text})


def cancelled():
    """Return what DynamoDB says of a transaction that is too large in one place."""
    reason = {"Code": "ValidationError", "Message": TOO_LARGE[1]}
    told = {"__type": "x#TransactionCanceledException", "Message": "Transaction cancelled"}
    return 400, json.dumps({**told, "CancellationReasons": [reason]})


# Service, operation, parameters, and the answer in which the mark could be guilty.
CARRIERS = {
    "Publish": ("sns", "publish", {"TopicArn": TOPIC, "Message": "hi"},
                xml("InvalidParameter", "Message too long")),
    "PublishBatch": ("sns", "publish_batch", {
        "TopicArn": TOPIC, "PublishBatchRequestEntries": [{"Id": "1", "Message": "hi"}]},
        xml("BatchRequestTooLong", "The batch is too long")),
    "SendMessage": ("sqs", "send_message", {"QueueUrl": QUEUE, "MessageBody": "hi"},
                    plain("InvalidParameterValue", "Message must be shorter")),
    "SendMessageBatch": ("sqs", "send_message_batch", {
        "QueueUrl": QUEUE, "Entries": [{"Id": "1", "MessageBody": "hi"}]},
        plain("BatchRequestTooLong", "Batch requests cannot be longer")),
    "PutEvents": ("events", "put_events", {"Entries": [ENTRY]},
                  plain("ValidationException", "Total size of the entries is over the limit")),
    "Invoke": ("lambda", "invoke", {"FunctionName": "f", "Payload": b"{}"},
               plain("InvalidRequestContentException", "client context")),
    "Invoke with a context": (
        "lambda", "invoke", {"FunctionName": "f", "ClientContext": THEIRS, "Payload": b"{}"},
        plain("RequestTooLargeException", "client context")),
    "PutItem": ("dynamodb", "put_item", {"TableName": "t", "Item": KEY}, plain(*TOO_LARGE)),
    "UpdateItem": ("dynamodb", "update_item", {
        "TableName": "t", "Key": KEY, "UpdateExpression": "SET a = b"},
        plain("ValidationException", "Invalid UpdateExpression: Expression size has exceeded")),
    "UpdateItem, legacy": ("dynamodb", "update_item", {
        "TableName": "t", "Key": KEY,
        "AttributeUpdates": {"a": {"Action": "PUT", "Value": {"S": "b"}}}},
        plain("AccessDeniedException", "not authorized to perform")),
    "BatchWriteItem": ("dynamodb", "batch_write_item", {
        "RequestItems": {"t": [{"PutRequest": {"Item": KEY}}]}}, plain(*TOO_LARGE)),
    "TransactWriteItems": ("dynamodb", "transact_write_items", {
        "TransactItems": [PUT]}, cancelled()),
}  # fmt: skip


def run(context, work):
    """Run *work* inside an invocation."""
    return traced(lambda event, context: work())({}, context)


def bytes_of(request):
    """Return what of *request* a caller could have put there."""
    body = request.body
    body = body.decode() if isinstance(body, bytes) else body
    body = TOKEN.sub("", body)
    context = request.headers.get("X-Amz-Client-Context", "")
    form = parse_qsl(body) if "Action=" in body else body
    return request.method, request.url, context and str(context).strip("b'"), form


def is_marked(sent):
    """Tell whether *sent*, what `bytes_of` returns, has ours in it."""
    context = sent[2] not in ("", THEIRS)
    return context or "traceparent" in str(sent[3]) or "_lumitrace" in str(sent[3])


@pytest.fixture
def calls(aws, context):
    """Return what makes a call in an invocation, and what of it was sent; all carriers are on."""
    settings.load({"LUMITRACE_ENABLED": "1", "LUMITRACE_EVENTBRIDGE": "inject"})

    def make(name, mode, answers, times=1, *, inside=True):
        service, operation, params, _ = CARRIERS[name]
        client = aws.client(service, retries={"mode": mode, "total_max_attempts": 3})
        before = len(aws.requests)
        aws.answers = [*answers]

        def work():
            return [getattr(client, operation)(**params) for _ in range(times)]

        found = run(context, work) if inside else work()
        return found, [bytes_of(one) for one in aws.requests[before:]]

    return make


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", CARRIERS)
def test_a_guilty_mark(calls, captured, name, mode):
    """The second request is the caller's own, it succeeds, and there are no more marks."""
    _, [bare] = calls(name, mode, [None], inside=False)

    answers, sent = calls(name, mode, [CARRIERS[name][3]], times=2)

    assert [is_marked(one) for one in sent] == [True, False, False]
    assert sent[1:] == [bare, bare]
    assert [one["ResponseMetadata"]["RetryAttempts"] for one in answers] == [0, 0]
    assert len(resend.guilty) == 1
    assert "refused our context" in captured.one("health")["message"]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", CARRIERS)
def test_an_innocent_mark(calls, captured, aws, name, mode):
    """Refused again without: the caller gets that answer, and marks go on."""
    refused = CARRIERS[name][3]
    seen = []

    def failing(inside):
        with pytest.raises(Exception, match=r"An error occurred") as caught:
            calls(name, mode, [refused, refused], inside=inside)
        seen.append((repr(caught.value), caught.value.response))

    failing(inside=False)
    aws.requests.clear()
    failing(inside=True)
    _, sent = calls(name, mode, [])

    assert [is_marked(bytes_of(one)) for one in aws.requests[:2]] == [True, False]
    assert is_marked(sent[0])
    assert seen[0] == seen[1]
    assert resend.guilty == set()
    assert captured.all("health") == []


@pytest.mark.parametrize("status", [400, 404, 503])
def test_a_header_over_http_is_not_taken_back(captured, context, server, status):
    """What a server refuses is the caller's own: nobody sends it twice."""
    import http.client

    settings.load({"LUMITRACE_ENABLED": "1", "LUMITRACE_HTTP_HOSTS": "127.0.0.1"})

    def work():
        connection = http.client.HTTPConnection("127.0.0.1", server.server_address[1])
        connection.request("GET", f"/{status}")
        found = connection.getresponse()
        found.read()
        connection.close()
        return found.status

    run(context, work)

    [head] = server.heads
    assert b"traceparent: 00-" in head
