"""How fast files are read in each form, and in what memory: python benchmarks/sources.py [MB].

A night is repeated to the size asked for, written in a form, and read in a process of its own. The
measure beside it is `bare`: the same file read in blocks, and nothing done with them.
"""

import csv
import gzip
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

NIGHT = Path(__file__).parents[1] / "examples" / "ushop" / "recorded" / "night.jsonl"
READ = """
import sys, time
from lumitrace.reassembly.events import Counts
from lumitrace.reassembly.sources.file import read_file
began = time.perf_counter()
counts = Counts()
found = sum(1 for source in read_file(sys.argv[1], counts) for _ in source)
seconds = time.perf_counter() - began
status = open("/proc/self/status").read()  # of this program alone, as ru_maxrss is not
print(found, seconds, int(status.partition("VmHWM:")[2].split()[0]) / 1024)
"""


def lines(events, out):
    """Write log events, one a line."""
    for event in events:
        out.write(json.dumps(event) + "\n")


def document(events, out):
    """Write one document."""
    out.write('{"events": [')
    out.write(json.dumps(next(events)))
    for event in events:
        out.write("," + json.dumps(event))
    out.write("]}")


def envelopes(events, out):
    """Write an envelope an event, nothing between them."""
    for event in events:
        head = {"messageType": "DATA_MESSAGE", "logGroup": event["logGroupName"]}
        said = [{"timestamp": event["timestamp"], "message": event["message"]}]
        where = {"logStream": event["logStreamName"], "logEvents": said}
        out.write(json.dumps({**head, **where}))


def export(events, out):
    """Write a time before each event."""
    for event in events:
        out.write(f"2026-11-22T23:29:00.204Z {event['message'].rstrip()}\n")


def insights(events, out):
    """Write a table."""
    table = csv.writer(out)
    table.writerow(["@timestamp", "@message"])
    for event in events:
        table.writerow(["2026-11-22 23:29:00.204", event["message"]])


def plain(events, out):
    """Write the messages alone."""
    for event in events:
        out.write(event["message"].rstrip() + "\n")


def main(megabytes):
    """Print a row a form."""
    night = [json.loads(line) for line in NIGHT.read_text("utf-8").splitlines()]
    times = megabytes * 1_000_000 // NIGHT.stat().st_size + 1
    print(f"{'form':<12} {'MB':>6} {'events':>9} {'MB/s':>6} {'bare MB/s':>11} {'peak MB':>8}")
    with tempfile.TemporaryDirectory() as folder:
        for write in (lines, document, envelopes, export, insights, plain):
            path = Path(folder) / write.__name__
            with path.open("w", encoding="utf-8", newline="") as out:
                write((event for _ in range(times) for event in night), out)
            measure(write.__name__, path)
        packed = Path(folder) / "lines.gz"
        with packed.open("wb") as raw, gzip.GzipFile(fileobj=raw, mode="wb") as out:
            out.writelines((Path(folder) / "lines").open("rb"))
        measure("lines.gz", packed)


def measure(name, path):
    """Print the row of *path*."""
    began = time.perf_counter()
    with path.open("rb") as content:
        while content.read(256 * 1024):
            pass
    bare_s = time.perf_counter() - began
    done = subprocess.run(  # noqa: S603  # our own
        [sys.executable, "-c", READ, str(path)], capture_output=True, text=True, check=True
    )
    found, seconds, peak = done.stdout.split()
    size = path.stat().st_size / 1e6
    bare = size / bare_s
    row = f"{size:>6.0f} {int(found):>9,} {size / float(seconds):>6.1f} {bare:>11.0f}"
    print(f"{name:<12} {row} {float(peak):>8.0f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100)
