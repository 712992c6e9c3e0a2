"""The limits that AWS sets, each with the page that states it, as read on 2026-11-23.

``CONFIRMED`` names those that a page of AWS's states; what is not in it is believed, and is listed
in docs/cloudwatch.md.
"""

API = "https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/"
GUIDE = "https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/"

QUERY_GROUPS = 50  # log groups named in one StartQuery
QUERY_CHARACTERS = 10_000  # of a query string
QUERY_ROWS = 100_000  # of one query, all pages together, in Logs Insights QL
QUERY_ROWS_UNSAID = 10_000  # where neither the request nor the query sets a limit
QUERY_PAGE = 10_000  # rows of one GetQueryResults
QUERY_MINUTES = 60  # then it times out
QUERIES_AT_ONCE = 100
FILTER_PAGE_EVENTS = 10_000
FILTER_PAGE_BYTES = 1_000_000  # "1 MB"
FILTER_STREAMS = 100  # log streams named in one FilterLogEvents
FILTER_PATTERN_CHARACTERS = 1024
FILTER_PATTERN_REGEXES = 2  # regular expressions of one filter pattern
TEST_MESSAGES = 50  # of one TestMetricFilter
DESCRIBE_PAGE = 50  # log groups, filters of one answer
ALARM_PAGE = 50  # alarms of one DescribeAlarms, unless MaxRecords says up to 100
METRIC_QUERIES = 500  # of one GetMetricData
METRIC_POINTS = 100_800  # of one GetMetricData

# Requests a second, an account and region. Beyond: ThrottlingException, "Rate exceeded".
PER_SECOND = {
    "FilterLogEvents": 5,
    "DescribeLogGroups": 5,
    "StartQuery": 5,
    "GetQueryResults": 5,
    "StopQuery": 5,
    "TestMetricFilter": 5,
    "DescribeMetricFilters": 5,
    "DescribeSubscriptionFilters": 5,
    "DescribeAccountPolicies": 5,
    "DescribeAlarms": 9,
    "GetMetricData": 50,
}

CONFIRMED = {
    "QUERY_GROUPS": f"{API}API_StartQuery.html",
    "QUERY_CHARACTERS": f"{API}API_StartQuery.html",
    "QUERY_ROWS": f"{API}API_StartQuery.html",
    "QUERY_ROWS_UNSAID": f"{GUIDE}CWL_QuerySyntax-Limit.html",
    "QUERY_PAGE": f"{API}API_GetQueryResults.html",
    "QUERY_MINUTES": f"{API}API_StartQuery.html",
    "QUERIES_AT_ONCE": f"{GUIDE}AnalyzingLogData.html",
    "FILTER_PAGE_EVENTS": f"{API}API_FilterLogEvents.html",
    "FILTER_PAGE_BYTES": f"{API}API_FilterLogEvents.html",
    "FILTER_STREAMS": f"{API}API_FilterLogEvents.html",
    "FILTER_PATTERN_CHARACTERS": f"{API}API_FilterLogEvents.html",
    "FILTER_PATTERN_REGEXES": f"{GUIDE}regex-expressions.html",
    "TEST_MESSAGES": f"{API}API_TestMetricFilter.html",
    "DESCRIBE_PAGE": f"{API}API_DescribeLogGroups.html",
    "ALARM_PAGE": (
        "https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_DescribeAlarms.html"
    ),
    "METRIC_QUERIES": (
        "https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_GetMetricData.html"
    ),
    "METRIC_POINTS": (
        "https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_GetMetricData.html"
    ),
    # "5 transactions per second (TPS) per AWS account or AWS Region", not to be raised
    "FilterLogEvents": "https://repost.aws/knowledge-center/cloudwatch-logs-throttling",
    "DescribeLogGroups": f"{GUIDE}cloudwatch_limits_cwl.html",
    "DescribeAlarms": (
        "https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch_limits.html"
    ),
}

# Which class of log group what serves.
# Fields are discovered in Standard alone:
#   {GUIDE}CWL_AnalyzeLogData-discoverable-fields.html
# Field indexes exist in Standard alone, on traceId by default, never on severityText:
#   {API}API_PutIndexPolicy.html
# Delivery keeps a day and knows no Insights: {API}API_DescribeLogGroups.html
# FilterLogEvents does not serve Infrequent Access (believed):
#   {GUIDE}CloudWatch_Logs_Log_Classes.html
STANDARD, INFREQUENT, DELIVERY = "STANDARD", "INFREQUENT_ACCESS", "DELIVERY"
DISCOVERS_FIELDS = {STANDARD}
INDEXED = {STANDARD: {"traceId", "@logStream"}}
INSIGHTS = {STANDARD, INFREQUENT}
FILTERED = {STANDARD}
