"""What tracers cost a function: its start, an empty invocation, an AWS call, memory, bytes.

    python benchmarks/overhead [--rounds 15] [--only NAME,NAME] [--no-boto3] [--cache FOLDER]

Makes an environment a tracer from the package registry at first (about 300 MB, kept in the cache),
starts each under Lambda's own runtime client, and prints a table. Every figure is the median of the
differences to the bare function in the same round; a round does everything once, in an order drawn
anew. Linux, two cores; a machine with other work on it gives wrong absolute figures, which the
spread shows. Lumigo needs openssl, for a server with a certificate.
"""

import argparse
import io
import json
import os
import platform
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(HERE), str(ROOT / "src")]

from host import Function, certificate  # noqa: E402  # after the path is set
from tracers import LAMBDA, TRACERS  # noqa: E402  # as above

from lumitrace.reassembly.deploy.layer import build  # noqa: E402  # as above

EVENTS = ROOT / "tests/events/api_gateway_rest.json"
WARM_UP = 60  # invocations
EMPTY, CALLS = 60, 12  # invocations a round
COLUMNS = (
    "init ms",
    "init CPU ms",
    "ratio",
    "first ms",
    "empty us",
    "CPU us",
    "AWS call us",
    "CPU us",
    "ratio",
    "memory MB",
    "log bytes",
    "sent bytes",
)


def environment(name, cache):
    """Return the Python of *name*'s own environment in *cache*, made if it is not there."""
    wanted = (*LAMBDA, *TRACERS[name][0])
    folder = cache / f"{name.split()[0].strip(',').lower()}-{abs(hash_of(wanted)):x}"
    python = folder / "bin/python"
    if not (folder / "done").exists():
        print(f"installing {' '.join(wanted)}", file=sys.stderr)
        shutil.rmtree(folder, ignore_errors=True)
        for command in ("venv", folder), ("pip", "install", "-q", *wanted):
            interpreter = sys.executable if command[0] == "venv" else python
            subprocess.run([interpreter, "-m", *command], check=True)  # noqa: S603  # as written
        (folder / "done").touch()
    return python


def hash_of(texts):
    """Return a number that *texts* always have."""
    return int.from_bytes(" ".join(texts).encode(), "big") % (1 << 32)


class Measured:
    """One tracer: how to start its function, and the figures so far, one a round."""

    def __init__(self, name, cache, work, tls):
        _, module, variables = TRACERS[name]
        self.name = name
        self.folder = work / name.replace(" ", "-").replace(",", "")
        self.folder.mkdir()
        (self.folder / "app.py").write_text(module, "utf-8")
        shutil.copy(HERE / "work.py", self.folder)
        self.python = environment(name, cache)
        self.tls, certificate_file = tls
        self.variables = {"PYTHONPATH": "", **variables}
        handler = "lumitrace.handler" if "LUMITRACE_HANDLER" in variables else "app.handler"
        self.variables["_HANDLER"] = handler
        if "layer" in name or "FAST" in name:
            self.variables["PYTHONPATH"] = str(work / "opt" / "python")
        elif name == "lumitrace":
            self.variables["PYTHONPATH"] = str(work / "src")
        if "{tls}" in str(variables):
            self.variables["SSL_CERT_FILE"] = str(certificate_file)
        self.command = [str(self.python), "-m", "awslambdaric", handler]

    def start(self, boto):
        """Start a process of it."""
        variables = {**self.variables, "WORK_BOTO": boto}
        return Function(self.command, variables, self.folder, self.tls)


def cold(one, event, boto):
    """Return what a start of *one* takes, in ms, and its first invocation."""
    function = one.start(boto)
    try:
        first = function.invoke(event, 1)[0] / 1000
        return {"init": function.init_ms, "init_cpu": function.init_cpu_ms, "first": first}
    finally:
        function.end()


def warm(function, empty, calls):
    """Return what invocations of *function* take, in us."""
    figures = {}
    for name, event, count in (("empty", empty, EMPTY), ("calls", calls, CALLS)):
        before = function.cpu_ns(), function.log_bytes, function.sent_bytes()
        figures[name] = statistics.median(function.invoke(event, count)[2:])
        figures[f"{name}_cpu"] = (function.cpu_ns() - before[0]) / 1000 / count
        figures["log"] = (function.log_bytes - before[1]) / count
        figures["sent"] = (function.sent_bytes() - before[2]) / count
    return figures


