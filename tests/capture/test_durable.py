"""Durable functions: many invocations of one execution are one trace, and waiting is no failure."""

import json
from dataclasses import dataclass
from types import SimpleNamespace

import pytest

import lumitrace
from lumitrace import traced


class SuspendExecution(BaseException):
    """As the SDK names it: it ends an invocation, and the next one goes on."""


class TimedSuspendExecution(SuspendExecution):
    """The SDK's own kind of it."""


def end(captured, context, event, result):
    """Return the last line of an invocation that answers *result*."""
    traced(lambda event, context: result)(event("durable"), context)
    return captured.all("invocation")[-1]


def test_all_invocations_of_an_execution_are_one_trace(captured, context, event):
    """The trace id is of the execution's ARN; every invocation has a span of its own."""
    other = event("durable")
    other["DurableExecutionArn"] += "2"

    for one in (event("durable"), event("durable"), other):
        traced(lambda event, context: {"Status": "PENDING"})(one, context)

    first, second, third = captured.all("start")
    assert first["traceId"] == second["traceId"] != third["traceId"]
    assert len({line["spanId"] for line in (first, second, third)}) == 3
    assert first["linkIn"] == ["durable:" + event("durable")["DurableExecutionArn"]]


def test_a_callers_context_does_not_tear_them_apart(captured, context, event):
    """What the runtime client says of a caller who waits holds for one invocation only."""
    traced(lambda event, context: None)(event("durable"), context)
    context.client_context = SimpleNamespace(custom=None, env=None, client=None)
    context.w3c = lambda: {"traceparent": f"00-{'a' * 32}-{'b' * 16}-01"}

    traced(lambda event, context: None)(event("durable"), context)

    first, second = captured.all("start")
    assert first["traceId"] == second["traceId"]
    assert (first["trigger"], second["trigger"]) == ("durable", "durable")


def test_what_waits_is_suspended(captured, context, event):
    """PENDING is no failure, and it is said."""
    line = end(captured, context, event, {"Status": "PENDING"})

    assert line["suspended"] is True
    assert "status" not in line


def test_an_execution_that_has_failed(captured, context, event):
    """FAILED is a failure with the SDK's type and message, secrets masked."""
    error = {"ErrorType": "ValueError", "ErrorMessage": "password=hunter2 no such sale"}
    line = end(captured, context, event, {"Status": "FAILED", "Error": error})

    assert (line["status"], line["error"]["type"]) == (2, "ValueError")
    assert "no such sale" in line["error"]["message"]
    assert "hunter2" not in line["error"]["message"]


@pytest.mark.parametrize(
    "result",
    [
        {"Status": "SUCCEEDED"},
        {},
        None,
        {"Status": ["PENDING"]},
        {"Status": "SUCCEEDED", "Error": 1},
    ],
)
def test_an_execution_that_goes_well(captured, context, event, result):
    """Nothing more is said, whatever the result looks like."""
    line = end(captured, context, event, result)

    assert "status" not in line
    assert "suspended" not in line


@pytest.mark.parametrize("error", [None, "text", {"ErrorType": 1, "ErrorMessage": []}])
def test_an_error_that_is_not_spelt(captured, context, event, error):
    """It is a failure all the same."""
    line = end(captured, context, event, {"Status": "FAILED", "Error": error})

    assert line["error"]["type"] == "FAILED"
    assert captured.all("health") == []


def test_a_result_of_the_users_own_says_nothing(captured, context):
    """``Status`` is an ordinary word."""
    traced(lambda event, context: {"Status": "FAILED"})({"order": 1}, context)

    assert "status" not in captured.one("invocation")


def test_below_the_sdk_suspending_is_no_failure(captured, context, event):
    """Where the SDK's decorator is outside: its context, its ids, and nothing failed."""
    arn = event("durable")["DurableExecutionArn"]
    execution = SimpleNamespace(durable_execution_arn=arn)
    durable = SimpleNamespace(lambda_context=context, execution_context=execution)

    @traced
    def handler(event, context):
        with lumitrace.span("wait for the parcel"):
            lumitrace.tag(sale="628d8a")
            raise TimedSuspendExecution

    with pytest.raises(TimedSuspendExecution):
        handler({"saleId": "628d8a"}, durable)
    traced(lambda event, context: None)(event("durable"), context)

    inner, outer = captured.all("start")
    assert (inner["traceId"], inner["requestId"]) == (outer["traceId"], context.aws_request_id)
    line = captured.all("invocation")[0]
    assert line["suspended"] is True
    assert "status" not in line
    assert all("error" not in span for span in captured.all("span"))


def test_an_execution_that_takes_no_turn_is_read(captured, context, event):
    """An ARN that is none costs the trace of the execution, nothing else."""
    for arn in (None, 3, "", "x" * 4000, "\ud800", ["a"]):
        traced(lambda event, context: None)(
            {**event("durable"), "DurableExecutionArn": arn}, context
        )

    assert len(captured.all("start")) == 6
    assert captured.all("health") == []
    assert json.dumps(captured.all("start"))


def test_a_frozen_context_of_a_test_stays_as_it_is(captured, event):
    """The SDK's own runner hands over one that cannot be changed, with an empty client context."""

    @dataclass(frozen=True)
    class Frozen:
        aws_request_id: str
        client_context: object

    empty = SimpleNamespace(custom=None, env=None, client=None)
    frozen = Frozen("r-1", empty)

    traced(lambda event, context: None)(event("durable"), frozen)

    assert frozen.client_context is empty
    assert captured.one("start")["requestId"] == "r-1"
