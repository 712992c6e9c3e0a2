"""What ``lumitrace setup`` prints and makes: checked by cfn-lint, and by what reads it back."""

import ast
import gzip
import json
import time
from pathlib import Path

import pytest
from tests.aws import cloudformation
from tests.cloudwatch import patterns

from lumitrace.reassembly.deploy.setup import alarm, archive, reader
from lumitrace.reassembly.deploy.setup.stack import MAX_BODY

ROOT = Path(__file__).parents[2]
NIGHT = ROOT / "examples/ushop/recorded/night.jsonl"
TOPIC = "arn:aws:sns:eu-west-1:123456789012:night"
PAGINATED = {"s3.py": "list_objects_v2"}
GROUPS = ("--log-group", "/aws/lambda/ushop_a", "--log-group", "/aws/lambda/ushop_b")
CLIENT = {"aws_access_key_id": "k", "aws_secret_access_key": "s", "region_name": "eu-west-1"}


@pytest.fixture
def printed(command):
    """The template that ``lumitrace setup`` prints."""

    def run(*arguments):
        done = command("setup", *arguments)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return run


@pytest.fixture(scope="module")
def endpoint():
    """The address of AWS, played by moto."""
    with cloudformation.server() as address:
        yield address


@pytest.fixture
def aws(endpoint, monkeypatch):
    """Clients of it, in the environment of somebody who is signed in."""
    import boto3

    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    made = []

    def client(service):
        made.append(boto3.client(service, endpoint_url=endpoint))
        return made[-1]

    client.endpoint = endpoint
    yield client
    stacks = client("cloudformation")
    for one in stacks.describe_stacks()["Stacks"]:
        stacks.delete_stack(StackName=one["StackName"])
    logs = client("logs")
    for one in logs.describe_log_groups()["logGroups"]:
        logs.delete_log_group(logGroupName=one["logGroupName"])
    for one in made:
        one.close()


@pytest.fixture
def apply(answer, endpoint):
    """``lumitrace setup --apply`` there: its exit code and its answer, or what it complains of."""
    return lambda *arguments: answer("setup", "--apply", "--endpoint-url", endpoint, *arguments)


# What is printed


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        (*GROUPS, "--notify", TOPIC, "--table", "ushop_sales", "--bucket", "ushop-logs"),
        ("--part", "reader", "--bucket", "ushop-logs", *GROUPS),
        ("--part", "alarm"),
    ],
)
def test_cfn_lint_finds_nothing_in_a_template(printed, arguments):
    """Neither an error nor a warning, in any combination of parts."""
    lint = pytest.importorskip("cfnlint.api")

    found = lint.lint_all(json.dumps(printed(*arguments)))

    assert [f"{one.rule.id} {one.message}" for one in found if one.rule.id[0] != "I"] == []


def test_the_policy_allows_what_the_code_asks_and_no_more():
    """Every call of a client in the code is in the policy, or named as one that changes."""
    assert asked() == {action for part in reader.READING for action in part} | set(reader.CHANGING)


def asked():
    """Return the IAM actions of all calls that the code makes."""
    import boto3

    services = ("cloudformation", "cloudwatch", "dynamodb", "logs", "s3", "stepfunctions")
    known = {}
    for service in services:
        client = boto3.client(service, **CLIENT)
        for method, operation in client.meta.method_to_api_mapping.items():
            action = {"ListObjectsV2": "ListBucket"}.get(operation, operation)
            prefix = {"stepfunctions": "states"}.get(service, service)
            known.setdefault(method, set()).add(f"{prefix}:{action}")
        client.close()
    found = set()
    for path in (ROOT / "src/lumitrace/reassembly").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not isinstance(node, ast.Attribute):
                continue
            if not ast.unparse(node.value).endswith("client") or node.attr in {
                "exceptions",
                "meta",
            }:
                continue
            method = node.attr
            if method == "get_paginator":
                method = PAGINATED[path.name]
            assert method in known, f"{path.name}: {method} is a call of no service in {services}"
            [action] = known[method]
            found.add(action)
    return found


