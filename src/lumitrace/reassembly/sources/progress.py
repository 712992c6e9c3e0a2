"""How far reading has come, on standard error, where a person looks at it."""

import sys
import time

EVERY_S = 0.2
_CLEAR = "\r\x1b[K"


class Progress:
    """A line that is written over itself; nothing where standard error is no terminal."""

    def __init__(self, what: str) -> None:
        self.what = what
        self.objects = self.bytes = 0
        self._shown = sys.stderr is not None and sys.stderr.isatty()
        self._next_s = 0.0

    def add(self, length: int, *, whole: bool) -> None:
        """Note *length* bytes more; *whole*: they are the last of an object."""
        self.bytes += length
        self.objects += whole
        now_s = time.monotonic()
        if self._shown and now_s >= self._next_s:
            self._next_s = now_s + EVERY_S
            read = f"{self.objects:,} objects, {self.bytes / 1e6:,.1f} MB"
            sys.stderr.write(f"{_CLEAR}lumitrace: {self.what}: {read} read")
            sys.stderr.flush()

    def __enter__(self) -> "Progress":  # noqa: PYI034  # nothing derives from it
        return self

    def __exit__(self, *_: object) -> None:
        if self._shown and self._next_s:
            sys.stderr.write(_CLEAR)
            sys.stderr.flush()
