"""Bytes of any origin as text: decoded, cut into lines, only a bounded part in memory at a time."""

import codecs
from collections.abc import Iterable, Iterator
from itertools import chain

from lumitrace.reassembly.events import Counts
from lumitrace.reassembly.problem import Problem
from lumitrace.wire.span_line import MARK

HEAD = 64 * 1024  # characters that are looked at to tell one form from another
LOOKED_AT = 8192  # bytes that are looked at to tell text from something else
LINES_TO_RECOGNISE = 20

# An event is 1 MiB at most, and JSON may write six characters for one.
# https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/cloudwatch_limits_cwl.html
MAX_LINE = 8 * 1024 * 1024  # characters

OURS = MARK[2:11]  # the mark's name: its quotes are escaped where an event is JSON
_LOGS = (b"lumitrace", b"RequestId: ", b'"message"', b'"platform.', b'"logEvents"')


class NoText(Problem):
    """What was read holds no text."""


class Text:
    """The text of one file, or of one file in an archive, read once from its beginning to its end.

    Attributes:
        place: where it was found; stands for the log stream where the text does not name it.
        head: its beginning, HEAD characters at most.
        counts: where to count what is no log event.
    """

    def __init__(self, place: str, chunks: Iterable[str], counts: Counts) -> None:
        self.place = place
        self.counts = counts
        self._rest = iter(chunks)
        self._first = ""
        for chunk in self._rest:
            self._first += chunk
            if len(self._first) >= HEAD:
                break
        self.head = self._first[:HEAD]

    def chunks(self) -> Iterator[str]:
        """Return the text in pieces; it can be asked for once."""
        first, self._first = self._first, ""
        return chain([first], self._rest)

    def first_lines(self) -> list[str]:
        """Return the first lines that hold something."""
        lines = self.head.split("\n", 200)[:200]
        return [line.rstrip("\r") for line in lines if line.strip()][:LINES_TO_RECOGNISE]

    def lines(self) -> Iterator[str]:
        """Yield the lines without their ends. One that no log event can be long as is counted."""
        waiting: list[str] = []
        length = 0
        for chunk in self.chunks():
            first, *others = chunk.split("\n")
            length += len(first)
            if length <= MAX_LINE:
                waiting.append(first)
            else:
                waiting = waiting[:1]
            if not others:
                continue
            yield from self._line(waiting, length)
            waiting, length = [others[-1]], len(others[-1])
            for line in others[:-1]:
                yield line.removesuffix("\r")
        yield from self._line(waiting, length)

    def _line(self, pieces: list[str], length: int) -> Iterator[str]:
        if length <= MAX_LINE:
            yield "".join(pieces).removesuffix("\r")
        else:
            self.unusable("".join(pieces))

    def unusable(self, piece: str) -> None:
        """Count *piece*, which is no log event: as broken where it held a line of ours."""
        if OURS in piece:
            self.counts.broken += 1
        elif piece.strip():
            self.counts.skipped += 1


def decoded(place: str, chunks: Iterable[bytes]) -> Iterator[str]:
    """Yield *chunks* as text; what does not decode is replaced.

    Raises:
        NoText: they hold none.
    """
    rest = iter(chunks)
    head = b""
    for chunk in rest:
        head += chunk
        if len(head) >= LOOKED_AT:
            break
    decoder = codecs.getincrementaldecoder(_encoding(place, head))(errors="replace")
    begun = False
    for chunk in chain([head], rest):
        text = decoder.decode(chunk)
        if text:
            yield text if begun else text.removeprefix("\ufeff")
            begun = True
    text = decoder.decode(b"", final=True)
    if text:
        yield text


def _encoding(place: str, head: bytes) -> str:
    """Return how *head* is encoded."""
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    looked_at = head[:LOOKED_AT]
    half = len(looked_at) // 2
    even, odd = looked_at[::2].count(0), looked_at[1::2].count(0)
    for encoding, zeros, others in (("utf-16-le", odd, even), ("utf-16-be", even, odd)):
        if zeros > half * 0.9 and others < half * 0.1:
            return encoding
    unknown = looked_at.decode("utf-8", errors="replace").count("\ufffd")
    strange = b"\0" in looked_at or unknown > len(looked_at) // 10
    if strange and not any(word in looked_at for word in _LOGS):
        message = f"{place} holds no text; give log lines: plain, or log events as JSON"
        raise NoText(message)
    return "utf-8"
