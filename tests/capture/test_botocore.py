"""AWS calls: told, timed, announced; the host's view of them unchanged."""

import copy
import json
import subprocess
import sys
import traceback
from concurrent.futures import ThreadPoolExecutor

import pytest

import lumitrace
from lumitrace import traced
from lumitrace.capture import emit, handler
from lumitrace.capture.config import settings

KEY = {"saleId": {"S": "1"}}


def run(context, work, event=None):
    """Run *work* inside an invocation."""
    return traced(lambda event, context: work())(event or {}, context)


def quick(client, *calls):
    """Use *client* once outside an invocation, so that no first call is announced later."""
    for call in calls or (lambda: client.get_item(TableName="t", Key=KEY),):
        call()


def test_calls_fold_into_the_handlers_line(captured, context, aws):
    """Eleven quick calls of a warm function: two lines."""
    table = aws.client("dynamodb")
    quick(table)

    def work():
        for _ in range(11):
            table.get_item(TableName="ushop_catalog", Key=KEY)

    run(context, work)
    captured.writes.clear()
    run(context, work)

    assert len(captured.lines) <= 3
    calls = [call for line in captured.lines for call in line.get("calls", ())]
    assert len(calls) == 11
    span_id, operation, resource, offset_us, duration_us, status, keys = calls[0]
    assert (operation, resource, status, keys) == ("dynamodb.GetItem", "ushop_catalog", 200, [])
    assert len(span_id) == 16
    assert offset_us > 0
    assert duration_us > 0


def test_a_short_warm_invocation_writes_two_lines(captured, context, aws, clock):
    """Under 25 ms and without HTTP or Invoke: start and invocation, however many calls."""
    clock.step_us = 100
    table = aws.client("dynamodb")
    quick(table)
    run(context, lambda: None)
    captured.writes.clear()

    run(context, lambda: [table.get_item(TableName="t", Key=KEY) for _ in range(20)])

    assert [line["record"] for line in captured.lines] == ["start", "invocation"]


def test_a_slow_call_is_written_when_it_ends(captured, context, aws, clock):
    """25 ms after the last write, what waits is written."""
    table = aws.client("dynamodb")
    quick(table)
    clock.step_us = 100

    def slow(_):
        clock.us += 30_000
        return 200, "{}"

    aws.answers = [slow]
    run(context, lambda: table.get_item(TableName="t", Key=KEY))

    start, calls, end = captured.lines
    assert calls["record"] == "calls"
    assert calls["calls"][0][1] == "dynamodb.GetItem"
    assert calls["calls"][0][4] >= 30_000
    assert calls["startUs"] == start["startUs"]
    assert "calls" not in end


def test_a_call_late_after_the_last_write_is_announced(captured, context, aws, clock):
    """A kill during that call leaves its name."""
    table = aws.client("dynamodb")
    quick(table)
    clock.step_us = 100

    def work():
        table.get_item(TableName="before", Key=KEY)
        clock.us += 30_000
        table.get_item(TableName="late", Key=KEY)

    run(context, work)

    announced = captured.one("calls")
    assert announced["open"][1:3] == ["dynamodb.GetItem", "late"]
    assert [call[2] for call in announced["calls"]] == ["before"]
    assert announced["open"][0] == captured.one("invocation")["calls"][0][0]


def test_the_first_call_of_a_client_is_announced(captured, context, aws, clock):
    """Connections hang when they are opened."""
    clock.step_us = 10
    table = aws.client("dynamodb")

    run(context, lambda: [table.get_item(TableName="t", Key=KEY) for _ in range(2)])

    assert captured.one("calls")["open"][1:3] == ["dynamodb.GetItem", "t"]


def test_an_invoke_that_waits_is_announced(captured, context, aws, clock):
    """Another function may take its time."""
    clock.step_us = 10
    client = aws.client("lambda")
    quick(client, lambda: client.invoke(FunctionName="f"))

    run(context, lambda: client.invoke(FunctionName="ushop_receipt-email", Payload=b"{}"))

    assert captured.one("calls")["open"][1:3] == ["lambda.Invoke", "ushop_receipt-email"]
    entry = captured.one("invocation")["calls"][0]
    assert entry[6] == ["lambda:aws-request-1"]


def test_many_calls_are_written_before_they_fill_a_pipe(captured, context, aws, clock):
    """3,500 bytes are enough for one line, and no line exceeds 4 KiB."""
    clock.step_us = 1
    table = aws.client("dynamodb")

    run(context, lambda: [table.get_item(TableName="t" * 50, Key=KEY) for _ in range(100)])

    assert len(captured.all("calls")) >= 3
    assert max(map(len, captured.text)) <= 4096
    calls = [call for line in captured.lines for call in line.get("calls", ())]
    assert len({call[0] for call in calls}) == 100


