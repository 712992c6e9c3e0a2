"""The filters and alarms that an account has.

https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_DescribeMetricFilters.html
https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_DescribeAccountPolicies.html
"""

import json
from collections.abc import Callable, Iterable, Iterator
from copy import copy
from dataclasses import dataclass, replace
from typing import Any

from lumitrace.reassembly.aws import AWS, Account, Service
from lumitrace.reassembly.sources.cloudwatch.pace import Pace

METRIC_FILTER, SUBSCRIPTION, POLICY = "metric filter", "subscription filter", "account policy"
VOLUME = {"IncomingBytes", "IncomingLogEvents", "ForwardedBytes", "ForwardedLogEvents"}
PER_SECOND = 4  # of each operation: AWS is believed to take 5


@dataclass(frozen=True)
class Filter:
    """A filter: where it is, what it takes, and what becomes of that.

    Attributes:
        group: its log group; of an account policy, which log groups it leaves out.
        target: the metric that it counts, or the ARN of where lines go.
        seen: how it sees a line otherwise than as it was written, or nothing.
    """

    kind: str
    name: str
    group: str
    pattern: str
    target: str
    seen: str = ""


@dataclass(frozen=True)
class Alarm:
    """An alarm, and the metrics that it looks at: namespace and name."""

    name: str
    metrics: frozenset[str]


def metric_filters(logs: AWS) -> Iterator[Filter]:
    """Yield all metric filters of the account and region."""
    aws = allowed(logs, "logs:DescribeMetricFilters")
    with aws.told("reading the metric filters"):
        for found in _pages(aws.client.describe_metric_filters, "metricFilters"):
            counted = (found.get("metricTransformations") or [{}])[0]
            metric = f"{counted.get('metricNamespace', '')}/{counted.get('metricName', '')}"
            yield _filter(METRIC_FILTER, found, metric)


def subscriptions(logs: AWS, groups: Iterable[str]) -> Iterator[Filter]:
    """Yield the subscription filters of *groups*; each is asked for by itself."""
    aws = allowed(logs, "logs:DescribeSubscriptionFilters")
    pace = Pace(PER_SECOND)
    for group in groups:
        with aws.told(f"reading the subscription filters of {group}"):
            asked = aws.client.describe_subscription_filters
            for found in _pages(asked, "subscriptionFilters", pace, logGroupName=group):
                yield _filter(SUBSCRIPTION, found, found.get("destinationArn", ""))


def policies(logs: AWS) -> Iterator[Filter]:
    """Yield the subscriptions of the whole account."""
    aws = allowed(logs, "logs:DescribeAccountPolicies and logs:DescribeSubscriptionFilters")
    with aws.told("reading the subscription policies of the account"):
        asked = aws.client.describe_account_policies
        for found in _pages(asked, "accountPolicies", policyType="SUBSCRIPTION_FILTER_POLICY"):
            document = json.loads(found.get("policyDocument") or "{}")
            yield Filter(
                POLICY,
                found.get("policyName", ""),
                found.get("selectionCriteria", ""),
                document.get("FilterPattern", ""),
                document.get("DestinationArn", ""),
            )


def alarms(account: Account) -> Iterator[Alarm]:
    """Yield the alarms on metrics."""
    service = Service("cloudwatch", "CloudWatch", "cloudwatch:DescribeAlarms", "alarm")
    aws = AWS(account, service)
    with aws.told("reading the alarms"):
        asked = aws.client.describe_alarms
        for found in _pages(asked, "MetricAlarms", AlarmTypes=["MetricAlarm"]):
            stats = [one.get("MetricStat", {}) for one in found.get("Metrics") or ()]
            metrics = [found, *(stat.get("Metric", {}) for stat in stats)]
            names = {
                f"{one.get('Namespace', '')}/{one['MetricName']}"
                for one in metrics
                if one.get("MetricName")
            }
            yield Alarm(found.get("AlarmName", ""), frozenset(names))


def allowed(aws: AWS, allow: str) -> AWS:
    """Return the same client; where it is denied, *allow* is what is said."""
    same = copy(aws)
    same.service = replace(aws.service, allow=allow)
    return same


def _filter(kind: str, found: dict[str, Any], target: str) -> Filter:
    seen = ""
    if found.get("applyOnTransformedLogs"):
        seen = "it sees lines after a log transformer"
    elif found.get("fieldSelectionCriteria"):
        seen = f"it takes log events where {found['fieldSelectionCriteria']}"
    name, group = found.get("filterName", ""), found.get("logGroupName", "")
    return Filter(kind, name, group, found.get("filterPattern", ""), target, seen)


def _pages(
    asked: Callable[..., dict[str, Any]], key: str, pace: Pace | None = None, **request: Any
) -> Iterator[dict[str, Any]]:
    """Yield what is listed at *key* of all pages."""
    pace = pace or Pace(PER_SECOND)
    while True:
        pace.wait()
        page = asked(**request)
        yield from page.get(key) or ()
        name = "nextToken" if "nextToken" in page else "NextToken"
        if not page.get(name):
            return
        request[name] = page[name]
