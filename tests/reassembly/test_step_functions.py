"""Executions of state machines, from their histories and their logs, and what their tasks ran."""

import pytest
from tests.reassembly.histories import History, answered, raised

CHARGE = "ushop_charge"


def charge(night, ms, *, request=None, error=None):
    """Write an invocation of the function that a task calls; return its request id."""
    run = night.begin(CHARGE, ms, request=request, trigger="other")
    night.log(run, ms + 2, "Charging")
    failed = {"error": error} if error else {}
    night.end(run, ms + 8, began=ms, lasted=7, tags={"saleId": "sale-0001"}, **failed)
    return run


def refused(message="card refused"):
    """Return the error of a handler's line."""
    return {"type": "ValueError", "message": message, "at": "app.py:12 charge"}


def charged(run, *, well=True):
    """Return the history of an execution whose one task was *run*."""
    history = History()
    history.start(0)
    at = history.call(12, history.enter(10, "Charge"), CHARGE)
    if well:
        at = history.done(40, at, answered(run.request))
        history.end(50, history.leave(41, "Charge", at))
    else:
        at = history.failed(40, at, raised(run.request))
        history.end(50, at, raised(run.request), "Failed")
    return history


@pytest.fixture
def told(night, log_file, tmp_path, answer):
    """Ask about the night and *histories*, each in a file of its own."""

    def ask(*asked, histories=()):
        paths = [night.write(log_file)]
        for number, history in enumerate(histories):
            path = tmp_path / f"history-{number}.json"
            path.write_text(history.answer(), "utf-8")
            paths.append(str(path))
        return answer(*asked, *paths)[1]

    return ask


def names(shown):
    """Return the spans of an answer, each as its depth, service and name."""
    return [(one["depth"], one["service"], one["name"]) for one in shown["spans"]]


def test_a_task_joins_its_invocation_by_the_request_id(night, told):
    """The execution is the entry; below its state and its call stands the function."""
    run = charge(night, 20)

    shown = told("show", run.request, histories=[charged(run)])

    assert shown["transaction"]["state"] == "ok"
    assert names(shown) == [
        (0, "Step Functions", "history-0"),
        (1, "state", "Charge"),
        (2, "Lambda", f"Invoke {CHARGE}"),
        (3, "Lambda", CHARGE),
    ]
    assert shown["spans"][3]["witness"] == "link key"
    assert shown["spans"][0]["durationUs"] == 50_000


def test_a_failed_execution_is_one_lost_transaction(night, told):
    """The function's failure is the cause; the execution's is no second loss."""
    run = charge(night, 20, error=refused())

    said = told("why", histories=[charged(run, well=False)])

    assert said["impact"]["lost"] == said["impact"]["transactions"] == 1
    assert said["impact"]["ids"] == ["sale-0001"]
    assert said["issue"]["function"] == CHARGE
    assert (said["cause"]["type"], said["cause"]["message"]) == ("ValueError", "card refused")
    assert [frame["service"] for frame in said["stack"]] == [
        *("Step Functions", "state", "Lambda", "Lambda")
    ]


def test_the_log_says_what_the_history_says(night, told, log_file, answer):
    """The state machine's log group, among those of functions: the same spans."""
    run = charge(night, 20, error=refused())
    history = charged(run, well=False)
    history.events[0]["executionStartedEventDetails"]["stateMachineVersionArn"] = (
        history.arn.replace("execution", "stateMachine").replace("sale-0001", "7")
    )
    from_history = told("show", run.request, histories=[history])
    for ms, message in history.logged():
        where = {
            "logGroupName": "/aws/vendedlogs/states/fulfil",
            "logStreamName": "states/fulfil/1",
        }
        night.events.append({**where, "timestamp": ms, "message": message})

    code, shown = answer("show", "sale-0001", night.write(log_file))

    assert code == 0
    assert names(shown) == names(from_history)
    assert names(shown)[0] == (0, "Step Functions", "ushop_fulfil")
    assert shown["stack"][0]["id"] == "execution sale-0001"
