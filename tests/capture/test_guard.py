"""What happens when we fail ourselves."""

import signal
from types import SimpleNamespace

import pytest

import lumitrace
from lumitrace import traced
from lumitrace.capture import emit, inbound, lines, tag
from lumitrace.capture.guard import Guard, reporter

STREAM = {"Records": [{"eventSource": "aws:dynamodb"}]}  # there is something to clean


@pytest.fixture(autouse=True)
def _swallow(captured):
    reporter.reraise = False


def broken(*_args, **_kwargs):
    """Stand in for a function of ours that fails."""
    raise ZeroDivisionError


@pytest.mark.parametrize(
    ("module", "name"),
    [
        (inbound, "recognise"),
        (inbound, "extract"),
        (inbound, "clean"),
        (lines, "start"),
        (lines, "outcome"),
        (lines, "attributes"),
        (emit, "put"),
        (emit, "flush"),
        (emit, "pending"),
        (tag, "json_value"),
    ],
)
def test_the_handler_survives_every_step_of_ours(captured, context, monkeypatch, module, name):
    """Its result comes back, whatever of ours breaks; and the next invocation is traced again."""
    handler = traced(lambda event, context: lumitrace.tag(a=1) or event["n"])
    monkeypatch.setattr(module, name, broken)

    assert handler({"n": 7, **STREAM}, context) == 7

    monkeypatch.undo()
    assert handler({"n": 8, **STREAM}, context) == 8
    assert captured.lines[-1]["record"] == "invocation"
    assert any("ZeroDivisionError" in line["message"] for line in captured.all("health"))


def test_a_failed_hook_does_not_touch_the_call(captured, context, aws, monkeypatch):
    """The answer comes back although our hooks break."""
    reporter.reraise = False
    client = aws.client("sns")
    monkeypatch.setattr("lumitrace.capture.calls.LiveCall.begin", broken)
    monkeypatch.setattr("lumitrace.capture.calls.LiveCall.end", broken)
    monkeypatch.setattr("lumitrace.capture.services.sns.Sns.inject", broken)

    answer = traced(lambda event, context: client.publish(TopicArn=aws.topic, Message="hi"))(
        {}, context
    )

    assert answer["MessageId"] == "sns-1"
    assert "traceparent" not in str(aws.sent[0])


def test_the_same_failure_is_told_once(captured, context, monkeypatch):
    """A health line a kind a process, not one an invocation."""
    monkeypatch.setattr(inbound, "recognise", broken)
    handler = traced(lambda event, context: None)

    for _ in range(5):
        handler({}, context)

    assert len(captured.all("health")) == 1
    assert captured.one("health")["component"] == "capture.invocation"
    assert reporter.count >= 5


def test_what_tells_of_a_failure_may_fail_too(monkeypatch):
    """The guard holds also where it cannot say what went wrong."""

    class Strange:
        @property
        def __code__(self):
            raise RuntimeError("the user's own")

        def __call__(self, *_):
            """Stand in for a signal handler."""

    before = signal.signal(signal.SIGUSR2, Strange())
    monkeypatch.setattr(reporter, "reraise", False)
    try:
        with Guard("test"):
            raise ValueError("ours")
    finally:
        signal.signal(signal.SIGUSR2, before)


def test_a_handler_that_raises_when_it_is_looked_at_stays_as_it_is(captured, monkeypatch):
    """Decorating is no reason to fail: the very same object comes back."""

    class Strange:
        def __getattr__(self, name):
            raise RuntimeError(name)

        def __call__(self, event, context):
            return event

    monkeypatch.setattr(reporter, "reraise", False)
    handler = Strange()

    assert traced(handler) is handler
    assert traced(name="strange")(handler) is handler


def test_patching_botocore_twice_marks_once(captured, context, aws):
    """The method is wrapped once, whoever asks."""
    import botocore.client

    from lumitrace.capture import botocore as ours

    ours.patch(botocore.client)
    client = aws.client("dynamodb")
    aws.answers = [aws.refuse("AccessDeniedException", "no"), (200, "{}")]

    traced(lambda event, context: client.put_item(TableName="t", Item={"a": {"S": "1"}}))(
        {}, context
    )

    assert ["_lumitrace" in sent["Item"] for sent in aws.sent] == [True, False]


def test_a_botocore_that_is_not_known_is_left_alone(captured):
    """Its calls are not traced, and a line says so."""

    class BaseClient:
        def _emit_api_params(self, other):
            """Stand in for a method of another shape."""

    method = BaseClient._emit_api_params
    from lumitrace.capture import botocore as ours

    ours.patch(SimpleNamespace(BaseClient=BaseClient))

    assert BaseClient.__dict__["_emit_api_params"] is method
    assert "this botocore is not known" in reporter.waiting[0][1]


def test_a_signal_handler_of_the_hosts_is_not_ours_to_swallow():
    """A user's alarm that goes off while we run still ends what it was meant to end."""

    def alarm(_number, _frame):
        raise TimeoutError

    before = signal.signal(signal.SIGUSR1, alarm)
    try:
        with pytest.raises(TimeoutError), Guard("test"):
            signal.raise_signal(signal.SIGUSR1)
    finally:
        signal.signal(signal.SIGUSR1, before)

    assert reporter.count == 0 or not reporter.waiting


@pytest.mark.parametrize("kind", [SystemExit, KeyboardInterrupt])
def test_the_hosts_own_exits_pass(kind):
    """The guard swallows Exception and nothing more."""
    with pytest.raises(kind), Guard("test"):
        raise kind
