"""Refused with our mark, sent again without (promise P3)."""

import json

import pytest

from lumitrace import traced
from lumitrace.capture import resend

ITEM = {"a": {"S": "1"}}
TOO_LARGE = ("ValidationException", "Item size has exceeded the maximum allowed size")


def run(context, work):
    """Run *work* inside an invocation."""
    return traced(lambda event, context: work())({}, context)


@pytest.mark.parametrize("mode", ["legacy", "standard", "adaptive"])
def test_a_guilty_mark_stays_out_and_the_caller_never_knows(captured, context, aws, mode):
    """The second request is the caller's own, it succeeds, and the resource gets no more marks."""
    client = aws.client("dynamodb", retries={"mode": mode})
    aws.answers = [aws.refuse(*TOO_LARGE), (200, "{}"), (200, "{}")]

    def work():
        answer = client.put_item(TableName="t", Item=ITEM)
        client.put_item(TableName="t", Item=ITEM)
        return answer

    answer = run(context, work)

    assert ["_lumitrace" in sent["Item"] for sent in aws.sent] == [True, False, False]
    assert answer["ResponseMetadata"]["RetryAttempts"] == 0
    health = captured.one("health")
    assert "dynamodb.PutItem t refused our context" in health["message"]
    assert {call[7]["notInjected"] for call in captured.one("invocation")["calls"]} == {"refused"}


@pytest.mark.parametrize("mode", ["legacy", "standard", "adaptive"])
def test_an_innocent_mark_goes_on_and_is_not_tried_again_for_a_minute(
    captured, context, aws, mode, clock
):
    """The caller gets the answer he would have had; the same refusal costs one extra request."""
    client = aws.client("dynamodb", retries={"mode": mode})
    aws.answers = [aws.refuse(*TOO_LARGE)] * 5 + [(200, "{}")]

    def put(number):
        client.put_item(TableName="t", Item={**ITEM, "b": {"N": str(number)}})

    def work():
        for number in range(3):
            with pytest.raises(client.exceptions.ClientError, match="Item size") as caught:
                put(number)
            assert caught.value.response["ResponseMetadata"]["RetryAttempts"] == 0
        clock.us += 61_000_000
        with pytest.raises(client.exceptions.ClientError, match="Item size"):
            put(3)
        put(4)

    aws.answers.insert(5, aws.refuse(*TOO_LARGE))
    run(context, work)

    marks = ["_lumitrace" in sent["Item"] for sent in aws.sent]
    assert marks == [True, False, True, True, True, False, True]
    assert captured.all("health") == []


@pytest.mark.parametrize(
    ("code", "message"),
    [
        (
            "ValidationException",
            "One or more parameter values were invalid: Type mismatch for key amount",
        ),
        ("ConditionalCheckFailedException", "The conditional request failed"),
        ("ResourceNotFoundException", "Requested resource not found"),
        ("ProvisionedThroughputExceededException", "throughput"),
    ],
)
def test_what_a_mark_cannot_cause_is_not_tried(captured, context, aws, code, message, monkeypatch):
    """Keys, conditions and capacity are the caller's own: no extra request."""
    monkeypatch.setattr("time.sleep", lambda _: None)
    client = aws.client("dynamodb", retries={"mode": "standard", "total_max_attempts": 1})
    aws.answers = [aws.refuse(code, message)] * 3

    def work():
        with pytest.raises(client.exceptions.ClientError):
            client.put_item(TableName="t", Item=ITEM)

    run(context, work)

    assert len(aws.sent) == 1
    assert resend.guilty == set()


def test_a_denied_attribute_is_a_reason(captured, context, aws):
    """IAM policies may name the attributes that a function writes."""
    client = aws.client("dynamodb")
    aws.answers = [aws.refuse("AccessDeniedException", "not authorized", 400), (200, "{}")]

    run(context, lambda: client.put_item(TableName="t", Item=ITEM))

    assert len(aws.sent) == 2


