"""The cold question: nothing fetched, nothing set up, and somebody asks why.

Twenty functions, 200 invocations a second in all, 15 minutes: 180,000 invocations, played by
tests/cloudwatch within AWS's limits. Prints how long the exact counts took, and the whole answer.
The server is a process of its own on the same machine, and has counted its lines beforehand: how
long AWS's own queries take is not measured here.

    python benchmarks/cold_question.py [--minutes 15] [--per-second 200]
"""

import argparse
import contextlib
import io
import json
import multiprocessing
import os
import sys
import time
from datetime import datetime, timezone
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))
COUNTS_S, WHOLE_S = 15, 60  # what must hold


def serve(per_second, minutes, told):
    """Play the logs until the process is ended."""
    from tests.cloudwatch.server import CloudWatch  # noqa: PLC0415  # in the server's process
    from tests.cloudwatch.shop import Shops  # noqa: PLC0415

    shops = Shops(per_second, minutes)
    shops.table()
    with CloudWatch(shops) as server:
        told.send((server.endpoint, shops.began_ms, shops.sales))
        told.recv()
        told.send(server.calls)


def ask(endpoint, began_ms, minutes):
    """Return the answer, the seconds until the counts were there, and until the end."""
    from lumitrace.reassembly.cli import main  # noqa: PLC0415  # its import is part of the time
    from lumitrace.reassembly.sources.cloudwatch import cold  # noqa: PLC0415

    counted = []
    count = cold.Cold._count  # noqa: SLF001  # the moment at which the counts are there

    def noting(self, rows):
        count(self, rows)
        counted.append(time.perf_counter())

    cold.Cold._count = noting  # noqa: SLF001
    since, until = (
        f"{datetime.fromtimestamp(ms / 1000, timezone.utc):%Y-%m-%dT%H:%M:%S}"
        for ms in (began_ms, began_ms + minutes * 60_000)
    )
    window = ["--since", since, "--until", until, "--endpoint-url", endpoint]
    groups = [word for shop in SHOPS for word in ("--log-group", f"/aws/lambda/{shop}_*")]
    begun, printed, cpu = time.perf_counter(), io.StringIO(), time.process_time()
    with contextlib.redirect_stdout(printed):
        code = main(["why", *groups, *window, "--json"])
    ended = time.perf_counter()
    assert code == 0, code  # noqa: S101  # no figure of an answer that failed
    cpu_s = time.process_time() - cpu
    return json.loads(printed.getvalue()), counted[-1] - begun, ended - begun, cpu_s


SHOPS = ("orders", "returns", "bookings", "vouchers")


def main():
    """Ask once and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=int, default=15)
    parser.add_argument("--per-second", type=float, default=200.0)
    asked = parser.parse_args()
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        os.environ.setdefault(name, "testing")
    os.environ.setdefault("AWS_DEFAULT_REGION", "eu-west-1")
    here, there = multiprocessing.Pipe()
    server = multiprocessing.get_context("spawn").Process(
        target=serve, args=(asked.per_second, asked.minutes, there), daemon=True
    )
    server.start()
    endpoint, began_ms, sales = here.recv()
    answer, counts_s, whole_s, cpu_s = ask(endpoint, began_ms, asked.minutes)
    here.send("end")
    calls = here.recv()
    server.join()
    issue, impact, seen = answer["issue"], answer["impact"], answer["seen"]
    sample = seen["sample"]
    print(f"sales                {sales:,}")
    print(f"invocations          {sample['invocations'] if sample else seen['invocations']:,}")
    print(f"of them read         {seen['invocations']:,}, {seen['spanLines']:,} span lines")
    print(f"counts               {counts_s:.1f} s   (must be under {COUNTS_S} s)")
    print(f"whole answer         {whole_s:.1f} s   (must be under {WHOLE_S} s)")
    print(f"CPU of the command   {cpu_s:.1f} s")
    print(
        f"requests             {len(calls)}: "
        + ", ".join(f"{calls.count(name)} {name}" for name in sorted(set(calls)))
    )
    print(
        f"scanned              {answer['scanned']['bytes'] / 1e9:.2f} GB, "
        f"{float(answer['scanned']['usd']):.4f} USD"
    )
    print(f"issue                {issue['function']}: {issue['all']}")
    print(f"impact               {impact['lost']:,} lost, {impact['total']}")
    print(
        f"cause                {answer['cause']['type']}: {answer['cause']['failing']}, "
        f"healthy {answer['cause']['healthy']}"
    )
    print(f"sample               {sample}")
    print(f"load average         {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")


if __name__ == "__main__":
    main()
