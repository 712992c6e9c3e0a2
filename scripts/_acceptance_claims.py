"""What was believed and not run, each claim with its check: docs/assumptions.md lists them."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from _acceptance_shop import GROUPS, WATCHED

if TYPE_CHECKING:
    from collections.abc import Callable

    from _acceptance_shop import Shop

Seen = tuple[bool, str]  # whether it holds, and what was seen
LAMBDAS = "START RequestId: 8cf72f15-1d49-4d5e-8b8d-9d7a9bd1c3f4 Version: $LATEST"
OURS = '{"lumitrace":1,"record":"start","timestamp":"2026-11-22T23:29:06.541Z","level":"INFO"}'


@dataclass(frozen=True)
class Claim:
    """A claim, by its id, and its check."""

    name: str
    check: Callable[[Shop], Seen]


CLAIMS: list[Claim] = []


def claim(name: str) -> Callable[[Callable[[Shop], Seen]], Callable[[Shop], Seen]]:
    """Register a check of the claim *name*."""

    def register(check: Callable[[Shop], Seen]) -> Callable[[Shop], Seen]:
        CLAIMS.append(Claim(name, check))
        return check

    return register


@claim("layer-traces")
def _layer_traces(shop: Shop) -> Seen:
    seen = shop.why()["seen"]
    missing = seen["withoutSpanLines"]
    return seen["functions"] == 9 and not missing, f"{seen['functions']} functions, not: {missing}"


@claim("lines-arrive-whole")
def _lines_arrive_whole(shop: Shop) -> Seen:
    seen = shop.why()["seen"]
    found = {name: seen[name] for name in ("broken", "untrusted", "unplaced", "skipped")}
    return not any(found.values()), str(found)


@claim("json-format-keeps-lines")
def _json_format_keeps_lines(shop: Shop) -> Seen:
    pattern = "lumitrace"
    page = shop.client("logs").filter_log_events(
        logGroupName="/aws/lambda/ushop_loyalty", filterPattern=pattern, limit=50
    )
    lines = [event["message"] for event in page["events"]]
    whole = [line for line in lines if line.startswith('{"lumitrace":1,')]
    return bool(lines) and len(whole) == len(lines), f"{len(whole)} of {len(lines)} lines"


@claim("lost-is-what-was-lost")
def _lost_is_what_was_lost(shop: Shop) -> Seen:
    found = set(shop.why("--id-tag", "saleId")["impact"]["ids"])
    return found == set(shop.lost), f"{len(found)} found, {len(shop.lost)} lost"


@claim("exact-hops")
def _exact_hops(shop: Shop) -> Seen:
    answer = shop.answer("show", shop.sold[0], "--log-group", GROUPS, "--since", "1h")
    functions = {span["name"] for span in answer["spans"] if span["role"] == "invocation"}
    likely = [span["name"] for span in answer["spans"] if "likely" in str(span["witness"])]
    return len(functions) == 9 and not likely, f"{len(functions)} of 9 functions; likely: {likely}"


@claim("attempts-share-a-request")
def _attempts_share_a_request(shop: Shop) -> Seen:
    answer = shop.answer("show", shop.lost[0], "--log-group", GROUPS, "--since", "1h")
    found = {span["attempt"] for span in answer["spans"]}
    return {"1/3", "2/3", "3/3"} <= found, f"attempts {sorted(found - {''})}"


@claim("coverage-agrees")
def _coverage_agrees(shop: Shop) -> Seen:
    found = shop.why()["seen"]["coverage"]
    return isinstance(found, dict) and found["seen"] == found["counted"], str(found)


@claim("insights-says-the-same")
def _insights_says_the_same(shop: Shop) -> Seen:
    whole, asked = shop.why("--by", "filter-log-events"), shop.why("--by", "insights")
    found = [answer["issue"]["all"] for answer in (whole, asked)]
    return found[0] == found[1], str(found)


@claim("insights-groups-by-nothing")
def _insights_groups_by_nothing(shop: Shop) -> Seen:
    rows = _query(shop, "filter lumitrace = 1 | stats count(*) as n by severityText")
    names = {row.get("severityText", "") for row in rows}
    return len(rows) == 2 and names == {"", "E"}, str(rows)


@claim("insights-pointer-stays")
def _insights_pointer_stays(shop: Shop) -> Seen:
    text = "fields @ptr, @message | filter lumitrace = 1 | sort @timestamp asc | limit 20"
    first, second = ({row["@ptr"] for row in _query(shop, text)} for _ in range(2))
    return bool(first) and first == second, f"{len(first & second)} of {len(first)} the same"


def _query(shop: Shop, text: str) -> list[dict[str, str]]:
    logs = shop.client("logs")
    window = {"startTime": int(shop.began), "endTime": int(time.time())}
    asked = logs.start_query(logGroupNames=[WATCHED], queryString=text, **window)
    while True:
        answer = logs.get_query_results(queryId=asked["queryId"])
        if answer["status"] not in {"Scheduled", "Running"}:
            return [{one["field"]: one["value"] for one in row} for row in answer["results"]]
        time.sleep(1)


@claim("infrequent-access-is-not-filtered")
def _infrequent_access_is_not_filtered(shop: Shop) -> Seen:
    logs, name = shop.client("logs"), f"/aws/lambda/ushop_{int(shop.began)}"
    logs.create_log_group(logGroupName=name, logGroupClass="INFREQUENT_ACCESS")
    return _refused(lambda: logs.filter_log_events(logGroupName=name))


def _refused(call: Callable[[], Any]) -> Seen:
    from botocore.exceptions import ClientError  # noqa: PLC0415  # the run has it

    try:
        call()
    except ClientError as error:
        said = error.response["Error"]
        return True, f"{said['Code']}: {said['Message']}"
    return False, "it was taken"


def _taken(shop: Shop, pattern: str, *lines: str) -> list[int]:
    asked = {"filterPattern": pattern, "logEventMessages": list(lines)}
    answer = shop.client("logs").test_metric_filter(**asked)
    return [found["eventNumber"] - 1 for found in answer["matches"]]


@claim("pattern-takes-quotation-marks")
def _pattern_takes_quotation_marks(shop: Shop) -> Seen:
    found = _taken(shop, '-"\\"lumitrace\\":1,"', OURS, "lumitrace is a word")
    return found == [1], str(found)


@claim("pattern-excludes-beside-regex")
def _pattern_excludes_beside_regex(shop: Shop) -> Seen:
    found = _taken(shop, "%start|RequestId% -lumitrace", OURS, LAMBDAS)
    return found == [1], str(found)


@claim("pattern-ignores-optional-terms")
def _pattern_ignores_optional_terms(shop: Shop) -> Seen:
    found = _taken(shop, "?ERROR ?WARN INFO", "ERROR", "INFO")
    return found == [1], str(found)


@claim("archive-pattern-takes-ours")
def _archive_pattern_takes_ours(shop: Shop) -> Seen:
    from lumitrace.reassembly.deploy.setup.archive import PATTERN  # noqa: PLC0415  # as above

    timeout = "2026-11-22T23:29:07.577Z 8cf72f15 Task timed out after 3.00 seconds"
    found = _taken(
        shop, PATTERN, OURS, LAMBDAS, timeout, "INIT_REPORT Init Duration: 9.1 ms", "a sale"
    )
    return found == [0, 1, 2, 3], str(found)


@claim("archive-answers")
def _archive_answers(shop: Shop) -> Seen:
    there = shop.answer("why", shop.outputs["LogsPath"])["issue"]
    here = shop.answer("why", "--log-group", WATCHED, "--since", "1h")["issue"]
    return there["all"] == here["all"], f"{there['all']} and {here['all']}"


@claim("alarm-goes-off")
def _alarm_goes_off(shop: Shop) -> Seen:
    asked = {"HistoryItemType": "StateUpdate", "AlarmTypes": ["MetricAlarm"], "MaxRecords": 100}
    history = shop.client("cloudwatch").describe_alarm_history(**asked)["AlarmHistoryItems"]
    found = [
        one["HistorySummary"]
        for one in history
        if one["AlarmName"].endswith("-failing-ushop_sale-confirmations")
    ]
    return any("to ALARM" in summary for summary in found), str(found)


@claim("check-knows-its-own")
def _check_knows_its_own(shop: Shop) -> Seen:
    answer = shop.answer("setup", "check", "--log-group", GROUPS)
    found = {"own": answer["seen"]["own"], "not checked": answer["notChecked"]}
    return found == {"own": 2, "not checked": []}, str(found)


@claim("remove-answers-nothing")
def _remove_answers_nothing(shop: Shop) -> Seen:
    key = {"customerId": {"S": "acceptance"}}
    answer = shop.client("dynamodb").update_item(
        TableName="ushop_points",
        Key=key,
        UpdateExpression="REMOVE points",
        ReturnValues="UPDATED_NEW",
    )
    return not answer.get("Attributes"), json.dumps(answer.get("Attributes", "absent"))


@claim("stream-clock-has-seconds")
def _stream_clock_has_seconds(shop: Shop) -> Seen:
    arn = shop.client("dynamodb").describe_table(TableName="ushop_sales")["Table"][
        "LatestStreamArn"
    ]
    streams = shop.client("dynamodbstreams")
    shards = streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"]
    found = []
    for shard in shards:
        place = {"ShardId": shard["ShardId"], "ShardIteratorType": "TRIM_HORIZON"}
        at = streams.get_shard_iterator(StreamArn=arn, **place)["ShardIterator"]
        records = streams.get_records(ShardIterator=at)["Records"]
        found += [one["dynamodb"]["ApproximateCreationDateTime"] for one in records]
    odd = [str(moment) for moment in found if moment.microsecond]
    return bool(found) and not odd, f"{len(found)} records, with a fraction: {odd[:1]}"


@claim("small-queue-refuses-whole")
def _small_queue_refuses_whole(shop: Shop) -> Seen:
    queues = shop.client("sqs")
    url = queues.create_queue(
        QueueName=f"ushop-acceptance-{int(shop.began)}", Attributes={"MaximumMessageSize": "1024"}
    )["QueueUrl"]
    context = {"DataType": "String", "StringValue": f"00-{'a' * 32}-{'b' * 16}-03"}
    try:
        return _refused(
            lambda: queues.send_message(
                QueueUrl=url, MessageBody="x" * 1000, MessageAttributes={"traceparent": context}
            )
        )
    finally:
        queues.delete_queue(QueueUrl=url)
