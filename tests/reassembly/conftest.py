"""A night of a small shop, written as Lambda and lumitrace write it into CloudWatch Logs."""

import json
import subprocess
import sys
from itertools import count
from pathlib import Path

import pytest

START_MS = 1_795_226_400_000  # 2026-11-21T02:00:00Z
REFUSED = {
    "type": "ClientError",
    "code": "ValidationException",
    "message": "One or more parameter values were invalid: Type mismatch for key amount "
    "expected: N actual: S",
    "at": "app.py:18 confirm",
}


class Run:
    """What a builder needs to know of an invocation that it wrote."""

    def __init__(self, function, request, stream, trace, span):
        self.function, self.request, self.stream = function, request, stream
        self.trace, self.span = trace, span


class Night:
    """Writes log events; ids begin with their number, so that beginnings differ."""

    def __init__(self):
        self.events = []
        self._number = count(1)

    def trace(self):
        """Return a new trace id."""
        return f"{next(self._number):06x}" + "a" * 26

    def span(self):
        """Return a new span id."""
        return f"{next(self._number):06x}" + "b" * 10

    def request(self):
        """Return a new request id."""
        return f"{next(self._number):08x}-0000-4000-8000-000000000000"

    def say(self, function, stream, ms, message):
        """Write one log event."""
        self.events.append(
            {
                "logGroupName": f"/aws/lambda/{function}",
                "logStreamName": stream,
                "timestamp": START_MS + ms,
                "message": message,
            }
        )

    def line(self, run, ms, record, **fields):
        """Write one span line."""
        head = {"lumitrace": 1, "record": record, "timestamp": "2026-11-21T02:00:00.000Z"}
        named = {"level": "INFO", "traceId": run.trace, "spanId": run.span}
        line = {**head, **named, "requestId": run.request, **fields}
        text = json.dumps(line, separators=(",", ":"))
        self.say(run.function, run.stream, ms, text + "\n")

    def begin(  # a builder: each is named
        self, function, ms, *, trace=None, request=None, stream="s1", bracket=True, **start
    ):
        """Write START and the start line of an invocation."""
        run = Run(function, request or self.request(), stream, trace or self.trace(), self.span())
        if bracket:
            self.say(function, stream, ms, f"START RequestId: {run.request} Version: $LATEST\n")
        start.setdefault("kind", "SERVER")
        self.line(run, ms + 1, "start", name=function, startUs=us(ms + 1), **start)
        return run

    def end(  # a builder: each is named
        self, run, ms, *, began, lasted, report="", bracket=True, **invocation
    ):
        """Write the invocation line, END and REPORT."""
        error = invocation.get("error")
        if error:
            invocation |= {"status": 2, "severityText": "E"}
        times = {"startUs": us(began + 1), "durationUs": lasted * 1000}
        self.line(run, ms, "invocation", name=run.function, **times, **invocation)
        if error:
            said = (
                f"[ERROR] {error['type']}: {error['message']}\nTraceback (most recent call last):"
            )
            self.say(run.function, run.stream, ms + 1, said)
        if bracket:
            self.close(run, ms + 2, lasted, report)

    def close(self, run, ms, lasted, report=""):
        """Write what Lambda writes at the end: END and REPORT."""
        self.say(run.function, run.stream, ms, f"END RequestId: {run.request}\n")
        measured = f"Duration: {lasted}.00 ms\tBilled Duration: {lasted} ms\tMemory Size: 128 MB"
        tail = f"{measured}\tMax Memory Used: 64 MB\t{report}\n"
        self.say(run.function, run.stream, ms + 1, f"REPORT RequestId: {run.request}\t{tail}")

    def log(self, run, ms, text):
        """Write what the application logs."""
        stamp = "2026-11-21T02:00:00.000Z"
        self.say(run.function, run.stream, ms, f"[INFO]\t{stamp}\t{run.request}\t{text}\n")

    # The shop

    def sale(  # a builder: each is named
        self, number, ms, *, bad=False, inject=True, attempts=3, recover=False
    ):
        """Write a sale from the till to the table; where it is *bad*, DynamoDB refuses it."""
        sale_id = f"sale-{number:04d}"
        message, publish = f"msg-{number:04d}-0000", self.span()
        till = self.begin(
            "ushop_new-sale-processing",
            ms,
            trigger="api-gateway-rest",
            route="POST /sales",
            linkIn=[f"apigw:req{number:04d}="],
            xrayRoot=f"{number:032x}",
        )
        self.log(till, ms + 2, f"New sale processing. saleId = {sale_id}")
        total = "42.50" if bad else 42.5
        entries = [
            [self.span(), "dynamodb.GetItem", "ushop_catalog", 1000, 2000, 200, []],
            [publish, "sns.Publish", "ushop_new-sales", 4000, 3000, 200, [f"sns:{message}"]],
        ]
        tags = {"saleId": sale_id, "total": total, "customerId": f"c{number // 2:03d}"}
        self.end(till, ms + 9, began=ms, lasted=8, calls=entries, tags=tags)
        request = self.request()
        for attempt in range(attempts if bad else 1):
            good = not bad or (recover and attempt == attempts - 1)
            began = ms + 20 + attempt * 100
            self.confirm(
                (till, publish, message), request, began, good=good, inject=inject, sale_id=sale_id
            )
        return till

    def confirm(  # a builder: each is named
        self, sent, request, ms, *, good, inject, sale_id
    ):
        """Write one attempt of the function that writes the sale into its table."""
        till, publish, message = sent
        joined = {"parentSpanId": publish} if inject else {"linkIn": [f"sns:{message}"]}
        run = self.begin(
            "ushop_sale-confirmations",
            ms,
            trace=till.trace if inject else None,
            request=request,
            trigger="sns",
            source="ushop_new-sales",
            kind="CONSUMER",
            **joined,
        )
        parent = {"parentSpanId": publish} if inject else {}
        self.log(run, ms + 2, f"Confirming sale. saleId = {sale_id}")
        if good:
            put = [self.span(), "dynamodb.PutItem", "ushop_sales", 2000, 3000, 200, []]
            self.end(run, ms + 8, began=ms, lasted=7, calls=[put], **parent)
            return
        call = Run(run.function, run.request, run.stream, run.trace, self.span())
        self.line(
            call,
            ms + 5,
            "span",
            parentSpanId=run.span,
            name="dynamodb.PutItem",
            kind="CLIENT",
            startUs=us(ms + 3),
            offsetUs=2000,
            durationUs=2000,
            status=2,
            severityText="E",
            operation="dynamodb.PutItem",
            resource="ushop_sales",
            httpStatus=400,
            error=REFUSED,
        )
        self.end(run, ms + 8, began=ms, lasted=7, error=REFUSED, **parent)

    @staticmethod
    def us(ms):
        """Return Unix microseconds of *ms* after the night began."""
        return us(ms)

    # Files

    def lines(self):
        """Return the night as JSON lines."""
        return "".join(json.dumps(event) + "\n" for event in self.events)

    def write(self, path):
        """Write the night into *path* as JSON lines and return the path as text."""
        Path(path).write_text(self.lines(), "utf-8")
        return str(path)


