"""What brings events, in the shapes that AWS documents."""

import base64
import json
import re
import time

from local_aws.logs import messages
from local_aws.sources.dynamodb_streams import changes

PATIENCE_S = 60  # of a machine that has other work
ARN = "arn:aws:{}:us-east-1:123456789012:{}"


def events_of(stage, function):
    """Return the events that a probe has printed, once all is quiet."""
    stage.drain()
    return printed(stage, function)


def printed(stage, function):
    """Return the events that a probe has printed so far."""
    lines = messages(stage.clients.logs, function)
    return [json.loads(line) for line in lines if line.startswith("{")]


def release(stage, function, queue):
    """Make the message that a probe leaves visible again, as soon as it was seen."""
    until = time.monotonic() + PATIENCE_S
    while not (left := _with_body(printed(stage, function), "leave")):
        assert time.monotonic() < until
        time.sleep(0.05)
    for record in left:
        handle = {"QueueUrl": queue, "ReceiptHandle": record["receiptHandle"]}
        stage.clients.sqs.change_message_visibility(**handle, VisibilityTimeout=0)


def _with_body(events, body):
    return [record for event in events for record in event["Records"] if record["body"] == body]


def test_a_notification_arrives_with_its_attributes(probes):
    """The MessageId is the one that Publish answered with."""
    topic = ARN.format("sns", "probe-topic")
    answer = probes.clients.sns.publish(
        TopicArn=topic,
        Message="hello",
        Subject="greeting",
        MessageAttributes={"traceparent": {"DataType": "String", "StringValue": "00-ab-cd-01"}},
    )

    [event] = [
        event
        for event in events_of(probes, "probe-of-topic")
        if event["Records"][0]["Sns"]["MessageId"] == answer["MessageId"]
    ]
    [record] = event["Records"]
    sns = record.pop("Sns")
    subscription = record.pop("EventSubscriptionArn")
    assert record == {"EventVersion": "1.0", "EventSource": "aws:sns"}
    assert subscription.startswith(f"{topic}:")
    assert (sns["Type"], sns["TopicArn"]) == ("Notification", topic)
    assert (sns["Message"], sns["Subject"]) == ("hello", "greeting")
    assert sns["MessageAttributes"] == {"traceparent": {"Type": "String", "Value": "00-ab-cd-01"}}
    assert {
        "Timestamp",
        "SignatureVersion",
        "Signature",
        "SigningCertUrl",
        "UnsubscribeUrl",
    } <= set(sns)


def test_messages_arrive_in_a_batch_and_only_the_failed_one_comes_again(probes):
    """ReportBatchItemFailures is honoured: what is not named is deleted."""
    url = probes.clients.sqs.get_queue_url(QueueName="probe-queue")["QueueUrl"]
    attributes = {
        "words": {"DataType": "String", "StringValue": "plain"},
        "bytes": {"DataType": "Binary", "BinaryValue": b"\x00\xff"},
    }
    answer = probes.clients.sqs.send_message_batch(
        QueueUrl=url,
        Entries=[
            {"Id": "1", "MessageBody": "take", "MessageAttributes": attributes},
            {"Id": "2", "MessageBody": "leave"},
        ],
    )

    release(probes, "probe-of-queue", url)
    records = [
        record for event in events_of(probes, "probe-of-queue") for record in event["Records"]
    ]
    sent = {it["Id"]: it["MessageId"] for it in answer["Successful"]}
    assert sorted(record["messageId"] for record in records) == sorted(
        [sent["1"], sent["2"], sent["2"]]
    )
    [record] = [record for record in records if record["messageId"] == sent["1"]]
    assert record["messageAttributes"] == {
        "words": {
            "stringValue": "plain",
            "stringListValues": [],
            "binaryListValues": [],
            "dataType": "String",
        },
        "bytes": {
            "binaryValue": "AP8=",
            "stringListValues": [],
            "binaryListValues": [],
            "dataType": "Binary",
        },
    }
    assert (record["eventSource"], record["eventSourceARN"]) == (
        "aws:sqs",
        ARN.format("sqs", "probe-queue"),
    )
    assert {"ApproximateReceiveCount", "SentTimestamp", "SenderId"} <= set(record["attributes"])
    assert {"receiptHandle", "body", "md5OfBody", "md5OfMessageAttributes", "awsRegion"} <= set(
        record
    )


def test_changes_of_a_table_arrive_in_order_and_again_after_a_failure(probes):
    """A put that changes nothing makes no record; the batch that failed comes once more."""
    put = probes.clients.dynamodb.put_item
    for words in ("one", "one", "two"):
        put(TableName="probe-table", Item={"id": {"S": "1"}, "words": {"S": words}})
    probes.clients.dynamodb.delete_item(TableName="probe-table", Key={"id": {"S": "1"}})

    records = [
        record for event in events_of(probes, "probe-of-stream") for record in event["Records"]
    ]
    by_id = {record["eventID"]: record for record in records}
    assert [record["eventName"] for record in by_id.values()] == ["INSERT", "MODIFY", "REMOVE"]
    assert len(records) > len(by_id)
    modified = next(record for record in by_id.values() if record["eventName"] == "MODIFY")
    assert modified["dynamodb"]["OldImage"]["words"] == {"S": "one"}
    assert modified["dynamodb"]["NewImage"]["words"] == {"S": "two"}
    assert modified["dynamodb"]["Keys"] == {"id": {"S": "1"}}
    assert modified["dynamodb"]["StreamViewType"] == "NEW_AND_OLD_IMAGES"
    assert isinstance(modified["dynamodb"]["ApproximateCreationDateTime"], float)
    assert {"SequenceNumber", "SizeBytes"} <= set(modified["dynamodb"])
    assert (modified["eventSource"], modified["eventVersion"]) == ("aws:dynamodb", "1.1")
    assert modified["eventSourceARN"].startswith(
        ARN.format("dynamodb", "table/probe-table/stream/")
    )


