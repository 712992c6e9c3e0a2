"""Runs the tests in an environment that it makes; what it does not know goes on to pytest."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

import _environments
import _interpreters
import _progress
from _environments import Contents, SetupError

# Both ends of the releases of wrapt that lumitrace takes. 1.15 is compiled for Python 3.11 and
# older; on later ones its pure Python is what gets installed, so that is tested as well.
_WIRE_CAPTURE = (
    Contents("alone", ("wrapt<3", "pytest>=8.0", "hypothesis>=6.100"), extras=None),
    Contents("newest", ("wrapt<3", "boto3", "pytest>=8.0", "hypothesis>=6.100"), extras=None),
    Contents("oldest", ("wrapt==1.15.*", "boto3", "pytest>=8.0", "hypothesis>=6.100"), extras=None),
)
# OpenTelemetry's shim of OpenCensus, which takes wrapt 1.x alone, as of this release; and AWS's SDK
# of durable functions with its runner, which nothing else here needs.
_NEIGHBOURS = (
    Contents(
        "neighbours",
        (
            "aws-durable-execution-sdk-python-testing>=1.4",
            "opentelemetry-opencensus-shim==0.66b1",
            "opentelemetry-sdk",
            "wrapt<2",
            "pytest>=8.0",
        ),
        extras=None,
    ),
)
# The reassembly on a cluster; Java 17 has to be there.
_SPARK = (Contents("spark", ("duckdb>=1.4,<3", "pytest>=8.0"), extras=("spark",)),)
_NEED_LINUX = ("tests/ushop", "tests/end_to_end")
# What --only takes: the environments, and the tests that run in each of them.
_PARTS = {
    "stage": ((_environments.dev(),), _NEED_LINUX),
    "wire-capture": (_WIRE_CAPTURE, ("tests/wire", "tests/capture")),
    "neighbours": (_NEIGHBOURS, ("tests/neighbours",)),
    "spark": (_SPARK, ("tests/spark",)),
}
# What --all leaves out because it is run elsewhere; asked for with --python, it is run. wrapt 1.15
# is on both what it is on 3.10 (compiled) or on 3.13 (pure Python); the whole suite runs on 3.11
# with the newest wrapt; and what 3.12 lacks without boto3, 3.11 and 3.13 lack as well.
_RUN_ELSEWHERE = {"oldest": ("3.11", "3.12"), "newest": ("3.11",), "alone": ("3.12",)}
AT_ONCE = 2


@dataclass(frozen=True)
class Run:
    """One call of pytest: on which Python, with what installed."""

    version: str
    python: str
    contents: Contents
    arguments: list[str]


@dataclass(frozen=True)
class Row:
    """One line of the closing table."""

    python: str
    what: str
    outcome: str
    seconds: float = 0.0


def main() -> int:
    """Run what the arguments ask for and return the exit code."""
    options, pytest_arguments = _parser().parse_known_args()
    try:
        return _run(options, pytest_arguments)
    except SetupError as error:
        _progress.say(str(error))
        return 2
    except KeyboardInterrupt:
        _progress.say("stopped")
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="scripts/test",
        description=__doc__,
        epilog="Everything else is pytest's: scripts/test -x tests/wire -k traceparent",
    )
    parser.add_argument(
        "--all",
        action="store_true",
        help="on each Python 3.10 to 3.14 that is found (spark and neighbours: on one); a table",
    )
    parser.add_argument(
        "--only",
        choices=[*_PARTS],
        action="append",
        help="again for more, two runs at a time. wire-capture: what runs inside a function, with "
        "nothing but wrapt, with boto3 and the newest wrapt, with boto3 and the oldest; "
        "neighbours: libraries that need an environment of their own; spark: the same as --spark; "
        "stage: the shop on the stage, and the nights in its logs",
    )
    parser.add_argument(
        "--spark",
        action="append_const",
        const="spark",
        dest="only",
        help="the reassembly on DuckDB and on a Spark cluster that it starts; needs Java 17",
    )
    parser.add_argument(
        "--expressions",
        action="store_true",
        help="30,000 random update expressions of DynamoDB instead of 1,500: about five minutes",
    )
    parser.add_argument("--python", help="the Python to use (default: $PYTHON, else python3)")
    return parser


def _run(options: argparse.Namespace, pytest_arguments: list[str]) -> int:
    if not _environments.IS_LINUX:
        _progress.say(
            "AWS's runtime client runs on Linux only: the tests of the stage are left out here, "
            "the others run."
        )
    if options.expressions:
        os.environ["LUMITRACE_TEST_EXPRESSIONS"] = "30000"
    if not options.all and not options.only:
        python = options.python or sys.executable
        if any(not argument.startswith("-") for argument in pytest_arguments):
            return _pytest(_environments.dev(), python, _everything(pytest_arguments))[0]
        return max(
            _pytest(_environments.dev(), python, [*part, *pytest_arguments])[0] for part in _parts()
        )
    alone = options.only is None  # one run at a time, which has all cores
    runs, rows = _runs(options, pytest_arguments)
    with ThreadPoolExecutor(max_workers=1 if alone else AT_ONCE) as workers:
        for row, output in workers.map(partial(_row, shown=alone), runs):
            print(output, end="", flush=True)
            rows.append(row)
    return _table(rows)


def _runs(options: argparse.Namespace, pytest_arguments: list[str]) -> tuple[list[Run], list[Row]]:
    """Return what to run, and a row for each Python that is not there."""
    if not options.only:
        everything = (_environments.dev(),)
        return _of_part(options, everything, _everything(pytest_arguments), each=options.all)
    runs, rows = [], []
    for part in dict.fromkeys(options.only):
        environments, tests = _PARTS[part]
        each = options.all and part == "wire-capture"
        found = _of_part(options, environments, [*tests, *pytest_arguments], each=each)
        runs += found[0]
        rows += found[1]
    return runs, rows


def _of_part(
    options: argparse.Namespace,
    environments: tuple[Contents, ...],
    arguments: list[str],
    *,
    each: bool,
) -> tuple[list[Run], list[Row]]:
    """Return the same of one part, on *each* Python or on one."""
    runs, rows = [], []
    for version, python in _chosen(options, each=each).items():
        if python is None:
            rows.append(Row(version, "", "not found on this machine"))
        else:
            runs += [
                Run(version, python, contents, arguments)
                for contents in environments
                if not (each and version in _RUN_ELSEWHERE.get(contents.purpose, ()))
            ]
    return runs, rows


def _chosen(options: argparse.Namespace, *, each: bool) -> dict[str, str | None]:
    if each:
        return _interpreters.find_all()
    python = options.python or sys.executable
    return {_interpreters.version_of(python) or python: python}


def _parts() -> list[list[str]]:
    """Return what pytest is told, a run after the other: all files at once, then the stage.

    The stage's tests start many processes of their own: nothing runs beside them where time is not
    short.
    """
    at_once = ["-n", str(AT_ONCE), "--dist", "loadfile"]
    apart = [f"--ignore={_environments.ROOT / tests}" for tests in _NEED_LINUX]
    stage = [[*_NEED_LINUX]] if _environments.IS_LINUX else []
    return [[*at_once, *apart], *stage]


def _everything(pytest_arguments: list[str]) -> list[str]:
    left_out = () if _environments.IS_LINUX else _NEED_LINUX
    return [*(f"--ignore={_environments.ROOT / x}" for x in left_out), *pytest_arguments]


def _row(run: Run, *, shown: bool) -> tuple[Row, str]:
    """Return how *run* went, and its output where it was not shown while it ran."""
    began = time.monotonic()
    what = run.contents.purpose
    try:
        code, output = _pytest(run.contents, run.python, run.arguments, shown=shown)
    except SetupError as error:
        return Row(run.version, what, f"not run: {error}", time.monotonic() - began), ""
    outcome = "passed" if code == 0 else f"FAILED (pytest's exit code {code})"
    heading = f"\n--- Python {run.version}, {what}\n"
    return Row(run.version, what, outcome, time.monotonic() - began), heading + output


def _pytest(
    contents: Contents, python: str, arguments: list[str], *, shown: bool = True
) -> tuple[int, str]:
    inside = _environments.make(contents, python)
    no_cache = [] if shown else ["-p", "no:cacheprovider"]  # two at once would share it
    done = subprocess.run(
        [str(inside), "-m", "pytest", *no_cache, *arguments],
        cwd=_environments.ROOT,
        env=_environments.child_environment(),
        stdout=None if shown else subprocess.PIPE,
        stderr=None if shown else subprocess.STDOUT,
        encoding="utf-8",
        check=False,
    )
    return done.returncode, done.stdout or ""


def _table(rows: list[Row]) -> int:
    rows.sort(key=lambda row: int(row.python.partition(".")[2]))
    print(f"\n{'python':<8}{'with':<10}{'seconds':>7}  outcome")
    for row in rows:
        print(f"{row.python:<8}{row.what:<10}{row.seconds:>7.0f}  {row.outcome}")
    ran = [row for row in rows if row.what]
    return 0 if ran and all(row.outcome == "passed" for row in ran) else 1


if __name__ == "__main__":
    sys.exit(main())
