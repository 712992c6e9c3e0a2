"""``show`` tells event, result and parameters where the lines have them."""

import json

import pytest

from lumitrace.reassembly.cli import main

CALL_ERROR = {"type": "ThrottlingException", "message": "slow down"}


@pytest.fixture
def page(night, log_file, capsys):
    """Return the page that ``show`` prints of an invocation with payloads."""

    def page(event, params, *options):
        run = night.begin("pay", 0, trigger="api-gateway-rest", route="POST /sales")
        span = night.span()
        night.line(run, 2, "start", event=event)
        entry = [span, "dynamodb.PutItem", "ushop_sales", 1000, 1000, 200, [], {"params": params}]
        error = {"type": "ValueError", "message": "no"}
        night.end(run, 9, began=0, lasted=8, calls=[entry], error=error)
        night.line(run, 9, "invocation", result=json.dumps({"statusCode": 500}))
        path = night.write(log_file)
        assert main(["show", run.trace, path, *options]) == 0
        return capsys.readouterr().out

    return page


def test_payloads_stand_below_their_spans(page):
    """Event and result below the handler, parameters below the call; the failure stays."""
    lines = page(json.dumps({"sale": "\u00fcber"}), json.dumps({"a": 1})).splitlines()

    [event] = [line for line in lines if "event" in line and "sale" in line]
    assert event.split(maxsplit=1) == ["event", '{"sale": "\u00fcber"}']
    [params] = [at for at, line in enumerate(lines) if line.split()[:1] == ["params"]]
    assert "PutItem" in lines[params - 1]
    assert any('result {"statusCode": 500}' in " ".join(line.split()) for line in lines)
    assert any("ValueError: no" in line for line in lines)


def test_payloads_are_in_the_answer(page):
    """``--json`` has them as they stand in the lines."""
    answer = json.loads(page('{"a":1}', "not JSON", "--json"))

    kept = [span["payloads"] for span in answer["spans"]]
    assert {"event": '{"a":1}', "result": '{"statusCode": 500}'} in kept
    assert {"params": "not JSON"} in kept


@pytest.mark.parametrize("attack", ["\x1b]0;owned\x07", "\u202eevil", "\x9b2J", "a\rb"])
def test_payloads_command_no_terminal(page, attack):
    """Shown, not obeyed; on one line."""
    shown = page(json.dumps({"a": attack}), attack)

    assert not set(shown) & set("\x1b\x07\u202e\x9b\r")


def test_a_list_that_goes_on_changes_no_failure_and_no_time(night, log_file, capsys):
    """A further line of an invocation that failed holds entries alone, and says nothing new."""
    run = night.begin("pay", 0, trigger="api-gateway-rest", route="POST /sales")
    entry = [night.span(), "dynamodb.PutItem", "ushop_sales", 3000, 1000, 200, []]
    error = {"type": "ValueError", "message": "no"}
    night.end(run, 9, began=0, lasted=8, error=error)
    [end] = [one["message"] for one in night.events if '"record":"invocation"' in one["message"]]
    night.line(run, 9, "invocation", calls=[entry], startUs=json.loads(end)["startUs"])
    path = night.write(log_file)

    assert main(["show", run.trace, path, "--json"]) == 0
    spans = json.loads(capsys.readouterr().out)["spans"]

    assert [span["failure"]["type"] for span in spans if span["role"] == "invocation"] == [
        "ValueError"
    ]
    assert [span["offsetUs"] for span in spans if span["role"] == "call"] == [3000]
