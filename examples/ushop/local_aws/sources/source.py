"""What the event sources share: a thread that polls until the stage ends."""

from __future__ import annotations

import sys
import threading
import traceback
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
)

if TYPE_CHECKING:
    from collections.abc import Callable

PAUSE_AFTER_ERROR_S = 0.5


class Source(ABC):
    """One event source of one function."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.stopping = threading.Event()
        self._threads: list[threading.Thread] = []

    @abstractmethod
    def poll(self) -> None:
        """Fetch what there is and hand it over; called again and again."""

    @abstractmethod
    def quiet(self) -> bool:
        """Whether nothing waits in the source and nothing is between it and the function."""

    def start(self, pollers: int = 1) -> None:
        """Poll from now on."""
        for _ in range(pollers):
            thread = threading.Thread(
                target=self._run, args=(self.poll,), name=self.name, daemon=True
            )
            self._threads.append(thread)
            thread.start()

    def stop(self) -> None:
        """Poll no more."""
        self.stopping.set()

    def join(self) -> None:
        """Wait until the threads have ended, but not for long."""
        for thread in self._threads:
            thread.join(2)

    def _run(self, poll: Callable[[], None]) -> None:
        while not self.stopping.is_set():
            try:
                poll()
            except InterruptedError:  # noqa: PERF203  # one poll may fail, the next shall come
                return
            except (BotoCoreError, ClientError):
                if self.stopping.is_set():
                    return
                sys.stderr.write(
                    f"local_aws: {self.name} goes on after this error:\n{traceback.format_exc()}"
                )
                self.stopping.wait(PAUSE_AFTER_ERROR_S)
