"""Every environment variable."""

import pytest

from lumitrace import traced
from lumitrace.capture.config import TABLE, Settings, settings


def loaded(**environ):
    """Return the settings of an environment."""
    values = Settings()
    values.load(environ)
    return values


def test_outside_lambda_it_is_off_inside_it_is_on():
    """The same code runs in a test and in AWS."""
    assert loaded().enabled == "0"
    assert loaded(AWS_LAMBDA_FUNCTION_NAME="f").enabled == "1"
    assert loaded(AWS_LAMBDA_FUNCTION_NAME="f", LUMITRACE_ENABLED="0").enabled == "0"
    assert loaded(LUMITRACE_ENABLED="1").enabled == "1"


@pytest.mark.parametrize("setting", TABLE, ids=lambda setting: setting.name)
@pytest.mark.parametrize("value", ["nonsense\0", "\n\x07", "x" * 5000])
def test_a_value_that_does_not_parse_leaves_the_default(setting, value):
    """A typo is told and does not take a function down."""
    wrong = loaded(**{setting.name: value})

    assert len(wrong.wrong) == 1
    assert setting.name in wrong.wrong[0]
    assert getattr(wrong, setting.field) == getattr(loaded(), setting.field)


def test_a_wrong_value_is_told_once(captured, context, monkeypatch):
    """The first invocation says so, in a health line."""
    monkeypatch.setattr(settings, "wrong", loaded(LUMITRACE_MAX_SPANS="many").wrong)
    handler = traced(lambda event, context: None)

    handler({}, context)
    handler({}, context)

    assert "LUMITRACE_MAX_SPANS is not understood" in captured.one("health")["message"]


def test_values_are_taken():
    """Each kind of value reaches its setting."""
    values = loaded(
        LUMITRACE_INJECT="none",
        LUMITRACE_DYNAMODB="strip",
        LUMITRACE_TRUSTED_APIS="Shop.example.com, api.example.com",
        LUMITRACE_MAX_SPANS="10",
        LUMITRACE_RELEASE="v42",
        LUMITRACE_DEBUG="1",
    )

    assert values.inject is False
    assert values.dynamodb == "strip"
    assert values.trusted_apis == {"shop.example.com", "api.example.com"}
    assert (values.max_spans, values.release, values.debug) == (10, "v42", True)
    assert values.wrong == []


def test_the_level_is_the_one_that_was_asked_for(captured, context, monkeypatch):
    """In a JSON log with a level above INFO, lines still pass."""
    monkeypatch.setattr(settings, "level", "WARN")

    traced(lambda event, context: None)({}, context)

    assert {line["level"] for line in captured.lines} == {"WARN"}


def test_debug_leaves_our_frames(captured, context, monkeypatch):
    """Who looks for a fault in lumitrace sees lumitrace."""
    monkeypatch.setattr(settings, "debug", True)

    @traced
    def handler(event, context):
        raise LookupError

    with pytest.raises(LookupError) as caught:
        handler({}, context)

    files = [frame.path.name for frame in caught.traceback]
    assert "handler.py" in files


@pytest.mark.parametrize(("kind", "cold"), [("on-demand", True), ("provisioned-concurrency", None)])
def test_what_was_started_beforehand_is_not_cold(captured, context, monkeypatch, kind, cold):
    """Nobody waited for a process that provisioned concurrency started."""
    monkeypatch.setenv("AWS_LAMBDA_INITIALIZATION_TYPE", kind)

    traced(lambda event, context: None)({}, context)

    assert captured.one("invocation")["attributes"].get("faas.coldstart") is cold
