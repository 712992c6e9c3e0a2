"""Makes what the demo needs, then becomes the demo."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import _environments
import _progress

_PROGRAM = Path(__file__).with_name("_demo.py")


def main() -> int:
    """Set up and hand over; return an exit code where the demo could not take our place."""
    asked_for_help = not {"-h", "--help"}.isdisjoint(sys.argv[1:])
    try:
        python = sys.executable if asked_for_help else str(_environments.make(_environments.demo()))
    except _environments.SetupError as error:
        _progress.say(str(error))
        return 2
    except KeyboardInterrupt:
        _progress.say("stopped while installing; the next run begins anew")
        return 130
    return _become([python, str(_PROGRAM), *sys.argv[1:]])


def _become(command: list[str]) -> int:
    environment = _environments.child_environment()
    if os.name == "nt":  # its exec does not wait for what it starts
        return subprocess.run(command, env=environment, check=False).returncode
    return os.execve(command[0], command, environment)  # noqa: S606  # no shell is wanted


if __name__ == "__main__":
    sys.exit(main())