def us(ms):
    """Return Unix microseconds of *ms* after the night began."""
    return (START_MS + ms) * 1000


@pytest.fixture
def night():
    """An empty night."""
    return Night()


@pytest.fixture
def log_file(tmp_path):
    """The path of a file for the night."""
    return tmp_path / "night.jsonl"


@pytest.fixture(scope="session", autouse=True)
def _one_thread():
    """Let DuckDB work alone: for a few lines its threads cost more than they bring."""
    from lumitrace.reassembly.pipeline import duckdb

    duckdb._database().execute("SET threads = 1")


@pytest.fixture
def signed_in(monkeypatch):
    """Keys for AWS, and no waiting for its pace, which the server's own tests are of."""
    from tests.cloudwatch import limits

    from lumitrace.reassembly.sources import step_functions
    from lumitrace.reassembly.sources.cloudwatch import insights, logs

    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    for name in ("LISTS_PER_SECOND", "HISTORIES_PER_SECOND"):
        monkeypatch.setattr(step_functions, name, 1000)
    monkeypatch.setattr(insights, "POLL_S", 0.001)
    for pace in (insights, logs):
        monkeypatch.setattr(pace, "PER_SECOND", 1000)
    monkeypatch.setattr(limits, "PER_SECOND", dict.fromkeys(limits.PER_SECOND, 1000))


@pytest.fixture
def command(capsys):
    """The command line; in a process of its own where its input or environment matter."""

    def run(*arguments, stdin=None, env=None):
        if stdin is None and env is None:
            return here(*arguments)
        called = [sys.executable, "-m", "lumitrace.reassembly.cli", *map(str, arguments)]
        return subprocess.run(
            called, input=stdin, capture_output=True, check=False, timeout=300, env=env
        )

    def here(*arguments):
        from lumitrace.reassembly.cli import main

        capsys.readouterr()
        code = main([*map(str, arguments)])
        said = capsys.readouterr()
        return subprocess.CompletedProcess(arguments, code, said.out.encode(), said.err.encode())

    return run


@pytest.fixture
def answer(capsys):
    """The command line in this process: its exit code, and its JSON."""
    from lumitrace.reassembly.cli import main

    def run(*arguments):
        code = main([*map(str, arguments), "--json"])
        said = capsys.readouterr()
        return code, json.loads(said.out) if said.out else said.err

    return run