def test_a_failed_call_is_a_line(captured, context, aws):
    """AWS's refusal is told with its code, its words and its request id."""
    client = aws.client("dynamodb")
    text = "One or more parameter values were invalid: Type mismatch for key amount"
    aws.answers = [aws.refuse("ValidationException", text)]

    def work():
        with pytest.raises(client.exceptions.ClientError, match="Type mismatch"):
            client.put_item(TableName="ushop_sales", Item=KEY)

    run(context, work)

    span = captured.one("span")
    assert (span["operation"], span["resource"]) == ("dynamodb.PutItem", "ushop_sales")
    assert (span["httpStatus"], span["status"], span["kind"]) == (400, 2, "CLIENT")
    assert span["error"]["code"] == "ValidationException"
    assert text in span["error"]["message"]
    assert span["awsRequestId"] == "aws-request-1"
    assert span["parentSpanId"] == captured.one("invocation")["spanId"]
    assert "attempts" not in span
    assert len(aws.sent) == 1


def test_a_retried_call_is_a_line_with_its_attempts(captured, context, aws, monkeypatch):
    """What the SDK hides, the line shows."""
    monkeypatch.setattr("time.sleep", lambda _: None)
    client = aws.client("dynamodb")
    aws.answers = [aws.refuse("InternalServerError", "x", 500), (200, "{}")]

    run(context, lambda: client.get_item(TableName="t", Key=KEY))

    span = captured.one("span")
    assert (span["attempts"], span["httpStatus"]) == (2, 200)
    assert "status" not in span


def test_a_call_without_an_answer_is_told(captured, context, aws, monkeypatch):
    """A connection that fails has no status and the exception's name."""
    from botocore.exceptions import EndpointConnectionError

    monkeypatch.setattr("time.sleep", lambda _: None)
    client = aws.client("dynamodb")
    aws.answers = [EndpointConnectionError(endpoint_url="https://x.test")] * 9

    def work():
        with pytest.raises(EndpointConnectionError):
            client.get_item(TableName="t", Key=KEY)

    run(context, work)

    span = captured.one("span")
    assert (span["httpStatus"], span["error"]["type"]) == (0, "EndpointConnectionError")
    assert span["attempts"] == len(aws.sent) > 1


def test_parameters_that_botocore_refuses_make_no_span(captured, context, aws):
    """Nothing was sent, nothing is told."""
    client = aws.client("dynamodb")

    def work():
        with pytest.raises(Exception, match="Parameter validation failed"):
            client.get_item(TableName="t", Key=5)

    run(context, work)

    assert [line["record"] for line in captured.lines] == ["start", "invocation"]
    assert "calls" not in captured.one("invocation")


def test_any_other_service_is_a_call_too(captured, context, aws):
    """S3 and SSM need no file of ours."""
    s3, ssm = aws.client("s3"), aws.client("ssm")

    def work():
        s3.put_object(Bucket="receipts", Key="secret/1.pdf", Body=b"x")
        ssm.get_parameter(Name="/shop/limit")

    aws.answers = [(200, b""), (200, "{}")]
    run(context, work)

    calls = [call for line in captured.lines for call in line.get("calls", ())]
    assert [call[1:3] for call in calls] == [
        ["s3.PutObject", "receipts"],
        ["ssm.GetParameter", "/shop/limit"],
    ]
    assert "1.pdf" not in "".join(captured.text)


def test_calls_outside_an_invocation_are_counted(captured, context, aws):
    """What a function does while it starts is not lost silently."""
    table = aws.client("dynamodb")
    table.get_item(TableName="t", Key=KEY)

    run(context, lambda: None)

    assert captured.one("invocation")["dropped"] == {"outside": 1}


def test_calls_in_threads_belong_to_the_invocation(captured, context, aws):
    """Pool threads lose the context variable; their calls still have a parent."""
    table = aws.client("dynamodb")

    def work():
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda _: table.get_item(TableName="t", Key=KEY), range(40)))

    run(context, work)

    calls = [call for line in captured.lines for call in line.get("calls", ())]
    assert len({call[0] for call in calls}) == 40
    assert {line["spanId"] for line in captured.lines} == {captured.one("invocation")["spanId"]}


def test_a_call_in_a_custom_span_is_its_child(captured, context, aws):
    """The line of the step holds the step's calls."""
    table = aws.client("dynamodb")
    quick(table)

    def work():
        with lumitrace.span("price"):
            table.get_item(TableName="t", Key=KEY)

    run(context, work)

    assert captured.one("span")["calls"][0][1] == "dynamodb.GetItem"
    assert "calls" not in captured.one("invocation")


