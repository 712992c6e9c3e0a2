"""Executions asked of AWS: moto runs the state machines, on the loopback."""

import json
import time
import urllib.request

import pytest

from lumitrace.reassembly.aws import Account
from lumitrace.reassembly.problem import Problem
from lumitrace.reassembly.sources import step_functions
from lumitrace.reassembly.sources.step_functions import StateMachines
from lumitrace.reassembly.sources.window import Window

pytest.importorskip("antlr4")

ROLE = "arn:aws:iam::123456789012:role/fulfil"
PASS = {"Type": "Pass", "End": True}
BRANCHES = [
    {"StartAt": "Reserve", "States": {"Reserve": PASS}},
    {
        "StartAt": "Pack",
        "States": {
            "Pack": {
                "Type": "Map",
                "ItemsPath": "$.items",
                "ItemProcessor": {"StartAt": "Wrap", "States": {"Wrap": PASS}},
                "End": True,
            }
        },
    },
]

pytestmark = pytest.mark.usefixtures("signed_in")


def machine(topic):
    """Return a state machine that packs, tells a topic, and fails where it is told to."""
    told = {"TopicArn": topic, "Message": "packed"}
    choice = {"Variable": "$.broken", "BooleanEquals": True, "Next": "Broken"}
    states = {
        "Prepare": {"Type": "Parallel", "Branches": BRANCHES, "ResultPath": None, "Next": "Tell"},
        "Tell": {
            "Type": "Task",
            "Resource": "arn:aws:states:::sns:publish",
            "Parameters": told,
            "ResultPath": None,
            "Next": "Check",
        },
        "Check": {"Type": "Choice", "Choices": [choice], "Default": "Done"},
        "Broken": {"Type": "Fail", "Error": "OutOfBoxes", "Cause": "no box fits"},
        "Done": {"Type": "Succeed"},
    }
    return json.dumps({"StartAt": "Prepare", "States": states})


@pytest.fixture(scope="module")
def endpoint():
    """The address of moto, which runs state machines."""
    server = pytest.importorskip("moto.server").ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    _, port = server.get_host_and_port()
    address = f"http://127.0.0.1:{port}"
    body = json.dumps({"stepfunctions": {"execute_state_machine": True}}).encode()
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(f"{address}/moto-api/config", body, headers, method="POST")  # noqa: S310  # the loopback
    urllib.request.urlopen(request).close()  # noqa: S310  # as above
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MOTO_PORT", str(port))  # where its tasks find the other services
        yield address
    server.stop()


def client_of(service, endpoint):
    """Return a client of moto."""
    import boto3

    keys = {"aws_access_key_id": "testing", "aws_secret_access_key": "testing"}
    return boto3.client(service, endpoint_url=endpoint, region_name="eu-west-1", **keys)


@pytest.fixture(scope="module")
def ran(endpoint):
    """Two executions, one of which failed: their ARNs, by name."""
    topic = client_of("sns", endpoint).create_topic(Name="packed")["TopicArn"]
    client = client_of("stepfunctions", endpoint)
    made = client.create_state_machine(name="pack", definition=machine(topic), roleArn=ROLE)
    arns = {}
    for name, broken in (("sale-1", False), ("sale-2", True)):
        given = json.dumps({"items": [1, 2], "broken": broken})
        begun = client.start_execution(
            stateMachineArn=made["stateMachineArn"], name=name, input=given
        )
        arns[name] = begun["executionArn"]
    for arn in arns.values():
        for _ in range(2000):
            if client.describe_execution(executionArn=arn)["status"] != "RUNNING":
                break
            time.sleep(0.05)  # moto's threads have no other sign
    return arns


def names(shown):
    """Return the spans of an answer, each as its depth, service and name."""
    return [(one["depth"], one["service"], one["name"]) for one in shown["spans"]]


