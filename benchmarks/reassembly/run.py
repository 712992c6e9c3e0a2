"""How fast logs become transactions, beside what reading them costs at all, in the same run.

    python benchmarks/reassembly/run.py --spans 100000 --spans 2000000 --folder FOLDER
    python benchmarks/reassembly/run.py --spans 10000000 --folder FOLDER --memory 2GB
    python benchmarks/reassembly/run.py --spans 2000000 --mixed --folder FOLDER

Each row: seconds on the clock, seconds of CPU, MB/s, and the part of DuckDB's bare typed read that
it reaches, on the clock and of CPU. A machine that does other things makes the clock worthless and
the CPU about right: the load stands above the table; with --times the best of several runs counts.
"known" is when the command knows all transactions and has not written its tables yet. At the end a
log of 1,000 spans, the whole process. The folder needs 800 bytes a span, or 1,000 where mixed.
"""

import argparse
import contextlib
import os
import re
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
BARE = "DuckDB's bare typed read"


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


def parse(path: Path) -> None:
    """Let orjson read every line that begins as JSON does, one thread."""
    import orjson  # noqa: PLC0415  # where it is installed

    with path.open("rb") as file:
        for line in file:
            if line.startswith(b"{"):
                with contextlib.suppress(orjson.JSONDecodeError):
                    orjson.loads(line)


def measured(work: Callable[[], None]) -> tuple[float, float]:
    """Return the seconds that *work* took on the clock, and of CPU, with its children's."""
    began, used = time.monotonic(), _cpu()
    work()
    return time.monotonic() - began, _cpu() - used


def _cpu() -> float:
    both = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(used.ru_utime + used.ru_stime for used in both)


def assemble(path: Path, memory: str) -> tuple[float, int]:
    """Run the command as a user does; return when the transactions were known, and its memory.

    The memory is the most that the process and its kin held so far, in MB.
    """
    with tempfile.TemporaryDirectory(dir=path.parent) as out:
        command = [sys.executable, "-m", "lumitrace.reassembly.cli", "assemble", str(path)]
        asked = [*command, "--out", f"{out}/tables", *(["--memory", memory] if memory else [])]
        done = subprocess.run(asked, check=True, capture_output=True, text=True)  # noqa: S603
    known = re.search(r"known after ([0-9.]+) s", done.stderr)
    held = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024
    return float(known[1]) if known else 0, held


def table(path: Path, memory: str, times: int) -> float:
    """Print the rows of *path* and return the seconds of CPU that the whole took."""
    size = path.stat().st_size / 1e6
    seen: list[tuple[float, int]] = []
    works: dict[str, Callable[[], None]] = {
        "plain read": lambda: plain_read(path),
        "read, newlines counted": lambda: newlines(path),
        "orjson, one thread": lambda: parse(path),
        BARE: lambda: typed_read(path),
        "lumitrace assemble": lambda: seen.append(assemble(path, memory)),
    }
    with contextlib.suppress(ImportError):
        import orjson  # noqa: F401, PLC0415  # whether it is there
    if "orjson" not in sys.modules:
        del works["orjson, one thread"]
        print("orjson is not installed, so it is not measured")
    runs = {name: [measured(work) for _ in range(times)] for name, work in works.items()}
    took = {name: tuple(map(min, zip(*one, strict=True))) for name, one in runs.items()}
    known, held = min(seen)
    took["  of it, known"] = (known, 0.0)
    clock, cpu = took[BARE]
    print(f"{'':<26}{'s':>8}{'CPU s':>8}{'MB/s':>8}{'of bare':>9}{'CPU':>7}")
    for name, (ran, used) in took.items():
        of_cpu = f"{cpu / used:>7.2f}" if used else ""
        print(f"{name:<26}{ran:>8.2f}{used:>8.2f}{size / ran:>8.0f}{clock / ran:>9.2f}{of_cpu}")
    print(f"memory of the largest process so far: {held} MB")
    return took["lumitrace assemble"][1]


def small(folder: Path) -> None:
    """Print what 1,000 spans take, from the start of the process to its end."""
    path = folder / "1000.log"
    with path.open("w", encoding="ascii") as out:
        generate.write(out, 1000)
    several = [measured(lambda: ignored(assemble(path, ""))) for _ in range(5)]
    clock, cpu = map(min, zip(*several, strict=True))
    print(f"\n1,000 spans, the whole process, best of 5: {clock:.2f} s, {cpu:.2f} s of CPU")


def ignored(_: object) -> None:
    """Drop what was returned."""


def main() -> None:
    """Write the logs that are not there yet, then measure each."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--spans", type=int, action="append", help="again for more sizes")
    parser.add_argument("--mixed", action="store_true", help="with Lambda's lines around ours")
    parser.add_argument("--memory", default="", help="as the command's")
    parser.add_argument("--times", type=int, default=1, help="the best of so many runs counts")
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
        cpu = table(path, asked.memory, asked.times)
        if before:
            growth = (cpu / before[1]) / (spans / before[0])
            print(f"growth in CPU per span from {before[0]:,} spans: x {growth:.2f}")
        before = (spans, cpu)
    small(asked.folder)


if __name__ == "__main__":
    main()