def named(only):
    """Return the tracers that *only* names, parted by commas; a name may hold one itself."""
    if not only:
        return list(TRACERS)
    chosen, rest = {"bare"}, only.strip()
    while rest:
        fits = [name for name in TRACERS if f"{rest},".startswith(f"{name},")]
        if not fits:
            sys.exit(f"--only: no tracer is called {rest!r}; there are: {'; '.join(TRACERS)}")
        chosen.add(max(fits, key=len))
        rest = rest[len(max(fits, key=len)) + 1 :].strip()
    return [name for name in TRACERS if name in chosen]


def measure(asked, work):
    """Return the figures of every round, by tracer; the first, which fills caches, left out."""
    event = json.loads(EVENTS.read_text("utf-8"))
    empty = {**event, "path": "/empty", "httpMethod": "POST"}
    calls = {**event, "path": "/sales", "httpMethod": "POST"}
    boto = "0" if asked.no_boto3 else "1"
    tls = certificate(work)
    names = named(asked.only)
    if tls[0] is None:
        names = [name for name in names if "{tls}" not in str(TRACERS[name])]
        print("without openssl: Lumigo is left out", file=sys.stderr)
    tracers = [Measured(name, Path(asked.cache), work, tls) for name in names]
    rounds = []
    for number in range(asked.rounds + 1):
        began = time.monotonic()
        random.shuffle(tracers)
        figures = {one.name: cold(one, empty if asked.no_boto3 else calls, boto) for one in tracers}
        if not asked.no_boto3:
            live = {one.name: one.start(boto) for one in tracers}
            for name, function in live.items():
                for each in (empty, calls):
                    function.invoke(each, WARM_UP)
                figures[name].update(warm(function, empty, calls))
                figures[name]["peak"] = function.peak_kb() / 1024
                function.end()
        if number:
            rounds.append(figures)
        print(f"round {number}/{asked.rounds}: {time.monotonic() - began:.0f} s", file=sys.stderr)
    return names, rounds


def table(names, rounds):
    """Yield the lines of the table."""
    yield "| tracer | " + " | ".join(COLUMNS) + " |"
    yield "|---|" + "---:|" * len(COLUMNS)
    for name in names:
        yield f"| {name} | " + " | ".join(cells(name, rounds)) + " |"


def cells(name, rounds):
    """Yield the cells of a row: the bare function's own figures, or what *name* adds to them."""
    pairs = [(one[name], one["bare"]) for one in rounds]

    def median(field):
        if field not in pairs[0][0]:
            return "-"
        values = [mine[field] - (0 if name == "bare" else bare[field]) for mine, bare in pairs]
        return f"{statistics.median(values):{'' if name == 'bare' else '+'}.1f}"

    def ratio(field):
        if field not in pairs[0][0]:
            return "-"
        return f"{statistics.median(mine[field] / bare[field] for mine, bare in pairs):.2f}"

    def call(suffix=""):
        if "calls" not in pairs[0][0]:
            return "-"
        slope = [
            [(one[f"calls{suffix}"] - one[f"empty{suffix}"]) / 11 for one in pair] for pair in pairs
        ]
        own = [mine - (0 if name == "bare" else bare) for mine, bare in slope]
        return f"{statistics.median(own):{'' if name == 'bare' else '+'}.0f}"

    yield median("init")
    yield median("init_cpu")
    yield ratio("init")
    yield median("first")
    yield median("empty")
    yield median("empty_cpu")
    yield call()
    yield call("_cpu")
    yield ratio("calls")
    yield median("peak")
    yield median("log")
    yield median("sent")


def main():
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--only", default="", metavar="NAME,NAME")
    parser.add_argument("--no-boto3", action="store_true", help="a function that imports no boto3")
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    parser.add_argument("--cache", default=Path(home) / "lumitrace-overhead")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        layer = build(f"{sys.version_info[0]}.{sys.version_info[1]}")
        zipfile.ZipFile(io.BytesIO(layer.content)).extractall(work / "opt")
        source = work / "src" / "lumitrace"
        shutil.copytree(ROOT / "src/lumitrace", source, ignore=shutil.ignore_patterns("*.pyc"))
        names, rounds = measure(asked, work)
    today = time.strftime("%Y-%m-%d")
    print(f"Python {platform.python_version()}, {asked.rounds} rounds, {today}\n")
    print("\n".join(table(names, rounds)))


if __name__ == "__main__":
    main()
