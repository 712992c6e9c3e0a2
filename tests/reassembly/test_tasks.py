"""Tasks of state machines: every way in which one ends, and what it is joined to."""

import json

import pytest
from tests.reassembly.histories import INVOKE, START_MS, History, answered, function_arn, raised

CHARGE = "ushop_charge"
ERROR = {"type": "ValueError", "message": "card refused", "at": "app.py:12 charge"}
WAIT = ".waitForTaskToken"


@pytest.fixture
def told(night, log_file, answer):
    """Ask about the night and the log of the state machines that ran the *histories*."""

    def ask(*asked, histories=(), **log):
        for history in histories:
            where = {"logGroupName": f"/aws/vendedlogs/states/{history.machine}"}
            for ms, message in history.logged(**log):
                event = {"logStreamName": "states/1", "timestamp": ms, "message": message}
                night.events.append({**where, **event})
        _, said = answer(*asked, night.write(log_file))
        assert isinstance(said, dict), said
        return said

    return ask


def charge(night, ms, *, error=None, lasted=7, **start):
    """Write an invocation of the function that a task calls."""
    run = night.begin(CHARGE, ms, **{"trigger": "other", **start})
    failed = {"error": error} if error else {}
    night.end(run, ms + 8, began=ms, lasted=lasted, **failed)
    return run


def spans(shown):
    """Return the spans of an answer: depth, name, witness and the type of the failure."""
    return [
        (one["depth"], one["name"], one["witness"], (one["failure"] or {}).get("type", ""))
        for one in shown["spans"]
    ]


def test_each_try_of_a_task_joins_its_own_invocation(night, told):
    """The first failed, the second went well: the execution recovered."""
    first, second = charge(night, 20, error=ERROR), charge(night, 120)
    history = History()
    history.start(0)
    state = history.enter(10, "Charge")
    at = history.failed(40, history.call(12, state, CHARGE), raised(first.request))
    at = history.done(150, history.call(110, at, CHARGE), answered(second.request))
    history.end(160, history.leave(151, "Charge", at))

    shown = told("show", first.request, histories=[history])

    assert shown["transaction"]["state"] == "recovered"
    assert spans(shown) == [
        (0, "ushop_fulfil", "", ""),
        (1, "Charge", "", ""),
        (2, f"Invoke {CHARGE}", "", "ValueError"),
        (3, CHARGE, "link key", "ValueError"),
        (2, f"Invoke {CHARGE}", "", ""),
        (3, CHARGE, "link key", ""),
    ]


def test_a_failure_that_is_caught_is_none_of_the_execution(night, told):
    """The state machine goes on, and so does the sale."""
    run = charge(night, 20, error=ERROR)
    history = History()
    history.start(0)
    at = history.failed(
        40, history.call(12, history.enter(10, "Charge"), CHARGE), raised(run.request)
    )
    at = history.enter(42, "AskAgain", history.leave(41, "Charge", at), kind="Pass")
    history.end(50, history.leave(43, "AskAgain", at, kind="Pass"))

    shown = told("show", run.request, histories=[history])

    assert shown["transaction"]["state"] == "ok"
    assert [row[1] for row in spans(shown) if row[0] == 1] == ["Charge", "AskAgain"]


def direct(history, ms, previous, **end):
    """Add what a task says whose resource is the function's own ARN."""
    scheduled = {"resource": function_arn(CHARGE), "input": "{}"}
    at = history.add(ms, "LambdaFunctionScheduled", previous, lambdaFunctionScheduled=scheduled)
    at = history.add(ms + 1, "LambdaFunctionStarted", at)
    [(kind, details)] = end.items()
    name = f"lambdaFunction{kind}"
    return history.add(ms + 20, f"LambdaFunction{kind}", at, **{name: details})


def test_a_functions_own_arn_names_the_request_where_it_failed(night, told):
    """The cause of the failure holds it, as the runtime of Python spells it."""
    run = charge(night, 20, error=ERROR)
    history = History()
    history.start(0)
    at = direct(history, 12, history.enter(10, "Charge"), Failed=raised(run.request))
    history.end(50, at, raised(run.request), "Failed")

    said = told("why", histories=[history])

    assert said["impact"]["lost"] == said["impact"]["transactions"] == 1
    assert said["issue"]["function"] == CHARGE


