"""A loopback server that plays CloudWatch Logs and CloudWatch, within AWS's limits.

It plays what is sent, and refuses what it does not know: an operation, a parameter, a query. Data
comes from ``Groups``, or from whatever has its methods.
"""

import json
import threading
import time
from collections import defaultdict, deque
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tests.cloudwatch import filters, limits, patterns
from tests.cloudwatch.insights import ACCOUNT, Malformed, Query

REGION = "eu-west-1"


class Refused(Exception):  # noqa: N818  # it is an answer
    """What AWS would answer with status 400: its code and its message."""

    def __init__(self, code, message):
        super().__init__(message)
        self.code, self.message = code, message


class CloudWatch:
    """The server: ``with CloudWatch(data) as endpoint: …``.

    Attributes:
        calls: the operations that were answered or refused, in their order.
        faults: operation to a list of (code, message): each refuses one request.
        ends: how queries end, "Complete" unless told otherwise.
        denied: operations that access is denied to.
    """

    def __init__(self, data):
        self.data, self.calls, self.requests, self.scope = data, [], [], ""
        self.faults, self.ends, self.denied = defaultdict(list), "Complete", set()
        self.queries, self.stopped = {}, []
        self.seen = defaultdict(deque)
        self.lock = threading.RLock()

    def __enter__(self):
        handler = type("Handler", (_Handler,), {"play": self})
        self.http = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.http.daemon_threads = True
        self.thread = threading.Thread(target=self.http.serve_forever, args=(0.01,), daemon=True)
        self.thread.start()
        self.endpoint = f"http://127.0.0.1:{self.http.server_address[1]}"
        return self

    def __exit__(self, *_):
        self.http.shutdown()
        self.http.server_close()
        self.thread.join()

    def answer(self, target, request, scope=""):
        """Return what *target* answers to *request*, in the account and region of *scope*.

        Raises:
            Refused: as AWS would refuse it.
        """
        service, _, operation = target.partition(".")
        with self.lock:
            self.scope = scope
            self.calls.append(operation)
            self.requests.append((operation, request))
            known = _OPERATIONS.get((service, operation))
            if known is None:
                raise Refused("UnknownOperationException", operation)
            self._throttle(operation)
            if self.faults[operation]:
                raise Refused(*self.faults[operation].pop(0))
            if operation in self.denied:
                raise Refused("AccessDeniedException", f"not authorized to perform {operation}")
            parameters, play = known
            for name in request:
                if name not in parameters:
                    raise Refused("InvalidParameterException", f"{name} is not played")
            return play(self, request)

    def _throttle(self, operation):
        now, seen = time.monotonic(), self.seen[operation]
        while seen and now - seen[0] >= 1:
            seen.popleft()
        if len(seen) >= limits.PER_SECOND[operation]:
            raise Refused("ThrottlingException", "Rate exceeded")
        seen.append(now)

    def describe_log_groups(self, request):
        """A page of log groups, in the order of their names."""
        if "logGroupNamePrefix" in request and "logGroupNamePattern" in request:
            raise Refused("InvalidParameterException", "prefix and pattern exclude each other")
        prefix, part = request.get("logGroupNamePrefix", ""), request.get("logGroupNamePattern", "")
        kind = request.get("logGroupClass")
        found = [
            (name, own)
            for name, own in sorted(self.data.kinds().items())
            if name.startswith(prefix) and part in name and kind in {None, own}
        ]
        at = int(request.get("nextToken", "0"))
        groups = []
        for name, own in found[at : at + limits.DESCRIBE_PAGE]:
            arn = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{name}"
            group = {"logGroupName": name, "arn": f"{arn}:*", "logGroupArn": arn}
            if not part:  # a pattern is answered with names alone
                group["logGroupClass"] = own
            groups.append(group)
        answer = {"logGroups": groups}
        if at + limits.DESCRIBE_PAGE < len(found):
            answer["nextToken"] = str(at + limits.DESCRIBE_PAGE)
        return answer

    def filter_log_events(self, request):
        """A page of log events, the oldest first; the first page may be empty."""
        name = request["logGroupName"]
        kind = self._kind(name)
        if kind not in limits.FILTERED:
            message = f"FilterLogEvents is not supported for log groups of class {kind}"
            raise Refused("InvalidParameterException", message)
        matches = self._pattern(request.get("filterPattern", ""))
        streams = request.get("logStreamNames")
        if streams is not None and not 1 <= len(streams) <= limits.FILTER_STREAMS:
            raise Refused("InvalidParameterException", f"1 to {limits.FILTER_STREAMS} log streams")
        since, until = request.get("startTime", 0), request.get("endTime", 2**53)
        at = int(request.get("nextToken", "0"))
        limit = min(request.get("limit", limits.FILTER_PAGE_EVENTS), limits.FILTER_PAGE_EVENTS)
        events, size, more = [], 0, False
        for number, event in enumerate(self.data.scan([name], since, until)):
            if number < at or not matches(event.message):
                continue
            if streams is not None and event.stream not in streams:
                continue
            if len(events) >= limit or size + event.size > limits.FILTER_PAGE_BYTES:
                more = True
                break
            size += event.size
            after = number + 1
            events.append(
                {
                    "logStreamName": event.stream,
                    "timestamp": event.ms,
                    "message": event.message,
                    "ingestionTime": event.ms + 1,
                    "eventId": f"{self.scope}/{name}/{number:032d}",
                }
            )
        return {"events": events, **({"nextToken": str(after)} if more else {})}

    def start_query(self, request):
        """Start a query; it is found running once, with some of its rows."""
        names = request["logGroupNames"]
        text = request["queryString"]
        if not 1 <= len(names) <= limits.QUERY_GROUPS:
            raise Refused("InvalidParameterException", f"at most {limits.QUERY_GROUPS} log groups")
        if len(text) > limits.QUERY_CHARACTERS:
            raise Refused("InvalidParameterException", "the query string is too long")
        if sum(query.polls > 0 for query in self.queries.values()) >= limits.QUERIES_AT_ONCE:
            raise Refused("LimitExceededException", "too many queries at once")
        kinds = sorted({self._kind(name) for name in names})
        if len(kinds) > 1 or kinds[0] not in limits.INSIGHTS:
            raise Refused("InvalidParameterException", f"log groups of class {kinds}")
        try:
            query = Query(
                text, kinds, request["startTime"], request["endTime"], request.get("limit")
            )
        except Malformed as error:
            raise Refused("MalformedQueryException", f"not played: {error}") from None
        query.run(self.data, names)
        query.status = self.ends
        self.queries[f"query-{len(self.queries)}"] = query
        return {"queryId": f"query-{len(self.queries) - 1}"}

    def get_query_results(self, request):
        """A page of rows, or a few of them while the query runs."""
        query = self.queries.get(request["queryId"])
        if query is None:
            raise Refused("ResourceNotFoundException", "no such query")
        if query.polls:
            query.polls -= 1
            few = {name: value / 2 for name, value in query.statistics.items()}
            return {"status": "Running", "results": _rows(query.rows[:3]), "statistics": few}
        at = int(request.get("nextToken", "0"))
        page = query.rows[at : at + limits.QUERY_PAGE]
        answer = {"status": query.status, "results": _rows(page), "statistics": query.statistics}
        if at + limits.QUERY_PAGE < len(query.rows) and query.status == "Complete":
            answer["nextToken"] = str(at + limits.QUERY_PAGE)
        return answer

    def stop_query(self, request):
        """Stop a query that runs."""
        query = self.queries.get(request["queryId"])
        if query is None or not query.polls:
            raise Refused("InvalidParameterException", "the query is not running")
        query.polls, query.status = 0, "Cancelled"
        self.stopped.append(request["queryId"])
        return {"success": True}

    def test_metric_filter(self, request):
        """Which of the messages a pattern matches."""
        if not 1 <= len(request["logEventMessages"]) <= limits.TEST_MESSAGES:
            raise Refused("InvalidParameterException", f"1 to {limits.TEST_MESSAGES} messages")
        matches = self._pattern(request["filterPattern"])
        found = [
            {"eventNumber": number, "eventMessage": message, "extractedValues": {}}
            for number, message in enumerate(request["logEventMessages"], 1)
            if matches(message)
        ]
        return {"matches": found}

    def get_metric_data(self, request):
        """What Lambda counted of functions."""
        asked = request["MetricDataQueries"]
        if len(asked) > limits.METRIC_QUERIES:
            raise Refused("ValidationError", f"at most {limits.METRIC_QUERIES} queries")
        results = []
        for one in asked:
            metric, period = one["MetricStat"]["Metric"], one["MetricStat"]["Period"]
            [dimension] = metric["Dimensions"]
            known = metric["Namespace"] == "AWS/Lambda" and dimension["Name"] == "FunctionName"
            name = metric["MetricName"]
            if not known or name not in METRICS or one["MetricStat"]["Stat"] != "Sum":
                raise Refused("ValidationError", f"{metric} is not played")
            since, until = request["StartTime"], request["EndTime"]
            sums = defaultdict(float)
            for ms, value in self.data.points(dimension["Value"], name):
                start = ms / 1000 // period * period
                if since // period * period <= start < until:
                    sums[start] += value
            results.append(
                {
                    "Id": one["Id"],
                    "Label": name,
                    "Timestamps": sorted(sums),
                    "Values": [sums[start] for start in sorted(sums)],
                    "StatusCode": "Complete",
                }
            )
        return {"MetricDataResults": results}

    def _kind(self, name):
        kind = self.data.kinds().get(name)
        if kind is None:
            raise Refused("ResourceNotFoundException", "The specified log group does not exist.")
        return kind

    def _pattern(self, text):
        if len(text) > limits.FILTER_PATTERN_CHARACTERS:
            raise Refused("InvalidParameterException", "the filter pattern is too long")
        try:
            return patterns.compiled(text)
        except patterns.Invalid as error:
            raise Refused("InvalidParameterException", str(error)) from None


