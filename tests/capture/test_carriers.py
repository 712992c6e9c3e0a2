"""What goes out with a message comes back in: each service's round trip."""

import base64
import copy
import json

import pytest

from lumitrace import traced
from lumitrace.capture.config import settings

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


def run(context, work, event=None):
    """Run *work* inside an invocation."""
    return traced(lambda event, context: work())({} if event is None else event, context)


def entries(captured):
    """Return every folded call."""
    return [call for line in captured.lines for call in line.get("calls", ())]


def receive(captured, context, event):
    """Hand *event* to a receiver and return its start line."""
    captured.writes.clear()
    traced(lambda event, context: None)(event, context)
    return captured.one("start")


def attributes(count):
    """Return that many message attributes."""
    return {f"a{n}": {"DataType": "String", "StringValue": "x"} for n in range(count)}


def test_sns_round_trip(captured, context, aws):
    """Publish → Lambda: the receiver's parent is the sender's call."""
    client = aws.client("sns")
    run(context, lambda: client.publish(TopicArn=aws.topic, Message="hi"))
    [call] = entries(captured)
    trace = captured.one("invocation")["traceId"]

    start = receive(captured, context, aws.deliver_sns(aws.sent[0], "sns-1"))

    assert (start["traceId"], start["parentSpanId"]) == (trace, call[0])
    assert call[1:3] == ["sns.Publish", "ushop_new-sales"]
    assert call[6] == ["sns:sns-1"]


def test_sns_batch_round_trip(captured, context, aws):
    """Each entry of PublishBatch carries the context, each has its key."""
    client = aws.client("sns")
    batch = [{"Id": str(n), "Message": "hi"} for n in range(10)]
    before = copy.deepcopy(batch)

    run(
        context,
        lambda: client.publish_batch(TopicArn=aws.topic, PublishBatchRequestEntries=batch),
    )

    [call] = entries(captured)
    sent = [value for value in aws.sent[0].values() if value.startswith("00-")]
    assert sent == [f"00-{captured.one('invocation')['traceId']}-{call[0]}-01"] * 10
    assert call[6] == [f"sns:sns-1-{n}" for n in range(10)]
    assert batch == before


def test_sqs_round_trip(captured, context, aws):
    """SendMessage → Lambda."""
    client = aws.client("sqs")
    run(context, lambda: client.send_message(QueueUrl=aws.queue, MessageBody="hi"))
    [call] = entries(captured)
    trace = captured.one("invocation")["traceId"]

    start = receive(captured, context, aws.deliver_sqs((aws.sent[0], "sqs-1")))

    assert (start["traceId"], start["parentSpanId"]) == (trace, call[0])
    assert call[1:3] == ["sqs.SendMessage", "ushop_shipping"]
    assert call[6] == ["sqs:sqs-1"]


def test_sqs_batch_round_trip(captured, context, aws):
    """SendMessageBatch: one entry's attributes are not another's, nor the caller's changed."""
    client = aws.client("sqs")
    batch = [
        {"Id": "a", "MessageBody": "hi", "MessageAttributes": attributes(9)},
        {"Id": "b", "MessageBody": "hi", "MessageAttributes": attributes(10)},
        {"Id": "c", "MessageBody": "hi"},
    ]
    before = copy.deepcopy(batch)

    run(context, lambda: client.send_message_batch(QueueUrl=aws.queue, Entries=batch))

    counts = [len(entry.get("MessageAttributes", ())) for entry in aws.sent[0]["Entries"]]
    assert counts == [10, 10, 1]
    assert "traceparent" not in aws.sent[0]["Entries"][1]["MessageAttributes"]
    [call] = entries(captured)
    assert call[6] == ["sqs:sqs-1-a", "sqs:sqs-1-b", "sqs:sqs-1-c"]
    assert call[7] == {"notInjected": "ten-attributes"}
    assert batch == before


