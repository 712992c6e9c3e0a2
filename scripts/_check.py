"""Checks what needs no running function: style, types, walls, docs and the deployment template."""

from __future__ import annotations

import argparse
import subprocess
import sys
import time

import _environments
import _progress

_LIMIT_S = 600  # a check that takes longer hangs


def _checks(*, fix: bool) -> dict[str, list[str]]:
    return {
        "ruff": ["ruff", "check", *(["--fix"] if fix else []), "."],
        "format": ["ruff", "format", *([] if fix else ["--check"]), "."],
        "types": ["mypy"],
        "template": ["cfn-lint", "examples/ushop/template.yaml"],
        "house and docs": ["pytest", "-q", "tests/test_house.py", "tests/test_docs.py"],
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
    failed = [
        name
        for name, command in _checks(fix=options.fix).items()
        if not _passes(name, [str(inside.with_name(command[0])), *command[1:]])
    ]
    _progress.say(f"failed: {', '.join(failed)}" if failed else "all checks passed")
    return 1 if failed else 0


def _passes(name: str, command: list[str]) -> bool:
    began = time.monotonic()
    code = subprocess.run(
        command,
        cwd=_environments.ROOT,
        env=_environments.child_environment(),
        check=False,
        timeout=_LIMIT_S,
    ).returncode
    took = time.monotonic() - began
    _progress.say(f"{name}: {'ok' if code == 0 else 'FAILED'} ({took:.1f} s)")
    return code == 0


if __name__ == "__main__":
    sys.exit(main())
