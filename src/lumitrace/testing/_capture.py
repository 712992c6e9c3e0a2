"""Tracing switched on for a block, its lines kept instead of written."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from lumitrace.capture.config import ON, settings
from lumitrace.capture.current import process
from lumitrace.capture.guard import reporter
from lumitrace.capture.output import output
from lumitrace.wire import span_line

if TYPE_CHECKING:
    from collections.abc import Iterator


class Captured:
    """The span lines of a block.

    Attributes:
        writes: what each write held, as text.
    """

    def __init__(self) -> None:
        self.writes: list[str] = []

    @property
    def text(self) -> list[str]:
        """Return the lines as they would stand in the log."""
        return "".join(self.writes).splitlines()

    @property
    def lines(self) -> list[dict[str, Any]]:
        """Return every span line, oldest first; numbers with a point are text."""
        return [found for line in self.text for found in span_line.find(line).objects]

    def all(self, record: str) -> list[dict[str, Any]]:
        """Return the lines of one kind: start, calls, span, invocation or health."""
        return [line for line in self.lines if line["record"] == record]

    def one(self, record: str) -> dict[str, Any]:
        """Return the only line of one kind.

        Raises:
            AssertionError: where there is none, or more than one.
        """
        lines = self.all(record)
        assert len(lines) == 1, f"{len(lines)} lines of {record!r}, expected one: {self.text}"  # noqa: S101  # said so
        return lines[0]


@contextmanager
def capture() -> Iterator[Captured]:
    """Switch tracing on, also outside Lambda, and keep the lines.

    Handlers must be decorated inside the block or with ``LUMITRACE_ENABLED=1`` set: outside Lambda
    `traced` gives back the function itself. A failure of our own raises here instead of being
    swallowed.
    """
    captured = Captured()
    before = settings.enabled, reporter.reraise, output.write, process.active, process.invocations

    def write(text: str) -> bool:
        captured.writes.append(text)
        return True

    settings.enabled, reporter.reraise, output.write = ON, True, write
    process.active, process.invocations = None, 0
    try:
        yield captured
    finally:
        settings.enabled, reporter.reraise, output.write = before[:3]
        process.active, process.invocations = before[3:]
