"""Arguments in, an answer printed."""

import os
import signal
import sys
from collections.abc import Sequence

from lumitrace.reassembly.cli.arguments import parse
from lumitrace.reassembly.cli.commands import run
from lumitrace.reassembly.problem import Problem


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code: 0, 1 for a failure, 2 for misuse."""
    given = sys.argv[1:] if arguments is None else list(arguments)
    try:
        code = run(parse(given))
        sys.stdout.flush()
    except Problem as problem:
        print(f"lumitrace: {problem.sentence}", file=sys.stderr)  # noqa: T201  # it is a command
        return problem.exit_code
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    except BrokenPipeError:  # the reader, a pager for example, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    return code