METRICS = {"Invocations", "Errors", "Throttles", "AsyncEventsDropped"}
LOGS, METRIC = "Logs_20140328", "GraniteServiceVersion20100801"
_OPERATIONS = {
    (LOGS, "DescribeLogGroups"): (
        {"logGroupNamePrefix", "logGroupNamePattern", "logGroupClass", "nextToken"},
        CloudWatch.describe_log_groups,
    ),
    (LOGS, "FilterLogEvents"): (
        {
            "logGroupName",
            "logStreamNames",
            "startTime",
            "endTime",
            "filterPattern",
            "nextToken",
            "limit",
        },
        CloudWatch.filter_log_events,
    ),
    (LOGS, "StartQuery"): (
        {"logGroupNames", "startTime", "endTime", "queryString", "limit"},
        CloudWatch.start_query,
    ),
    (LOGS, "GetQueryResults"): ({"queryId", "nextToken"}, CloudWatch.get_query_results),
    (LOGS, "StopQuery"): ({"queryId"}, CloudWatch.stop_query),
    (LOGS, "TestMetricFilter"): (
        {"filterPattern", "logEventMessages"},
        CloudWatch.test_metric_filter,
    ),
    (LOGS, "DescribeMetricFilters"): ({"nextToken"}, filters.metric_filters),
    (LOGS, "DescribeSubscriptionFilters"): (
        {"logGroupName", "nextToken"},
        filters.subscription_filters,
    ),
    (LOGS, "DescribeAccountPolicies"): ({"policyType", "nextToken"}, filters.account_policies),
    (METRIC, "DescribeAlarms"): ({"AlarmTypes", "NextToken"}, filters.alarms),
    (METRIC, "GetMetricData"): (
        {"MetricDataQueries", "StartTime", "EndTime"},
        CloudWatch.get_metric_data,
    ),
}


def _rows(rows):
    return [[{"field": name, "value": value} for name, value in row.items()] for row in rows]


class _Handler(BaseHTTPRequestHandler):
    """JSON 1.1 as botocore speaks it."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1

    def do_POST(self):
        """Answer one request."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        status, target = 200, self.headers.get("X-Amz-Target", "")
        try:
            # Credential=<key>/<date>/<region>/<service>/aws4_request
            key, _, region, *_ = self.headers["Authorization"].split("Credential=")[1].split("/")
            answer = self.play.answer(target, json.loads(body), f"{key}/{region}")
        except Refused as refused:
            status = 400
            answer = {"__type": refused.code, "message": refused.message}
        text = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/x-amz-json-1.1")
        self.send_header("Content-Length", str(len(text)))
        self.send_header("x-amzn-RequestId", "0")
        self.end_headers()
        self.wfile.write(text)
        self.wfile.flush()

    def log_message(self, *_):
        """Say nothing."""
