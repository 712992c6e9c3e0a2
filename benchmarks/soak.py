"""A hundred thousand warm invocations: what stays behind, traced and bare in the same run.

    python benchmarks/soak.py [--rounds 100000]

Each of two processes handles events one after another. One in 25 sends a message and puts an item
to an endpoint in this process; the rest do nothing. The first fifth warms up. Then memory is read
twenty times: its slope in bytes an invocation, by least squares. A second pass, a tenth as long,
counts what Python itself has allocated (tracemalloc) and the objects that the collector knows, as
often: twenty times what is added between most readings. What grows once, as where a module is
loaded late, is no leak; on a machine that has other work it comes at any time.
"""

import argparse
import gc
import http.server
import itertools
import json
import os
import statistics
import subprocess
import sys
import threading
import time
import tracemalloc
from pathlib import Path

CALLS_EVERY = 25
POINTS = 20
PAGE = os.sysconf("SC_PAGE_SIZE")
SRC = Path(__file__).resolve().parents[1] / "src"


class Answers(http.server.BaseHTTPRequestHandler):
    """AWS in small: every request is taken."""

    protocol_version = "HTTP/1.1"

    def do_POST(self):
        """Answer."""
        self.rfile.read(int(self.headers["Content-Length"]))
        body = b'{"MessageId": "m-1"}'
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        """Say nothing."""


class Context:
    """What Lambda hands over beside the event."""

    aws_request_id = "8a1c0000-0000-4000-8000-000000000001"
    invoked_function_arn = "arn:aws:lambda:eu-west-1:123456789012:function:soak"
    client_context = None

    def get_remaining_time_in_millis(self):
        """Return three seconds."""
        return 3000


def handler_of(url):
    """Return a handler that calls AWS at *url* where the event says so."""
    from botocore.session import Session  # noqa: PLC0415  # not in the process that measures

    session = Session()
    session.set_credentials("none", "none")
    sqs, dynamodb = (
        session.create_client(name, region_name="eu-west-1", endpoint_url=url)
        for name in ("sqs", "dynamodb")
    )

    def handler(event, _context):
        if event["calls"]:
            sqs.send_message(QueueUrl="https://q/1/q", MessageBody="x")
            dynamodb.put_item(TableName="t", Item={"id": {"S": event["id"]}})
        return {"statusCode": 200}

    return handler


def resident():
    """Return the bytes of this process in memory."""
    return int(Path("/proc/self/statm").read_text("ascii").split()[1]) * PAGE


def left():
    """Return how many threads and open files there are."""
    return {
        "threads": threading.active_count(),
        "files": sum(1 for _ in Path("/proc/self/fd").iterdir()),
    }


def kept():
    """Return what Python itself has allocated, and the number of objects."""
    gc.collect()
    return tracemalloc.get_traced_memory()[0], len(gc.get_objects())


def growth(values):
    """Return what all the steps between *values* add, if each adds what most of them do."""
    steps = [after - before for before, after in itertools.pairwise(values)]
    return statistics.median(steps) * len(steps)


def be(url, rounds, *, traced, allocations):
    """Handle *rounds* events; print what was found as JSON on standard error."""
    handler, context = handler_of(url), Context()
    if traced:
        import lumitrace  # noqa: PLC0415  # not in the bare one

        handler = lumitrace.traced(handler)

    def run(begin, end):
        for number in range(begin, end):
            handler({"calls": number % CALLS_EVERY == 0, "id": str(number % 500)}, context)

    warm = rounds // 5
    if allocations:
        tracemalloc.start()
    run(0, warm)
    gc.collect()
    found = {"before": left()}
    points, counted, began = [], [kept()] if allocations else [], time.perf_counter()
    for step in range(POINTS):
        run(warm + (rounds - warm) * step // POINTS, warm + (rounds - warm) * (step + 1) // POINTS)
        points.append(resident())
        counted += [kept()] if allocations else []
    found["seconds"] = time.perf_counter() - began
    gc.collect()
    for name, values in zip(("allocated", "objects"), zip(*counted, strict=True), strict=False):
        found[name] = growth(values)
    found.update(after=left(), slope=slope(points, (rounds - warm) / POINTS))
    found["resident"] = points[-1] - points[0]
    print(json.dumps(found), file=sys.stderr)


def slope(points, apart):
    """Return by how much *points* rise, each *apart* from the next, by least squares."""
    middle, mean = (len(points) - 1) / 2, sum(points) / len(points)
    above = sum((at - middle) * (one - mean) for at, one in enumerate(points))
    return above / sum((at - middle) ** 2 for at in range(len(points))) / apart


def measure(rounds, *, allocations):
    """Return what was found bare and traced."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    url = f"http://127.0.0.1:{server.server_address[1]}"
    found = {}
    for who in ("bare", "traced"):
        told = [sys.executable, __file__, "--rounds", str(rounds), "--be", who, "--url", url]
        done = subprocess.run(  # noqa: S603  # ourselves
            [*told, *(["--allocations"] if allocations else [])],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            env={"AWS_LAMBDA_FUNCTION_NAME": "soak", "PYTHONPATH": str(SRC), "PYTHONHASHSEED": "0"},
            check=True,
        )
        found[who] = json.loads(done.stderr.splitlines()[-1])
    server.shutdown()
    server.server_close()
    return found


def main():
    """Measure, and print a table."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--rounds", type=int, default=100_000)
    options.add_argument("--be", choices=("bare", "traced"), help=argparse.SUPPRESS)
    options.add_argument("--url", help=argparse.SUPPRESS)
    options.add_argument("--allocations", action="store_true", help=argparse.SUPPRESS)
    asked = options.parse_args()
    if asked.be:
        be(asked.url, asked.rounds, traced=asked.be == "traced", allocations=asked.allocations)
        return
    whole = measure(asked.rounds, allocations=False)
    tenth = measure(asked.rounds // 10, allocations=True)
    row = "{:8}{:>10}{:>14}{:>12}{:>12}{:>9}{:>9}{:>7}".format
    print(row("", "us each", "RSS slope B", "RSS B", "allocated B", "objects", "threads", "files"))
    for who, one in whole.items():
        more = [one["after"][name] - one["before"][name] for name in ("threads", "files")]
        each_us = one["seconds"] / asked.rounds * 1.25e6
        few = tenth[who]["allocated"], tenth[who]["objects"]
        print(row(who, f"{each_us:.0f}", f"{one['slope']:.3f}", one["resident"], *few, *more))


if __name__ == "__main__":
    main()