def test_sns_sqs_and_invoke_go_again_too(captured, context, aws):
    """Each carrier that injects can be refused."""
    sns, sqs, lambda_ = map(aws.client, ("sns", "sqs", "lambda"))
    error = "<Error><Code>InvalidParameter</Code><Message>Message too long</Message></Error>"
    aws.answers = [
        (400, f"<ErrorResponse>{error}</ErrorResponse>"),
        None,
        aws.refuse("InvalidParameterValue", "One or more parameters: Message must be shorter"),
        None,
        aws.refuse("InvalidRequestContentException", "client context"),
        None,
    ]

    def work():
        sns.publish(TopicArn=aws.topic, Message="hi")
        sqs.send_message(QueueUrl=aws.queue, MessageBody="hi")
        lambda_.invoke(FunctionName="f")

    run(context, work)

    assert [("traceparent" in str(sent)) for sent in aws.sent[:4]] == [True, False, True, False]
    assert [("X-Amz-Client-Context" in r.headers) for r in aws.requests[4:]] == [True, False]
    assert len(resend.guilty) == 3


def test_refused_entries_of_a_batch_are_learnt_from(captured, context, aws):
    """A queue that takes less than our attribute needs gets none from the next call on."""
    sqs = aws.client("sqs")
    failed = {"Id": "1", "Code": "InvalidParameterValue", "SenderFault": True}
    failed["Message"] = "One or more parameters are invalid. Reason: Message must be shorter"
    aws.answers = [(200, json.dumps({"Successful": [], "Failed": [failed]}))]

    def work():
        for _ in range(2):
            entries = [{"Id": "1", "MessageBody": "hi"}]
            sqs.send_message_batch(QueueUrl=aws.queue, Entries=entries)

    run(context, work)

    assert [("traceparent" in str(sent)) for sent in aws.sent] == [True, False]
    assert "refused entries with our context" in captured.one("health")["message"]


def test_a_guilty_mark_is_told_of_injecting_calls_alone(captured, context, aws):
    """A read has nothing to leave out."""
    client = aws.client("dynamodb")
    aws.answers = [aws.refuse(*TOO_LARGE), (200, "{}"), (200, "{}")]

    def work():
        client.put_item(TableName="t", Item=ITEM)
        client.get_item(TableName="t", Key=ITEM)

    run(context, work)

    calls = [call for line in captured.lines for call in line.get("calls", ())]
    assert len(calls[-1]) == 7


def test_a_resend_of_an_invoke_keeps_the_callers_own_context(captured, context, aws):
    """Without ours, the client context is what the caller gave."""
    client = aws.client("lambda")
    aws.answers = [aws.refuse("InvalidRequestContentException", "client context"), None]
    theirs = "eyJjdXN0b20iOiB7ImEiOiAxfX0="

    run(context, lambda: client.invoke(FunctionName="f", ClientContext=theirs))

    sent = [request.headers["X-Amz-Client-Context"] for request in aws.requests]
    assert sent[0] != theirs
    assert sent[1] in (theirs, theirs.encode())


def test_the_same_refusal_with_other_values_is_the_same(captured, context, aws):
    """Ids and sizes in AWS's words do not make a second try out of it."""
    client = aws.client("dynamodb")

    def refused(size):
        text = f'Item size has exceeded the maximum of {size} for "{size}"'
        return aws.refuse("ValidationException", text)

    aws.answers = [refused(1), refused(1), refused(2)]

    def work():
        for _ in range(2):
            with pytest.raises(client.exceptions.ClientError):
                client.put_item(TableName="t", Item=ITEM)

    run(context, work)

    assert len(aws.sent) == 3


def test_a_call_that_never_carried_us_is_never_resent(captured, context, aws):
    """Outside an invocation nothing is injected, so nothing is resent."""
    client = aws.client("dynamodb")
    aws.answers = [aws.refuse(*TOO_LARGE)]

    with pytest.raises(client.exceptions.ClientError):
        client.put_item(TableName="t", Item=ITEM)

    assert len(aws.sent) == 1