def test_a_flush_inside_a_step_names_the_step(captured, context, aws, clock):
    """Were the function killed now, the open call would still hang below its step."""
    clock.step_us = 10
    table = aws.client("dynamodb")

    def work():
        with lumitrace.span("price"):
            table.get_item(TableName="t", Key=KEY)

    run(context, work)

    flushed, span = captured.one("calls"), captured.one("span")
    assert (flushed["spanId"], flushed["name"]) == (span["spanId"], "price")
    assert flushed["parentSpanId"] == captured.one("start")["spanId"]


def test_what_the_caller_sees_is_the_same(context, aws, captured):
    """Result, parameters and traceback of a call, in an invocation and outside."""
    client = aws.client("dynamodb")
    item = {"saleId": {"S": "1"}, "n": {"N": "1"}}
    params = {"TableName": "t", "Item": item, "ReturnValues": "ALL_OLD"}
    before = copy.deepcopy(params)

    def work():
        refusal = aws.refuse("ConditionalCheckFailedException", "The conditional request failed")
        aws.answers = [(200, "{}"), refusal]
        answer = client.put_item(**params)
        with pytest.raises(client.exceptions.ConditionalCheckFailedException) as caught:
            client.put_item(**params)
        names = [frame.name for frame in traceback.extract_tb(caught.value.__traceback__)]
        return answer, names, caught.value.response

    inside, outside = run(context, work), work()

    assert inside == outside
    assert params == before
    assert params["Item"] is item


def test_an_exception_inside_botocores_own_hook_shows_no_frame_of_ours(context, aws, captured):
    """What is raised behind our door passes it without a trace."""
    client = aws.client("dynamodb")

    def refuse(**_):
        raise LookupError("theirs")

    client.meta.events.register("before-parameter-build.dynamodb.GetItem", refuse)

    def work():
        with pytest.raises(LookupError) as caught:
            client.get_item(TableName="t", Key=KEY)
        return [frame.filename for frame in traceback.extract_tb(caught.value.__traceback__)]

    files = run(context, work)

    ours = [name for name in files if "lumitrace/capture" in name or "wrapt" in name]
    assert len(ours) <= (1 if sys.version_info < (3, 11) else 0)


def test_a_stubbed_client_still_passes(context, aws, captured):
    """Users' tests with botocore's Stubber see the parameters they expect."""
    stub = pytest.importorskip("botocore.stub")
    client = aws.client("sns")
    with stub.Stubber(client) as stubber:
        expected = {"TopicArn": aws.topic, "Message": "hi"}
        stubber.add_response("publish", {"MessageId": "m"}, expected)
        answer = run(context, lambda: client.publish(**expected))

    assert answer["MessageId"] == "m"


def test_a_presigned_url_is_left_alone(context, aws, captured):
    """A URL that is only made is no call, and carries no context."""
    client = aws.client("lambda")

    url = run(context, lambda: client.generate_presigned_url("invoke", {"FunctionName": "f"}))

    assert "w3c" not in url
    assert "ClientContext" not in url
    assert len(captured.lines) == 2


def test_a_request_that_botocore_copies_can_be_copied(context, aws, captured):
    """CopyDBSnapshot across regions signs a second request made from the first."""
    client = aws.client("rds")
    answer = "<CopyDBSnapshotResponse><CopyDBSnapshotResult/></CopyDBSnapshotResponse>"
    aws.answers = [(200, answer)]

    run(
        context,
        lambda: client.copy_db_snapshot(
            SourceDBSnapshotIdentifier="arn:aws:rds:us-east-1:123456789012:snapshot:a",
            TargetDBSnapshotIdentifier="b",
            SourceRegion="us-east-1",
        ),
    )

    assert "X-Amz-Signature" in aws.sent[0]["PreSignedUrl"]


def test_budgets_are_kept_and_counted(context, aws, captured, monkeypatch):
    """Beyond LUMITRACE_MAX_SPANS calls are counted, not told; the last line says how many."""
    monkeypatch.setattr(settings, "max_spans", 5)
    table = aws.client("dynamodb")

    run(context, lambda: [table.get_item(TableName="t", Key=KEY) for _ in range(12)])

    calls = [call for line in captured.lines for call in line.get("calls", ())]
    assert len(calls) == 5
    assert captured.one("invocation")["dropped"] == {"spans": 7}


def test_no_write_is_larger_than_a_pipe_takes_whole(context, aws, captured, event):
    """Lines that go on in a further line are writes of their own."""
    batch = event("sqs")
    first = batch["Records"][0]
    batch["Records"] = []
    for number in range(200):
        record = copy.deepcopy(first)
        attribute = record["messageAttributes"]["traceparent"]
        attribute["stringValue"] = f"00-{number + 1:032x}-00f067aa0ba902b7-01"
        batch["Records"].append(record)

    run(context, lambda: None, batch)

    assert len(captured.all("start")) > 2
    assert max(map(len, captured.writes)) <= 4096


