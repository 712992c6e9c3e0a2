"""Lambda as the stage plays it: sandboxes, their logs, and what the platform says itself."""

import base64
import json
import re
import threading
import time
from pathlib import Path

import boto3
import pytest
from botocore.config import Config

from local_aws.logs import messages

UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"
PATIENCE_S = 60  # of a machine that has other work
ROOT = "1-67891233-abcdef012345678912345678"


def invoke(stage, function, **event):
    """Invoke and return the outcome."""
    return stage.platform.invoke(function, json.dumps(event).encode())


def lines_of(stage, function, request_id):
    """Return the lines of one invocation, its platform lines included."""
    stage.drain()
    lines = messages(stage.clients.logs, function)
    first = lines.index(f"START RequestId: {request_id} Version: $LATEST\n")
    last = next(
        n for n, line in enumerate(lines) if line.startswith(f"REPORT RequestId: {request_id}")
    )
    return lines[first : last + 1]


def states(pid):
    """Return the state of each thread: T is stopped."""
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return [Path(it, "stat").read_text(encoding="ascii").split()[2] for it in tasks]


def turns(pid):
    """Return how often each thread has given up a core or lost it: more, where it ran."""
    tasks = Path(f"/proc/{pid}/task").iterdir()
    lines = [line for it in tasks for line in Path(it, "status").read_text("ascii").splitlines()]
    return [line for line in lines if "ctxt_switches" in line]


@pytest.fixture
def functions(probes):
    """Return a client of Lambda, at the stage's own Invoke API."""
    return boto3.client(
        "lambda",
        endpoint_url=probes.lambda_url,
        region_name="us-east-1",
        aws_access_key_id="x",
        aws_secret_access_key="x",  # noqa: S106  # nobody checks it
        config=Config(retries={"total_max_attempts": 1}),
    )


def test_the_first_invocation_is_cold_and_the_platforms_lines_are_lambdas(probes):
    """INIT_START, START, END and REPORT have exactly the form that Lambda's have."""
    outcome = invoke(probes, "probe", do="log")

    lines = lines_of(probes, "probe", outcome.request_id)
    init = messages(probes.clients.logs, "probe")[0]
    version = r"python:3\.\d+\.v\d+"
    arn = r"arn:aws:lambda:us-east-1::runtime:[0-9a-f]{64}"
    assert re.fullmatch(
        rf"INIT_START Runtime Version: {version}\tRuntime Version ARN: {arn}\n", init
    )
    assert lines[-2] == f"END RequestId: {outcome.request_id}\n"
    assert re.fullmatch(
        rf"REPORT RequestId: {UUID}\tDuration: \d+\.\d\d ms\tBilled Duration: \d+ ms\t"
        r"Memory Size: 192 MB\tMax Memory Used: \d+ MB\tInit Duration: \d+\.\d\d ms\t\n",
        lines[-1],
    )


def test_what_is_logged_stays_one_event_and_what_is_printed_is_cut_into_lines(probes):
    """A record of logging keeps its newline; stdout and stderr are read line by line."""
    outcome = invoke(probes, "probe", do="log")

    lines = lines_of(probes, "probe", outcome.request_id)
    assert '{"do": "log"}\n' in lines
    assert "to stderr\n" in lines
    [logged] = [line for line in lines if line.startswith("[WARNING]")]
    assert logged.endswith(f"Z\t{outcome.request_id}\tfirst\nsecond\n")


def test_a_warm_invocation_reports_no_init(probes):
    """Only a cold start has an Init Duration."""
    invoke(probes, "probe")
    outcome = invoke(probes, "probe")

    report = lines_of(probes, "probe", outcome.request_id)[-1]
    assert report.endswith("MB\t\n")
    assert "Init Duration" not in report


def test_an_exception_is_logged_as_one_event_and_the_sandbox_lives_on(probes):
    """The traceback's lines are indented with no-break spaces, as the runtime client does it."""
    pid = invoke(probes, "probe").json()["pid"]
    outcome = invoke(probes, "probe", do="raise")

    lines = lines_of(probes, "probe", outcome.request_id)
    [error] = [line for line in lines if line.startswith("[ERROR]")]
    assert error.startswith(
        "[ERROR] ValueError: no\nsuch luck\nTraceback (most recent call last):\n\xa0\xa0File"
    )
    assert (outcome.error, outcome.json()["errorType"]) == ("Unhandled", "ValueError")
    assert invoke(probes, "probe").json()["pid"] == pid