@pytest.mark.parametrize(
    ("params", "reason"),
    [
        ({"MessageAttributes": attributes(10)}, "ten-attributes"),
        ({"MessageStructure": "json", "Message": '{"default": "x"}'}, "json-structure"),
        (
            {"MessageAttributes": {"traceparent": {"DataType": "String", "StringValue": "mine"}}},
            "own-traceparent",
        ),
        ({"Message": "x" * 262_100}, "size"),
        ({"Message": "ä" * 131_050}, "size"),
    ],
)
def test_a_publish_without_room_goes_as_it_was(captured, context, aws, params, reason):
    """The message matters more than its trace, and the line says why it went without."""
    client = aws.client("sns")
    message = {"TopicArn": aws.topic, "Message": "hi", **params}

    run(context, lambda: client.publish(**message))
    client.publish(**message)

    inside, outside = aws.requests
    assert inside.body == outside.body
    assert entries(captured)[0][7] == {"notInjected": reason}


def test_attributes_that_are_none_stay_refused(captured, context, aws):
    """What botocore refuses without us it refuses with us."""
    client = aws.client("sns")

    def work():
        with pytest.raises(Exception, match="Parameter validation failed"):
            client.publish(TopicArn=aws.topic, Message="hi", MessageAttributes=None)

    run(context, work)

    assert aws.sent == []


@pytest.mark.parametrize(
    ("target", "reason"),
    [
        ({"PhoneNumber": "+15555550100"}, "sms"),
        (
            {"TargetArn": "arn:aws:sns:eu-west-1:123456789012:endpoint/GCM/app/1"},
            "platform-endpoint",
        ),
    ],
)
def test_phones_get_no_attribute(captured, context, aws, target, reason):
    """There, attributes mean something else."""
    client = aws.client("sns")

    run(context, lambda: client.publish(Message="hi", **target))

    assert "traceparent" not in str(aws.sent[0])
    assert entries(captured)[0][7] == {"notInjected": reason}
    assert "15555550100" not in "".join(captured.text)


def test_with_injection_off_every_request_is_the_same(captured, context, aws, monkeypatch):
    """LUMITRACE_INJECT=none: byte-identical bodies, link keys all the same."""
    monkeypatch.setattr(settings, "inject", False)
    sns, sqs, table, lambda_ = map(aws.client, ("sns", "sqs", "dynamodb", "lambda"))

    def work():
        sns.publish(TopicArn=aws.topic, Message="hi")
        sqs.send_message(QueueUrl=aws.queue, MessageBody="hi")
        table.put_item(TableName="t", Item={"a": {"S": "1"}})
        lambda_.invoke(FunctionName="f", Payload=b"{}")

    run(context, work)
    keys = [key for call in entries(captured) for key in call[6]]
    work()

    bodies = [request.body for request in aws.requests]
    assert bodies[:4] == bodies[4:]
    assert "X-Amz-Client-Context" not in aws.requests[3].headers
    assert keys == ["sns:sns-1", "sqs:sqs-2", "lambda:aws-request-1"]


def test_dynamodb_round_trip(captured, context, aws):
    """PutItem → stream: the receiver's parent is the writer's call."""
    client = aws.client("dynamodb")
    run(context, lambda: client.put_item(TableName="ushop_sales", Item={"saleId": {"S": "1"}}))
    [call] = entries(captured)
    trace = captured.one("invocation")["traceId"]

    start = receive(captured, context, aws.deliver_stream(aws.sent[0]["Item"]))

    assert (start["traceId"], start["parentSpanId"]) == (trace, call[0])
    assert start["source"] == "ushop_sales"


