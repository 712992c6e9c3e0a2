"""``lumitrace setup check``, against a server that plays filters, alarms and TestMetricFilter."""

import json

import pytest
from tests.cloudwatch import patterns
from tests.cloudwatch.data import Groups
from tests.cloudwatch.server import CloudWatch
from tests.pages import DOCS
from tests.reassembly import samples

from lumitrace.reassembly.deploy.check import pattern
from lumitrace.reassembly.deploy.check.judge import samples as shown
from lumitrace.reassembly.deploy.setup import alarm, archive

GROUP = "/aws/lambda/ushop_checkout"
FAILED = ["span that failed", "invocation that failed"]
EXACT = '-"\\"lumitrace\\":1,"'


@pytest.fixture
def play():
    """An account with one function's log group, and another that no function writes."""
    data = Groups()
    data.group(GROUP)
    data.group("/shop/web")
    with CloudWatch(data) as server:
        yield server


@pytest.fixture
def check(play, answer, monkeypatch):
    """``lumitrace setup check`` there: its exit code and its answer."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    return lambda *more: answer("setup", "check", "--endpoint-url", play.endpoint, *more)


def counting(play, text, name="errors", group=GROUP, metric="Errors", **more):
    """Add a metric filter."""
    counted = {"metricNamespace": "Ushop", "metricName": metric, "metricValue": "1"}
    found = {"filterName": name, "logGroupName": group, "filterPattern": text}
    play.data.metric_filters.append({**found, "metricTransformations": [counted], **more})


def carrying(play, text, name="forwarder"):
    """Add a subscription filter."""
    arn = "arn:aws:lambda:eu-west-1:123456789012:function:forwarder"
    found = {"filterName": name, "logGroupName": GROUP, "filterPattern": text}
    play.data.subscription_filters.append({**found, "destinationArn": arn})


def alarmed(play, name, metric="Errors", namespace="Ushop"):
    """Add an alarm on one metric, and one whose metric math has it."""
    plain = {"AlarmName": name, "Namespace": namespace, "MetricName": metric}
    stat = {"Metric": {"Namespace": namespace, "MetricName": metric}, "Period": 60, "Stat": "Sum"}
    by_math = {"AlarmName": f"{name} rate", "Metrics": [{"Id": "m", "MetricStat": stat}]}
    play.data.alarms += [plain, by_math]


# The lines that are shown to AWS


def test_the_samples_are_lines_that_functions_wrote():
    """Those of the night as they stand there; the others as capture writes them today."""
    night = samples.of_night()
    today = samples.written()

    assert {name: line for name, line in shown().items() if name in night} == night
    assert set(shown()) == {*night, *today}
    for name, line in today.items():
        assert list(json.loads(shown()[name])) == list(json.loads(line)), name


# Alarms


def test_an_alarm_that_would_count_our_lines_is_listed_with_the_exclusion(play, check):
    """Through its metric filter, by itself and by metric math."""
    counting(play, "?Error ?Exception")
    alarmed(play, "checkout")

    code, said = check()

    assert code == 0
    [found] = said["alarms"]
    assert found["alarms"] == ["checkout", "checkout rate"]
    assert (found["name"], found["target"]) == ("errors", "Ushop/Errors")
    assert found["takes"] == FAILED
    assert found["instead"] == [f"%Error|Exception% {EXACT}"]
    assert (found["keeps"] > 0, found["loses"]) == (True, [])


def test_what_people_look_for_does_not_find_our_lines(play, check):
    """ERROR, FATAL and Task timed out: the words that no line of ours says."""
    for number, text in enumerate(
        [
            "ERROR",
            "?ERROR ?FATAL",
            '"Task timed out"',
            '{ $.level = "ERROR" }',
            "[level = ERROR, ...]",
        ]
    ):
        counting(play, text, f"f{number}")
    alarmed(play, "checkout")

    code, said = check()

    assert (code, said["alarms"], said["metrics"]) == (0, [], [])
    assert said["seen"]["metricFilters"] == 5


def test_a_metric_without_an_alarm_is_listed_apart(play, check):
    """A dashboard may show it."""
    counting(play, "Exception")
    alarmed(play, "others", metric="Other")

    _, said = check()

    assert [found["name"] for found in said["metrics"]] == ["errors"]
    assert said["alarms"] == []


def test_an_alarm_on_the_volume_of_logs_is_told(play, check):
    """Nothing leaves our lines out there."""
    alarmed(play, "flood", metric="IncomingBytes", namespace="AWS/Logs")

    _, said = check()

    assert said["volumeAlarms"] == ["flood", "flood rate"]


# Forwarders


def test_forwarders_that_would_carry_our_lines_are_listed(play, check):
    """Of a log group, and of the account."""
    carrying(play, "")
    document = {"DestinationArn": "arn:aws:firehose:x", "FilterPattern": "{ $.record = * }"}
    policy = {"policyName": "all", "policyType": "SUBSCRIPTION_FILTER_POLICY"}
    play.data.account_policies.append({**policy, "policyDocument": json.dumps(document)})

    code, said = check()

    assert code == 0
    of_group, of_account = said["forwarders"]
    assert of_group["takes"] == list(shown())
    assert of_group["instead"] == [EXACT]
    assert of_group["target"].endswith(":function:forwarder")
    assert (of_account["kind"], of_account["name"]) == ("account policy", "all")
    assert of_account["instead"] == ["{ ($.record = *) && ($.lumitrace NOT EXISTS) }"]


def test_what_setup_made_is_not_held_against_it(play, check):
    """Its own subscription and its own metric filter want our lines."""
    carrying(play, archive.PATTERN)
    counting(play, alarm.FAILED)

    _, said = check()

    assert (said["forwarders"], said["metrics"], said["seen"]["own"]) == ([], [], 2)


# Exclusions


@pytest.mark.parametrize(
    ("text", "instead"),
    [
        ("Exception", [f"Exception {EXACT}"]),
        ("?Exception", [f"Exception {EXACT}"]),
        ("Error -Timeout", [f"Error -Timeout {EXACT}"]),
        ('?"Type mismatch" ?Exception', [rf"%Type\smismatch|Exception% {EXACT}"]),
        (
            '?"(ValidationException)" ?"Type mismatch"',
            [
                f'"(ValidationException)" {EXACT}',
                f'"Type mismatch" -"(ValidationException)" {EXACT}',
            ],
        ),
        ("%[Ee]xception%", [f"%[Ee]xception% {EXACT}"]),
        (
            '{ $.level = "INFO" || $.status = 2 }',
            ['{ ($.level = "INFO" || $.status = 2) && ($.lumitrace NOT EXISTS) }'],
        ),
        ("[first = *Exception*, ...]", ["[first = *Exception* && first != *lumitrace*, ...]"]),
    ],
)
def test_an_exclusion_keeps_the_others_and_leaves_ours_out(play, check, text, instead):
    """As TestMetricFilter says: of what the pattern took, exactly our lines are gone."""
    counting(play, text)

    code, said = check()

    [found] = said["metrics"]
    assert (code, found["instead"]) == (0, instead)
    before = patterns.compiled(text)
    after = [patterns.compiled(one) for one in instead]
    for line in [*shown().values(), *pattern.APPLICATION, *pattern.examples(text)]:
        taken = sum(one(line) for one in after)
        assert taken == (before(line) and not line.startswith('{"lumitrace":1,')), line


def test_where_aws_refuses_the_exact_one_the_word_is_left_out(play, check, monkeypatch):
    """And the answer names the line of the application that is lost with it."""
    compiled = patterns.compiled

    def strict(text):
        if "\\" in text:
            raise patterns.Invalid("Invalid character(s) in term")
        return compiled(text)

    monkeypatch.setattr(patterns, "compiled", strict)
    counting(play, "Exception")

    _, said = check()

    [found] = said["metrics"]
    assert found["instead"] == ["Exception -lumitrace"]
    assert [line for line in found["loses"] if "lumitrace" not in line] == []
    assert len(found["loses"]) == 2


def test_patterns_that_take_a_line_twice_stand_for_none(play, check, monkeypatch):
    """Were AWS to ignore an exclusion, a line would be counted twice: it is tried."""
    compiled = patterns.compiled
    ignored = ' -"(ValidationException)"'
    monkeypatch.setattr(patterns, "compiled", lambda text: compiled(text.replace(ignored, "")))
    counting(play, '?"(ValidationException)" ?"Type mismatch"')

    _, said = check()

    assert [found["instead"] for found in said["metrics"]] == [[]]


@pytest.mark.parametrize("text", ["[...]", "[..., last]"])
def test_where_there_is_no_exclusion_it_is_said(play, check, command, text):
    """A pattern of columns that names none, or none that our mark lies in."""
    counting(play, text)

    _, said = check()
    page = command("setup", "check", "--endpoint-url", play.endpoint).stdout.decode()

    assert [found["instead"] for found in said["metrics"]] == [[]]
    assert "instead  nothing found that leaves our lines out" in page


# What could not be checked


@pytest.mark.parametrize(
    ("operation", "said"),
    [
        ("DescribeMetricFilters", "allow logs:DescribeMetricFilters"),
        ("DescribeSubscriptionFilters", "allow logs:DescribeSubscriptionFilters"),
        (
            "DescribeAccountPolicies",
            "allow logs:DescribeAccountPolicies and logs:DescribeSubscriptionFilters",
        ),
        ("DescribeAlarms", "allow cloudwatch:DescribeAlarms"),
        ("TestMetricFilter", "allow logs:TestMetricFilter"),
    ],
)
def test_what_is_denied_is_told_and_the_rest_is_checked(play, check, operation, said):
    """In one sentence that names the permission; the exit code is 1."""
    counting(play, "Exception")
    counting(play, "ValidationException", "second")
    carrying(play, "")
    play.denied.add(operation)

    code, found = check()

    assert code == 1
    [sentence] = found["notChecked"]
    assert sentence.endswith(said)
    others = {"metrics": 2, "forwarders": 1}
    if operation == "TestMetricFilter":
        others = dict.fromkeys(others, 0)
    if operation == "DescribeMetricFilters":
        others["metrics"] = 0
    if operation == "DescribeSubscriptionFilters":
        others["forwarders"] = 0
    assert {name: len(found[name]) for name in others} == others


def test_a_pattern_that_aws_does_not_know_is_told(play, check):
    """One that it took before, perhaps; the others are checked."""
    counting(play, "a-b", "odd")
    counting(play, "Exception", "plain")

    code, found = check()

    assert code == 1
    assert [one["name"] for one in found["metrics"]] == ["plain"]
    [sentence] = found["notChecked"]
    assert sentence.startswith(f"the metric filter odd of {GROUP}: asking TestMetricFilter about")


def test_a_filter_behind_a_transformer_is_told(play, check):
    """It sees other lines than those that functions write."""
    counting(play, "Exception", applyOnTransformedLogs=True)

    code, found = check()

    assert (code, found["metrics"]) == (1, [])
    assert found["notChecked"] == [
        f"the metric filter errors of {GROUP}: it sees lines after a log transformer"
    ]


def test_filters_of_other_log_groups_are_counted_and_checked_where_named(play, check):
    """Where functions write is what the caller knows."""
    counting(play, "Exception", group="/shop/web")

    _, here = check()
    _, there = check("--log-group", "/shop/*")

    assert (here["metrics"], here["seen"]["metricFiltersElsewhere"]) == ([], 1)
    assert [one["logGroup"] for one in there["metrics"]] == ["/shop/web"]


def test_all_pages_are_read_and_each_pattern_is_asked_once(play, check):
    """Sixty filters of the same pattern are one question."""
    for number in range(60):
        counting(play, "ERROR", f"f{number:02d}")
    for number in range(60):
        alarmed(play, f"a{number:02d}", metric="Other")

    code, found = check()

    assert (code, found["seen"]["metricFilters"], found["seen"]["alarms"]) == (0, 60, 120)
    assert play.calls.count("DescribeMetricFilters") == 2
    assert play.calls.count("TestMetricFilter") == 1


def test_throttling_is_waited_for(play, check):
    """AWS's rate is kept, and a request that it refuses is sent again."""
    counting(play, "Exception")
    play.faults["TestMetricFilter"].append(("ThrottlingException", "Rate exceeded"))

    code, found = check()

    assert (code, len(found["metrics"])) == (0, 1)


