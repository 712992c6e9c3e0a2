"""The alarm: more than half of the invocations fail.

It stands on Lambda's own ``Errors`` and ``Invocations``: they cost nothing, and count what died
before it wrote a line. What a function answers with 500 and more, or gives back as failed, Lambda
counts as a success; our ``invocation`` line says ``"status":2``. So where log groups are named, a
metric filter counts those lines, and the larger number counts: what raises is in both. A metric
filter belongs to one log group, so that an alarm of the whole account has none.
https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html
"""

from collections.abc import Sequence

from lumitrace.reassembly.deploy.setup.part import Json, Part, ref, sub
from lumitrace.reassembly.stream import LAMBDA_GROUP

FAILED = '{ $.lumitrace = 1 && $.record = "invocation" && $.status = 2 }'
NAMESPACE, METRIC = "lumitrace", "FailedInvocations"
PERIOD_S = 60
OF, WITHIN = 2, 3  # two of the last three minutes
AT_LEAST = 5  # invocations of a minute: one of one is no rate
PERCENT = 50


def alarm(groups: Sequence[str], topic: str) -> Part:
    """Return an alarm for the function of each of *groups*, or for all functions together.

    *topic* is the ARN of the SNS topic to tell; without one the alarm shows in the console alone.
    """
    part = Part()
    part.parameters = {
        "FailedPercent": {
            "Type": "Number",
            "Description": "The alarm goes off above it",
            "Default": PERCENT,
        },
        "AtLeast": {
            "Type": "Number",
            "Description": "Invocations of a minute, below which nothing is said",
            "Default": AT_LEAST,
            "MinValue": 1,
        },
    }
    if not topic:
        part.notes.append("the alarm tells nobody; name an SNS topic with --notify ARN")
    for number, group in enumerate(groups):
        function = group.removeprefix(LAMBDA_GROUP)
        if function == group or "/" in function:
            part.notes.append(
                f"no alarm for the log group {group}: it names no function, and Lambda's metrics do"
            )
            continue
        part.resources[f"Failed{number}"] = _filter(group, function)
        part.resources[f"FailureRate{number}"] = _alarm(function, topic)
    if not groups:
        part.resources["FailureRate"] = _alarm("", topic)
    return part


def _filter(group: str, function: str) -> Json:
    counted = {
        "MetricNamespace": NAMESPACE,
        "MetricName": f"{METRIC}-{function}",
        "MetricValue": "1",
        "DefaultValue": 0,
        "Unit": "Count",
    }
    properties = {
        "LogGroupName": group,
        "FilterName": sub("${AWS::StackName}-failed"),
        "FilterPattern": FAILED,
        "MetricTransformations": [counted],
    }
    return {"Type": "AWS::Logs::MetricFilter", "Properties": properties}


def _alarm(function: str, topic: str) -> Json:
    of: Json = {"Dimensions": [{"Name": "FunctionName", "Value": function}]} if function else {}
    metrics = [
        _sum("invocations", {"Namespace": "AWS/Lambda", "MetricName": "Invocations", **of}),
        _sum("errors", {"Namespace": "AWS/Lambda", "MetricName": "Errors", **of}),
    ]
    failed = "FILL(errors, 0)"
    if function:
        own = {"Namespace": NAMESPACE, "MetricName": f"{METRIC}-{function}"}
        metrics.append(_sum("failed", own))
        failed = "MAX([FILL(errors, 0), FILL(failed, 0)])"
    rate = {
        "Id": "rate",
        "Label": "failed invocations, percent",
        "Expression": sub(f"IF(invocations >= ${{AtLeast}}, 100 * {failed} / invocations, 0)"),
        "ReturnData": True,
    }
    who = f"of {function}" if function else "of all functions"
    properties = {
        "AlarmName": sub("${AWS::StackName}-failing" + (f"-{function}" if function else "")),
        "AlarmDescription": sub(
            f"${{FailedPercent}} % of the invocations {who} fail: lumitrace why"
        ),
        "Metrics": [rate, *metrics],
        "ComparisonOperator": "GreaterThanThreshold",
        "Threshold": ref("FailedPercent"),
        "EvaluationPeriods": WITHIN,
        "DatapointsToAlarm": OF,
        "TreatMissingData": "notBreaching",
        **({"AlarmActions": [topic], "OKActions": [topic]} if topic else {}),
    }
    return {"Type": "AWS::CloudWatch::Alarm", "Properties": properties}


def _sum(name: str, metric: Json) -> Json:
    stat = {"Metric": metric, "Period": PERIOD_S, "Stat": "Sum"}
    return {"Id": name, "MetricStat": stat, "ReturnData": False}
