"""Functions that died: what Lambda's lines say, and text that only looks like them."""

import json

import pytest

WARN = "2026-11-21T02:00:00.000Z"
MISSING = "Unable to import module 'pay': No module named 'stripe'"


def report(request, status="success", **metrics):
    """Return a platform.report."""
    record = {"requestId": request, "metrics": {"durationMs": 3.0, **metrics}, "status": status}
    return event("report", record)


def event(kind, record):
    """Return an event of Lambda's in the JSON log format."""
    return json.dumps({"time": WARN, "type": f"platform.{kind}", "record": record})


def start(request):
    """Return a platform.start."""
    return event("start", {"requestId": request, "version": "$LATEST"})


def init_start(kind="lambda-managed-instances"):
    """Return a platform.initStart."""
    return event("initStart", {"initializationType": kind, "phase": "init", "functionName": "pay"})


def forged(request, record="start", **more):
    """Return a span line that a stranger made up."""
    line = {"lumitrace": 1, "record": record, "traceId": "f" * 32, "spanId": "e" * 16}
    line |= {"requestId": request, "name": "pay", "startUs": 1_795_226_400_000_000, **more}
    return json.dumps(line, separators=(",", ":"))


# What could not start


def import_error_as_text(night, request, began=0):
    """Write what Lambda writes of a module that is not there: before START, twice."""
    for ms, phase in ((began, "init"), (began + 300, "invoke")):
        night.say("pay", "s1", ms, f"[ERROR] Runtime.ImportModuleError: {MISSING}\n")
        said = f"Phase: {phase}\tStatus: error\tError Type: Runtime.ImportModuleError"
        night.say("pay", "s1", ms + 1, f"INIT_REPORT Init Duration: 229.04 ms\t{said}\n")
    night.say("pay", "s1", began + 310, f"START RequestId: {request} Version: $LATEST\n")
    night.say("pay", "s1", began + 311, f"END RequestId: {request}\n")
    measured = "Duration: 231.00 ms\tBilled Duration: 231 ms\tMemory Size: 128 MB"
    night.say("pay", "s1", began + 312, f"REPORT RequestId: {request}\t{measured}\t")


def import_error_as_json(night, request):
    """Write the same in the JSON log format; the runtime's request id is empty."""
    kind = "Runtime.ImportModuleError"
    raised = {"timestamp": WARN, "level": "ERROR", "errorType": kind, "errorMessage": MISSING}
    for ms, phase in ((0, "init"), (300, "invoke")):
        night.say("pay", "s1", ms, json.dumps({**raised, "requestId": "", "stackTrace": []}))
        told = {"phase": phase, "status": "error", "errorType": kind}
        told["metrics"] = {"durationMs": 229.04}
        night.say("pay", "s1", ms + 1, event("initReport", told))
    night.say("pay", "s1", 310, start(request))
    night.say("pay", "s1", 312, report(request, "error", durationMs=231.0))


@pytest.mark.parametrize("write", [import_error_as_text, import_error_as_json])
def test_a_module_that_cannot_be_imported_is_the_cause(night, log_file, answer, write):
    """Nobody names its request: it is a transaction of its own, and whose it was is not known."""
    night.sale(1, 0)
    write(night, "0badf00d-0000-4000-8000-000000000000")

    _, said = answer("why", night.write(log_file))

    cause, impact = said["cause"], said["impact"]
    assert (cause["function"], cause["message"]) == ("pay", MISSING)
    assert cause["type"] == "Runtime.ImportModuleError"
    assert cause["stopped"] == "while its code started, before the handler"
    assert (impact["pending"], impact["withoutSpanLines"]) == (1, 1)
    assert said["stack"][-1]["init"] == [
        "init 229.0 ms ended in error",
        "init again within the invocation 229.0 ms ended in error",
    ]