@pytest.mark.parametrize(
    ("item", "reason"),
    [
        ({"aws_dbe_head": {"B": b"x"}}, "signed-item"),
        ({"*amzn-ddb-map-desc*": {"B": b"x"}}, "signed-item"),
        ({"_lumitrace": {"S": "theirs"}}, "own-attribute"),
    ],
)
def test_an_item_that_a_mark_would_harm_goes_as_it_was(captured, context, aws, item, reason):
    """Signed items and a caller's own attribute are left alone."""
    client = aws.client("dynamodb")

    run(context, lambda: client.put_item(TableName="t", Item=item))

    assert set(aws.sent[0]["Item"]) == set(item)
    assert entries(captured)[0][7] == {"notInjected": reason}


def test_a_stale_mark_is_replaced(captured, context, aws):
    """An item that an untraced reader got with its mark is written with the new one."""
    client = aws.client("dynamodb")
    stale = {"S": f"00-{TRACE}-{SPAN}-01-1a200e1affb-1-c7009018"}

    run(
        context, lambda: client.put_item(TableName="t", Item={"a": {"S": "1"}, "_lumitrace": stale})
    )

    assert captured.one("invocation")["traceId"] in aws.sent[0]["Item"]["_lumitrace"]["S"]


def test_a_function_does_not_mark_the_table_whose_stream_it_reads(captured, context, aws, event):
    """A mark would make a change of a write that changes nothing: the loop would never end."""
    client = aws.client("dynamodb")
    put = lambda: client.put_item(TableName="ushop_sales", Item={"saleId": {"S": "1"}})  # noqa: E731

    run(context, put, event("dynamodb"))

    assert "_lumitrace" not in aws.sent[0]["Item"]
    assert entries(captured)[0][7] == {"notInjected": "own-stream"}


def test_a_context_that_has_ridden_far_enough_rides_no_further(captured, context, aws, event):
    """Sixteen items are enough for any story; beyond, it is a loop."""
    client = aws.client("dynamodb")
    far = event("dynamodb")
    del far["Records"][1:]
    image = far["Records"][0]["dynamodb"]["NewImage"]
    image["_lumitrace"]["S"] = f"00-{TRACE}-{SPAN}-01-1a200e1affb-10-c7009018"

    run(context, lambda: client.put_item(TableName="t", Item={"a": {"S": "1"}}), far)

    assert entries(captured)[0][7] == {"notInjected": "hops"}


def test_records_that_are_polled_are_stripped_too(captured, aws):
    """GetRecords of a stream shows the application's own images."""
    client = aws.client("dynamodbstreams")
    image = {"dynamodb": {"NewImage": MARKED, "OldImage": MARKED}}
    aws.answers = [(200, json.dumps({"Records": [image]}))]

    answer = client.get_records(ShardIterator="i")

    assert "_lumitrace" not in str(answer)


def test_two_functions_that_feed_each_others_tables_come_to_rest(captured, context, aws):
    """A table that the context has passed through gets no second mark."""
    client = aws.client("dynamodb")
    run(context, lambda: client.put_item(TableName="ushop_sales", Item={"a": {"S": "1"}}))
    first = aws.deliver_stream(aws.sent[-1]["Item"])
    run(context, lambda: client.put_item(TableName="other", Item={"a": {"S": "1"}}), first)
    second = aws.deliver_stream(aws.sent[-1]["Item"])
    second["Records"][0]["eventSourceARN"] = "arn:aws:dynamodb:eu-west-1:1:table/other/stream/x"

    run(context, lambda: client.put_item(TableName="ushop_sales", Item={"a": {"S": "1"}}), second)

    assert ["_lumitrace" in sent["Item"] for sent in aws.sent] == [True, True, False]
    assert entries(captured)[-1][7] == {"notInjected": "table-in-lineage"}


MARK = {"S": f"00-{TRACE}-{SPAN}-01-1a200e1affb-1-c7009018"}
MARKED = {"a": {"S": "1"}, "_lumitrace": MARK}


