"""Hops that moto delivers for real: SNS, SQS, EventBridge, Kinesis and DynamoDB.

Between moto's services nothing is ours. The last step, from a queue or a stream to Lambda, is the
event source mapping's, which renames fields:
https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html#example-standard-queue-message-event
"""

import base64
import functools
import json

import pytest

moto = pytest.importorskip("moto")
boto3 = pytest.importorskip("boto3")
pytest.importorskip("duckdb")

REGION = "eu-west-1"
ACCOUNT = "123456789012"
# Of the newer address, which names the account, moto 5.2 does not know.
ENDPOINTS = {"dynamodbstreams": f"https://streams.dynamodb.{REGION}.amazonaws.com"}
INJECTED, NOT_INJECTED = "injected", "not injected"
EVERYTHING = {"MessageAttributeNames": ["All"], "AttributeNames": ["All"]}


@functools.cache
def _session():
    """Return one session: it reads each service's description once."""
    return boto3.Session()


class Cloud:
    """A queue in moto's AWS, whatever leads to it, and the functions on both sides."""

    def __init__(self, stage):
        self.stage = stage
        self._clients = {}

    def client(self, service):
        """Return a client, made once."""
        if service not in self._clients:
            self._clients[service] = _session().client(
                service,
                region_name=REGION,
                endpoint_url=ENDPOINTS.get(service),
                aws_access_key_id="AKIDEXAMPLE",
                aws_secret_access_key="none",  # noqa: S106  # nobody asks for it
            )
        return self._clients[service]

    def queue(self, name="ushop_shipping", **attributes):
        """Make a queue; return its address and its ARN."""
        url = self.client("sqs").create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
        return url, f"arn:aws:sqs:{REGION}:{ACCOUNT}:{name}"

    def topic(self, queue_arn, name="ushop_new-sales", **attributes):
        """Make a topic that sends to the queue; return its ARN."""
        sns = self.client("sns")
        fifo = {"FifoTopic": "true"} if name.endswith(".fifo") else {}
        arn = sns.create_topic(Name=name, Attributes=fifo)["TopicArn"]
        sns.subscribe(TopicArn=arn, Protocol="sqs", Endpoint=queue_arn, Attributes=attributes)
        return arn

    def rule(self, arn, pattern, **said):
        """Have the default bus send what matches *pattern* on to *arn*."""
        events = self.client("events")
        events.put_rule(Name="ushop", EventPattern=json.dumps(pattern))
        events.put_targets(Rule="ushop", Targets=[{"Id": "1", "Arn": arn, **said}])

    def messages(self, url):
        """Return what waits in the queue, as an event source mapping hands it over."""
        found = self.client("sqs").receive_message(
            QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=0, **EVERYTHING
        )
        arn = f"arn:aws:sqs:{REGION}:{ACCOUNT}:{url.rpartition('/')[2]}"
        return {"Records": [_record(one, arn) for one in found["Messages"]]}


def _record(message, arn):
    attributes = {
        name: {"stringValue": value["StringValue"], "dataType": value["DataType"]}
        for name, value in message.get("MessageAttributes", {}).items()
    }
    return {
        "messageId": message["MessageId"],
        "body": message["Body"],
        "attributes": message["Attributes"],
        "messageAttributes": attributes,
        "eventSource": "aws:sqs",
        "eventSourceARN": arn,
    }