def test_the_policy_changes_nothing(printed):
    """No action in it writes, whatever is asked for."""
    made = printed("--part", "reader", "--table", "t-1", "--bucket", "b-1")
    statements = made["Resources"]["ReaderPolicy"]["Properties"]["PolicyDocument"]["Statement"]
    actions = {action for one in statements for action in one["Action"]}

    assert actions == {action for part in reader.READING for action in part}
    verbs = (
        "Describe",
        "Filter",
        "Get",
        "List",
        "Query",
        "Scan",
        "StartQuery",
        "StopQuery",
        "Test",
    )
    assert [one for one in actions if not one.partition(":")[2].startswith(verbs)] == []


def test_items_are_read_of_named_tables_alone(printed):
    """And log lines of the log groups that are named."""
    made = json.dumps(printed("--part", "reader", *GROUPS, "--table", "ushop_sales"))

    assert "table/ushop_sales" in made
    assert "log-group:/aws/lambda/ushop_a:*" in made
    assert "log-group:*" not in made
    assert "dynamodb:" not in json.dumps(printed("--part", "reader"))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--bucket", "Not_A_Bucket"], "--bucket 'Not_A_Bucket' is no name that AWS takes"),
        (["--log-group", "a b"], "--log-group 'a b' is no name"),
        (["--stack-name", "1"], "--stack-name '1' is no name"),
        (["--notify", "night"], "--notify 'night' is no name"),
        (["--region", "eu-west-1,us-east-1"], "one region and profile"),
        (["--part", "alarm", "--log-group", "/shop"], "nothing is left to set up"),
        (["--part", "everything"], "invalid choice"),
        (["now"], "setup does nothing called 'now'; write lumitrace setup check"),
    ],
)
def test_what_cannot_be_set_up_is_told(command, arguments, said):
    """In one sentence, and nothing is printed."""
    done = command("setup", *arguments)

    assert (done.returncode, done.stdout) == (2, b"")
    assert said in done.stderr.decode().splitlines()[-1]


# What is kept


def delivered(events):
    """Return what Firehose writes: a first try of the way, then each delivery, gzip by itself."""
    control = {"messageType": "CONTROL_MESSAGE", "owner": "CloudwatchLogs", "logEvents": []}
    records, streams = [control], {}
    for event in events:
        streams.setdefault((event["logGroupName"], event["logStreamName"]), []).append(event)
    for (group, stream), own in streams.items():
        for at in range(0, len(own), 7):
            found = [
                {name: one[name] for name in ("id", "timestamp", "message")}
                for one in own[at : at + 7]
            ]
            records.append(
                {
                    "messageType": "DATA_MESSAGE",
                    "owner": "123456789012",
                    "logGroup": group,
                    "logStream": stream,
                    "subscriptionFilters": ["lumitrace"],
                    "logEvents": found,
                }
            )
    return b"".join(gzip.compress(json.dumps(record).encode()) for record in records)


def test_the_archive_answers_as_the_logs_do(aws, endpoint, answer):
    """Of the recorded night, what the pattern lets through, as it lies in the bucket."""
    lets_through = patterns.compiled(archive.PATTERN)
    lines = NIGHT.read_text("utf-8").splitlines()
    night = [json.loads(line) | {"id": f"{number:056}"} for number, line in enumerate(lines)]
    kept = [event for event in night if lets_through(event["message"])]
    objects = aws("s3")
    place = {"CreateBucketConfiguration": {"LocationConstraint": "eu-west-1"}}
    objects.create_bucket(Bucket="kept", **place)
    half = len(kept) // 2
    for number, part in enumerate((kept[:half], kept[half:])):
        key = f"{archive.PREFIX}2026/11/22/23/lumitrace-Delivery-1-{number}.gz"
        objects.put_object(Bucket="kept", Key=key, Body=delivered(part))

    there = answer("why", f"s3://kept/{archive.PREFIX}", "--endpoint-url", endpoint)

    whole = answer("why", NIGHT)
    assert there[1]["seen"].pop("logEvents") == len(kept)
    assert whole[1]["seen"].pop("logEvents") == len(night) > len(kept)
    assert there == whole