def test_where_nothing_names_the_request_the_answer_says_so(night, told, command, log_file):
    """It went well by its own ARN: the function is a transaction of its own."""
    charge(night, 20)
    history = History()
    history.start(0)
    at = direct(history, 12, history.enter(10, "Charge"), Succeeded={"output": "{}"})
    history.end(50, history.leave(41, "Charge", at))

    said = told("why", histories=[history])

    assert (said["impact"]["transactions"], said["seen"]["unnamedTasks"]) == (2, 1)
    shown = command("show", "sale-0001", log_file).stdout.decode()
    assert f"Lambda Invoke {CHARGE}  the history names no request" in shown


def test_the_executions_arn_joins_what_its_task_was_handed(night, told):
    """Its request is not known, its execution is: below it, not below who started it."""
    history = History()
    history.start(0)
    at = direct(history, 12, history.enter(10, "Charge"), Succeeded={"output": "{}"})
    history.end(50, history.leave(41, "Charge", at))
    till = start(night, history)
    charge(night, 20, trigger="step-functions", linkIn=[f"states:{history.arn}"])

    shown = told("show", till.request, histories=[history])

    assert spans(shown) == [
        (0, "ushop_till", "", ""),
        (1, "StartExecution ushop_fulfil", "", ""),
        (2, "ushop_fulfil", "link key", ""),
        (3, "Charge", "", ""),
        (4, f"Invoke {CHARGE}", "", ""),
        (3, CHARGE, "link key", ""),
    ]


def start(night, history):
    """Write an invocation that starts the execution."""
    till = night.begin("ushop_till", -20, trigger="api-gateway-rest", route="POST /sales")
    call = [night.span(), "stepfunctions.StartExecution", history.machine, 5000, 3000, 200]
    night.end(till, -10, began=-20, lasted=9, calls=[[*call, [f"states:{history.arn}"]]])
    return till


def test_a_task_stands_between_its_function_and_who_started_the_execution(night, told):
    """The request id says more than the execution's ARN, which both ends know."""
    history = History()
    till = start(night, history)
    run = charge(night, 20, trigger="step-functions", linkIn=[f"states:{history.arn}"])
    history.start(0)
    at = history.done(
        40, history.call(12, history.enter(10, "Charge"), CHARGE), answered(run.request)
    )
    history.end(50, history.leave(41, "Charge", at))

    shown = told("show", run.request, histories=[history])

    assert shown["transaction"]["id"] == till.trace
    assert spans(shown)[-2:] == [(4, f"Invoke {CHARGE}", "", ""), (5, CHARGE, "link key", "")]


def test_a_task_that_waits_for_a_token_joins_what_it_submitted(night, told):
    """The function went well, and nobody ever sent the token back."""
    run = charge(night, 20)
    history = History()
    history.start(0)
    at = history.call(12, history.enter(10, "Charge"), CHARGE, WAIT)
    waiting = {**INVOKE, "resource": f"invoke{WAIT}"}
    at = history.done(40, at, answered(run.request), kind="Submitted", **waiting)
    late = {**waiting, "error": "States.Timeout"}
    at = history.add(900, "TaskTimedOut", at, taskTimedOut=late)
    history.end(901, at, {"error": "States.Timeout"}, "Failed")

    said = told("why", histories=[history])
    shown = told("show", run.request)

    assert said["impact"]["lost"] == said["impact"]["transactions"] == 1
    assert said["issue"]["function"] == "Step Functions ushop_fulfil"
    assert said["cause"]["call"] == f"Invoke{WAIT} {CHARGE}"
    assert spans(shown)[3] == (3, CHARGE, "link key", "")


@pytest.mark.parametrize(
    ("kind", "error"), [("TimedOut", "States.Timeout"), ("Aborted", "Aborted")]
)
def test_an_execution_that_was_ended_from_outside_failed(night, told, kind, error):
    """Timed out, or stopped by somebody: the state in which it was is named."""
    charge(night, 20)
    history = History()
    history.start(0)
    history.end(50, history.call(12, history.enter(10, "Charge"), CHARGE), {}, kind)

    said = told("why", histories=[history])

    assert (said["impact"]["lost"], said["cause"]["type"]) == (1, error)
    assert said["cause"]["message"] == "it was in Charge"


