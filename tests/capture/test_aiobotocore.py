"""aiobotocore's calls are told as botocore's are, and its HTTP requests are no spans."""

import asyncio
import json
import sys
import traceback

import pytest

from lumitrace import traced
from lumitrace.capture import doors
from lumitrace.capture.config import settings

pytest.importorskip("aiobotocore")
from aiobotocore.config import AioConfig
from aiobotocore.session import get_session


@pytest.fixture(autouse=True)
def _patched(captured):
    """Patch before the first call, inside an invocation or not."""
    doors.install()


def call(server, service, operation, **params):
    """Make one call with a client of its own."""

    async def work():
        client = get_session().create_client(
            service,
            region_name="eu-west-1",
            endpoint_url=server.url(),
            config=AioConfig(retries={"max_attempts": 0}),
            aws_access_key_id="AKIDEXAMPLE",
            aws_secret_access_key="none",  # noqa: S106  # nobody asks for it
        )
        async with client as opened:
            return await getattr(opened, operation)(**params)

    return asyncio.run(work())


def run(context, work):
    """Run *work* inside an invocation."""
    return traced(lambda event, context: work())({}, context)


SEND = ("sqs", "send_message")
MESSAGE = {"QueueUrl": "https://sqs.eu-west-1.amazonaws.com/1/ushop_shipping", "MessageBody": "hi"}


def test_a_call_is_told_and_carries_the_context(captured, context, server):
    """One span, one attribute in the message, and no header."""
    settings.http_hosts = (("127", "0", "0", "1"),)
    server.answer = b'{"MessageId":"m-1"}'

    answer = run(context, lambda: call(server, *SEND, **MESSAGE))

    assert answer["MessageId"] == "m-1"
    [entry] = captured.one("invocation")["calls"]
    assert entry[1:3] == ["sqs.SendMessage", "ushop_shipping"]
    assert entry[5:7] == [200, ["sqs:m-1"]]
    sent = json.loads(server.bodies[0])["MessageAttributes"]["traceparent"]["StringValue"]
    assert sent == f"00-{captured.one('invocation')['traceId']}-{entry[0]}-01"
    assert server.traceparents() == [None]
    assert captured.all("span") == []


def test_marks_are_taken_off_items(captured, context, server):
    """Also outside an invocation, as with botocore."""
    mark = "00-" + "1" * 32 + "-" + "2" * 16 + "-01-1-1-3f5cb157"
    server.answer = json.dumps({"Item": {"a": {"S": "x"}, "_lumitrace": {"S": mark}}}).encode()
    read = ("dynamodb", "get_item")
    key = {"TableName": "t", "Key": {"a": {"S": "x"}}}

    outside = call(server, *read, **key)
    inside = run(context, lambda: call(server, *read, **key))

    assert outside["Item"] == inside["Item"] == {"a": {"S": "x"}}


WRONG = (
    ("s3", "get_object", {"Bucket": "no bucket!", "Key": "k"}, "Invalid bucket name"),
    ("sqs", "send_message", MESSAGE, "Could not connect|Cannot connect"),
)


@pytest.mark.parametrize(("service", "operation", "params", "text"), WRONG)
def test_what_is_raised_bears_no_frame_of_ours(
    service, operation, params, text, captured, context, server
):
    """Neither what a parameter is refused for, nor a connection that is."""
    server.shutdown()
    server.server_close()

    def attempt(around):
        with pytest.raises(Exception, match=text) as caught:
            around(lambda: call(server, service, operation, **params))
        frames, error = [], caught.value
        while error is not None:
            frames += traceback.extract_tb(error.__traceback__)
            error = error.__cause__ or error.__context__
        return str(caught.value), [f.name for f in frames if "lumitrace/capture/" in f.filename]

    plain = attempt(lambda work: work())

    with_ours = attempt(lambda work: run(context, work))

    assert with_ours[0] == plain[0]
    if sys.version_info >= (3, 11):  # before, one frame stays where something stands outside ours
        assert with_ours[1] == plain[1] == []


def test_a_refusal_is_a_failed_span(captured, context, server):
    """With AWS's code."""
    server.answer = b'{"__type":"com.amazonaws.sqs#QueueDoesNotExist","message":"no such queue"}'
    server.status = 400

    with pytest.raises(Exception, match="no such queue"):
        run(context, lambda: call(server, *SEND, **MESSAGE))

    assert captured.one("span")["operation"] == "sqs.SendMessage"
    assert captured.one("span")["httpStatus"] == 400
