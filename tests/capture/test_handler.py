"""`@traced`: what comes out of the handler is what it gave, and the lines say what happened."""

import asyncio
import functools
import gc
import inspect
import sys
import traceback

import pytest

from lumitrace import traced
from lumitrace.capture.config import settings


def test_a_healthy_invocation_writes_two_lines(captured, context):
    """Start and end, nothing else."""
    handler = traced(lambda event, context: {"ok": event["n"]})

    assert handler({"n": 1}, context) == {"ok": 1}

    start, end = captured.lines
    assert (start["record"], end["record"]) == ("start", "invocation")
    assert start["traceId"] == end["traceId"]
    assert start["spanId"] == end["spanId"]
    assert start["requestId"] == end["requestId"] == context.aws_request_id


def test_the_whole_lines(captured, context, clock, ids, monkeypatch):
    """Every field of the two lines, as docs/span-line.md has them."""
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "shop")
    monkeypatch.setattr(settings, "version", "7")
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128")
    monkeypatch.setattr("os.uname", lambda: type("U", (), {"machine": "x86_64"}))

    traced(lambda event, context: None)({}, context)

    start, end = captured.lines
    head = {
        "lumitrace": 1,
        "level": "INFO",
        "traceId": "00000000000000000000000000000001",
        "spanId": "0000000000000002",
        "requestId": context.aws_request_id,
        "name": "shop",
        "startUs": 1795383700000000,
    }
    assert start == head | {
        "record": "start",
        "kind": "SERVER",
        "timestamp": start["timestamp"],
        "trigger": "other",
        "attributes": {
            "faas.max_memory": 134217728,
            "host.arch": "x86_64",
            "telemetry.distro.version": "0.1.0",
        },
    }
    assert end == head | {
        "record": "invocation",
        "timestamp": end["timestamp"],
        "durationUs": end["durationUs"],
        "cpuUs": end["cpuUs"],
        "attributes": {
            "faas.trigger": "other",
            "faas.coldstart": True,
            "faas.version": "7",
            "cloud.account.id": "123456789012",
            "cloud.region": "eu-west-1",
        },
    }
    assert start["timestamp"].startswith("2026-11-22T21:41:40.")


def test_only_the_first_start_of_a_process_says_what_does_not_change(captured, context):
    """The second invocation of a process neither repeats its attributes nor is cold."""
    handler = traced(lambda event, context: None)
    handler({}, context)
    handler({}, context)

    first, _, second, end = captured.lines

    assert "attributes" in first
    assert "attributes" not in second
    assert "faas.coldstart" not in end["attributes"]


def test_an_invocation_leaves_nothing_to_the_garbage_collector(captured, context):
    """Rings of objects would be collected later, in somebody's time: 20 us an invocation."""
    event = {"requestContext": {"elb": {}}, "headers": {"traceparent": "x"}, "httpMethod": "GET"}
    handler = traced(lambda event, context: {"statusCode": 200})
    handler(event, context)
    gc.collect()

    handler(event, context)

    assert gc.collect() == 0
    assert len(captured.lines) == 4


def test_an_exception_passes_unchanged_and_leaves_no_frame_of_ours(captured, context):
    """The caller sees the very object, and a traceback without a trace of lumitrace."""
    error = ValueError("no such sale")

    @traced
    def handler(event, context):
        raise error

    with pytest.raises(ValueError, match="no such sale") as caught:
        handler({}, context)

    assert caught.value is error
    names = [frame.name for frame in traceback.extract_tb(caught.value.__traceback__)]
    assert "wrapper" not in names[1:] or __import__("sys").version_info < (3, 11)
    end = captured.one("invocation")
    assert (end["status"], end["severityText"]) == (2, "E")
    assert end["error"]["type"] == "ValueError"
    assert end["error"]["message"] == "no such sale"
    assert end["error"]["at"].startswith("test_handler.py:")
    assert end["error"]["at"].endswith(" handler")


@pytest.mark.parametrize("kind", [SystemExit, KeyboardInterrupt, GeneratorExit])
def test_what_ends_a_process_is_told_and_passes(captured, context, kind):
    """sys.exit stays sys.exit."""

    @traced
    def handler(event, context):
        raise kind(3)

    with pytest.raises(kind):
        handler({}, context)

    assert captured.one("invocation")["error"]["type"] == kind.__name__


def test_an_exception_that_cannot_be_printed_is_told_by_its_type(captured, context):
    """A broken __str__ costs the message, not the line."""
    captured_reraise_off()

    class OddError(Exception):
        def __str__(self):
            raise RuntimeError

    @traced
    def handler(event, context):
        raise OddError

    with pytest.raises(OddError):
        handler({}, context)

    assert captured.one("invocation")["error"]["type"] == "OddError"


def captured_reraise_off():
    """Let the guard swallow, as it does in a function."""
    from lumitrace.capture.guard import reporter

    reporter.reraise = False