def test_an_execution_that_was_redriven_and_went_well_recovered(night, told):
    """Its history goes on behind the failure."""
    first, second = charge(night, 20, error=ERROR), charge(night, 520)
    history = History()
    history.start(0)
    state = history.enter(10, "Charge")
    at = history.failed(40, history.call(12, state, CHARGE), raised(first.request))
    at = history.end(50, at, raised(first.request), "Failed")
    at = history.add(500, "ExecutionRedriven", at, executionRedriven={"redriveCount": 1})
    at = history.call(512, at, CHARGE)
    history.end(560, history.done(540, at, answered(second.request)))

    shown = told("show", first.request, histories=[history])

    assert shown["transaction"]["state"] == "recovered"
    assert shown["spans"][0]["durationUs"] == 560_000


def test_an_execution_within_another_is_not_lost_twice(night, told):
    """The outer one waited for it; its failure is that of the function deep below."""
    run = charge(night, 40, error=ERROR)
    inner = History("ushop_pay", "pay-1")
    inner.start(30)
    at = inner.failed(60, inner.call(32, inner.enter(31, "Charge"), CHARGE), raised(run.request))
    inner.end(61, at, raised(run.request), "Failed")
    outer = History()
    outer.start(0)
    within = {"resourceType": "states", "resource": "startExecution.sync:2"}
    parameters = {"parameters": {"StateMachineArn": "arn:aws:states:x:1:stateMachine:ushop_pay"}}
    at = outer.call(12, outer.enter(10, "Pay"), "", **within, **parameters)
    submitted = {"ExecutionArn": inner.arn, "SdkHttpMetadata": {"HttpStatusCode": 200}}
    at = outer.done(29, at, submitted, kind="Submitted", **within)
    why = {"ExecutionArn": inner.arn, "Error": "ValueError", "Cause": "card refused"}
    failed = {**within, "error": "States.TaskFailed", "cause": json.dumps(why)}
    at = outer.add(70, "TaskFailed", at, taskFailed=failed)
    outer.end(71, at, {"error": "States.TaskFailed", "cause": json.dumps(why)}, "Failed")

    said = told("why", histories=[outer, inner])

    assert said["impact"]["lost"] == said["impact"]["transactions"] == 1
    assert (said["issue"]["function"], said["cause"]["type"]) == (CHARGE, "ValueError")
    assert [frame["name"] for frame in said["stack"]] == [
        *("ushop_fulfil", "Pay", "StartExecution.sync:2 ushop_pay"),
        *("ushop_pay", "Charge", f"Invoke {CHARGE}", CHARGE),
    ]


def test_a_function_that_lambda_ended_is_named_by_lambdas_sentence(night, told):
    """A timeout: no runtime could name the request, Lambda's message does."""
    run = night.begin(CHARGE, 20, trigger="other")
    stamp = "2026-11-21T02:00:03.020Z"
    night.say(CHARGE, "s1", 3020, f"{stamp} {run.request} Task timed out after 3.00 seconds\n\n")
    night.close(run, 3021, 3000)
    sentence = f"RequestId: {run.request} Error: Task timed out after 3.00 seconds"
    cause = json.dumps({"errorType": "Sandbox.Timedout", "errorMessage": sentence})
    ended = {"error": "Sandbox.Timedout", "cause": cause}
    history = History()
    history.start(0)
    at = history.failed(3030, history.call(12, history.enter(10, "Charge"), CHARGE), ended)
    history.end(3031, at, ended, "Failed")

    said = told("why", histories=[history])

    assert said["impact"]["lost"] == said["impact"]["transactions"] == 1
    assert said["issue"]["function"] == CHARGE


def failing(request):
    """Return an execution whose one task failed."""
    history = History()
    history.start(0)
    at = history.failed(40, history.call(12, history.enter(10, "Charge"), CHARGE), raised(request))
    history.end(50, at, raised(request), "Failed")
    return history


