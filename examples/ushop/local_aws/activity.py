"""Whether anything on the stage is still at work: what ``Stage.drain`` asks."""

from __future__ import annotations

import threading


class Activity:
    """Counts the work under way, and every beginning and end of work.

    Attributes:
        version: Rises with each beginning and end. Two looks that saw nothing at work and the
            same version prove that nothing happened in between.
    """

    def __init__(self) -> None:
        self.version = 0
        self._running = 0
        self._lock = threading.Lock()

    def __enter__(self) -> None:
        with self._lock:
            self._running += 1
            self.version += 1

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._running -= 1
            self.version += 1

    @property
    def idle(self) -> bool:
        """Whether no work is under way at this moment."""
        return self._running == 0
