"""LUMITRACE_SAMPLE: which invocations are told in detail, and what all others still say."""

import json
import os

import pytest

import lumitrace
from lumitrace import traced
from lumitrace.capture.config import Settings, settings
from lumitrace.wire import span_line

KEY = {"id": {"S": "1"}}
HTTP = "api_gateway_http"
HIGH, LOW = "f" * 32, "f" * 18 + "0" * 13 + "1"  # trace ids that any share keeps, or hardly any


@pytest.fixture
def unsampled(monkeypatch):
    """Sample nothing."""
    monkeypatch.setattr(settings, "threshold", "g")


@pytest.fixture
def half(monkeypatch):
    """Sample the upper half of the trace ids."""
    monkeypatch.setattr(settings, "threshold", sampling("0.5").threshold)


def sampling(share):
    """Return the settings with this share."""
    values = Settings()
    values.load({"LUMITRACE_SAMPLE": share})
    return values


def traceparent(trace_id, flags="01"):
    """Return a sender's context."""
    return f"00-{trace_id}-00f067aa0ba902b7-{flags}"


def message(event, *headers):
    """Return an event of SQS with a message for each of *headers*."""
    batch = event("sqs")
    first = json.dumps(batch["Records"][0])
    batch["Records"] = []
    for number, header in enumerate(headers):
        record = json.loads(first)
        record["messageId"] = f"sqs-{number}"
        record["messageAttributes"]["traceparent"]["stringValue"] = header
        batch["Records"].append(record)
    return batch


def visit(event):
    """Return an HTTP event of a stranger without a trace."""
    return {**event(HTTP), "headers": {}}


@pytest.fixture
def shop(aws):
    """Return what a handler does: two reads, a write, a message."""
    table, topic = aws.client("dynamodb"), aws.client("sns")

    def work():
        for _ in range(2):
            table.get_item(TableName="ushop_catalog", Key=KEY)
        table.put_item(TableName="ushop_sales", Item=KEY)
        topic.publish(TopicArn=aws.topic, Message="hi")
        return {"statusCode": 200}

    return work


def run(work, event, context):
    """Run *work* as a traced handler."""
    return traced(lambda *_: work())(event, context)


def unsampled_by_chance(captured, handle, batch, context):
    """Run *handle* until it is not sampled: the trace of a batch is its own, drawn each time."""
    for _ in range(50):
        captured.writes.clear()
        traced(handle)(batch, context)
        if not captured.all("start"):
            break


def test_one_line_says_all_that_counts(captured, context, event, shop, unsampled):
    """Status, tags, how it was called, and count and time of its calls; no start line."""
    run(lambda: None, visit(event), context)  # the first of the process says more
    captured.writes.clear()

    def work():
        lumitrace.tag(saleId="628d8a", total=42.5)
        return shop()

    run(work, visit(event), context)

    [line] = captured.lines
    assert (line["record"], line["detail"]) == ("invocation", False)
    assert (line["trigger"], line["route"]) == (HTTP.replace("_", "-"), "POST /sales")
    assert line["linkIn"] == ["apigw:JKJaXmPLvHcESHB="]
    assert line["tags"] == {"saleId": "628d8a", "total": "42.5"}
    told = [[*element[:3], element[4:]] for element in line["summary"]]
    assert told == [
        ["dynamodb.GetItem", "ushop_catalog", 2, []],
        ["dynamodb.PutItem", "ushop_sales", 1, []],
        ["sns.Publish", "ushop_new-sales", 1, []],  # its context is the hop's witness
    ]
    assert line["summary"][0][3] >= 2


def test_an_invocation_that_is_not_sampled_takes_500_bytes_at_most(
    captured, context, event, aws, unsampled, monkeypatch
):
    """An HTTP event and three calls."""
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "ushop_new-sale-processing")
    monkeypatch.setattr(settings, "version", "$LATEST")
    table, topic = aws.client("dynamodb"), aws.client("sns")

    def work():
        table.get_item(TableName="ushop_catalog", Key=KEY)
        table.put_item(TableName="ushop_sales", Item=KEY)
        topic.publish(TopicArn=aws.topic, Message="hi")
        return {"statusCode": 200}

    for _ in range(2):
        captured.writes.clear()
        run(work, visit(event), context)

    [text] = captured.writes
    assert len(text) <= 500 - 9  # durations here have two digits, in life up to five