def test_a_log_of_failures_alone_joins_what_failed(night, told):
    """The log level ERROR: no state was entered, and no task scheduled."""
    run = charge(night, 20, error=ERROR)

    shown = told("show", run.request, histories=[failing(run.request)], level="ERROR")

    assert shown["transaction"]["state"] == "failed"
    assert spans(shown)[-1] == (2, CHARGE, "link key", "ValueError")


def test_a_log_without_data_says_what_it_cannot_join(night, told):
    """includeExecutionData=false: a failure names its request still, a success does not."""
    run, other = charge(night, 20, error=ERROR), charge(night, 220)
    well = History(name="sale-0002")
    well.start(200)
    at = well.done(240, well.call(212, well.enter(210, "Charge"), CHARGE), answered(other.request))
    well.end(250, well.leave(241, "Charge", at))

    said = told("why", histories=[failing(run.request), well], data=False)

    assert (said["impact"]["lost"], said["impact"]["transactions"]) == (1, 3)
    assert said["seen"]["unnamedTasks"] == 1


def test_an_execution_that_goes_on_is_unfinished(night, told):
    """Its history has no end yet."""
    run = charge(night, 20)
    history = History()
    history.start(0)
    at = history.done(
        40, history.call(12, history.enter(10, "Charge"), CHARGE), answered(run.request)
    )
    history.enter(42, "Deliver", history.leave(41, "Charge", at), kind="Wait")

    shown = told("show", run.request, histories=[history])

    assert shown["transaction"]["state"] == "unfinished"
    assert shown["spans"][-1]["durationUs"] is None


def test_a_parallel_state_that_was_tried_again_keeps_its_branches_apart(night, told):
    """The events of two branches interleave; each follows on its own."""
    first, second, third = charge(night, 20), charge(night, 25, error=ERROR), charge(night, 120)
    history = History()
    history.start(0)
    both = history.enter(10, "Both", kind="Parallel")
    begun = history.add(11, "ParallelStateStarted", both)
    left, right = history.enter(12, "Left", begun), history.enter(12, "Right", begun)
    left, right = history.call(13, left, CHARGE), history.call(14, right, CHARGE)
    left = history.done(40, left, answered(first.request))
    right = history.failed(41, right, raised(second.request))
    history.leave(42, "Left", left)
    failed = history.add(43, "ParallelStateFailed", right)
    begun = history.add(100, "ParallelStateStarted", failed)
    right = history.call(111, history.enter(110, "Right", begun), CHARGE)
    right = history.leave(142, "Right", history.done(141, right, answered(third.request)))
    done = history.add(143, "ParallelStateSucceeded", right)
    history.end(145, history.leave(144, "Both", done, kind="Parallel"))

    shown = told("show", first.request, histories=[history])

    assert shown["transaction"]["state"] == "recovered"
    found = [(depth, name) for depth, name, _, _ in spans(shown)]
    branch = [(3, f"Invoke {CHARGE}"), (4, CHARGE)]
    assert found == [
        *[(0, "ushop_fulfil"), (1, "Both")],
        *[(2, "Left"), *branch, (2, "Right"), *branch, (2, "Right"), *branch],
    ]


@pytest.mark.parametrize("group", [f"/aws/lambda/{CHARGE}", "shop-logs"])
def test_what_a_function_prints_is_no_history(night, told, group):
    """A line in a function's log that looks like one is the text of that function."""
    for ms, message in failing(night.request()).logged():
        night.say(CHARGE, "s1", ms - START_MS, message)  # the START before it was not read
    charge(night, 120)
    for event in night.events:
        event["logGroupName"] = group

    said = told("why")

    assert (said["seen"]["executions"], said["impact"]["lost"]) == (0, 0)


def test_a_task_joins_a_function_without_lumitrace(night, told):
    """Lambda's START line bears the request id that the task was answered with."""
    request = night.request()
    night.say("ushop_legacy", "s1", 20, f"START RequestId: {request} Version: $LATEST\n")
    night.say("ushop_legacy", "s1", 38, f"END RequestId: {request}\n")
    history = History()
    history.start(0)
    at = history.call(12, history.enter(10, "Charge"), "ushop_legacy")
    history.end(50, history.leave(41, "Charge", history.done(40, at, answered(request))))

    shown = told("show", request, histories=[history])

    assert spans(shown)[-1] == (3, "ushop_legacy", "link key", "")
