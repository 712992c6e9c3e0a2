"""The filters and alarms of an account, page by page, as AWS lists them.

https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_DescribeMetricFilters.html
https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_DescribeSubscriptionFilters.html
https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_DescribeAccountPolicies.html
https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_DescribeAlarms.html
"""

from tests.cloudwatch import limits


def metric_filters(play, request):
    """All metric filters of the account and region."""
    found = sorted(play.data.metric_filters, key=lambda one: one["filterName"])
    return _page(found, request, "metricFilters", "nextToken", limits.DESCRIBE_PAGE)


def subscription_filters(play, request):
    """Those of one log group, which has to be there."""
    group = request["logGroupName"]
    play._kind(group)
    found = [one for one in play.data.subscription_filters if one["logGroupName"] == group]
    return _page(found, request, "subscriptionFilters", "nextToken", limits.DESCRIBE_PAGE)


def account_policies(play, request):
    """Those of one type."""
    kind = request["policyType"]
    found = [one for one in play.data.account_policies if one["policyType"] == kind]
    return _page(found, request, "accountPolicies", "nextToken", limits.DESCRIBE_PAGE)


def alarms(play, request):
    """Alarms on metrics."""
    found = play.data.alarms if "MetricAlarm" in request.get("AlarmTypes", ["MetricAlarm"]) else []
    return _page(found, request, "MetricAlarms", "NextToken", limits.ALARM_PAGE)


def _page(found, request, key, token, size):
    at = int(request.get(token, "0"))
    answer = {key: found[at : at + size]}
    if at + size < len(found):
        answer[token] = str(at + size)
    return answer
