"""What runs in a sandbox: Lambda's own runtime client, found and started as Lambda does.

Run as ``python bootstrap.py <pid of the stage>``; ``_HANDLER`` names the handler.
"""

from __future__ import annotations

import ctypes
import os
import signal
import site
import sys

_PR_SET_PDEATHSIG = 1  # prctl(2): the signal to get when the parent dies


def main() -> None:
    """End with the stage, whatever ends it; else run the handler until killed."""
    stage = int(sys.argv[1])
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != stage:  # it died before we asked
        return
    # Lambda's order: the task, the layers, then the runtime's own packages.
    task = os.environ["LAMBDA_TASK_ROOT"]
    layers = [*filter(None, os.environ.pop("_LOCAL_AWS_LAYERS").split(":"))]
    # As Lambda's own bootstrap.py: with a PYTHONPATH of the user's, layers are left out of both.
    if "PYTHONPATH" in os.environ:
        layers = []
    sys.path[:1] = [task, *layers]
    for folder in (task, *layers):
        site.addsitedir(folder)  # reads .pth files

    from awslambdaric.__main__ import main as run  # noqa: PLC0415  # the path is set only now

    run(["bootstrap", os.environ["_HANDLER"]])


if __name__ == "__main__":
    main()
