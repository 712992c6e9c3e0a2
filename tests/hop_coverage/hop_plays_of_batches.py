"""Hops of single records, threads and tasks, of other tracers, and of senders that were killed."""

import asyncio
import json
import os
from concurrent.futures import ThreadPoolExecutor

from hop_kinds import kind, send_message

import lumitrace

QUEUE_ENTRY = {"MessageBody": "hi"}
UNTOLD = "the sender was killed before AWS told it an id"


def two_messages(stage):
    """Return a batch of two senders' messages; the receiver is to hear of the second alone."""
    messages = [send_message(stage), send_message(stage)]
    stage.addressed = ["sender-1"]
    return stage.aws.deliver_sqs(*messages)


def second(stage, number=-1):
    """Return, as a queue delivers it, the message that was sent on for the second record."""
    return stage.aws.deliver_sqs(
        (stage.aws.sent[number], f"sqs-{len(stage.aws.sent[:number]) + 1}")
    )


def send_on(stage):
    """Send one message on."""
    stage.client("sqs").send_message(QueueUrl=stage.aws.queue, **QUEUE_ENTRY)


def entries_of(event, **said):
    """Return an entry a record, each bound to its own."""
    return [
        lumitrace.bind({"Id": str(number), **said}, record)
        for number, record in enumerate(event["Records"])
    ]


@kind()
def loop(stage):
    """SQS → a call in the loop over records → SQS."""

    def work(event):
        for _ in lumitrace.records(event):
            send_on(stage)

    stage.relay(work, two_messages(stage))
    stage.receive(second(stage))


@kind()
def bound_messages(stage):
    """SQS → `bind` → SendMessageBatch after the loop."""

    def work(event):
        entries = entries_of(event, **QUEUE_ENTRY)
        stage.client("sqs").send_message_batch(QueueUrl=stage.aws.queue, Entries=entries)

    stage.relay(work, two_messages(stage))
    sent = stage.aws.sent[-1]["Entries"][1]
    stage.receive(stage.aws.deliver_sqs((sent, f"sqs-{len(stage.aws.sent)}-1")))


@kind()
def bound_events(stage):
    """SQS → `bind` → PutEvents after the loop."""

    def work(event):
        said = {"Source": "ushop", "DetailType": "sale.confirmed", "Detail": "{}"}
        entries = [lumitrace.bind(dict(said), record) for record in event["Records"]]
        stage.client("events").put_events(Entries=entries)

    stage.relay(work, two_messages(stage))
    event = {**stage.event("eventbridge"), "id": f"event-{len(stage.aws.sent)}-1"}
    stage.receive(event)


@kind()
def powertools(stage):
    """SQS → Powertools' batch processor → SQS."""
    from aws_lambda_powertools.utilities import batch

    def work(event):
        return batch.process_partial_response(
            event=event,
            record_handler=lambda record: send_on(stage),  # Powertools names it
            processor=batch.BatchProcessor(event_type=batch.EventType.SQS),
        )

    stage.relay(work, two_messages(stage))
    stage.receive(second(stage))


@kind()
def threads(stage):
    """SQS → a thread of concurrent.futures a record → SQS."""

    def work(event):
        with ThreadPoolExecutor(1) as pool:
            for _ in lumitrace.records(event):
                pool.submit(send_on, stage).result()

    stage.relay(work, two_messages(stage))
    stage.receive(second(stage))


@kind()
def tasks(stage):
    """SQS → a task of asyncio a record → SQS."""

    async def one(record):
        with lumitrace.record(record):
            await asyncio.sleep(0)
            send_on(stage)

    async def every(event):
        await asyncio.gather(*map(one, event["Records"]))

    stage.relay(lambda event: asyncio.run(every(event)), two_messages(stage))
    stage.receive(second(stage))


@kind()
def sns_fifo(stage):
    """SNS FIFO → SQS FIFO."""
    said = {"TopicArn": f"{stage.aws.topic}.fifo", "Message": "hi", "MessageGroupId": "g"}
    stage.send(lambda: stage.client("sns").publish(**said))
    message = stage.aws.deliver_sns(stage.aws.sent[-1], "sns-1")["Records"][0]["Sns"]
    body = {"MessageBody": json.dumps({"Type": "Notification", **message})}
    stage.receive(fifo(stage.aws.deliver_sqs((body, "sqs-9"))))


@kind()
def sqs_fifo(stage):
    """SQS FIFO SendMessage."""
    said = {"QueueUrl": f"{stage.aws.queue}.fifo", "MessageBody": "hi", "MessageGroupId": "g"}
    stage.send(lambda: stage.client("sqs").send_message(**said))
    stage.receive(fifo(stage.aws.deliver_sqs((stage.aws.sent[-1], f"sqs-{len(stage.aws.sent)}"))))