def test_a_handler_that_takes_too_long_is_killed_and_reported(probes):
    """REPORT says so, the caller is told, and the next invocation gets a new process."""
    outcome = invoke(probes, "probe-crashing", do="sleep", seconds=60)
    after = invoke(probes, "probe-crashing")

    report = lines_of(probes, "probe-crashing", outcome.request_id)[-1]
    assert "\tDuration: 3000.00 ms\t" in report
    assert report.endswith("\tStatus: timeout\n")
    assert outcome.json() == {
        "errorType": "Sandbox.Timedout",
        "errorMessage": f"RequestId: {outcome.request_id} Error: Task timed out after 3.00 seconds",
    }
    assert after.json()["calls"] == 1


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (0, "Runtime exited without providing a reason"),
        (3, "Runtime exited with error: exit status 3"),
    ],
)
def test_a_process_that_exits_is_reported_and_replaced_in_the_same_log_stream(probes, code, reason):
    """The platform says what happened; no INIT_START follows, for the sandbox is the same."""
    stream = invoke(probes, "probe-crashing").json()["stream"]
    outcome = invoke(probes, "probe-crashing", do="exit", code=code)
    after = invoke(probes, "probe-crashing")

    lines = lines_of(probes, "probe-crashing", outcome.request_id)
    assert lines[-3] == f"RequestId: {outcome.request_id} Error: {reason}\nRuntime.ExitError\n"
    assert lines[-1].endswith("\tStatus: error\tError Type: Runtime.ExitError\n")
    assert after.json()["stream"] == stream
    assert (
        sum(
            line.startswith("INIT_START")
            for line in messages(probes.clients.logs, "probe-crashing")
        )
        == 1
    )


def test_a_module_that_cannot_be_imported_fails_twice_before_start(probes):
    """The init is tried again within the invocation, as Lambda does."""
    outcome = invoke(probes, "probe-unimportable")

    probes.drain()
    lines = messages(probes.clients.logs, "probe-unimportable")
    init = [line for line in lines if line.startswith("INIT_REPORT")]
    error = r"\tStatus: error\tError Type: Runtime.ImportModuleError\n"
    assert re.fullmatch(r"INIT_REPORT Init Duration: \d+\.\d\d ms\tPhase: init" + error, init[0])
    assert re.fullmatch(r"INIT_REPORT Init Duration: \d+\.\d\d ms\tPhase: invoke" + error, init[1])
    assert lines.index(init[1]) < lines.index(
        f"START RequestId: {outcome.request_id} Version: $LATEST\n"
    )
    assert outcome.json()["errorType"] == "Runtime.ImportModuleError"


def test_a_sandbox_is_frozen_between_invocations(probes):
    """Every thread stops: one that counts in the background has no turn."""
    pid = invoke(probes, "probe", do="tick").json()["pid"]
    before = invoke(probes, "probe").json()

    until = time.monotonic() + PATIENCE_S
    while set(states(pid)) != {"T"}:  # a signal takes its time
        assert time.monotonic() < until, states(pid)
    seen = turns(pid)
    time.sleep(0.1)  # 20 ticks of a thread that ran
    assert turns(pid) == seen
    after = invoke(probes, "probe").json()
    assert after["pid"] == before["pid"] == pid
    assert turns(pid) != seen


def test_invocations_at_the_same_time_get_sandboxes_and_log_streams_of_their_own(probes, tmp_path):
    """Three handlers that wait for one another meet."""
    outcomes, meet = [], {"do": "meet", "folder": str(tmp_path), "number": 3}
    threads = [
        threading.Thread(target=lambda: outcomes.append(invoke(probes, "probe", **meet)))
        for _ in range(3)
    ]

    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    streams = {outcome.json()["stream"] for outcome in outcomes}
    assert len(streams) == len({outcome.json()["pid"] for outcome in outcomes}) == 3
    assert all(
        re.fullmatch(r"\d{4}/\d\d/\d\d/\[\$LATEST\][0-9a-f]{32}", stream) for stream in streams
    )


