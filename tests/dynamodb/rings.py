"""Functions and tables in a ring: moto's streams, topics, queues and buses, Lambda's own runtime.

What a table's stream, a queue or a call brings is handed over as Lambda does, by the real runtime
client, until nothing is left. Between the services nothing is ours; a poller is not patched: it
reads what stands on the wire.
"""

import base64
import functools
import json
from collections import deque

import pytest
from tests.aws.request import Request

from lumitrace import traced
from lumitrace.capture.current import process
from lumitrace.capture.services import _dynamodb_repeats

REGION, ACCOUNT = "eu-west-1", "123456789012"
KEYS = {
    "KeySchema": [{"AttributeName": "saleId", "KeyType": "HASH"}],
    "AttributeDefinitions": [{"AttributeName": "saleId", "AttributeType": "S"}],
    "BillingMode": "PAY_PER_REQUEST",
    "StreamSpecification": {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
}
MARK = "_lumitrace"
ENDLESS = 60  # stream records of one sale: no ring here takes as many


class Function:
    """A function that Lambda runs in *processes* of its own, one after the other."""

    def __init__(self, name, work, processes=1):
        self.name = name
        self.arn = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{name}"
        self.handler = traced(work)
        self.runs = 0
        self._remembered = [{} for _ in range(processes)]

    def run(self, event, client_context=None):
        """Run it once, as Lambda's runtime client does."""
        bootstrap = pytest.importorskip("awslambdaric.bootstrap")
        marshaller = pytest.importorskip("awslambdaric.lambda_runtime_marshaller")
        posted = _Posted(marshaller.LambdaMarshaller())
        self.runs += 1
        before = _dynamodb_repeats._writes
        _dynamodb_repeats._writes = self._remembered[self.runs % len(self._remembered)]
        process.active = None
        try:
            bootstrap.handle_event_request(
                posted,
                self.handler,
                f"{self.name}-{self.runs}",
                json.dumps(event).encode(),
                "application/json",
                client_context,
                None,
                self.arn,
                0,
                None,
                posted,
            )
        finally:
            _dynamodb_repeats._writes = before
        assert not posted.failed, posted.failed


class _Posted:
    """What the runtime client would post to Lambda, and print."""

    def __init__(self, marshaller):
        self.marshaller, self.failed = marshaller, []

    def post_invocation_result(self, *told):
        """Take a result."""

    def post_invocation_error(self, _, error, *__):
        """Take an error."""
        self.failed.append(error)

    def log_error(self, lines):
        """Take its lines."""


@functools.cache
def _client(session, url, service):
    """Return a client: making one takes longer than most rings."""
    return session.create_client(
        service,
        region_name=REGION,
        endpoint_url=url,
        aws_access_key_id="AKIDEXAMPLE",
        aws_secret_access_key="none",  # noqa: S106  # nobody asks for it
    )


class Ring:
    """Functions, and what brings them their events.

    Attributes:
        tables: their names.
        records: (table, record) of each change that a stream told of, oldest first.
        seen: of these, the changes that an application can see: not of our mark alone.
    """

    def __init__(self, proxy, session):
        self.proxy, self._session = proxy, session
        self.records, self.seen = [], []
        self.tables = []
        self._clients, self._streams, self._queues = {}, {}, {}
        self._waiting = deque()
        self._invoked = {}

    def client(self, service):
        """Return a client as a function has it, made once."""
        if service not in self._clients:
            if service == "lambda":  # it has this ring's own functions behind it
                client = _client.__wrapped__(self._session, self.proxy.url, service)
                client.meta.events.register("before-send", self._invoke)
            else:
                client = _client(self._session, self.proxy.url, service)
            self._clients[service] = client
        return self._clients[service]

    def ask(self, service, target, **params):
        """Ask moto past every patch, as a poller of AWS's own; return the JSON of the answer."""
        signed = f"AWS4-HMAC-SHA256 Credential=AKID/20261122/{REGION}/{service}/aws4_request"
        headers = [
            (b"x-amz-target", target.encode()),
            (b"content-type", b"application/x-amz-json-1.0"),
            (
                b"authorization",
                signed.encode(),
            ),
        ]
        request = Request(b"POST", b"/", headers, json.dumps(params).encode())
        status, _, body = self.proxy.forward(request)
        assert status == 200, body
        return json.loads(body)

    def table(self, name):
        """Make a table with a stream."""
        self.tables.append(name)
        made = self.ask("dynamodb", "DynamoDB_20120810.CreateTable", TableName=name, **KEYS)
        arn = made["TableDescription"]["LatestStreamArn"]
        told = self._stream("DescribeStream", StreamArn=arn)["StreamDescription"]
        at = self._stream(
            "GetShardIterator",
            StreamArn=arn,
            ShardId=told["Shards"][0]["ShardId"],
            ShardIteratorType="TRIM_HORIZON",
        )
        self._streams[name] = [arn, at["ShardIterator"], []]

    def follow(self, table, function, *, shape=None):
        """Hand *function* what the stream of *table* tells, in the *shape* of its source."""
        self._streams[table][2].append((function, shape or _stream_event))

    def queue(self, name, function, shape):
        """Make a queue that leads to *function*; return its ARN."""
        told = self.ask("sqs", "AmazonSQS.CreateQueue", QueueName=name)
        self._queues[told["QueueUrl"]] = function, shape
        return f"arn:aws:sqs:{REGION}:{ACCOUNT}:{name}"

    def callable(self, function):
        """Let *function* be invoked."""
        self._invoked[function.name] = function

    def play(self, entry):
        """Run *entry*, then hand over what comes of it; tell whether the ring came to rest."""
        entry.run({"requestContext": {"stage": "prod"}, "httpMethod": "POST", "path": "/sales"})
        while self._collect() or self._waiting:
            if len(self.records) > ENDLESS:
                return False
            while self._waiting:
                function, event, client_context = self._waiting.popleft()
                function.run(event, client_context)
        return True

    def _collect(self):
        """Queue what streams and queues hold; tell whether there was any."""
        for name, stream in self._streams.items():
            told = self._stream("GetRecords", ShardIterator=stream[1])
            stream[1] = told["NextShardIterator"]
            records = [one for one in told["Records"] if _changes(one["dynamodb"])]
            self.records += ((name, one) for one in records)
            self.seen += ((name, one) for one in records if _is_seen(one["dynamodb"]))
            if records:
                for function, shape in stream[2]:
                    self._waiting.append((function, shape(records, stream[0]), None))
        for url, (function, shape) in self._queues.items():
            told = self.ask(
                "sqs",
                "AmazonSQS.ReceiveMessage",
                QueueUrl=url,
                MaxNumberOfMessages=10,
                VisibilityTimeout=3600,
                MessageAttributeNames=["All"],
            )
            for message in told.get("Messages", ()):
                self._waiting.append((function, shape(message, url.rpartition("/")[2]), None))
        return bool(self._waiting)

    def _stream(self, operation, **params):
        return self.ask("dynamodb", f"DynamoDBStreams_20120810.{operation}", **params)

    def _invoke(self, request, **_):
        """Stand in for Lambda: take the call, run the function later."""
        from botocore.awsrequest import AWSResponse

        came = [(name.encode(), _bytes(value)) for name, value in request.headers.items()]
        path = request.url.split("/", 3)[3].encode()
        call = Request(b"POST", b"/" + path, came, _bytes(request.body)).params
        sent = call.get("ClientContext")
        if call.get("InvocationType") == "Event":  # the client context is for those who wait
            sent = None
        context = base64.b64decode(sent).decode() if sent else None
        event = json.loads(call["Payload"])
        self._waiting.append((self._invoked[call["FunctionName"]], event, context))
        status = 202 if call.get("InvocationType") == "Event" else 200
        return AWSResponse(request.url, status, {"x-amzn-RequestId": "r"}, _Empty())


class _Empty:
    def stream(self, *_, **__):
        yield b""

    def read(self, *_, **__):
        return b""


def _bytes(value):
    return value.encode() if isinstance(value, str) else value or b""


def _changes(change):
    """Tell whether DynamoDB writes this record: none where no data in the item changed.

    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Streams.html
    """
    return change.get("OldImage") != change.get("NewImage")


def _is_seen(change):
    images = (change.get("OldImage"), change.get("NewImage"))
    old, new = (one and {k: v for k, v in one.items() if k != MARK} for one in images)
    return old != new


def _stream_event(records, arn):
    """Return the event of a table's stream.

    https://docs.aws.amazon.com/lambda/latest/dg/with-ddb.html
    """
    return {
        "Records": [
            {**one, "eventSource": "aws:dynamodb", "eventSourceARN": arn} for one in records
        ]
    }


def through_kinesis(records, arn):
    """Return the event of a Kinesis stream that the table's changes go to.

    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/kds.html
    """
    return {
        "Records": [
            {
                "eventSource": "aws:kinesis",
                "eventID": f"shardId-000000000000:{number}",
                "eventSourceARN": f"arn:aws:kinesis:{REGION}:{ACCOUNT}:stream/changes",
                "kinesis": {"data": _kinesis_data(one, arn), "sequenceNumber": str(number)},
            }
            for number, one in enumerate(records)
        ]
    }


def _kinesis_data(record, arn):
    change = dict(record["dynamodb"])
    change["ApproximateCreationDateTime"] = int(change["ApproximateCreationDateTime"] * 1000)
    said = {
        "awsRegion": REGION,
        "eventID": record["eventID"],
        "eventName": record["eventName"],
        "userIdentity": None,
        "recordFormat": "application/json",
        "tableName": arn.split("/")[1],
        "dynamodb": change,
        "eventSource": "aws:dynamodb",
    }
    return base64.b64encode(json.dumps(said, separators=(",", ":")).encode()).decode()


def from_queue(message, name):
    """Return the event of a queue.

    https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html
    """
    attributes = {
        name: {"stringValue": value["StringValue"], "dataType": value["DataType"]}
        for name, value in message.get("MessageAttributes", {}).items()
    }
    return {
        "Records": [
            {
                "messageId": message["MessageId"],
                "body": message["Body"],
                "attributes": {"ApproximateReceiveCount": "1"},
                "messageAttributes": attributes,
                "eventSource": "aws:sqs",
                "eventSourceARN": f"arn:aws:sqs:{REGION}:{ACCOUNT}:{name}",
            }
        ]
    }


def from_topic(message, _):
    """Return the event of a topic that notifies a function: what it told the queue here."""
    notification = json.loads(message["Body"])
    return {"Records": [{"EventSource": "aws:sns", "EventVersion": "1.0", "Sns": notification}]}


def from_bus(message, _):
    """Return the event of a bus's rule: what it told the queue here."""
    return json.loads(message["Body"])
