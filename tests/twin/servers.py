"""The servers that both twins talk to: Lambda's Runtime API, and AWS."""

import http.client
import json
import queue
import sys
from pathlib import Path

from tests.aws.proxy import Proxy

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "examples" / "ushop"))

from local_aws.http_server import LOOPBACK, Handler, Server  # noqa: E402  # found only now

ARN = "arn:aws:lambda:eu-west-1:123456789012:function:twin"
TRACE = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1"
TOLD = ("content-type", "lambda-runtime-function-error-type")
CAUSE = "lambda-runtime-function-xray-error-cause"
LARGEST = 6_291_556  # bytes of a response: what Lambda's own refusal names
MARK = f"00-{'ab' * 16}-{'cd' * 8}-01-19aa7d3f000-1-12345678"


class RuntimeApi:
    """Hands out events, and keeps what the process posts."""

    def __init__(self):
        http.client._MAXLINE = 1 << 21  # the X-Ray cause is long
        self.server = Server(_Asked, self)
        self.address = f"{LOOPBACK}:{self.server.port}"
        self.begin([], list)

    def stop(self):
        """Take no more requests."""
        self.server.stop()

    def begin(self, events, look):
        """Have *events* for the next process: a body, and headers or what makes them."""
        self.look, self.marks = look, []
        self.events, self.posted = list(enumerate(events, 1)), []
        self.idle, self.over = queue.SimpleQueue(), queue.SimpleQueue()


class _Asked(Handler):
    def do_GET(self):  # noqa: N802  # http.server's name
        api = self.server.owner
        if self.path.endswith("/restore/next"):  # SnapStart: the snapshot is taken here
            self.answer(200, b"", {})
            return
        api.marks.append(api.look())
        if not api.events:
            api.idle.put(None)
            api.over.get()  # the process is killed while it waits, as Lambda does it
            self.close_connection = True
            return
        number, (body, headers) = api.events.pop(0)
        self.answer(
            200,
            body,
            {
                "Content-Type": "application/json",
                "Lambda-Runtime-Aws-Request-Id": f"8a1c0000-0000-4000-8000-{number:012}",
                "Lambda-Runtime-Deadline-Ms": "4000000000000",
                "Lambda-Runtime-Invoked-Function-Arn": ARN,
                "Lambda-Runtime-Trace-Id": TRACE,
                **(headers() if callable(headers) else headers),
            },
        )

    def do_POST(self):  # noqa: N802  # http.server's name
        told = {name: self.headers.get(name) for name in (*TOLD, CAUSE)}
        body = self.body()
        self.server.owner.posted.append((self.path, told, body))
        if self.path.endswith("/response") and len(body) > LARGEST:
            text = f"Exceeded maximum allowed payload size ({LARGEST} bytes)."
            said = {"errorMessage": text, "errorType": "RequestEntityTooLarge"}
            self.answer(413, json.dumps(said).encode(), {"Content-Type": "application/json"})
            return
        self.answer(202, b'{"status": "OK"}', {"Content-Type": "application/json"})


class Recorder(Proxy):
    """AWS in small: keeps every request, and gives the same answer to the same request.

    Attributes:
        marked: whether items that are read bear a mark of ours, which the bare twin never sees.
    """

    def __init__(self):
        self.marked = False
        super().__init__(None)

    def forward(self, request):
        return self.answer(request)

    def answer(self, request):
        self.requests.append(request)
        headers = {"x-amzn-RequestId": "aws-1", "Content-Type": "application/x-amz-json-1.0"}
        said = request.body + request.path
        if b'"cancel"' in said:
            return 400, headers, json.dumps(CANCELLED).encode()
        for word, (status, code) in REFUSALS.items():
            if word in said and not (word == b"busy" and len(self.requests) > 2):
                body = {"__type": f"com.amazonaws#{code}", "message": f"told to {word.decode()}"}
                return status, headers, json.dumps(body).encode()
        if request.operation.startswith("Publish"):
            return 200, headers, _published(request).encode()
        if request.service == "s3":
            return 200, {"ETag": '"e-1"', "x-amz-request-id": "aws-1"}, b""
        many = 20 if request.params.get("TableName") == "many" else 1
        items = [{"id": {"S": "a"}, "n": {"N": "1.50"}} for _ in range(many)]
        for number, item in enumerate(items if self.marked else ()):
            item["_lumitrace"] = {"S": MARK.replace("cd" * 8, f"cd{number % 18:014}")}
        return 200, headers, json.dumps(_answered(request, items)).encode()


def _published(request):
    ids = [one["Id"] for one in request.params.get("PublishBatchRequestEntries", [])]
    done = [f"<member><Id>{it}</Id><MessageId>m-{it}</MessageId></member>" for it in ids]
    inner = f"<Successful>{''.join(done)}</Successful>" if ids else "<MessageId>m-1</MessageId>"
    name = request.operation
    return f"<{name}Response><{name}Result>{inner}</{name}Result></{name}Response>"


def _answered(request, items):
    """Return what AWS answers to *request*; *items* are what its table holds."""
    params, operation = request.params, request.operation
    entries = params.get("Entries") or params.get("Records") or []
    if operation == "SendMessageBatch":
        failed = [it for it in entries if it["MessageBody"] == "partly"]
        told = {"Code": "InvalidParameterValue", "Message": "must be shorter", "SenderFault": True}
        return {
            "Successful": [
                {"Id": it["Id"], "MessageId": "m-1"} for it in entries if it not in failed
            ],
            "Failed": [{"Id": it["Id"], **told} for it in failed],
        }
    if operation == "BatchWriteItem":  # of three it takes two, and gives the last back
        tables = params["RequestItems"].items()
        return {"UnprocessedItems": {name: it[-1:] for name, it in tables if len(it) > 2}}
    tables, item = list(params.get("RequestItems", ())), items[0]
    taken = [{"ShardId": "shardId-0", "SequenceNumber": str(n)} for n, _ in enumerate(entries)]
    known = {
        "SendMessage": {"MessageId": "m-1"},
        "GetItem": {"Item": item},
        "Query": {"Items": items, "Count": len(items), "ScannedCount": len(items)},
        "Scan": {"Items": items, "Count": 1, "LastEvaluatedKey": {"id": {"S": "a"}}},
        "ExecuteStatement": {"Items": [item]},
        "BatchGetItem": {"Responses": {name: [item] for name in tables}},
        "TransactGetItems": {"Responses": [{"Item": item}, {"Item": item}]},
        "DescribeTable": {"Table": {"KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}]}},
        "PutEvents": {"FailedEntryCount": 0, "Entries": [{"EventId": "e-1"} for _ in entries]},
        "PutRecord": taken[0] if taken else {"ShardId": "shardId-0", "SequenceNumber": "1"},
        "PutRecords": {"FailedRecordCount": 0, "Records": taken},
        "StartExecution": {"executionArn": "arn:aws:states:e:1:execution:s:n", "startDate": 1},
        "Invoke": {"invoked": True},
    }
    return known.get(operation, {})


REFUSALS = {
    b"refuse": (400, "ConditionalCheckFailedException"),
    b"deny": (400, "AccessDeniedException"),
    b"breakdown": (500, "InternalServerError"),
    b"busy": (400, "ThrottlingException"),
}
CANCELLED = {
    "__type": "com.amazonaws#TransactionCanceledException",
    "Message": "Transaction cancelled, please refer cancellation reasons for specific reasons",
    "CancellationReasons": [{"Code": "ValidationError", "Message": "Item size has exceeded"}],
}