def test_a_function_sees_lambdas_environment(probes):
    """The variables that libraries look at, and the template's own."""
    told = invoke(probes, "probe").json()["environment"]

    expected = {
        "AWS_LAMBDA_FUNCTION_NAME": "probe",
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "192",
        "AWS_LAMBDA_LOG_GROUP_NAME": "/aws/lambda/probe",
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "AWS_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": probes.endpoint_url,
        "AWS_ENDPOINT_URL_LAMBDA": probes.lambda_url,
        "GREETING": "hello from us-east-1",
        "_HANDLER": "probe.handler",
    }
    assert {name: told.get(name) for name in expected} == expected
    assert told["AWS_EXECUTION_ENV"].startswith("AWS_Lambda_python3.")
    assert "_LAMBDA_TELEMETRY_LOG_FD" not in told


def test_invoke_returns_the_request_id_the_function_saw(functions):
    """The HTTP answer's id is context.aws_request_id; root and client context arrive too."""
    context = base64.b64encode(json.dumps({"custom": {"who": "me"}}).encode()).decode()
    functions.meta.events.register("before-send.lambda.Invoke", _add_root)

    answer = functions.invoke(
        FunctionName="probe", Payload=b"{}", ClientContext=context, LogType="Tail"
    )

    told = json.loads(answer["Payload"].read())
    assert answer["ResponseMetadata"]["RequestId"] == told["requestId"]
    assert told["trace"].startswith(f"Root={ROOT};Parent=")
    assert told["clientContext"] == {"who": "me"}
    assert f"END RequestId: {told['requestId']}" in base64.b64decode(answer["LogResult"]).decode()


def test_invoke_says_when_the_handler_raised(functions):
    """The status is 200 all the same, as in AWS."""
    answer = functions.invoke(FunctionName="probe", Payload=b'{"do": "raise"}')

    assert (answer["StatusCode"], answer["FunctionError"]) == (200, "Unhandled")
    assert json.loads(answer["Payload"].read())["errorMessage"] == "no\nsuch luck"


def test_an_asynchronous_invoke_is_tried_three_times_with_one_id_and_one_root(probes, functions):
    """All attempts share the id that the caller got, and its root."""
    functions.meta.events.register("before-send.lambda.Invoke", _add_root)

    answer = functions.invoke(
        FunctionName="arn:aws:lambda:us-east-1:123456789012:function:probe",
        InvocationType="Event",
        Payload=b'{"do": "raise"}',
    )

    probes.drain()
    request_id = answer["ResponseMetadata"]["RequestId"]
    starts = [
        line
        for line in messages(probes.clients.logs, "probe")
        if line.startswith(f"START RequestId: {request_id}")
    ]
    assert (answer["StatusCode"], len(starts)) == (202, 3)


def test_an_unknown_function_is_refused(functions):
    """The error is the one that boto3 has a class for."""
    with pytest.raises(functions.exceptions.ResourceNotFoundException):
        functions.invoke(FunctionName="nobody")


def test_reserved_concurrency_throttles(probes, functions, tmp_path):
    """The second invocation at a time of a function that has one sandbox reserved gets a 429."""
    meet = {"do": "meet", "folder": str(tmp_path), "number": 2}
    first = threading.Thread(target=invoke, args=(probes, "probe-alone"), kwargs=meet)
    first.start()
    while not list(tmp_path.iterdir()):  # it is at work
        time.sleep(0.005)

    with pytest.raises(functions.exceptions.TooManyRequestsException):
        functions.invoke(FunctionName="probe-alone", Payload=b"{}")

    (tmp_path / "the test").touch()
    first.join()


def test_no_line_of_an_invocation_is_lost(probes):
    """There are as many starts as ends as reports."""
    invoke(probes, "probe")
    probes.drain()

    lines = messages(probes.clients.logs, "probe")
    counts = {kind: sum(it.startswith(kind) for it in lines) for kind in ("START", "END", "REPORT")}
    assert counts["START"] == counts["END"] == counts["REPORT"] > 0


def _add_root(request, **_):
    request.headers["X-Amzn-Trace-Id"] = f"Root={ROOT};Parent=53995c3f42cd8ad8;Sampled=0"