@pytest.mark.parametrize("json_logs", [True, False])
def test_a_line_bears_time_and_level_where_lambda_asks_for_them(
    captured, context, unsampled, monkeypatch, json_logs
):
    """In JSON log format Lambda relabels a line without them, and may drop it."""
    monkeypatch.setattr(settings, "json_logs", json_logs)

    run(lambda: None, {}, context)

    assert ({"timestamp", "level"} <= captured.one("invocation").keys()) == json_logs


def test_what_failed_is_told_in_full(captured, context, event, shop, unsampled):
    """The start line, every call with its time, the error: nothing is lost but the announcing."""

    def work():
        shop()
        raise ValueError

    with pytest.raises(ValueError):  # noqa: PT011  # ours to raise
        run(work, visit(event), context)

    start, end = captured.lines
    assert (start["record"], start["sampled"], end["record"]) == ("start", False, "invocation")
    assert [entry[1] for entry in end["calls"]] == [
        *["dynamodb.GetItem"] * 2,
        *("dynamodb.PutItem", "sns.Publish"),
    ]
    assert "detail" not in end
    assert end["error"]["type"] == "ValueError"


def test_an_answer_of_500_is_a_failure(captured, context, event, shop, unsampled):
    """What a web caller gets decides, as for the status."""
    run(lambda: (shop(), {"statusCode": 502})[1], visit(event), context)

    assert [line["record"] for line in captured.lines] == ["start", "invocation"]


def test_a_call_that_failed_is_told_where_the_handler_took_care_of_it(
    captured, context, aws, unsampled
):
    """What failing and healthy transactions are compared by must be there for both."""
    table = aws.client("dynamodb")
    aws.answers = [aws.refuse("ValidationException", "no")]

    def work():
        with lumitrace.span("try"), pytest.raises(table.exceptions.ClientError):
            table.get_item(TableName="t", Key=KEY)
        table.get_item(TableName="t", Key=KEY)

    run(work, {}, context)

    failed, end = captured.lines
    assert (failed["record"], failed["error"]["code"]) == ("span", "ValidationException")
    assert failed["parentSpanId"] == end["spanId"]  # the span between is not told
    assert [element[:3] for element in end["summary"]] == [["dynamodb.GetItem", "t", 1]]


def test_nothing_is_written_before_the_end(captured, context, aws, unsampled, clock):
    """Neither after 25 ms, nor before a call that waits, nor for tags."""
    clock.step_us = 30_000
    client = aws.client("lambda")
    written = []

    def work():
        for number in range(5):
            lumitrace.tag(**{f"tag{number}": "x" * 256})
            client.invoke(FunctionName="f")
            written.append(len(captured.writes))

    run(work, {}, context)

    assert written == [0] * 5
    assert len(captured.one("invocation")["tags"]) == 5


def test_the_decision_is_a_threshold_on_the_trace_id():
    """The last 56 bits reach (1 - share) * 2^56: OpenTelemetry's rule, the same everywhere."""
    values = {share: sampling(share) for share in ("1", "0.75", "0.5", "0.01", "0")}

    assert [value.threshold for value in values.values()] == [
        "",
        "40000000000000",
        "80000000000000",
        "fd70a3d70a3d70",
        "g",
    ]
    half = values["0.5"]
    assert half.keeps("0" * 18 + "8" + "0" * 13)
    assert not half.keeps("f" * 18 + "7" + "f" * 13)
    assert values["1"].keeps("0" * 31 + "1")
    assert not values["0"].keeps("f" * 32)


def test_functions_decide_alike_without_being_told():
    """What a smaller share keeps, a larger one keeps too; and the share is that of the traces."""
    shares = [sampling(share) for share in ("0.01", "0.1", "0.5")]
    ids = [os.urandom(16).hex() for _ in range(20_000)]

    kept = [{one for one in ids if share.keeps(one)} for share in shares]

    assert kept[0] < kept[1] < kept[2]
    assert [round(len(some) / 20_000, 1) for some in kept] == [0.0, 0.1, 0.5]