def test_an_execution_is_read_whole(endpoint, ran, answer):
    """Branches and items stand below their states, whatever order they ran in."""
    code, shown = answer("show", "sale-1", "--execution", ran["sale-1"], "--endpoint-url", endpoint)

    assert code == 0
    assert shown["transaction"]["state"] == "ok"
    found = names(shown)
    assert found[0] == (0, "Step Functions", "pack")
    assert sorted(found[1:]) == [
        (1, "state", "Check"),
        (1, "state", "Done"),
        (1, "state", "Prepare"),
        (1, "state", "Tell"),
        (2, "SNS", "Publish packed"),
        (2, "state", "Pack"),
        (2, "state", "Reserve"),
        (3, "state", "item 0"),
        (3, "state", "item 1"),
        (4, "state", "Wrap"),
        (4, "state", "Wrap"),
    ]


def test_the_executions_of_a_window_by_name(endpoint, ran, answer):
    """All that ran in it, and why one failed."""
    asked = ("--state-machine", "pack", "--since", "5m", "--endpoint-url", endpoint)

    code, said = answer("why", *asked)

    assert code == 0
    assert (said["seen"]["executions"], said["impact"]["lost"]) == (2, 1)
    assert (said["issue"]["function"], said["issue"]["noun"]) == (
        "Step Functions pack",
        "executions",
    )
    assert (said["cause"]["call"], said["cause"]["type"]) == ("Broken", "OutOfBoxes")


def test_a_message_that_a_task_sent_joins_its_receiver(endpoint, ran, night, log_file, answer):
    """The id that SNS answered the task is the one in the function's event."""
    asked = ("--execution", ran["sale-1"], "--endpoint-url", endpoint)
    history = list(StateMachines(Account("eu-west-1", "", endpoint)).history(ran["sale-1"]))
    output = next(one.message for one in history if '"TaskSucceeded"' in one.message)
    message = json.loads(json.loads(output)["details"]["output"])["MessageId"]
    run = night.begin("ushop_label", 0, trigger="sns", source="packed", linkIn=[f"sns:{message}"])
    night.end(run, 8, began=0, lasted=7)

    shown = answer("show", run.request, night.write(log_file), *asked)[1]

    assert shown["transaction"]["entry"] == "Step Functions pack"
    assert shown["spans"][-1]["service"] in {"Lambda", "state"}
    [label] = [one for one in shown["spans"] if one["name"] == "ushop_label"]
    assert (label["depth"], label["witness"]) == (3, "link key")


def test_executions_before_the_window_are_left_out(endpoint, ran):
    """What ended before it, and what began after it."""
    machines = StateMachines(Account("eu-west-1", "", endpoint))

    assert list(machines.executions("pack", Window(2**42, None))) == []
    assert list(machines.executions("pack", Window(None, 1))) == []
    assert sorted(machines.executions("pack", Window())) == sorted(ran.values())


def test_more_executions_than_are_read_are_told(endpoint, ran, command, monkeypatch):
    """Those that failed are read first."""
    monkeypatch.setattr(step_functions, "MOST", 1)

    done = command("why", "--state-machine", "pack", "--endpoint-url", endpoint)

    assert done.returncode == 1
    assert "1 transaction lost" in done.stdout.decode()
    assert "1 more executions of pack were not read" in done.stderr.decode()


def test_a_state_machine_that_is_not_there_is_told(endpoint, ran, command):
    """One sentence, no traceback."""
    done = command("why", "--state-machine", "sell", "--endpoint-url", endpoint)

    assert done.returncode == 1
    assert done.stderr.decode().count("\n") == 1
    assert "no state machine is called 'sell'" in done.stderr.decode()


def test_of_an_express_state_machine_the_log_is_named(endpoint, ran):
    """AWS keeps no histories of it."""
    client = client_of("stepfunctions", endpoint)
    group = "arn:aws:logs:eu-west-1:123456789012:log-group:/aws/vendedlogs/states/quick:*"
    logs = {"level": "ALL", "destinations": [{"cloudWatchLogsLogGroup": {"logGroupArn": group}}]}
    definition = json.dumps({"StartAt": "Only", "States": {"Only": PASS}})
    client.create_state_machine(
        name="quick",
        definition=definition,
        roleArn=ROLE,
        type="EXPRESS",
        loggingConfiguration=logs,
    )

    with pytest.raises(Problem, match=r"--log-group /aws/vendedlogs/states/quick\Z"):
        list(StateMachines(Account("eu-west-1", "", endpoint)).executions("quick", Window()))