def test_attempts_without_span_lines_are_one_delivery(night, log_file, answer):
    """Three tries at one request id are one loss."""
    night.sale(1, 0)
    for attempt in range(3):
        import_error_as_text(night, "0badf00d-0000-4000-8000-000000000000", attempt * 1000)

    _, said = answer("why", night.write(log_file))

    assert (said["impact"]["lost"], said["impact"]["pending"]) == (1, 0)
    assert said["issue"]["all"] == {"failed": 3, "invocations": 3}


def test_what_calls_a_function_is_known_from_its_other_attempts(night, log_file, answer):
    """API Gateway waits for the answer: what died before its first line is lost, not pending."""
    run = night.begin("pay", 0, trigger="api-gateway-rest", route="POST /pay", stream="s2")
    night.end(run, 5, began=0, lasted=4)
    import_error_as_text(night, "0badf00d-0000-4000-8000-000000000000")

    _, said = answer("why", night.write(log_file))

    assert (said["impact"]["lost"], said["impact"]["pending"]) == (1, 0)


def test_an_init_that_was_given_up_and_went_well_again_is_no_failure(night, log_file, answer):
    """What the runtime printed before START is not the invocation's own."""
    night.say("pay", "s1", 0, f"[ERROR] Runtime.ImportModuleError: {MISSING}\n")
    failed = "Phase: init\tStatus: error\tError Type: Runtime.ImportModuleError"
    night.say("pay", "s1", 1, f"INIT_REPORT Init Duration: 229.04 ms\t{failed}\n")
    run = night.begin("pay", 10)
    night.end(run, 15, began=10, lasted=4)

    _, said = answer("why", path := night.write(log_file))
    _, shown = answer("show", run.request, path)

    assert said["issue"] is None
    assert shown["spans"][0]["init"] == [
        "init 229.0 ms ended in error, then again within the invocation"
    ]


@pytest.mark.parametrize(
    ("line", "measured", "told"),
    [
        ("RESTORE_REPORT Restore Duration: 1236.04 ms\n", "", "restore 1,236.0 ms"),
        ("RESTORE_START Runtime Version: x\n", "Restore Duration: 400.5 ms", "restore 400.5 ms"),
        ("INIT_START Runtime Version: x\n", "Init Duration: 87.11 ms", "init 87.1 ms"),
        (event("restoreReport", {"status": "success", "metrics": {"durationMs": 9}}), "", None),
    ],
)
def test_a_restore_and_a_cold_start_are_told(night, log_file, answer, line, measured, told):
    """How long it took before the handler could run, from a snapshot or from nothing."""
    night.say("pay", "s1", 0, line)
    run = night.begin("pay", 10)
    night.end(run, 15, began=10, lasted=4, report=measured)

    _, shown = answer("show", run.request, night.write(log_file))

    assert shown["spans"][0]["init"] == [told or "restore 9.0 ms"]


# What ended otherwise than the handler's own line says


def test_a_process_that_dies_after_the_handlers_return_has_failed(night, log_file, answer):
    """A thread crashed it while the result was sent: no call is blamed."""
    run = night.begin("pay", 0, trigger="api-gateway-rest", route="POST /pay")
    night.line(run, 4, "invocation", name="pay", startUs=night.us(1), durationUs=3000)
    said = "Runtime exited with error: signal: segmentation fault\nRuntime.ExitError\n"
    night.say("pay", "s1", 5, f"RequestId: {run.request} Error: {said}")
    night.close(run, 6, 5, "Status: error\tError Type: Runtime.ExitError")

    _, told = answer("why", night.write(log_file))

    assert told["cause"]["type"] == "Runtime.ExitError"
    assert told["cause"]["stopped"] == "after its handler had returned"


def test_a_kill_with_all_memory_used_says_so(night, log_file, answer):
    """Older reports call it an exit; the memory that was used gives it away."""
    run = night.begin("pay", 0, trigger="api-gateway-rest", route="POST /pay")
    said = "Runtime exited with error: signal: killed\nRuntime.ExitError\n"
    night.close(run, 6, 5, "Status: error\tError Type: Runtime.ExitError")
    night.events[-1]["message"] = night.events[-1]["message"].replace("64 MB", "128 MB")
    night.say("pay", "s1", 8, f"RequestId: {run.request} Error: {said}")

    _, told = answer("why", night.write(log_file))

    assert told["cause"]["message"].endswith(
        "all of its 128 MB were used: it probably ran out of memory"
    )


