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


def test_a_table_has_the_mode_of_the_first_pattern_that_fits():
    """Tables that differ are named; all others have the common mode."""
    found = loaded(
        LUMITRACE_DYNAMODB="strip",
        LUMITRACE_DYNAMODB_TABLES="ushop_sales=inject, ushop_*=link,other=off",
    )

    modes = [found.mode_of(name) for name in ("ushop_sales", "ushop_catalog", "other", "others")]

    assert modes == ["inject", "link", "off", "strip"]
    assert found.wrong == []


@pytest.mark.parametrize("value", ["ushop_sales", "=link", "ushop_sales=on", "a?=link", "a=b=off"])
def test_a_pair_that_is_wrong_is_left_out_and_told(value):
    """The other pairs hold."""
    found = loaded(LUMITRACE_DYNAMODB_TABLES=f"{value},good=off")

    assert len(found.wrong) == 1
    assert found.dynamodb_tables == (("good", "off"),)


def test_a_short_secret_is_left_out_and_never_shown():
    """A fingerprint keyed with a guessable secret would tell what an item holds."""
    found = loaded(LUMITRACE_FINGERPRINT_KEY="too short to do,0123456789abcdef")

    assert found.fingerprint_key == (b"0123456789abcdef",)
    assert len(found.wrong) == 1
    assert "too short" not in found.wrong[0]
