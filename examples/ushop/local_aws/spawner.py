"""Starts the stage's processes, in such a way that none of them outlives it."""

from __future__ import annotations

import subprocess
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


class Spawner:
    """One thread that starts every process.

    The kernel sends a child its death signal (``PR_SET_PDEATHSIG``) when the *thread* that forked
    it ends, not the process; this thread ends with the stage.
    """

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="spawner")

    def spawn(self, arguments: list[str], **options: Any) -> subprocess.Popen[bytes]:
        """Start a process, as ``subprocess.Popen`` does.

        Raises:
            InterruptedError: The stage has ended.
        """
        start: Callable[..., subprocess.Popen[bytes]] = subprocess.Popen
        try:
            return self._thread.submit(start, arguments, **options).result()
        except RuntimeError as error:  # the thread takes no more work
            message = "the stage has ended"
            raise InterruptedError(message) from error

    def stop(self) -> None:
        """End the thread, and with it whatever it started that still lives."""
        self._thread.shutdown()