@pytest.mark.parametrize(
    ("operation", "params", "answer", "items"),
    [
        ("get_item", {"Key": {}}, {"Item": MARKED}, lambda r: [r["Item"]]),
        ("query", {}, {"Items": [MARKED, MARKED]}, lambda r: r["Items"]),
        ("scan", {}, {"Items": [MARKED]}, lambda r: r["Items"]),
        (
            "put_item",
            {"Item": {"a": {"S": "1"}}},
            {"Attributes": MARKED},
            lambda r: [r["Attributes"]],
        ),
        ("delete_item", {"Key": {}}, {"Attributes": MARKED}, lambda r: [r["Attributes"]]),
        ("update_item", {"Key": {}}, {"Attributes": MARKED}, lambda r: [r["Attributes"]]),
    ],
)
@pytest.mark.parametrize("inside", [True, False])
def test_every_read_is_stripped(captured, context, aws, operation, params, answer, items, inside):
    """The application sees its own items, in an invocation and outside."""
    client = aws.client("dynamodb")
    aws.answers = [(200, json.dumps(answer))]
    read = lambda: getattr(client, operation)(TableName="t", **params)  # noqa: E731

    result = run(context, read) if inside else read()

    assert all(item == {"a": {"S": "1"}} for item in items(result))
    assert items(result)


@pytest.mark.parametrize(
    ("operation", "params", "answer"),
    [
        ("batch_get_item", {"RequestItems": {"t": {"Keys": [{}]}}}, {"Responses": {"t": [MARKED]}}),
        ("transact_get_items", {"TransactItems": []}, {"Responses": [{"Item": MARKED}]}),
        ("execute_statement", {"Statement": "x"}, {"Items": [MARKED]}),
        (
            "batch_execute_statement",
            {"Statements": []},
            {"Responses": [{"Error": {"Item": MARKED}}]},
        ),
        (
            "batch_write_item",
            {"RequestItems": {}},
            {"UnprocessedItems": {"t": [{"PutRequest": {"Item": MARKED}}]}},
        ),
    ],
)
def test_reads_of_many_are_stripped(captured, context, aws, operation, params, answer):
    """The walk follows botocore's model, not a list of ours."""
    client = aws.client("dynamodb", parameter_validation=False)
    aws.answers = [(200, json.dumps(answer))]

    result = getattr(client, operation)(**params)

    assert "_lumitrace" not in str(result)
    assert "'S': '1'" in str(result)


def test_items_inside_errors_are_stripped(captured, context, aws):
    """ReturnValuesOnConditionCheckFailure hands out an item in the exception."""
    client = aws.client("dynamodb")
    body = {"__type": "x#ConditionalCheckFailedException", "message": "no", "Item": MARKED}
    aws.answers = [(400, json.dumps(body))]

    with pytest.raises(client.exceptions.ConditionalCheckFailedException) as caught:
        client.put_item(TableName="t", Item={"a": {"S": "1"}})

    assert caught.value.response["Item"] == {"a": {"S": "1"}}


def test_after_a_test_has_ended_nothing_is_touched(captured, aws, monkeypatch):
    """Once lumitrace.testing is left, a patched botocore behaves as if it were not."""
    client = aws.client("dynamodb")
    aws.answers = [(200, json.dumps({"Item": MARKED}))]
    monkeypatch.setattr(settings, "enabled", "0")

    assert client.get_item(TableName="t", Key={})["Item"] == MARKED


def test_another_ones_attribute_of_our_name_stays(captured, context, aws):
    """Only what is a mark is taken off."""
    client = aws.client("dynamodb")
    item = {"_lumitrace": {"S": "theirs"}}
    aws.answers = [(200, json.dumps({"Item": item}))]

    assert client.get_item(TableName="t", Key={})["Item"] == item


def test_dynamodb_off_neither_writes_nor_strips(captured, context, aws, monkeypatch):
    """LUMITRACE_DYNAMODB=off leaves DynamoDB alone."""
    monkeypatch.setattr(settings, "dynamodb", "off")
    client = aws.client("dynamodb")
    aws.answers = [(200, "{}"), (200, json.dumps({"Item": MARKED}))]

    run(context, lambda: client.put_item(TableName="t", Item={"a": {"S": "1"}}))

    assert "_lumitrace" not in aws.sent[0]["Item"]
    assert client.get_item(TableName="t", Key={})["Item"] == MARKED