@pytest.fixture
def cloud(stage, monkeypatch):
    """Moto's AWS, empty."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    with moto.mock_aws():
        yield Cloud(stage)


def sqs(cloud):
    """Return what leads from SendMessage to a function."""
    url, _ = cloud.queue()
    cloud.stage.send(lambda: cloud.client("sqs").send_message(QueueUrl=url, MessageBody="hi"))
    return cloud.messages(url)


def sqs_fifo(cloud):
    """Return what leads from SendMessageBatch through a FIFO queue to a function."""
    url, _ = cloud.queue("ushop.fifo", FifoQueue="true", ContentBasedDeduplication="true")
    entry = {"Id": "1", "MessageBody": "hi", "MessageGroupId": "g"}
    client = cloud.client("sqs")
    cloud.stage.send(lambda: client.send_message_batch(QueueUrl=url, Entries=[entry]))
    return cloud.messages(url)


def dead_letters(cloud):
    """Return what a queue has moved to its dead-letter queue."""
    dead, dead_arn = cloud.queue("ushop_dead")
    policy = {"deadLetterTargetArn": dead_arn, "maxReceiveCount": 1}
    url, _ = cloud.queue(RedrivePolicy=json.dumps(policy))
    cloud.stage.send(lambda: cloud.client("sqs").send_message(QueueUrl=url, MessageBody="hi"))
    for _ in range(2):
        cloud.client("sqs").receive_message(QueueUrl=url, VisibilityTimeout=0)
    return cloud.messages(dead)


def publish(cloud, arn, **said):
    """Publish from a function."""
    client = cloud.client("sns")
    cloud.stage.send(lambda: client.publish(TopicArn=arn, Message="hi", **said))


def sns_sqs(cloud):
    """Return what leads from a topic through a queue to a function."""
    url, arn = cloud.queue()
    publish(cloud, cloud.topic(arn))
    return cloud.messages(url)


def sns_sqs_raw(cloud):
    """Return the same with raw delivery."""
    url, arn = cloud.queue()
    publish(cloud, cloud.topic(arn, RawMessageDelivery="true"))
    return cloud.messages(url)


def sns_sqs_fifo(cloud):
    """Return the same through FIFO topics and queues."""
    url, arn = cloud.queue("ushop.fifo", FifoQueue="true", ContentBasedDeduplication="true")
    said = {"MessageGroupId": "g", "MessageDeduplicationId": "1"}
    publish(cloud, cloud.topic(arn, "ushop.fifo"), **said)
    return cloud.messages(url)


def put_events(cloud):
    """Put one event from a function."""
    entry = {"Source": "ushop", "DetailType": "sale.confirmed", "Detail": '{"saleId": "1"}'}
    cloud.stage.send(lambda: cloud.client("events").put_events(Entries=[entry]))


def events_sqs(cloud):
    """Return what leads from a bus through a queue to a function."""
    url, arn = cloud.queue()
    cloud.rule(arn, {"source": ["ushop"]})
    put_events(cloud)
    return cloud.messages(url)


def events_moved(cloud):
    """Return what an InputTransformer made of an event whose detail bears the context."""
    cloud.stage.opt_in("eventbridge", "inject")
    url, arn = cloud.queue()
    paths = {"InputPathsMap": {"d": "$.detail"}, "InputTemplate": '{"sale": <d>}'}
    cloud.rule(arn, {"source": ["ushop"]}, InputTransformer=paths)
    put_events(cloud)
    return cloud.messages(url)


def kinesis(cloud):
    """Return what PutRecords put into a stream."""
    client = cloud.client("kinesis")
    client.create_stream(StreamName="ushop_clicks", ShardCount=1)
    records = [{"Data": b"{}", "PartitionKey": "1"}] * 2
    cloud.stage.send(lambda: client.put_records(StreamName="ushop_clicks", Records=records))
    [shard] = client.list_shards(StreamName="ushop_clicks")["Shards"]
    at = client.get_shard_iterator(
        StreamName="ushop_clicks", ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
    )
    found = client.get_records(ShardIterator=at["ShardIterator"])["Records"]
    return {"Records": [_kinesis_record(shard["ShardId"], one) for one in found]}


def _kinesis_record(shard, record):
    return {
        "eventSource": "aws:kinesis",
        "eventID": f"{shard}:{record['SequenceNumber']}",
        "eventSourceARN": f"arn:aws:kinesis:{REGION}:{ACCOUNT}:stream/ushop_clicks",
        "kinesis": {
            "data": base64.b64encode(record["Data"]).decode(),
            "sequenceNumber": record["SequenceNumber"],
            "partitionKey": record["PartitionKey"],
        },
    }


def dynamodb(cloud):
    """Return what PutItem left in a table's stream."""
    client = cloud.client("dynamodb")
    arn = client.create_table(
        TableName="ushop_sales",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
    )["TableDescription"]["LatestStreamArn"]
    item = {"id": {"S": "1"}}
    cloud.stage.send(lambda: client.put_item(TableName="ushop_sales", Item=item))
    streams = cloud.client("dynamodbstreams")
    [shard] = streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"]
    at = streams.get_shard_iterator(
        StreamArn=arn, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
    )
    found = _untouched(lambda: streams.get_records(ShardIterator=at["ShardIterator"]))
    return {
        "Records": [
            {
                **one,
                "eventSource": "aws:dynamodb",
                "eventSourceARN": arn,
                "dynamodb": at_our_time(one),
            }
            for one in found["Records"]
        ]
    }


def at_our_time(record):
    """Return the change with the time of the tests' clock, in seconds as Lambda hands it over."""
    return {**record["dynamodb"], "ApproximateCreationDateTime": 1_795_383_700}


def _untouched(read):
    """Read as AWS does: not through our patch, which takes our mark off."""
    from lumitrace.capture.config import settings

    known, settings.dynamodb = settings.dynamodb, "off"
    try:
        return read()
    finally:
        settings.dynamodb = known


DELIVERED = {
    sqs: ("context", "link key"),
    sqs_fifo: ("context", "link key"),
    dead_letters: ("context", "link key"),
    sns_sqs: ("context", "link key"),
    sns_sqs_raw: ("context", ""),
    sns_sqs_fifo: ("context", "link key"),
    events_sqs: ("link key", "link key"),
    events_moved: ("context", ""),
    kinesis: ("link key", "link key"),
    dynamodb: ("context", ""),
}


@pytest.mark.parametrize("mode", [INJECTED, NOT_INJECTED])
@pytest.mark.parametrize("deliver", DELIVERED, ids=lambda one: one.__name__)
def test_what_moto_delivers_is_joined(cloud, deliver, mode):
    """The sender's own request, moto's services between, the receiver: one transaction."""
    cloud.stage.begin(mode)

    cloud.stage.receive(deliver(cloud))

    wanted = DELIVERED[deliver][mode == NOT_INJECTED]
    assert cloud.stage.joined(mode) == [wanted]
