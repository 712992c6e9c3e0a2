"""Checks what needs no running function: style, types, walls, docs and the deployment template."""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import _environments
import _progress

_LIMIT_S = 1800  # a check that takes longer hangs, on whatever machine
AT_ONCE = 2
HOUSE = ("tests/test_house.py", "tests/test_docs.py")


@dataclass(frozen=True)
class Check:
    """How a check went, and what it said."""

    failed: bool
    output: str
    seconds: float


def _checks(*, fix: bool) -> dict[str, list[str]]:
    return {
        "ruff": ["ruff", "check", *(["--fix"] if fix else []), "."],
        "format": ["ruff", "format", *([] if fix else ["--check"]), "."],
        "house and docs": ["pytest", "-q", *HOUSE],
        "types": ["mypy"],
        "template": ["cfn-lint", "examples/ushop/template.yaml"],
    }


def main() -> int:
    """Run every check, even after one failed, and return 1 if any did."""
    parser = argparse.ArgumentParser(prog="scripts/check", description=__doc__)
    parser.add_argument("--fix", action="store_true", help="let ruff mend what it can")
    parser.add_argument("--python", help="the Python to use (default: $PYTHON, else python3)")
    options = parser.parse_args()
    try:
        inside = _environments.make(_environments.dev(), options.python or sys.executable)
    except _environments.SetupError as error:
        _progress.say(str(error))
        return 2
    commands = {
        name: [str(inside.with_name(command[0])), *command[1:]]
        for name, command in _checks(fix=options.fix).items()
    }
    failed = []
    # What mends files goes one after another.
    with ThreadPoolExecutor(max_workers=1 if options.fix else AT_ONCE) as workers:
        for name, check in zip(commands, workers.map(_run, commands.values()), strict=True):
            print(check.output, end="", flush=True)
            word = "FAILED" if check.failed else "ok"
            _progress.say(f"{name}: {word} ({check.seconds:.1f} s)")
            failed += [name] * check.failed
    _progress.say(f"failed: {', '.join(failed)}" if failed else "all checks passed")
    return 1 if failed else 0


def _run(command: list[str]) -> Check:
    began = time.monotonic()
    done = subprocess.run(
        command,
        cwd=_environments.ROOT,
        env=_environments.child_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        check=False,
        timeout=_LIMIT_S,
    )
    return Check(done.returncode != 0, done.stdout, time.monotonic() - began)


if __name__ == "__main__":
    sys.exit(main())
