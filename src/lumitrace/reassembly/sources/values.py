"""JSON values that stand one after another in a text, decoded as they come.

What does not parse is counted, and reading goes on where the next value may begin.
"""

import json
import re
from collections.abc import Iterator
from typing import Any

from lumitrace.reassembly.sources.text import Text

# What CloudWatch Logs hands to a subscriber in one piece was about 1 MiB before it was compressed;
# this leaves room for more.
MAX_VALUE = 32 * 1024 * 1024  # characters
_EDGE = 16  # characters; an error so near to the end of what was read may be one of the cut

_decode = json.JSONDecoder().raw_decode
_BETWEEN = re.compile(r"[\s,]*")


class Values:
    """The JSON values of a text.

    Attributes:
        begins: how a value begins that is looked for behind one that does not parse.
    """

    def __init__(self, text: Text, begins: str = r'\{\s*"') -> None:
        self.text = text
        self.begins = re.compile(begins)
        self._chunks = text.chunks()
        self._buffer = ""
        self._at = 0

    def skip_behind(self, pattern: str) -> bool:
        """Go behind the next place where *pattern* stands, and tell whether there is one."""
        searched = re.compile(pattern)
        while True:
            found = searched.search(self._buffer, self._at)
            if found:
                self._at = found.end()
                return True
            self._at = max(self._at, len(self._buffer) - 256)
            if not self._more():
                return False

    def each(self, closing: str = "") -> Iterator[Any]:
        """Yield the objects and lists up to *closing*, or to the end of the text."""
        while self._go_on():
            here = self._buffer[self._at]
            if closing and here == closing:
                self._at += 1
                return
            try:
                value, end = _decode(self._buffer, self._at)
            except (ValueError, RecursionError) as error:
                if not (self._may_be_cut(error) and self._more()):
                    self._skip_broken(closing)
                continue
            if end == len(self._buffer) and here not in '{["' and self._more():
                continue  # a number may go on
            self._at = end
            yield value

    def _go_on(self) -> bool:
        """Go to where something stands, and tell whether anything does."""
        while True:
            self._at = _BETWEEN.match(self._buffer, self._at).end()  # type: ignore[union-attr]  # may be empty
            if self._at < len(self._buffer):
                return True
            if not self._more():
                return False

    def _more(self) -> bool:
        """Read on, at least as much again as waits, and tell whether there was more."""
        waiting = self._buffer[self._at :]
        pieces, length = [waiting], 0
        for chunk in self._chunks:
            pieces.append(chunk)
            length += len(chunk)
            if length >= len(waiting):
                break
        self._buffer, self._at = "".join(pieces), 0
        return length > 0

    def _may_be_cut(self, error: Exception) -> bool:
        """Tell whether what did not parse may do so when more of it was read."""
        if not isinstance(error, json.JSONDecodeError) or self._waiting() > MAX_VALUE:
            return False
        return error.msg.startswith("Unterminated") or error.pos >= len(self._buffer) - _EDGE

    def _waiting(self) -> int:
        return len(self._buffer) - self._at

    def _skip_broken(self, closing: str) -> None:
        """Count what stands here, and go to where the next value may begin."""
        begun = self._at
        found = self.begins.search(self._buffer, begun + 1)
        if found:
            self._at = found.start()
        else:
            self._at = len(self._buffer)
        piece = self._buffer[begun : self._at]
        if closing or piece.lstrip().startswith(("{", "[")):
            self.text.counts.broken += 1
        else:
            self.text.unusable(piece)
