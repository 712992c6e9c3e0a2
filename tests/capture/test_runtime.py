"""The real runtime client cannot tell a traced handler from a bare one."""

import json

import pytest

from lumitrace import traced

bootstrap = pytest.importorskip("awslambdaric.bootstrap")
lambda_runtime_marshaller = pytest.importorskip("awslambdaric.lambda_runtime_marshaller")


class Client:
    """Takes what the runtime client would post to Lambda."""

    def __init__(self):
        self.marshaller = lambda_runtime_marshaller.LambdaMarshaller()
        self.posted = []

    def post_invocation_error(self, *told):
        self.posted.append(("error", *told))

    def post_invocation_result(self, *told):
        self.posted.append(("result", *told))


class Sink:
    """Takes what the runtime client would print of an error."""

    def __init__(self):
        self.lines = []

    def log_error(self, lines):
        self.lines += lines


def fails(event, context):
    """Fail two frames deep, for a reason that has a reason."""
    try:
        {}[event["key"]]
    except KeyError as error:
        raise ValueError("no such sale") from error


def answers(event, context):
    """Answer."""
    return {"n": event["key"]}


def cannot_be_spelt(event, context):
    """Answer with what JSON does not know."""
    return {object()}


def run(handler):
    """Return all that the runtime client says of one invocation."""
    client, sink = Client(), Sink()
    arn = "arn:aws:lambda:eu-west-1:123456789012:function:f"
    bootstrap.handle_event_request(
        client, handler, "r1", b'{"key": "a"}', "application/json", None, None, arn, 0, None, sink
    )
    return client.posted, sink.lines


@pytest.mark.parametrize("handler", [fails, answers, cannot_be_spelt])
def test_what_lambda_is_told_is_the_same(captured, handler):
    """Result or error, stack trace, X-Ray cause and the printed error, byte for byte."""
    bare = run(handler)

    assert run(traced(handler)) == bare
    assert captured.one("invocation")["requestId"] == "r1"


def test_a_callable_object_and_a_method_leave_no_frame_either(captured):
    """Every way to wrap is invisible in the error that Lambda gets."""

    class App:
        def __call__(self, event, context):
            fails(event, context)

    app = App()

    assert run(traced(app)) == run(app)
    assert run(traced(app.__call__)) == run(app.__call__)
    [(kind, _, error, *_)] = run(traced(app))[0]
    assert kind == "error"
    assert "lumitrace/capture" not in "".join(json.loads(error)["stackTrace"])