@pytest.mark.parametrize("value", ["1.5", "-0.1", "1e-3", "a", "", ".", "nan"])
def test_what_is_no_share_is_reported_and_everything_is_sampled(value):
    """A typo costs no line."""
    values = sampling(value)

    assert len(values.wrong) == 1
    assert values.threshold == ""


@pytest.mark.parametrize("flags", ["00", "01", "02", "03"])
@pytest.mark.parametrize("trace_id", [HIGH, LOW])
def test_the_flags_received_are_sent_on_and_decide_nothing(
    captured, context, event, aws, half, flags, trace_id
):
    """Sampled or not by the sender's word: the trace id alone decides here."""
    queue = aws.client("sqs")

    run(
        lambda: queue.send_message(QueueUrl=aws.queue, MessageBody="hi"),
        message(event, traceparent(trace_id, flags)),
        context,
    )

    sent = aws.sent[-1]["MessageAttributes"]["traceparent"]["StringValue"]
    assert sent.split("-")[1::2] == [trace_id, flags]
    assert bool(captured.all("start")) == (trace_id == HIGH)


def test_a_trace_of_our_own_bears_our_decision(context, event, aws, captured, unsampled):
    """Whatever a stranger at a public edge says of his."""
    topic = aws.client("sns")
    claimed = {**event(HTTP), "headers": {"traceparent": traceparent(HIGH)}}

    run(lambda: topic.publish(TopicArn=aws.topic, Message="hi"), claimed, context)

    attribute = aws.deliver_sns(aws.sent[-1], "1")["Records"][0]["Sns"]["MessageAttributes"]
    sent = attribute["traceparent"]["Value"].split("-")
    line = captured.one("invocation")
    assert sent == ["00", line["traceId"], line["spanId"], "00"]


def test_a_message_names_the_span_that_is_told(context, event, aws, captured, unsampled):
    """No call has a line: the receiver's parent is the handler, or the record."""
    queue = aws.client("sqs")
    batch = message(event, traceparent(LOW), traceparent(LOW[:-1] + "2"))

    def handle(event, _):
        for _ in lumitrace.records(event):
            queue.send_message(QueueUrl=aws.queue, MessageBody="hi")

    traced(handle)(batch, context)

    sent = [one["MessageAttributes"]["traceparent"]["StringValue"] for one in aws.sent]
    told = {(line["traceId"], line["spanId"]) for line in captured.all("span")}
    assert {tuple(one.split("-")[1:3]) for one in sent} == told


def test_a_record_that_is_sampled_is_told_in_detail(context, event, aws, captured, half):
    """The invocation's own trace decides for it, each record's for the record."""
    table = aws.client("dynamodb")
    batch = message(event, traceparent(HIGH), traceparent(LOW), traceparent(LOW[:-1] + "2"))

    def handle(event, _):
        for record in lumitrace.records(event):
            if record is not event["Records"][2]:
                table.get_item(TableName="t", Key=KEY)
                lumitrace.tag(saleId=record["messageId"])

    unsampled_by_chance(captured, handle, batch, context)

    whole, thin = captured.all("span")
    assert [entry[1] for entry in whole["calls"]] == ["dynamodb.GetItem"]
    assert [element[:3] for element in thin["summary"]] == [["dynamodb.GetItem", "t", 1]]
    assert [one["tags"]["saleId"] for one in (whole, thin)] == ["sqs-0", "sqs-1"]
    end = captured.one("invocation")
    assert [entry[3] for entry in end["records"]] == ["sqs-2"]
    assert len(end["links"]) == 3


def test_keys_that_alone_join_a_hop_are_told(context, aws, captured, unsampled, monkeypatch):
    """Where the context did not go out, or may not be read, AWS's own id stays."""
    monkeypatch.setattr(settings, "inject", False)
    topic, stream = aws.client("sns"), aws.client("kinesis")

    def work():
        for _ in range(20):
            topic.publish(TopicArn=aws.topic, Message="hi")
        stream.put_record(StreamName="s", Data=b"1", PartitionKey="1")

    run(work, {}, context)

    published, more, put = captured.one("invocation")["summary"]
    assert (published[2], len(published[4]), len(more[4])) == (20, 16, 4)
    assert more[:4] == ["sns.Publish", "ushop_new-sales", 0, 0]
    assert put[4] == ["kinesis:shardId-000000000000:21"]


