"""Standard output, where the lines go: each in one write."""

import os
import time

STDOUT = 1


class Output:
    """Standard output, as a file descriptor: ``sys.stdout`` may be replaced or closed."""

    __slots__ = ("second", "seconds_text", "torn", "write")

    def __init__(self) -> None:
        self.torn = False
        self.second = -1
        self.seconds_text = ""
        self.write = self.to_stdout

    def to_stdout(self, text: str) -> bool:
        """Write *text*, whole lines, in one piece; return False where it could not be written."""
        data = text.encode("ascii")
        if self.torn:
            data = b"\n" + data
        try:
            while data:
                data = data[os.write(STDOUT, data) :]
        except OSError:
            self.torn = self.torn or bool(data)
            return False
        self.torn = False
        return True

    def timestamp(self) -> str:
        """Return the time now as RFC 3339 with milliseconds."""
        second, nanoseconds = divmod(time.time_ns(), 1_000_000_000)
        if second != self.second:
            self.seconds_text = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second))
            self.second = second
        return f"{self.seconds_text}.{nanoseconds // 1_000_000:03d}Z"


output = Output()