def fifo(event):
    """Make *event* that of a FIFO queue."""
    for record in event["Records"]:
        record["eventSourceARN"] += ".fifo"
        record["attributes"] |= {"MessageGroupId": "g", "SequenceNumber": "18849496460467696128"}
    return event


def produced(stage, name, *, traced):
    """Let a Kafka producer send, *traced* by OpenTelemetry or by nobody."""
    from opentelemetry import trace

    ours, theirs = (int.from_bytes(os.urandom(size), "big") for size in (16, 8))
    parent = trace.NonRecordingSpan(trace.SpanContext(ours, theirs, is_remote=False))
    header = f"00-{ours:032x}-{int.from_bytes(os.urandom(8), 'big'):016x}-01"
    with trace.use_span(parent if traced else trace.INVALID_SPAN):
        stage.send(lambda: None)
    event = stage.event(name)
    [[record, *_], *_] = event["records"].values()
    record["headers"] = [{"traceparent": list(header.encode())}] if traced else []
    event["records"] = {"clicks-0": [record]}
    stage.receive(event)


@kind()
def kafka_msk(stage):
    """Kafka (MSK), a producer that OpenTelemetry traces."""
    produced(stage, "kafka_msk", traced=True)


@kind()
def kafka_self_managed(stage):
    """Kafka (self-managed), a producer that OpenTelemetry traces."""
    produced(stage, "kafka_self_managed", traced=True)


@kind(reason="AWS gives a record no id that its producer sees too", untraceable=True)
def kafka_untraced(stage):
    """Kafka, a producer without a tracer."""
    produced(stage, "kafka_msk", traced=False)


@kind()
def own_traceparent(stage):
    """SQS SendMessage with a `traceparent` of OpenTelemetry's."""
    from opentelemetry import trace

    ours, theirs = (int.from_bytes(os.urandom(size), "big") for size in (16, 8))
    header = {"DataType": "String", "StringValue": f"00-{ours:032x}-{theirs:016x}-01"}
    span = trace.NonRecordingSpan(trace.SpanContext(ours, theirs, is_remote=False))
    said = {"QueueUrl": stage.aws.queue, "MessageBody": "hi"}

    def send():
        with trace.use_span(span):
            stage.client("sqs").send_message(**said, MessageAttributes={"traceparent": header})

    stage.send(send)
    stage.receive(stage.aws.deliver_sqs((stage.aws.sent[-1], f"sqs-{len(stage.aws.sent)}")))


def killed(stage, service, call, receive, answer):
    """Send by a client's first *call*, which is announced, and be killed before its answer."""
    stage.xray()

    def meanwhile(sent):
        stage.kill()
        receive(sent)

    stage.answering(meanwhile, answer)
    client = stage.aws.client(service)
    stage.send(lambda: call(client))


@kind(reason=UNTOLD)
def killed_invoke(stage):
    """Invoke whose sender is killed while it waits, newest runtime client."""
    killed(
        stage,
        "lambda",
        lambda client: client.invoke(FunctionName="receiver", Payload=b"{}"),
        lambda _: stage.receive({"any": 1}, "aws-request-1", **stage.client_context()),
        (200, "{}"),
    )


@kind(reason=UNTOLD)
def killed_invoke_older(stage):
    """Invoke whose sender is killed while it waits, older runtime client."""
    killed(
        stage,
        "lambda",
        lambda client: client.invoke(FunctionName="receiver", Payload=b"{}"),
        lambda _: stage.receive({"any": 1}, "aws-request-1"),
        (200, "{}"),
    )


@kind(reason=UNTOLD)
def killed_publish(stage):
    """SNS Publish whose sender is killed before the answer."""
    killed(
        stage,
        "sns",
        lambda client: client.publish(TopicArn=stage.aws.topic, Message="hi"),
        lambda sent: stage.receive(stage.aws.deliver_sns(sent, "sns-1")),
        (200, "<PublishResponse><PublishResult/></PublishResponse>"),
    )


@kind(reason=UNTOLD)
def killed_put_events(stage):
    """EventBridge PutEvents whose sender is killed before the answer."""
    entry = {"Source": "ushop", "DetailType": "sale.confirmed", "Detail": "{}"}
    killed(
        stage,
        "events",
        lambda client: client.put_events(Entries=[entry]),
        lambda _: stage.receive({**stage.event("eventbridge"), "id": "e-1"}),
        (200, json.dumps({"Entries": [{"EventId": "e-1"}]})),
    )
