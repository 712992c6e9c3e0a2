"""A process's three ways of saying something: stdout, stderr and Lambda's framed log channel.

Frames (type, length, microseconds, message) are what the runtime client writes to the file
descriptor in ``_LAMBDA_TELEMETRY_LOG_FD``: ``awslambdaric.bootstrap.FramedTelemetryLogSink``.
"""

from __future__ import annotations

import os
import selectors
import struct
import threading
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_HEADER = struct.Struct(">IIQ")
_MAX_LINE_BYTES = 262_118  # longer lines come in pieces (seen: 2**18 - 26)


class Pipes:
    """Reads what one process writes, while it runs and, at once, when an invocation ends."""

    def __init__(self, sink: Callable[[str, float], None]) -> None:
        """Give each line or frame to *sink*, with its time in Unix seconds."""
        self._sink = sink
        self._lock = threading.Lock()
        self._buffers: dict[int, bytearray] = {}
        self._framed = -1
        self.writers: list[int] = []
        for _ in range(3):
            reader, writer = os.pipe()
            os.set_blocking(reader, False)
            self._buffers[reader] = bytearray()
            self.writers.append(writer)
        self._framed = next(reversed(self._buffers))

    def close_writers(self) -> None:
        """Leave the process as the only writer, so that its death is an end of file."""
        for writer in self.writers:
            os.close(writer)

    def read_until_end(self) -> None:
        """Read until every writer is gone: the process and all that it started."""
        with selectors.DefaultSelector() as selector:
            for reader in self._buffers:
                selector.register(reader, selectors.EVENT_READ)
            while selector.get_map():
                for key, _ in selector.select():
                    with self._lock:
                        if not self._read(key.fd):
                            selector.unregister(key.fd)
        with self._lock:
            for reader, buffer in self._buffers.items():
                if buffer and reader != self._framed:
                    self._sink(buffer.decode("utf-8", "replace") + "\n", time.time())
                os.close(reader)
            self._buffers.clear()

    def drain(self) -> None:
        """Take everything written up to now, so that no line lands after END."""
        with self._lock:
            for reader in self._buffers:
                self._read(reader)

    def _read(self, reader: int) -> bool:
        """Read what is there; return False at the end of the file."""
        while True:
            try:
                data = os.read(reader, 65_536)
            except BlockingIOError:
                return True
            if not data:
                return False
            self._buffers[reader] += data
            if reader == self._framed:
                self._cut_frames(self._buffers[reader])
            else:
                self._cut_lines(self._buffers[reader])

    def _cut_frames(self, buffer: bytearray) -> None:
        while len(buffer) >= _HEADER.size:
            _, length, micros = _HEADER.unpack_from(buffer)
            frame_end = _HEADER.size + length
            if len(buffer) < frame_end:
                return
            if length:
                message = bytes(buffer[_HEADER.size : frame_end])
                self._sink(message.decode("utf-8", "replace"), micros / 1e6)
            del buffer[:frame_end]

    def _cut_lines(self, buffer: bytearray) -> None:
        while True:
            line_end = buffer.find(b"\n", 0, _MAX_LINE_BYTES) + 1
            if not line_end and len(buffer) < _MAX_LINE_BYTES:
                return
            line_end = line_end or _MAX_LINE_BYTES
            self._sink(bytes(buffer[:line_end]).decode("utf-8", "replace"), time.time())
            del buffer[:line_end]
