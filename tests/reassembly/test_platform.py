"""Lambda's own lines: kills, both log formats, forged lines, lost lines."""

import json

import pytest

TIMEOUT_OLD = "2026-11-21T02:00:03.003Z {request} Task timed out after 3.00 seconds\n\n"
EXIT = "RequestId: {request} Error: Runtime exited with error: signal: killed\nRuntime.ExitError\n"


def killed(night, ending, report):
    """Write an invocation that never came to its end, in the middle of a call."""
    run = night.begin("pay", 0, trigger="api-gateway-rest", route="POST /pay")
    done = [night.span(), "dynamodb.GetItem", "accounts", 1000, 2000, 200, []]
    opened = [night.span(), "dynamodb.Query", "payments", 40_000]
    night.line(run, 41, "calls", startUs=night.us(1), calls=[done], open=opened)
    if ending:
        night.say("pay", "s1", 3000, ending.format(request=run.request))
    night.close(run, 3001, 3000, report)
    return run


@pytest.mark.parametrize(
    ("kill", "kind", "message"),
    [
        (("", "Status: timeout"), "Sandbox.Timedout", "Task timed out after 3.00 seconds"),
        ((TIMEOUT_OLD, ""), "Sandbox.Timedout", "Task timed out after 3.00 seconds"),
        (
            (EXIT, "Status: error\tError Type: Runtime.ExitError"),
            "Runtime.ExitError",
            "Runtime exited with error: signal: killed",
        ),
        (
            (EXIT, "Status: error\tError Type: Runtime.OutOfMemory"),
            "Runtime.OutOfMemory",
            "The function ran out of memory: 64 MB of 128 MB were used",
        ),
    ],
)
def test_a_killed_attempt_is_closed_from_lambdas_lines(  # the cases
    night, log_file, answer, kill, kind, message
):
    """Timeout in both styles, exit and out of memory are failures, with their words."""
    killed(night, *kill)

    _, said = answer("why", night.write(log_file))

    assert said["issue"]["all"] == {"failed": 1, "invocations": 1}
    assert (said["cause"]["type"], said["impact"]["lost"]) == (kind, 1)
    frame = said["stack"][-1]
    assert frame["failure"] == {"type": kind, "message": message}
    assert frame["stopped"] == "in dynamodb.Query payments, or in what began right after it"


def test_what_ended_before_a_kill_is_told_as_a_call_after_it(night, log_file, answer):
    """No announced call is open: all that is known is the last one that ended."""
    run = night.begin("pay", 0, trigger="api-gateway-rest", route="POST /pay")
    done = [night.span(), "dynamodb.GetItem", "accounts", 1000, 2000, 200, []]
    night.line(run, 41, "calls", startUs=night.us(1), calls=[done])
    night.close(run, 3001, 3000, "Status: timeout")

    _, said = answer("why", night.write(log_file))

    stopped = said["stack"][-1]["stopped"]
    assert stopped == "in a call after dynamodb.GetItem accounts, or in its own code"


def as_json_format(events):
    """Return *events* as Lambda's JSON log format has them."""
    found = []
    for event in events:
        words = event["message"].split()
        record = {"requestId": words[2] if len(words) > 2 else ""}
        if words[0] == "START":
            said = {"type": "platform.start", "record": record}
        elif words[0] == "REPORT":
            timeout = "timeout" in event["message"]
            metrics = {"durationMs": 3000.0, "memorySizeMB": 128, "maxMemoryUsedMB": 64}
            record |= {"metrics": metrics, "status": "timeout" if timeout else "success"}
            said = {"type": "platform.report", "record": record}
        elif words[0] == "END":
            continue
        else:
            found.append(event)
            continue
        said = {"time": "2026-11-21T02:00:00.000Z", **said}
        found.append({**event, "message": json.dumps(said)})
    return found


def test_the_json_log_format_tells_the_same(night, log_file, answer):
    """platform.start and platform.report in the place of START, END and REPORT."""
    night.sale(1, 0, bad=True)
    killed(night, "", "Status: timeout")
    night.events = as_json_format(night.events)

    _, said = answer("why", night.write(log_file))

    assert said["seen"]["untrusted"] == 0
    assert said["impact"]["lost"] == 2
    assert {one["type"] for one in [said["cause"], *said["otherCauses"]]} == {
        "ValidationException",
        "Sandbox.Timedout",
    }


def test_json_lines_of_the_application_are_told_by_their_message(night, log_file, answer):
    """Level and message, and the request id joins them."""
    run = night.begin("pay", 0)
    said = {"timestamp": "2026-11-21T02:00:00Z", "level": "WARN", "message": "slow"}
    night.say("pay", "s1", 3, json.dumps({**said, "requestId": run.request}))
    night.end(run, 5, began=0, lasted=4)

    _, shown = answer("show", run.request, night.write(log_file))

    assert [line["message"] for line in shown["logs"] if line["origin"] == "application"] == [
        "[WARN] slow"
    ]


def test_a_failure_after_the_handlers_return_is_a_failure(night, log_file, answer):
    """The result could not be serialised: the invocation line could not know."""
    run = night.begin("pay", 0, trigger="api-gateway-rest", route="POST /pay")
    night.line(run, 4, "invocation", name="pay", startUs=night.us(1), durationUs=3000)
    night.say("pay", "s1", 5, "[ERROR] Runtime.MarshalError: Unable to marshal response\n")
    night.close(run, 6, 5)

    _, said = answer("why", night.write(log_file))

    assert said["cause"]["type"] == "Runtime.MarshalError"


