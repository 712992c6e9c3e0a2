"""What runs in a sandbox: Lambda's own runtime client, found and started as Lambda does.

Run as ``python bootstrap.py <handler> <pid of the stage>``.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1  # prctl(2): the signal to get when the parent dies


def main() -> None:
    """End with the stage, whatever ends it; else run the handler until killed."""
    handler, stage = sys.argv[1], int(sys.argv[2])
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != stage:  # it died before we asked
        return
    # Lambda's order: the task, the layers, then the runtime's own packages.
    sys.path[:1] = [
        os.environ["LAMBDA_TASK_ROOT"],
        *filter(None, os.environ.pop("_LOCAL_AWS_LAYERS").split(":")),
    ]

    from awslambdaric.__main__ import main as run  # noqa: PLC0415  # the path is set only now

    run(["bootstrap", handler])


if __name__ == "__main__":
    main()
