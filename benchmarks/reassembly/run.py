"""How fast logs become transactions, beside what reading them costs at all, in the same run.

    python benchmarks/reassembly/run.py --spans 2000000 --spans 10000000 --folder FOLDER
    python benchmarks/reassembly/run.py --spans 10000000 --folder FOLDER --memory 2GB
    python benchmarks/reassembly/run.py --spans 2000000 --mixed --folder FOLDER

Each row: seconds on the clock, seconds of CPU, MB/s, and how many times DuckDB's bare typed read it
takes on the clock. A machine that does other things makes the clock worthless and the CPU about
right: the load stands above the table. The folder needs 400 bytes a span, or 600 where mixed.
"""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import duckdb
import generate

TYPED = (
    "{'record': 'VARCHAR', 'traceId': 'VARCHAR', 'spanId': 'VARCHAR', 'parentSpanId': 'VARCHAR',"
    " 'requestId': 'VARCHAR', 'name': 'VARCHAR', 'kind': 'VARCHAR', 'startUs': 'BIGINT',"
    " 'durationUs': 'BIGINT', 'status': 'BIGINT', 'calls': 'JSON', 'links': 'JSON'}"
)
BLOCK = 4 * 1024 * 1024


def plain_read(path: Path) -> None:
    """Read *path* in blocks."""
    with path.open("rb", buffering=0) as file:
        while file.read(BLOCK):
            pass


def newlines(path: Path) -> None:
    """Count the lines of *path*."""
    with path.open("rb", buffering=0) as file:
        while block := file.read(BLOCK):
            block.count(b"\n")


def typed_read(path: Path) -> None:
    """Let DuckDB read twelve fields of every line, and nothing more."""
    query = (
        f"CREATE TABLE said AS SELECT * FROM read_ndjson(?, columns = {TYPED}, "  # noqa: S608
        "ignore_errors = true)"
    )
    duckdb.connect().execute(query, [str(path)])


def measured(work: Callable[[], None]) -> tuple[float, float]:
    """Return the seconds that *work* took on the clock, and of CPU, with its children's."""
    began, used = time.monotonic(), _cpu()
    work()
    return time.monotonic() - began, _cpu() - used


def _cpu() -> float:
    both = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(used.ru_utime + used.ru_stime for used in both)


def assemble(path: Path, memory: str) -> None:
    """Run the command as a user does, tables written and all."""
    with tempfile.TemporaryDirectory(dir=path.parent) as out:
        command = [sys.executable, "-m", "lumitrace.reassembly.cli", "assemble", str(path)]
        asked = ["--memory", memory] if memory else []
        subprocess.run([*command, "--out", f"{out}/tables", *asked], check=True)  # noqa: S603


def table(path: Path, memory: str) -> float:
    """Print the rows of *path* and return the seconds of CPU that the whole took."""
    size = path.stat().st_size / 1e6
    works = {
        "plain read": lambda: plain_read(path),
        "read, newlines counted": lambda: newlines(path),
        "DuckDB's bare typed read": lambda: typed_read(path),
        f"lumitrace assemble {memory}": lambda: assemble(path, memory),
    }
    took = {name: measured(work) for name, work in works.items()}
    bare = took["DuckDB's bare typed read"][0]
    print(f"{'':<28}{'s':>8}{'CPU s':>8}{'MB/s':>8}{'x bare':>8}")
    for name, (clock, cpu) in took.items():
        print(f"{name:<28}{clock:>8.2f}{cpu:>8.2f}{size / clock:>8.0f}{clock / bare:>8.1f}")
    return [*took.values()][-1][1]


def main() -> None:
    """Write the logs that are not there yet, then measure each."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--spans", type=int, action="append", help="again for more sizes")
    parser.add_argument("--mixed", action="store_true", help="with Lambda's lines around ours")
    parser.add_argument("--memory", default="", help="as the command's")
    parser.add_argument("--folder", type=Path, required=True, help="where the logs are kept")
    asked = parser.parse_args()
    asked.folder.mkdir(parents=True, exist_ok=True)
    before: tuple[int, float] | None = None
    for spans in asked.spans or [2_000_000]:
        path = asked.folder / f"{spans}{'-mixed' if asked.mixed else ''}.log"
        if not path.exists():
            with path.open("w", encoding="ascii") as out:
                generate.write(out, spans, mixed=asked.mixed)
        load = "/".join(f"{one:.1f}" for one in os.getloadavg())
        what = f"{path.stat().st_size / 1e6:,.0f} MB, {os.cpu_count()} cores, load {load}"
        print(f"\n{spans:,} spans{', mixed' if asked.mixed else ''}; {what}")
        cpu = table(path, asked.memory)
        if before:
            growth = (cpu / before[1]) / (spans / before[0])
            print(f"growth in CPU per span from {before[0]:,} spans: x {growth:.2f}")
        before = (spans, cpu)


if __name__ == "__main__":
    main()
