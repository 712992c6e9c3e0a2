"""Deploys Ushop to a real account, breaks it, asks why, and checks what was only believed so far.

Everything is made in two stacks and a bucket, called lumitrace-acceptance, and removed at the end,
also where it fails or is stopped. It costs about what its last line says. It was never run yet.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

import _acceptance_template
import _environments
import _progress

_PROGRAM = Path(__file__).with_name("_acceptance_run.py")
PAGE = _environments.ROOT / "docs" / "assumptions.md"


def main() -> int:
    """Hand over to the run, in an environment of its own; return the exit code."""
    parser = argparse.ArgumentParser(
        prog="scripts/acceptance",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--profile", help="a profile of ~/.aws/config: whose account is used")
    parser.add_argument("--region", default="eu-west-1", help="default eu-west-1")
    parser.add_argument("--keep", action="store_true", help="leave it there, and say how to remove")
    parser.add_argument(
        "--print", choices=("template",), help="deploy nothing; print the template that it deploys"
    )
    options = parser.parse_args()
    if options.print:
        print(_acceptance_template.text(), end="")
        return 0
    if not options.profile:
        parser.error("--profile is needed: nothing is deployed to an account that is not named")
    try:
        python = str(_environments.make(_environments.demo()))
    except _environments.SetupError as error:
        _progress.say(str(error))
        return 2
    keep = ["--keep"] if options.keep else []
    command = [python, str(_PROGRAM), options.profile, options.region, *keep]
    return os.execve(python, command, _environments.child_environment())  # noqa: S606  # no shell


if __name__ == "__main__":
    sys.exit(main())