def test_what_lambdas_json_says_of_a_result_is_told_in_the_runtimes_words(night, log_file, answer):
    """The report says "error" and no more; the runtime's own line says what it was."""
    run = night.begin("pay", 1, trigger="api-gateway-rest", route="POST /pay", bracket=False)
    night.end(run, 4, began=1, lasted=2, bracket=False)
    kind, message = "Runtime.MarshalError", "Unable to marshal response"
    raised = {"timestamp": WARN, "level": "ERROR", "errorType": kind, "errorMessage": message}
    night.say("pay", "s1", 5, json.dumps({**raised, "requestId": run.request}))
    night.say("pay", "s1", 6, report(run.request, "error"))
    night.events.insert(0, {**night.events[0], "message": start(run.request)})

    _, told = answer("why", night.write(log_file))

    assert (told["cause"]["type"], told["cause"]["message"]) == (kind, message)
    assert told["seen"]["untrusted"] == 0


def test_a_throttle_is_told_in_aws_words(night, log_file, answer):
    """What the SDK says of its retries is no part of the message: call and handler say the same."""
    words = "An error occurred (TooManyRequestsException) when calling the Invoke operation "
    error = {"type": "ClientError", "message": f"{words}(reached max retries: 4): Rate Exceeded."}
    run = night.begin("pay", 0, trigger="api-gateway-rest", route="POST /pay")
    night.end(run, 5, began=0, lasted=4, error=error)

    _, told = answer("why", night.write(log_file))

    cause = told["cause"]
    assert (cause["type"], cause["message"]) == ("TooManyRequestsException", "Rate Exceeded.")


# What somebody printed


def test_printing_that_a_task_timed_out_kills_nothing(night, log_file, answer):
    """The request id is its own, but the handler went on and came to its end."""
    run = night.begin("pay", 0)
    night.say("pay", "s1", 2, f"{WARN} {run.request} Task timed out after 3.00 seconds\n")
    night.end(run, 5, began=0, lasted=4)

    assert answer("why", night.write(log_file))[1]["issue"] is None


def test_a_start_line_in_an_invocation_that_still_runs_is_somebodys_text(night, log_file, answer):
    """The log ends before the invocation does: what it prints until then is not trusted."""
    night.begin("pay", 0)
    night.say("pay", "s1", 2, "START RequestId: another Version: $LATEST\n")
    night.say("pay", "s1", 3, forged("another"))
    night.say("pay", "s1", 4, "END RequestId: another\n")

    _, said = answer("why", night.write(log_file))

    assert (said["seen"]["untrusted"], said["seen"]["invocations"]) == (1, 1)


def test_an_end_line_before_the_end_of_an_invocation_cut_off_is_text(night, log_file, answer):
    """The log begins within an invocation: its own end is the last one before the next START."""
    cut = night.begin("pay", 0)
    night.say("pay", "s1", 2, forged("another"))
    night.say("pay", "s1", 3, "END RequestId: another\n")
    night.end(cut, 5, began=0, lasted=4)
    night.events = night.events[1:]
    night.end(night.begin("pay", 100), 105, began=100, lasted=4)

    _, said = answer("why", night.write(log_file))

    assert (said["seen"]["untrusted"], said["seen"]["invocations"]) == (1, 2)


def test_at_the_system_log_level_warn_only_failures_have_platform_lines(night, log_file, answer):
    """Healthy invocations are joined by their own request ids, the killed one is closed."""
    for ms in (0, 100, 300):
        run = night.begin("pay", ms, bracket=False)
        night.end(run, ms + 5, began=ms, lasted=4, bracket=False)
    killed = night.begin("pay", 200, bracket=False)
    done = {"requestId": killed.request, "status": "timeout", "metrics": {"durationMs": 3000}}
    night.say("pay", "s1", 230, event("runtimeDone", done))
    night.say("pay", "s1", 231, report(killed.request, "timeout", durationMs=3000))
    night.events.sort(key=lambda one: one["timestamp"])

    _, said = answer("why", night.write(log_file))

    assert said["seen"]["untrusted"] == 0
    assert said["issue"]["all"] == {"failed": 1, "invocations": 4}
    assert said["cause"]["message"] == "Task timed out after 3.00 seconds"