def test_printing_what_looks_like_an_exception_is_no_failure(night, log_file, answer):
    """The handler's own line says that it did well."""
    run = night.begin("pay", 0)
    night.say("pay", "s1", 3, "[ERROR] ValueError: somebody printed this\n")
    night.end(run, 5, began=0, lasted=4)

    assert answer("why", night.write(log_file))[1]["issue"] is None


def test_a_mark_of_another_request_is_untrusted(night, log_file, answer):
    """An application printed what a stranger sent: it is counted, and changes nothing."""
    run = night.begin("pay", 0)
    forged = {"lumitrace": 1, "record": "span", "traceId": "f" * 32, "spanId": "e" * 16}
    forged |= {"requestId": "another", "name": "forged", "status": 2}
    night.say("pay", "s1", 3, "user said " + json.dumps(forged, separators=(",", ":")))
    night.end(run, 5, began=0, lasted=4)

    _, said = answer("why", night.write(log_file))

    assert said["seen"]["untrusted"] == 1
    assert said["impact"]["transactions"] == 1


def test_a_start_line_inside_an_invocation_is_somebodys_text(night, log_file, answer):
    """A forged START cannot make the lines behind it trusted."""
    run = night.begin("pay", 0)
    night.say("pay", "s1", 2, "START RequestId: forged Version: $LATEST\n")
    forged = {"lumitrace": 1, "record": "start", "traceId": "f" * 32, "spanId": "e" * 16}
    forged |= {"requestId": "forged", "name": "pay", "startUs": 1}
    night.say("pay", "s1", 3, json.dumps(forged, separators=(",", ":")))
    night.say("pay", "s1", 4, "END RequestId: forged\n")
    night.end(run, 5, began=0, lasted=4)

    _, said = answer("why", night.write(log_file))

    assert (said["seen"]["untrusted"], said["seen"]["invocations"]) == (1, 1)
    assert said["impact"]["transactions"] == 1


def test_printing_what_lambda_says_of_the_sandbox_ends_no_invocation(night, log_file, answer):
    """INIT_REPORT, and another request's exit, in the middle of an invocation are text."""
    run = night.begin("pay", 0)
    night.say("pay", "s1", 2, "INIT_REPORT Init Duration: 1.00 ms\tStatus: error\n")
    night.say("pay", "s1", 3, "RequestId: another Error: Runtime exited with error: exit status 1")
    night.end(run, 5, began=0, lasted=4)

    _, said = answer("why", night.write(log_file))

    assert said["issue"] is None
    assert (said["seen"]["untrusted"], said["seen"]["invocations"]) == (0, 1)


def test_without_start_and_end_a_mark_counts_at_the_beginning_of_a_line_only(
    night, log_file, answer
):
    """A local run has no platform lines: what stands inside a line is not trusted."""
    run = night.begin("pay", 0, bracket=False)
    night.end(run, 5, began=0, lasted=4, bracket=False)
    line = night.events[-1]["message"].replace(run.span, "e" * 16)
    night.say("pay", "s1", 6, "printed before " + line)

    _, said = answer("why", night.write(log_file))

    assert said["seen"]["untrusted"] == 1
    assert said["seen"]["spanLines"] == 2


def test_half_a_line_is_counted_and_the_rest_is_used(night, log_file, answer):
    """One span line broken off: counted as broken, its neighbours are not affected."""
    night.sale(1, 0)
    night.sale(2, 1000)
    marked = [event for event in night.events if event["message"].startswith('{"lumitrace"')]
    marked[-1]["message"] = marked[-1]["message"][:150]

    _, said = answer("why", night.write(log_file))

    assert said["seen"]["broken"] == 1
    assert said["impact"]["transactions"] == 2


def test_text_before_our_line_stays_the_applications(night, log_file, answer):
    """A print without a newline stands before the mark: both are read."""
    run = night.begin("pay", 0)
    night.end(run, 5, began=0, lasted=4)
    night.events[2]["message"] = "no newline " + night.events[2]["message"]

    _, shown = answer("show", run.trace, night.write(log_file))

    assert "no newline" in [line["message"] for line in shown["logs"]]
    assert shown["spans"][0]["durationUs"] == 4000


def test_a_function_without_span_lines_is_named_and_its_failures_count(night, log_file, answer):
    """Not decorated: its invocations are seen by Lambda's lines alone."""
    night.sale(1, 0)
    request = night.request()
    night.say("legacy", "s9", 0, f"START RequestId: {request} Version: 3\n")
    night.say("legacy", "s9", 1, "[ERROR] KeyError: 'x'\nTraceback (most recent call last):\n")
    night.say("legacy", "s9", 2, f"END RequestId: {request}\n")
    path = night.write(log_file)

    _, said = answer("why", path)
    _, shown = answer("show", request, path)

    assert said["seen"]["withoutSpanLines"] == ["legacy"]
    assert said["issue"]["function"] == "legacy"
    assert len(shown["logs"]) == 3


def test_an_invocation_whose_start_lies_before_the_window_is_still_used(night, log_file, answer):
    """What stands before an END without a START belongs to it."""
    night.sale(1, 0)
    night.events = night.events[1:]

    _, said = answer("why", night.write(log_file))

    assert said["seen"]["untrusted"] == 0
    assert said["seen"]["invocations"] == 2


def test_what_lumitrace_could_not_do_is_shown(night, log_file, answer):
    """A health line reaches the answer."""
    run = night.begin("pay", 0)
    night.line(run, 3, "health", name="pay", component="capture.botocore", message="no such hook")
    night.end(run, 5, began=0, lasted=4, dropped={"calls": 3})

    seen = answer("why", night.write(log_file))[1]["seen"]

    assert seen["health"] == ["pay capture.botocore no such hook"]
    assert seen["dropped"] == 3
