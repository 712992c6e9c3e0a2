"""What keeping the lines in S3 weighs and costs, beside CloudWatch Logs.

Run it with ``python benchmarks/archive_bytes.py [--json]``. The bytes are those of the recorded
night: what the subscription of ``lumitrace setup`` lets through, packed as CloudWatch Logs hands it
on (gzip around a JSON envelope), with so many log events in a delivery. Firehose counts each
delivery as a multiple of 5 KB.
"""

import argparse
import gzip
import json
import re
from pathlib import Path

from lumitrace.reassembly.deploy.setup.archive import KEEP_DAYS, PATTERN
from lumitrace.reassembly.prices import setup as prices

NIGHT = Path(__file__).resolve().parents[1] / "examples/ushop/recorded/night.jsonl"
EVENT_BYTES = 26  # that PutLogEvents counts for each event beside its text
INGESTED = 0.50  # USD a GB of logs into CloudWatch; docs/cost.md names the source
DELIVERIES = (1, 10, 100)  # log events of one
GB = 10**9
TERMS = [quoted or bare for quoted, bare in re.findall(r'\?(?:"([^"]+)"|(\S+))', PATTERN)]


def events():
    """Return the log events of the night, by stream."""
    streams = {}
    for row in NIGHT.read_text("utf-8").splitlines():
        event = json.loads(row)
        streams.setdefault((event["logGroupName"], event["logStreamName"]), []).append(event)
    return streams


def packed(group, stream, found):
    """Return the bytes of a delivery of the events *found*."""
    listed = [
        {"id": f"{one['timestamp']:056}", "timestamp": one["timestamp"], "message": one["message"]}
        for one in found
    ]
    envelope = {
        "messageType": "DATA_MESSAGE",
        "owner": "123456789012",
        "logGroup": group,
        "logStream": stream,
        "subscriptionFilters": ["lumitrace"],
        "logEvents": listed,
    }
    return len(gzip.compress(json.dumps(envelope, separators=(",", ":")).encode()))


def measured():
    """Return the bytes that are kept, and what a GB of logs costs in either place."""
    streams = events()
    whole = sum(len(one["message"]) for found in streams.values() for one in found)
    kept = {
        place: [one for one in found if any(term in one["message"] for term in TERMS)]
        for place, found in streams.items()
    }
    text = sum(len(one["message"]) + EVENT_BYTES for found in kept.values() for one in found)
    table = [
        "| log events a delivery | gzip, of the text | Firehose, USD | S3, USD | together, USD |"
    ]
    table.append("|---:|---:|---:|---:|---:|")
    for size in DELIVERIES:
        sizes = [
            packed(*place, found[at : at + size])
            for place, found in kept.items()
            for at in range(0, len(found), size)
        ]
        rounded = sum(-(-one // prices.FIREHOSE_STEP) * prices.FIREHOSE_STEP for one in sizes)
        firehose = rounded / text * prices.FIREHOSE_GB
        stored = sum(sizes) / text * prices.S3_GB_MONTH * KEEP_DAYS / 30.4
        row = f"| {size} | {sum(sizes) / text:.0%} | {firehose:.3f} | {stored:.4f} |"
        table.append(f"{row} {firehose + stored:.3f} |")
    share = sum(len(one["message"]) for found in kept.values() for one in found) / whole
    return {"kept": f"{share:.0%}", "ingest": INGESTED, "table": table}


def main():
    """Print it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    found = measured()
    if parser.parse_args().json:
        print(json.dumps(found))
        return
    print(
        f"kept: {found['kept']} of the night's bytes; a GB into CloudWatch: {found['ingest']} USD"
    )
    print("\n".join(found["table"]))


if __name__ == "__main__":
    main()