def test_equal_images_are_no_change():
    """An insert and a removal have one image only, and always count."""
    image = {"id": {"S": "1"}}

    assert not changes({"OldImage": image, "NewImage": dict(image)})
    assert changes({"OldImage": image, "NewImage": {"id": {"S": "2"}}})
    assert changes({"NewImage": image})
    assert changes({"OldImage": image})


def test_an_event_arrives_by_its_rule_with_the_id_that_its_sender_was_told(probes):
    """What the pattern does not name stays out."""
    entry = {"Source": "probe", "DetailType": "probe.asked", "Resources": ["arn:of:it"]}
    answer = probes.clients.events.put_events(
        Entries=[
            {**entry, "Detail": '{"n": 1}'},
            {**entry, "Detail": '{"n": 2}', "DetailType": "probe.unasked"},
        ]
    )

    [event] = events_of(probes, "probe-of-rule")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", event.pop("time"))
    assert event == {
        "version": "0",
        "id": answer["Entries"][0]["EventId"],
        "detail-type": "probe.asked",
        "source": "probe",
        "account": "123456789012",
        "region": "us-east-1",
        "resources": ["arn:of:it"],
        "detail": {"n": 1},
    }


def test_a_bucket_notifies_of_its_objects_with_the_ids_of_the_requests(probes):
    """Each event bears the ids that were told to the sender of its own request."""
    s3 = probes.clients.s3
    put = {"Bucket": "probe-bucket", "Key": "seen/one & two.txt", "Body": b"hello"}
    answers = [s3.put_object(**put), s3.put_object(**put)]
    s3.put_object(Bucket="probe-bucket", Key="unseen", Body=b"")
    answers.append(s3.delete_object(Bucket="probe-bucket", Key="seen/one & two.txt"))

    records = [record for it in events_of(probes, "probe-of-bucket") for record in it["Records"]]
    records.sort(key=lambda record: record["s3"]["object"]["sequencer"])
    assert [record["responseElements"] for record in records] == [
        {
            "x-amz-request-id": answer["ResponseMetadata"]["RequestId"],
            "x-amz-id-2": answer["ResponseMetadata"]["HostId"],
        }
        for answer in answers
    ]
    assert [record["eventName"] for record in records] == [
        "ObjectCreated:Put",
        "ObjectCreated:Put",
        "ObjectRemoved:Delete",
    ]
    record = records[0]
    assert (record["eventSource"], record["eventVersion"]) == ("aws:s3", "2.1")
    assert (record["s3"]["bucket"]["name"], record["s3"]["object"]["key"]) == (
        "probe-bucket",
        "seen%2Fone+%26+two.txt",
    )
    assert record["s3"]["object"]["size"] == 5
    assert {"awsRegion", "eventTime", "userIdentity", "requestParameters"} <= set(record)


def test_records_of_a_stream_arrive_in_batches_of_a_shard_and_again_after_a_failure(probes):
    """The event id is made of the shard and the number that PutRecords answered with."""
    answer = probes.clients.kinesis.put_records(
        StreamName="probe-clicks",
        Records=[{"Data": f"click {n}".encode(), "PartitionKey": f"key {n}"} for n in range(6)],
    )

    events = events_of(probes, "probe-of-clicks")
    records = {record["eventID"]: record for event in events for record in event["Records"]}
    told = [f"{it['ShardId']}:{it['SequenceNumber']}" for it in answer["Records"]]
    assert sorted(records) == sorted(told)
    assert sum(len(event["Records"]) for event in events) == 2 * len(told)  # each failed once
    for event in events:
        assert len({record["eventID"].partition(":")[0] for record in event["Records"]}) == 1
    record = records[told[3]]
    data = record.pop("kinesis")
    assert base64.b64decode(data["data"]) == b"click 3"
    assert (data["partitionKey"], data["kinesisSchemaVersion"]) == ("key 3", "1.0")
    assert data["sequenceNumber"] == answer["Records"][3]["SequenceNumber"]
    assert isinstance(data["approximateArrivalTimestamp"], float)
    assert record == {
        "eventSource": "aws:kinesis",
        "eventVersion": "1.0",
        "eventID": told[3],
        "eventName": "aws:kinesis:record",
        "invokeIdentityArn": "arn:aws:iam::123456789012:role/probe-of-clicks",
        "awsRegion": "us-east-1",
        "eventSourceARN": ARN.format("kinesis", "stream/probe-clicks"),
    }
