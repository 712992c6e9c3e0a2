"""Capture on both sides through AWS in small, and the real reassembly on what they wrote."""

import base64
import contextvars
import io
import json
import sys
from http.client import HTTPConnection, parse_headers
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import SimpleNamespace

import pytest

import lumitrace
from lumitrace import traced
from lumitrace.capture.config import settings
from lumitrace.capture.current import process

sys.path.insert(0, str(Path(__file__).parent))  # where the kinds of hops stand
BESIDE = Path(__file__).parents[1] / "capture" / "conftest.py"
_spec = spec_from_file_location("aws_in_small", BESIDE)
_small = module_from_spec(_spec)
_spec.loader.exec_module(_small)
aws, captured, clock, event, _fresh, _session = (
    getattr(_small, name) for name in ("aws", "captured", "clock", "event", "_fresh", "_session")
)

INJECTED, NOT_INJECTED = "injected", "not injected"
SENDER_SILENT, RECEIVER_SILENT = "sender without lines", "receiver without lines"
SILENT = {SENDER_SILENT: ("sender", "relay"), RECEIVER_SILENT: ("receiver",)}
SENDING = ("sender", "relay")
STRANGER = "stranger"  # a request id
ROOT = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1"
EXACT = ("context", "context (proved)", "link key")


class Stage:
    """Senders and receivers of one hop, run for real.

    Attributes:
        aws: AWS in small; its *sent* and *answers* are this hop's alone.
        addressed: the request ids of the senders that the receiver hears of; all where empty.
    """

    def __init__(self, aws, captured, monkeypatch, event):
        self.aws, self.captured, self._patch, self.event = aws, captured, monkeypatch, event
        self._clients = {}
        self._names = {}
        self._killed = {}
        self.addressed = []

    def begin(self, mode):
        """Forget the hop before this one."""
        self.captured.writes.clear()
        self.aws.sent.clear()
        self.aws.requests.clear()
        self.aws.answers.clear()
        self.aws.tables.clear()
        self._names = {}
        self._killed = {}
        self.addressed = []
        self._patch.setattr(settings, "inject", mode != NOT_INJECTED)
        self._patch.setattr(settings, "eventbridge", "off")
        own = (*settings.http_hosts, ("shop", "example", "com"))
        self._patch.setattr(settings, "http_hosts", own)
        self._patch.delenv("_X_AMZN_TRACE_ID", raising=False)

    def client(self, service):
        """Return a client, made once."""
        if service not in self._clients:
            self._clients[service] = self.aws.client(service)
        return self._clients[service]

    def opt_in(self, name, value):
        """Set one of the settings for this hop."""
        self._patch.setattr(settings, name, value)

    def xray(self):
        """Let X-Ray's root travel from the sender to the receiver, as AWS does here."""
        self._patch.setenv("_X_AMZN_TRACE_ID", ROOT)

    def send(self, work, event=None, request=None):
        """Run *work* inside an invocation of a sender; return its answer and the request id."""
        request = request or f"sender-{len(self._names)}"
        return self._run(lambda _: work(), event or {}, request, "sender")

    def relay(self, work, event):
        """Hand *event* to a function that sends on what its *work* makes of it."""
        return self._run(work, event, "relay", "relay")

    def kill(self, request="sender-0"):
        """Let Lambda kill this sender here: what it writes from now on was never written."""
        self._killed[request] = len(self._told(request))

    def receive(self, event, request="receiver", *, loop=True, **context):
        """Hand *event* to a receiver, record by record where it *loop*s."""

        def handle(event):
            for _ in lumitrace.records(event) if loop and isinstance(event, dict) else ():
                pass

        return self._run(handle, event, request, "receiver", **context)

    def answering(self, receive, answer):
        """Answer the next request with *answer*, after *receive* has run on what was sent."""

        def answered(sent):
            self._meanwhile(receive, sent)
            return answer

        self.aws.answers.append(answered)

    def ask(self, host, receive, **answer):
        """Let a sender ask *host* by HTTP; *receive* gets the headers of the request.

        *answer* are the headers that come back, a hyphen for each underscore.
        """
        connection = HTTPConnection(host)
        connection.sock = Wire(lambda headers: self._meanwhile(receive, headers), answer)

        def get():
            connection.request("GET", "/stock")
            return connection.getresponse().read()

        return self.send(get)

    @staticmethod
    def _meanwhile(receive, sent):
        """Run *receive* in another process, as it were, while the sender waits."""
        active, process.active = process.active, None
        try:
            contextvars.Context().run(receive, sent)
        finally:
            process.active = active

    def _run(self, work, event, request, name, **context):
        self._names[request] = name
        said = {"aws_request_id": request, "client_context": None}
        said["invoked_function_arn"] = f"arn:aws:lambda:eu-west-1:123456789012:function:{name}"
        self._patch.setenv("AWS_LAMBDA_FUNCTION_NAME", name)
        handler = traced(lambda event, context: work(event))
        return handler(event, SimpleNamespace(**{**said, **context}))

    def client_context(self):
        """Return what the newest runtime client makes of the client context that was sent."""
        encoded = self.aws.requests[-1].headers.get("X-Amz-Client-Context")
        if encoded is None:
            return {}
        text = encoded if isinstance(encoded, str) else encoded.decode()
        said = json.loads(base64.b64decode(text))
        empty = SimpleNamespace(custom=None, env=None, client=None)
        return {"client_context": empty, "w3c": lambda: said.get("w3c")}

    def joined(self, mode):
        """Return how every sender that was meant to reach the receiver is joined to it."""
        from lumitrace.reassembly.assemble import assemble

        assembled = assemble(list(self._events(SILENT.get(mode, ()))))
        if mode == SENDER_SILENT:
            return [self._continued(assembled)]
        senders, found = 0, []
        for transaction in assembled.transactions:
            functions = {attempt.function for attempt in transaction.attempts}
            if "sender" in functions:
                senders += 1
                found += self._reached(assembled, transaction, functions)
        assert senders == list(self._names.values()).count("sender"), "senders glued together"
        if mode == RECEIVER_SILENT:
            self._is_told_apart(assembled)
            return [one or self._last_seen(assembled) for one in found]
        return found

    def _reached(self, assembled, transaction, functions):
        requests = {attempt.request_id for attempt in transaction.attempts}
        if not self.addressed or not requests.isdisjoint(self.addressed):
            return [self._witness(assembled, transaction, functions)]
        assert "receiver" not in functions, "strangers glued together"
        return []

    def _continued(self, assembled):
        """Tell how the receiver is joined to what nobody wrote span lines of."""
        for transaction in assembled.transactions:
            functions = {attempt.function for attempt in transaction.attempts}
            if functions >= {"sender", "receiver"}:
                return self._witness(assembled, transaction, functions)
        sending = self.addressed or self._sending()
        sent = {line["traceId"] for one in sending for line in self._lines(one)}
        gone_on = sent & {one.id for one in assembled.transactions}
        return "context" if gone_on == sent else ""

    def _sending(self):
        """Return the request ids of the last functions before the receiver."""
        relays = [request for request, name in self._names.items() if name == "relay"]
        return relays or [request for request, name in self._names.items() if name == "sender"]

    @staticmethod
    def _witness(assembled, transaction, functions):
        if "receiver" not in functions:
            return ""
        own = {span.span_id: span for span in transaction.spans}
        witnesses = [
            hop.witness
            for span in own.values()
            if assembled.attempt_of[span.span_id].function == "receiver"
            for hop in assembled.hops.get(span.span_id, ())
            if _is_senders(assembled, own, hop)
        ]
        order = (*EXACT, "X-Ray root (likely)", "same batch", "")
        return min(witnesses, key=order.index, default="")

    def _is_told_apart(self, assembled):
        """A function without span lines is named, and its other invocations join nobody."""
        from lumitrace.reassembly.answers.why import why

        assert why(assembled)["seen"]["withoutSpanLines"] == ["receiver"]
        joined = [attempt for one in assembled.transactions for attempt in one.attempts]
        assert STRANGER not in {attempt.request_id for attempt in joined}

    def _last_seen(self, assembled):
        """Return what stands last where the receiver is not joined, with AWS's id or without."""
        calls = [
            span
            for attempt in assembled.attempts
            if attempt.function in SENDING and attempt.request_id in self._sending()
            for span in attempt.spans
            if span.operation
        ]
        if not calls:
            return "its invocation"
        return (
            "its call, with its id"
            if any(call.link_out or call.bound for call in calls)
            else "its call"
        )

    def _lines(self, request):
        return [one for one in self.captured.lines if one["requestId"] == request]

    def _told(self, request):
        return [text for text in self.captured.text if f'"requestId":"{request}"' in text]

    def _events(self, silent):
        """Yield the log of each function: Lambda's START and END around each invocation."""
        from lumitrace.reassembly.events import LogEvent

        names = dict(self._names)
        if "receiver" in silent:
            names[STRANGER] = "receiver"
        order = 0
        for request, name in names.items():
            told = self._told(request)[: self._killed.get(request)]
            timeout = f"2026-11-22T18:00:03.000Z {request} Task timed out after 3.00 seconds\n\n"
            for text in (
                f"START RequestId: {request} Version: 1",
                *(() if name in silent else told),
                *((timeout,) if request in self._killed else ()),
                f"END RequestId: {request}",
            ):
                order += 1
                yield LogEvent(f"/aws/lambda/{name}", request, 1_795_383_700_000, text, order)


