"""AWS's own SDK of durable functions, in its own runner: an execution that waits and is replayed.

``scripts/test --only neighbours`` runs this in a virtual environment of its own.
https://pypi.org/project/aws-durable-execution-sdk-python/
"""

import json

import pytest

import lumitrace
from lumitrace import testing, traced

sdk = pytest.importorskip("aws_durable_execution_sdk_python")
runner = pytest.importorskip("aws_durable_execution_sdk_python_testing.runner")


def order(event, context):
    """Do something, wait for a day, and do something more."""
    with lumitrace.span("order"):
        context.step(lambda _: "reserved", name="reserve")
        context.wait(sdk.config.Duration.from_days(1), name="parcel")
        if event["fails"]:
            raise ValueError("no such parcel")
        return context.step(lambda _: "shipped", name="ship")


def outside(handler):
    """Put ours before the SDK's decorator, and hand it the event that Lambda does."""
    durable = sdk.durable_execution(handler)
    execution = sdk.execution

    def run(event, context):
        def inner(told, context):
            read = execution.DurableExecutionInvocationInput.from_json_dict(told)
            known = execution.DurableExecutionInvocationInputWithClient
            put = known.from_durable_execution_invocation_input(read, event.service_client)
            return durable(put, context)

        return traced(inner)(event.to_json_dict(), context)

    return run


def inside(handler):
    """Put ours behind the SDK's decorator."""
    return sdk.durable_execution(traced(handler))


@pytest.mark.parametrize("way", [outside, inside])
@pytest.mark.parametrize("fails", [False, True])
def test_an_execution_that_waits(way, fails):
    """Two invocations, one trace: the first is suspended, the second succeeds or fails."""
    with testing.capture() as captured, runner.DurableFunctionTestRunner(way(order)) as play:
        result = play.run(input=json.dumps({"fails": fails}))
    play._scheduler._loop.close()  # the runner leaves it open

    assert result.status.value == ("FAILED" if fails else "SUCCEEDED")
    starts, ends = captured.all("start"), captured.all("invocation")
    assert len(starts) == len(ends) == 2
    assert len({line["traceId"] for line in starts}) == 1
    assert len({line["spanId"] for line in starts}) == 2
    assert {line["requestId"] for line in starts} == {"test-invoke-12345"}  # the runner's own
    assert [line.get("suspended", False) for line in ends] == [True, False]
    assert [line.get("status", 0) for line in ends] == [0, 2 if fails else 0]
    assert {line["trigger"] for line in starts} == {"durable"}
    spans = [line for line in captured.all("span") if line["name"] == "order"]
    assert [line.get("status", 0) for line in spans] == [0, 2 if fails else 0]
    assert captured.all("health") == []