def test_what_no_function_wrote_is_kept_whole(printed):
    """Access logs have a format of the user's own; the whole account goes by names in it."""
    groups = ("--log-group", "/aws/apigateway/shop", "--log-group", "/aws/lambda/shop")
    resources = printed("--part", "archive", *groups)["Resources"]
    lets_through = patterns.compiled(archive.PATTERN)

    asked = [resources[f"Subscription{at}"]["Properties"]["FilterPattern"] for at in (0, 1)]
    assert asked == ["", archive.PATTERN]
    assert lets_through('{"requestId":"x","routeKey":"POST /sales","status":"504"}')
    assert lets_through('{"id":"1","type":"ExecutionStarted","execution_arn":"arn:aws:states:x"}')
    assert not lets_through('{"level":"INFO","message":"Sale confirmed"}')


def test_the_metric_filter_counts_the_invocations_that_failed():
    """Those whose line says so, and no other line of the night."""
    counts = patterns.compiled(alarm.FAILED)
    night = [json.loads(line)["message"] for line in NIGHT.read_text("utf-8").splitlines()]
    ended = [line for line in night if '"record":"invocation"' in line]
    failed = [line for line in ended if '"severityText":"E"' in line]

    assert [line for line in night if counts(line)] == failed
    assert 0 < len(failed) < len(ended)


# What is made


def test_what_was_made_is_there_and_twice_changes_nothing(aws, apply):
    """The second call finds the stack as it should be."""
    arguments = ("--bucket", "shop-logs", "--notify", TOPIC)

    code, first = apply(*arguments)
    again = apply(*arguments)

    assert (code, first["did"]) == (0, "created")
    assert (again[0], again[1]["did"]) == (0, "unchanged")
    assert again[1]["outputs"] == first["outputs"]
    assert first["outputs"]["LogsPath"] == "s3://shop-logs/logs/"
    arns = [one["Arn"] for one in aws("iam").list_policies(Scope="Local")["Policies"]]
    assert first["outputs"]["ReaderPolicyArn"] in arns


def test_what_goes_through_the_stack_answers_as_its_log_groups_do(night, aws, apply, answer):
    """Lines that are put into the log groups come out in the bucket, and `why` reads them there."""
    night.sale(1, 0, bad=True)
    groups = sorted({event["logGroupName"] for event in night.events})
    logs = aws("logs")
    for group in groups:
        logs.create_log_group(logGroupName=group)
        logs.create_log_stream(logGroupName=group, logStreamName="s1")
    named = [word for group in groups for word in ("--log-group", group)]

    code, done = apply(*named, "--bucket", "way-logs")
    assert (code, done["did"]) == (0, "created")
    late = max(event["timestamp"] for event in night.events)
    lets_through = patterns.compiled(archive.PATTERN)
    for event in night.events:
        if lets_through(event["message"]):
            at = {"timestamp": event["timestamp"] - late + int(time.time() * 1000)}
            line = {**at, "message": event["message"]}
            place = {"logGroupName": event["logGroupName"], "logStreamName": "s1"}
            logs.put_log_events(**place, logEvents=[line])
    code, kept = answer("why", done["outputs"]["LogsPath"], "--endpoint-url", aws.endpoint)

    assert (code, kept["impact"]["lost"], kept["impact"]["ids"]) == (0, 1, ["sale-0001"])
    assert (kept["seen"]["skipped"], kept["seen"]["untrusted"]) == (0, 0)


