"""What brings events: SNS, SQS, DynamoDB streams and API Gateway, in the shapes AWS documents."""

import http.client
import json
from urllib.parse import urlsplit

from local_aws.logs import messages
from local_aws.sources.dynamodb_streams import changes

ARN = "arn:aws:{}:us-east-1:123456789012:{}"


def events_of(stage, function):
    """Return the events that a probe has printed, once all is quiet."""
    stage.drain()
    return [
        json.loads(line) for line in messages(stage.clients.logs, function) if line.startswith("{")
    ]


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


def test_a_request_becomes_a_proxy_event_of_a_rest_api(probes):
    """Path, query, headers and both request ids are where API Gateway puts them."""
    connection = http.client.HTTPConnection(urlsplit(probes.api_url).netloc)
    connection.request("GET", "/things/7?a=1&a=2", headers={"User-Agent": "me", "X-Twice": "once"})
    answer = connection.getresponse()
    answer.read()
    connection.close()

    event = events_of(probes, "probe-of-api")[-1]
    assert answer.status == 502  # the probe's answer is none for API Gateway
    assert (event["resource"], event["path"]) == ("/things/{thing}", "/things/7")
    assert (event["httpMethod"], event["pathParameters"]) == ("GET", {"thing": "7"})
    assert event["queryStringParameters"] == {"a": "2"}
    assert event["multiValueQueryStringParameters"] == {"a": ["1", "2"]}
    assert (event["headers"]["X-Twice"], event["multiValueHeaders"]["X-Twice"]) == (
        "once",
        ["once"],
    )
    context = event["requestContext"]
    assert context["requestId"] == answer.headers["x-amzn-RequestId"]
    assert context["extendedRequestId"] == answer.headers["x-amz-apigw-id"]
    assert context["identity"]["sourceIp"] == "127.0.0.1"
    assert (context["stage"], context["path"]) == ("Prod", "/Prod/things/7")
    assert event["body"] is None


def test_a_path_that_no_function_serves_is_refused_as_api_gateway_does(probes):
    """Its words for it are Missing Authentication Token."""
    connection = http.client.HTTPConnection(urlsplit(probes.api_url).netloc)
    connection.request("GET", "/nothing")
    answer = connection.getresponse()
    body = answer.read()
    connection.close()

    assert (answer.status, json.loads(body)) == (403, {"message": "Missing Authentication Token"})