def test_the_page_says_what_stands_instead(play, check, command):
    """Pattern, kinds of lines, what to write instead, and by whose word."""
    counting(play, "Exception")
    alarmed(play, "checkout")
    carrying(play, "")

    page = command("setup", "check", "--endpoint-url", play.endpoint).stdout.decode().splitlines()

    assert page[:2] == [
        "alarms that would count our lines",
        f"  checkout, checkout rate: metric filter errors of {GROUP} → Ushop/Errors",
    ]
    assert "    pattern  (everything)" in page
    assert f"    instead  Exception {EXACT}" in page
    assert page[-1] == (
        "seen         log groups 1, alarms 2, metric filters 1, subscription filters 1, "
        "account policies 0"
    )


def test_the_docs_show_the_page_as_it_is_printed(play, check, command):
    """The sample of docs/setup.md is the answer about such an account."""
    group = "/aws/lambda/ushop_sale-confirmations"
    play.data.groups.clear()
    play.data.group(group)
    counting(play, "?Error ?Exception", group=group)
    counting(play, '"Task timed out"', "timeouts", group, "Timeouts")
    play.data.alarms.append(
        {"AlarmName": "ushop errors", "Namespace": "Ushop", "MetricName": "Errors"}
    )
    arn = "arn:aws:firehose:eu-west-1:123456789012:deliverystream/vendor"
    document = json.dumps({"DestinationArn": arn, "FilterPattern": ""})
    policy = {"policyName": "to-vendor", "policyType": "SUBSCRIPTION_FILTER_POLICY"}
    play.data.account_policies.append({**policy, "policyDocument": document})

    page = command("setup", "check", "--endpoint-url", play.endpoint).stdout.decode()

    assert f"$ lumitrace setup check\n{page}```\n" in (DOCS / "setup.md").read_text("utf-8")


def test_an_account_without_filters_is_told(play, command, check):
    """And what makes something is no part of a check."""
    done = command("setup", "check", "--endpoint-url", play.endpoint)
    wrong = command("setup", "check", "--apply")

    assert done.stdout.decode().startswith("no filter takes our lines\n")
    assert (wrong.returncode, b"leave out --apply" in wrong.stderr) == (2, True)
