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


class RuntimeApi:
    """Hands out events, and keeps what the process posts."""

    def __init__(self):
        self.usual, http.client._MAXLINE = http.client._MAXLINE, 1 << 21  # the X-Ray cause is long
        self.server = Server(_Asked, self)
        self.address = f"{LOOPBACK}:{self.server.port}"
        self.begin([], list)

    def stop(self):
        """Take no more requests."""
        self.server.stop()
        http.client._MAXLINE = self.usual

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
        self.server.owner.posted.append((self.path, told, self.body()))
        self.answer(202, b'{"status": "OK"}', {"Content-Type": "application/json"})


class Recorder(Proxy):
    """AWS in small: keeps every request, and gives the same answer to the same request."""

    def __init__(self):
        super().__init__(None)

    def forward(self, request):
        return self.answer(request)

    def answer(self, request):
        self.requests.append(request)
        headers = {"x-amzn-RequestId": "aws-1", "Content-Type": "application/x-amz-json-1.0"}
        said = request.body + request.path
        for word, (status, code) in REFUSALS.items():
            if word in said and not (word == b"busy" and len(self.requests) > 2):
                body = {"__type": f"com.amazonaws#{code}", "message": f"told to {word.decode()}"}
                return status, headers, json.dumps(body).encode()
        if request.operation == "Publish":
            inner = b"<PublishResult><MessageId>m-1</MessageId></PublishResult>"
            return 200, headers, b"<PublishResponse>" + inner + b"</PublishResponse>"
        if request.service == "s3":
            return 200, {"ETag": '"e-1"', "x-amz-request-id": "aws-1"}, b""
        known = {
            "SendMessage": {"MessageId": "m-1"},
            "GetItem": {"Item": {"id": {"S": "a"}, "n": {"N": "1.50"}}},
            "Query": {"Items": [{"id": {"S": "a"}}], "Count": 1, "ScannedCount": 1},
        }
        return 200, headers, json.dumps(known.get(request.operation, {})).encode()


REFUSALS = {
    b"refuse": (400, "ConditionalCheckFailedException"),
    b"deny": (400, "AccessDeniedException"),
    b"breakdown": (500, "InternalServerError"),
    b"busy": (400, "ThrottlingException"),
}