def test_a_forked_child_writes_its_calls_itself(context, aws, captured, unsampled):
    """No handler ends there that could sum them up."""
    from lumitrace.capture.current import process

    table = aws.client("dynamodb")

    def work():
        process.forked()
        table.get_item(TableName="t", Key=KEY)

    run(work, {}, context)

    _, told = captured.all("calls")  # announced, then told
    assert [entry[1] for entry in told["calls"]] == ["dynamodb.GetItem"]


@pytest.fixture
def kept(captured):
    """Return the names of payloads in each line, by its record; calls also have them in entries."""

    def kept():
        told = []
        for line in captured.lines:
            rare = [entry[7] for entry in line.get("calls", ()) if len(entry) > 7]
            names = {name for one in (line, *rare) for name in span_line.PAYLOADS if name in one}
            told.append((line["record"], sorted(names)))
        return told

    return kept


@pytest.fixture
def everything(monkeypatch):
    """Ask for payloads of what succeeded, too."""
    monkeypatch.setattr(settings, "payloads", "all")


def test_what_ends_well_keeps_no_payload_where_it_is_not_sampled(
    context, event, aws, shop, unsampled, everything, kept
):
    """Sampling comes first: LUMITRACE_PAYLOADS=all is no more than errors there."""
    table = aws.client("dynamodb", retries={"total_max_attempts": 2})

    def refused():
        aws.answers = [aws.refuse("ValidationException", "no")]
        with pytest.raises(table.exceptions.ClientError):
            table.get_item(TableName="t", Key=KEY)

    run(shop, visit(event), context)
    run(refused, visit(event), context)

    assert kept() == [("invocation", []), ("span", ["answer", "params"]), ("invocation", [])]


def test_what_fails_writes_the_payloads_it_holds_where_it_is_not_sampled(
    context, event, shop, unsampled, everything, kept
):
    """The event as it came, and the parameters of each call."""

    def work():
        shop()
        raise ValueError

    with pytest.raises(ValueError):  # noqa: PT011  # ours to raise
        run(work, visit(event), context)
    run(lambda: (shop(), {"statusCode": 500})[1], visit(event), context)

    assert kept() == [
        ("start", []),
        ("invocation", ["event", "params"]),
        ("start", []),
        ("invocation", ["event", "params", "result"]),
    ]


def test_records_have_payloads_as_their_own_traces_are_sampled(
    context, event, aws, captured, half, everything, kept
):
    """A sampled one has its calls' parameters; the event goes along where a record failed."""
    table, queue = aws.client("dynamodb"), aws.client("sqs")
    batch = message(event, traceparent(HIGH), traceparent(LOW))
    answer = {"batchItemFailures": [{"itemIdentifier": batch["Records"][1]["messageId"]}]}

    def handle(event, _):
        for record in lumitrace.records(event):
            table.get_item(TableName="t", Key=KEY)
            entry = lumitrace.bind({"Id": "1", "MessageBody": "hi"}, record)
        queue.send_message_batch(QueueUrl=aws.queue, Entries=[entry])
        return answer

    unsampled_by_chance(captured, handle, batch, context)
    told = kept()
    answer.clear()
    unsampled_by_chance(captured, handle, batch, context)

    records = [("span", ["params"]), ("span", [])]
    assert told == [*records, ("invocation", ["event", "result"])]
    assert kept() == [*records, ("invocation", [])]


def test_with_every_trace_sampled_nothing_is_loaded():
    """The default pays for one comparison: the module of sums is not there."""
    import subprocess
    import sys

    program = """
import sys
from types import SimpleNamespace
from lumitrace import traced, testing
with testing.capture() as captured:
    traced(lambda *_: None)({}, SimpleNamespace(aws_request_id="1"))
assert [line["record"] for line in captured.lines] == ["start", "invocation"]
assert not {"lumitrace.capture.thin", "lumitrace.capture.sums"} & set(sys.modules)
"""
    environ = {"PYTHONPATH": os.pathsep.join(sys.path), "PATH": os.environ["PATH"]}
    subprocess.run([sys.executable, "-c", program], check=True, env=environ)
