"""Never more requests a second than AWS takes."""

import time
from collections import deque


class Pace:
    """At most so many requests within any second."""

    def __init__(self, per_second: int) -> None:
        self.sent: deque[float] = deque(maxlen=per_second)

    def wait(self) -> None:
        """Wait until the next request may be sent, and count it."""
        if len(self.sent) == self.sent.maxlen:
            rest = self.sent[0] + 1.05 - time.monotonic()  # 50 ms of doubt on the way
            if rest > 0:
                time.sleep(rest)
        self.sent.append(time.monotonic())
