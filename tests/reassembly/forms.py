"""The forms in which log events come out of AWS, group, stream and time with them.

Each writer returns what a program of AWS's, or a service, writes of events.
"""

import base64
import csv
import gzip
import io
import json
from datetime import datetime, timezone
from itertools import groupby

WHERE = ("logGroupName", "logStreamName")


def moment(event, spec="milliseconds"):
    """Return the time of *event* in UTC, without a zone."""
    seconds, ms = divmod(event["timestamp"], 1000)
    at = datetime.fromtimestamp(seconds, timezone.utc).replace(tzinfo=None, microsecond=ms * 1000)
    return at.isoformat(timespec=spec)


def by_stream(events):
    """Yield each group and stream with its events."""
    ordered = sorted(events, key=lambda event: [event[name] for name in WHERE])
    for where, found in groupby(ordered, key=lambda event: [event[name] for name in WHERE]):
        yield (*where, list(found))


def ids(events):
    """Return *events* with an id each, as CloudWatch Logs gives them."""
    return [{**event, "eventId": f"{number:056d}"} for number, event in enumerate(events, 1)]


def filter_log_events(events):
    """`aws logs filter-log-events`, of one group.

    https://docs.aws.amazon.com/cli/latest/reference/logs/filter-log-events.html
    """
    said = [
        {"logStreamName": f"{event['logGroupName']} {event['logStreamName']}"}
        | {name: event[name] for name in ("timestamp", "message")}
        | {"ingestionTime": event["timestamp"] + 400}
        for event in events
    ]
    return json.dumps({"events": said, "searchedLogStreams": []}, indent=4).encode()


def documents(events):
    """Several answers of it in one file, on one line each."""
    half = len(events) // 2
    return b"".join(filter_log_events(part) for part in (events[:half], events[half:]))


def listed(events):
    """`--query events`, as other programs print it: a list on one line."""
    return json.dumps(events).encode()


def envelopes(events):
    """The JSON that a subscription delivers, with its test message first.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/SubscriptionFilters.html
    """
    head = {"owner": "123456789012", "subscriptionFilters": ["lumitrace"]}
    test = {"id": "", "timestamp": 1, "message": "CWL CONTROL MESSAGE: Checking health of ..."}
    control = {"messageType": "CONTROL_MESSAGE", "owner": "CloudwatchLogs", "logGroup": ""}
    found = [json.dumps({**control, "logStream": "", "logEvents": [test]})]
    for group, stream, own in by_stream(ids(events)):
        for first in range(0, len(own), 40):
            said = [
                {"id": event["eventId"], "timestamp": event["timestamp"]}
                | {"message": event["message"]}
                for event in own[first : first + 40]
            ]
            where = {"logGroup": group, "logStream": stream}
            envelope = {"messageType": "DATA_MESSAGE", **head, **where, "logEvents": said}
            found.append(json.dumps(envelope))
    return found


def firehose_as_delivered(events):
    """Records of gzip one after another, as a subscription hands them to Firehose."""
    return b"".join(gzip.compress(one.encode(), mtime=0) for one in envelopes(events))


def firehose_compressed(events):
    """The same from a delivery stream that compresses its objects."""
    return gzip.compress(firehose_as_delivered(events), mtime=0)


def firehose_decompressed(events):
    """Decompression switched on: envelopes without anything between them.

    https://docs.aws.amazon.com/firehose/latest/dev/writing-with-cloudwatch-logs-decompression.html
    """
    return "".join(envelopes(events)).encode()


def firehose_with_newlines(events):
    """And with AppendDelimiterToRecord.

    https://docs.aws.amazon.com/firehose/latest/APIReference/API_Processor.html
    """
    return "".join(f"{one}\n" for one in envelopes(events)).encode()


def packed(events):
    """Return each envelope as base64 of gzip."""
    return [
        base64.b64encode(gzip.compress(one.encode(), mtime=0)).decode() for one in envelopes(events)
    ]


def subscription_of_a_function(events):
    """The events that a function which is subscribed is handed, one a line.

    https://docs.aws.amazon.com/lambda/latest/dg/services-cloudwatchlogs.html
    """
    return "\n".join(json.dumps({"awslogs": {"data": one}}) for one in packed(events)).encode()


def subscription_of_a_stream(events):
    """The event of a function that reads the Kinesis stream of a subscription.

    https://docs.aws.amazon.com/lambda/latest/dg/with-kinesis.html
    """
    records = [{"kinesis": {"data": one}, "eventSource": "aws:kinesis"} for one in packed(events)]
    return json.dumps({"Records": records}, indent=2).encode()


def firehose_transformation(events):
    """What Firehose hands to a function that transforms records.

    https://docs.aws.amazon.com/firehose/latest/dev/data-transformation.html
    """
    records = [{"recordId": str(n), "data": one} for n, one in enumerate(packed(events))]
    return json.dumps({"invocationId": "i", "records": records}).encode()


def bare_base64(events):
    """The data alone, one a line."""
    return "\n".join(packed(events)).encode()


def rows(events):
    """Return the rows of `fields @timestamp, @message, @logStream, @log | sort @timestamp asc`."""
    return [
        {
            "@timestamp": moment(event).replace("T", " "),
            "@message": event["message"],
            "@logStream": event["logStreamName"],
            "@log": f"123456789012:{event['logGroupName']}",
        }
        for event in sorted(events, key=lambda event: event["timestamp"])
    ]


def insights_query_results(events):
    """`aws logs get-query-results`.

    https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_GetQueryResults.html
    """
    results = [
        [{"field": name, "value": value} for name, value in (*row.items(), ("@ptr", "Cn0KM"))]
        for row in rows(events)
    ]
    about = {"statistics": {"recordsMatched": 1.0}, "status": "Complete"}
    return json.dumps({"queryLanguage": "CWLI", "results": results, **about}, indent=4).encode()


def insights_console_json(events):
    """As the console saves it: a message that is JSON is an object."""
    found = rows(events)
    for row in found:
        if row["@message"].startswith("{"):
            row["@message"] = json.loads(row["@message"])
    return json.dumps(found, indent=2).encode()


def insights_console_csv(events):
    """As the console saves it."""
    written = io.StringIO()
    table = csv.DictWriter(written, ["@timestamp", "@message", "@logStream", "@log"])
    table.writeheader()
    table.writerows(rows(events))
    return written.getvalue().encode()


CARRY_ALL = [
    listed,
    firehose_as_delivered,
    firehose_compressed,
    firehose_decompressed,
    firehose_with_newlines,
    subscription_of_a_function,
    subscription_of_a_stream,
    firehose_transformation,
    bare_base64,
    insights_query_results,
    insights_console_csv,
]