class App:
    """A callable object with a state."""

    greeting = "hi"

    def __call__(self, event, context):
        return self.greeting


def test_an_attribute_that_a_callable_object_has_not(captured):
    """Who asks for it, as Powertools asks for ``__name__``, gets the very error, and no frame."""

    def failure(work, thing):
        with pytest.raises((AttributeError, TypeError)) as caught:
            work(thing)
        frames = traceback.extract_tb(caught.value.__traceback__)
        return str(caught.value), [it.name for it in frames if "/lumitrace/" in it.filename]

    for work in (lambda it: it.__name__, lambda it: setattr(it, "__dict__", 3)):
        message, frames = failure(work, traced(App()))

        assert message == failure(work, App())[0]
        assert len(frames) == (sys.version_info < (3, 11)), frames


def test_a_callable_object_stays_what_it_is(captured, context):
    """Attributes are read and set through, the call is traced."""
    app = App()

    wrapped = traced(app)
    wrapped.greeting = "hello"

    assert wrapped({}, context) == "hello" == app.greeting
    assert len(captured.lines) == 2


def test_a_method_a_partial_and_a_bound_method_are_traced(captured, context):
    """Event and context are found wherever they stand."""
    app = App()

    class Methods:
        @traced
        def method(self, event, context):
            return event["n"]

    assert Methods().method({"n": 5}, context) == 5
    assert traced(functools.partial(lambda a, event, context: a, 7))({}, context) == 7
    assert traced(app.__call__)(event={}, context=context) == "hi"

    assert {line["requestId"] for line in captured.lines} == {context.aws_request_id}
    assert len(captured.all("invocation")) == 3


def test_a_second_traced_does_nothing(captured, context):
    """Layer and decorator together write one span."""

    @traced
    @traced(name="twice")
    def handler(event, context):
        return 1

    assert handler({}, context) == 1
    assert captured.one("invocation")["name"] == "twice"


def test_a_handler_that_calls_a_traced_one_is_one_span(captured, context):
    """An inner traced function is part of the outer's invocation."""
    inner = traced(lambda event, context: 1)

    traced(lambda event, context: inner(event, context))({}, context)

    assert len(captured.all("invocation")) == 1


def test_an_async_handler_is_traced_while_it_runs(captured, context):
    """The span covers what is awaited, and the function still is a coroutine function."""

    @traced
    async def handler(event, context):
        await asyncio.sleep(0)
        return 3

    assert inspect.iscoroutinefunction(handler)
    assert captured.lines == []
    assert asyncio.run(handler({}, context)) == 3
    assert len(captured.all("invocation")) == 1


def test_names_and_signature_stay(captured):
    """Frameworks that look at the handler see the handler."""

    @traced
    def handler(event, context, *, more=1):
        """Sell."""

    assert (handler.__name__, handler.__doc__) == ("handler", "Sell.")
    assert str(inspect.signature(handler)) == "(event, context, *, more=1)"


def test_arguments_of_the_decorator(captured, context):
    """A name and tags can be given once for all invocations."""
    traced(name="checkout", tags={"team": "sales"})(lambda event, context: None)({}, context)

    start = captured.all("start")[0]
    assert (start["name"], start["tags"]) == ("checkout", {"team": "sales"})


@pytest.mark.parametrize("enabled", ["0", None])
def test_switched_off_it_gives_back_the_same_object(monkeypatch, enabled):
    """LUMITRACE_ENABLED=0, and any place outside Lambda: the very function."""
    if enabled is not None:
        monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "shop")
        monkeypatch.setenv("LUMITRACE_ENABLED", enabled)
    settings.load(__import__("os").environ)

    def handler(event, context):
        return 1

    assert traced(handler) is handler
    assert traced(name="x")(handler) is handler


@pytest.mark.parametrize(
    ("result", "status"),
    [
        ({"statusCode": 200}, None),
        ({"statusCode": 404}, None),
        ({"statusCode": 502}, 2),
        ({"statusCode": "500"}, None),
        (None, None),
    ],
)
def test_an_answer_of_500_is_a_failure(captured, context, event, result, status):
    """A web caller who gets a 5xx was not served."""
    traced(lambda event, context: result)(event("api_gateway_rest"), context)

    assert captured.one("invocation").get("status") == status


@pytest.mark.parametrize("context", [None, object(), "text"])
@pytest.mark.parametrize(
    "event", [None, [], "x", 5, {"Records": 3}, {"requestContext": {"http": 1}}]
)
def test_odd_events_and_contexts_do_no_harm(captured, event, context):
    """Whatever is handed over, the handler gets it and its result comes back."""
    seen = []

    assert traced(lambda event, context: seen.append((event, context)))(event, context) is None

    assert seen[0][0] is event
    assert seen[0][1] is context
    assert len(captured.all("invocation")) == 1