def test_a_resource_sees_no_mark_either(captured, context, aws):
    """boto3's tables, with Python values."""
    boto3 = pytest.importorskip("boto3")
    session = boto3.Session("a", "b", region_name="eu-west-1")
    table = session.resource("dynamodb").Table("t")
    table.meta.client.meta.events.register("before-send", aws.send)
    aws.answers = [(200, "{}"), (200, json.dumps({"Item": MARKED}))]

    def work():
        item = {"a": "1"}
        table.put_item(Item=item)
        assert item == {"a": "1"}
        return table.get_item(Key={"a": "1"})["Item"]

    assert run(context, work) == {"a": "1"}
    assert "_lumitrace" in aws.sent[0]["Item"]


def test_invoke_carries_the_context_beside_the_event(captured, context, aws):
    """A call that waits has it in the client context; the payload is the caller's own bytes."""
    client = aws.client("lambda")
    run(context, lambda: client.invoke(FunctionName="f", Payload=b'{"a": 1}'))

    [call] = entries(captured)
    sent = json.loads(base64.b64decode(aws.requests[0].headers["X-Amz-Client-Context"]))
    trace = captured.one("invocation")["traceId"]
    assert sent == {"w3c": {"traceparent": f"00-{trace}-{call[0]}-01"}}
    assert aws.requests[0].body == b'{"a": 1}'


def encoded(text):
    """Return *text* as a client context."""
    return base64.b64encode(text.encode()).decode()


@pytest.mark.parametrize(
    ("theirs", "reason"),
    [
        (encoded('{"custom": {"a": 1.0}}'), None),
        (encoded("{}"), "own-client-context"),
        (encoded('{"w3c": {}}'), "own-client-context"),
        (encoded("[]"), "client-context-malformed"),
        ("not base64", "client-context-malformed"),
        (encoded('{"custom": "' + "x" * 2600 + '"}'), "client-context-full"),
    ],
)
def test_a_client_context_of_the_callers_stays_whole(captured, context, aws, theirs, reason):
    """Ours is spliced in before it, or stays out and says why."""
    client = aws.client("lambda")

    run(context, lambda: client.invoke(FunctionName="f", ClientContext=theirs))

    sent = aws.requests[0].headers["X-Amz-Client-Context"]
    sent = sent.decode() if isinstance(sent, bytes) else sent
    if reason is None:
        assert base64.b64decode(sent).decode().endswith(',"custom": {"a": 1.0}}')
        assert json.loads(base64.b64decode(sent))["w3c"]["traceparent"].startswith("00-")
    else:
        assert sent == theirs
        assert entries(captured)[0][7] == {"notInjected": reason}


def test_an_invoke_that_does_not_wait_joins_by_its_key(captured, context, aws):
    """AWS drops the client context of an asynchronous call, so none is sent."""
    client = aws.client("lambda")

    run(context, lambda: client.invoke(FunctionName="f", InvocationType="Event", Payload=b"{}"))

    assert "X-Amz-Client-Context" not in aws.requests[0].headers
    assert entries(captured)[0][6] == ["lambda:aws-request-1"]


def test_a_callee_that_failed_is_a_failed_call(captured, context, aws):
    """The Invoke succeeded, what it asked for did not."""
    client = aws.client("lambda")

    def failed(request, **_):
        answer = aws.send(request)
        answer.headers["X-Amz-Function-Error"] = "Unhandled"
        return answer

    client.meta.events.register_first("before-send", failed)

    run(context, lambda: client.invoke(FunctionName="f"))

    span = captured.one("span")
    assert (span["status"], span["error"]["type"]) == (2, "FunctionError")
    assert span["linkOut"] == ["lambda:aws-request-1"]