def test_an_alarm_word_in_an_error_is_hidden(context, aws, captured):
    """AWS's own words may hold what people's metric filters look for."""
    client = aws.client("dynamodb")
    aws.answers = [aws.refuse("ValidationException", "ERROR: password=hunter2")]

    def work():
        with pytest.raises(client.exceptions.ClientError):
            client.get_item(TableName="t", Key=KEY)

    run(context, work)

    text = "".join(captured.text)
    assert "ERROR" not in text
    assert "hunter2" not in text
    assert "ERROR: password=****" in captured.one("span")["error"]["message"]


def test_the_byte_budget_is_kept(context, aws, captured, monkeypatch):
    """Beyond LUMITRACE_MAX_BYTES only the last line is written, and it says what is missing."""
    monkeypatch.setattr(settings, "max_bytes", 5000)
    table = aws.client("dynamodb")

    run(context, lambda: [table.get_item(TableName="t", Key=KEY) for _ in range(300)])

    assert sum(map(len, captured.writes)) < 10_000
    assert captured.one("invocation")["dropped"]["bytes"] > 1000


def test_botocore_is_patched_when_the_function_imports_it():
    """`traced` comes first, boto3 later: calls are traced all the same, with no finder left."""
    pytest.importorskip("botocore")
    program = """
import sys
sys.path[:0] = PATH
from lumitrace import traced
from lumitrace.capture import on_import
handler = traced(lambda event, context: None)
assert "wrapt" not in sys.modules and "botocore" not in sys.modules
import botocore.client
assert type(botocore.client.BaseClient.__dict__["_emit_api_params"]).__name__ == "Door"
assert "botocore.client" not in on_import.finder.waiting
assert botocore.client.__loader__.__class__.__name__ == "SourceFileLoader"
assert "exec_module" not in vars(botocore.client.__loader__)
print("patched")
"""
    source = f"PATH = {[p for p in sys.path if p]!r}\n{program}"
    environment = {"AWS_LAMBDA_FUNCTION_NAME": "f"}

    done = subprocess.run(
        [sys.executable, "-c", source], env=environment, capture_output=True, text=True, check=False
    )

    assert done.stdout == "patched\n", done.stderr


def test_json_that_is_written_is_one_line_each(context, aws, captured):
    """Every line is a JSON object by itself."""
    table = aws.client("dynamodb")

    run(context, lambda: table.get_item(TableName="t\nä", Key=KEY))

    assert all(json.loads(line)["lumitrace"] == 1 for line in captured.text)
    assert "".join(captured.writes).isascii()


def test_a_forked_child_does_not_repeat_what_the_parent_gathered(context, aws, captured):
    """The buffer is a process's own."""
    from lumitrace.capture.current import process

    assert "watch_forks" in handler.install.__code__.co_names

    table = aws.client("dynamodb")
    quick(table)

    def work():
        table.get_item(TableName="parent", Key=KEY)
        waiting = list(process.active.handler.calls)
        process.forked()
        in_child = list(process.active.handler.calls), emit.is_due(process.active, 0)
        process.active.handler.calls.extend(waiting)
        process.active.eager = False
        return waiting, in_child

    waiting, in_child = run(context, work)

    assert len(waiting) == 1
    assert in_child == ([], True)


def test_a_call_beyond_the_budget_of_spans_is_not_announced(aws, captured, context):
    """What will not be told is not begun; the first call of a client is announced otherwise."""
    settings.max_spans = 1
    clients = [aws.client("sqs"), aws.client("sqs")]

    def handler(event, context):
        for client in clients:
            client.send_message(QueueUrl=aws.queue, MessageBody="x")

    traced(handler)({}, context)

    assert sum("open" in line for line in captured.lines) == 1
    assert captured.one("invocation")["dropped"] == {"spans": 1}


def test_a_client_that_shares_anothers_events_is_listened_to_once(aws, captured, context):
    """A retry of ours is taken off its count once."""
    first = aws.client("sqs")
    second = object.__new__(type(first))
    second.__dict__.update(first.__dict__)
    refused = aws.refuse("InvalidParameterValue", "One or more parameters: attribute")

    def handler(event, context):
        first.send_message(QueueUrl=aws.queue, MessageBody="x")
        aws.answers = [refused]
        answer = second.send_message(QueueUrl=aws.queue, MessageBody="x")
        return answer["ResponseMetadata"]["RetryAttempts"]

    assert traced(handler)({}, context) == 0
    assert [line for line in captured.lines if line.get("attempts", 1) != 1] == []