# Several at a time in one sandbox


def interleaved(night, **said):
    """Write three invocations of one sandbox, all begun before the first one ends."""
    runs = []
    for ms in (10, 20, 30):
        request = night.request()
        night.say("pay", "s1", ms, start(request))
        start_line = {"trigger": "api-gateway-rest", "route": "POST /pay", **said}
        runs.append(night.begin("pay", ms, request=request, bracket=False, **start_line))
    for ms, run in zip((40, 50), runs, strict=False):
        night.end(run, ms, began=ms - 30, lasted=30, bracket=False)
        night.say("pay", "s1", ms + 1, report(run.request))
    last = runs[-1]
    opened = [night.span(), "dynamodb.Query", "payments", 9000]
    night.line(last, 60, "calls", startUs=night.us(31), open=opened)
    night.say("pay", "s1", 70, report(last.request, "error", durationMs=40))
    return runs


@pytest.mark.parametrize("told_by", ["Lambda", "us"])
def test_invocations_side_by_side_are_told_apart_by_their_request_ids(
    night, log_file, answer, told_by
):
    """Managed Instances: no START brackets an END, and each line says whose it is."""
    if told_by == "Lambda":
        night.say("pay", "s1", 0, init_start())
    runs = interleaved(night, **({} if told_by == "Lambda" else {"concurrency": 16}))
    line = {"timestamp": WARN, "level": "INFO", "message": "hello", "requestId": runs[1].request}
    night.say("pay", "s1", 35, json.dumps(line))
    night.say("pay", "s1", 36, "a print that names nobody\n")

    _, said = answer("why", path := night.write(log_file))
    _, shown = answer("show", runs[1].request, path)

    assert (said["seen"]["untrusted"], said["seen"]["unplaced"]) == (0, 1)
    assert said["issue"]["all"] == {"failed": 1, "invocations": 3}
    assert said["cause"]["stopped"].startswith("in dynamodb.Query payments, ")
    assert "[INFO] hello" in [one["message"] for one in shown["logs"]]
    assert {one["requestId"] for one in shown["logs"]} == {runs[1].request}


def test_a_span_line_side_by_side_counts_only_where_lambda_names_its_request(
    night, log_file, answer
):
    """A stranger's line names a request of its own, or stands inside a line: it is not trusted."""
    night.say("pay", "s1", 0, init_start())
    runs = interleaved(night)
    night.say("pay", "s1", 32, forged("made-up"))
    night.say("pay", "s1", 33, "user said " + forged(runs[0].request, "span"))

    seen = answer("why", night.write(log_file))[1]["seen"]

    assert (seen["untrusted"], seen["invocations"]) == (2, 3)


@pytest.mark.parametrize("claim", ["concurrency", "initStart", "both"])
def test_no_print_makes_an_ordinary_sandbox_one_of_many(night, log_file, answer, claim):
    """One invocation at a time: a stranger's platform lines within it stay text."""
    night.say("pay", "s1", 0, init_start("on-demand"))
    real, other = night.request(), night.request()
    night.say("pay", "s1", 1, start(real))
    run = night.begin("pay", 1, request=real, bracket=False)
    if claim != "concurrency":
        night.say("pay", "s1", 2, init_start())
    night.say("pay", "s1", 3, start(other))
    night.say("pay", "s1", 4, forged(other, **({} if claim == "initStart" else {"concurrency": 9})))
    night.say("pay", "s1", 5, report(other))
    night.end(run, 6, began=1, lasted=4, bracket=False)
    night.say("pay", "s1", 8, report(real))

    seen = answer("why", night.write(log_file))[1]["seen"]

    assert (seen["untrusted"], seen["invocations"]) == (1, 1)