def test_a_change_is_made_in_the_same_stack(aws, apply):
    """A further table."""
    apply("--part", "reader", "--bucket", "shop-logs")

    code, done = apply("--part", "reader", "--bucket", "shop-logs", "--table", "ushop_sales")

    assert (code, done["did"]) == (0, "updated")
    body = aws("cloudformation").get_template(StackName="lumitrace")["TemplateBody"]
    assert "table/ushop_sales" in json.dumps(body)


def test_what_the_user_set_in_the_stack_stays(aws, apply, monkeypatch):
    """Parameters are asked for as they are: AWS puts back the default of one that is not named."""
    from moto.cloudformation.models import CloudFormationBackend

    asked, update = [], CloudFormationBackend.update_stack

    def seen(self, *, parameters, **others):
        asked.extend(parameters)
        return update(self, parameters=parameters, **others)

    monkeypatch.setattr(CloudFormationBackend, "update_stack", seen)
    apply("--part", "alarm")

    code, done = apply("--part", "alarm", "--notify", TOPIC)

    assert (code, done["did"]) == (0, "updated")
    assert {one["ParameterKey"] for one in asked if one["UsePreviousValue"]} == {
        "AtLeast",
        "FailedPercent",
    }


def test_it_says_how_to_remove_it(aws, apply):
    """The command that it prints, as the SDK spells it; afterwards it can be made again."""
    _, done = apply("--part", "reader")

    assert done["remove"] == (
        "aws cloudformation delete-stack --stack-name lumitrace --region eu-west-1"
    )
    aws("cloudformation").delete_stack(StackName="lumitrace")
    assert aws("cloudformation").describe_stacks()["Stacks"] == []
    assert apply("--part", "reader")[1]["did"] == "created"


def test_the_page_names_what_was_made_what_it_costs_and_the_way_back(aws, command):
    """And that the bucket stays."""
    done = command("setup", "--apply", "--endpoint-url", aws.endpoint, "--bucket", "page-logs")

    page = done.stdout.decode().splitlines()
    assert page[0].startswith("created  the stack lumitrace in eu-west-1: CloudWatch::Alarm, IAM::")
    assert "LogsPath  s3://page-logs/logs/" in page
    assert any(line.startswith("it costs: the archive 0.029 USD for each GB") for line in page)
    assert page[-1].endswith("aws s3 rb s3://page-logs --force")


def test_the_stack_of_somebody_else_is_left_alone(aws, apply):
    """It has our name and is not ours."""
    body = {"Resources": {"Bucket": {"Type": "AWS::S3::Bucket"}}}
    aws("cloudformation").create_stack(StackName="lumitrace", TemplateBody=json.dumps(body))

    code, said = apply("--part", "reader")

    assert code == 2
    assert "the stack lumitrace is not lumitrace's; give another --stack-name" in said


def test_a_part_that_would_be_removed_is_told(aws, apply):
    """Setting up another part does not take away what is there."""
    apply("--part", "reader", "--bucket", "shop-logs")

    code, said = apply("--part", "alarm")

    assert code == 2
    assert "also holds reader, which would be removed" in said


def test_a_template_that_is_too_large_is_told(aws, apply):
    """Before anything is made."""
    many = [word for number in range(99) for word in ("--log-group", f"/aws/lambda/f{number:02d}")]

    code, said = apply("--part", "alarm", *many)

    assert code == 2
    assert f"CloudFormation takes {MAX_BODY:,}; name fewer log groups" in said
    assert aws("cloudformation").describe_stacks()["Stacks"] == []


def test_what_cloudformation_refuses_is_told(aws, apply):
    """In one sentence, without a traceback."""
    aws("s3").create_bucket(
        Bucket="taken-logs", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"}
    )

    code, said = apply("--part", "archive", "--bucket", "taken-logs", "--region", "us-west-2")

    assert code == 1
    assert "creating the stack lumitrace: " in said
    assert len(said.splitlines()) == 1