def _is_senders(assembled, own, hop):
    """Tell whether *hop* comes from a sender, or from another tracer's span in its trace."""
    if hop.sender_span in own:
        return assembled.attempt_of[hop.sender_span].function in SENDING
    sending = (
        span for span in own.values() if assembled.attempt_of[span.span_id].function in SENDING
    )
    return hop.sender_trace in {span.trace_id for span in sending}


class Wire:
    """A socket whose other end is a function."""

    def __init__(self, receive, answer):
        self._receive, self._answer, self._sent = receive, answer, b""

    def sendall(self, data):
        """Take what the client sends."""
        self._sent += data

    def makefile(self, *_):
        """Return the answer, once the other end has done its work."""
        _, _, head = self._sent.partition(b"\r\n")
        self._receive(dict(parse_headers(io.BytesIO(head))))
        told = "".join(
            f"{name.replace('_', '-')}: {said}\r\n" for name, said in self._answer.items()
        )
        return io.BytesIO(f"HTTP/1.1 200 OK\r\n{told}Content-Length: 0\r\n\r\n".encode())

    def close(self):
        """There is nothing to close."""


@pytest.fixture(scope="session", autouse=True)
def _one_thread():
    """Let DuckDB work alone: for a few lines its threads cost more than they bring."""
    from lumitrace.reassembly.pipeline import duckdb

    duckdb._database().execute("SET threads = 1")


@pytest.fixture
def stage(aws, captured, monkeypatch, event):
    """Where hops are played."""
    return Stage(aws, captured, monkeypatch, event)
