"""Files, folders and standard input, opened; what they hold is recognised by content.

A folder is walked: files whose names begin with a dot, and links that lead out of it, are left out.
"""

import os
import stat
import sys
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import IO, TypeVar

from lumitrace.reassembly.events import Counts, LogEvent
from lumitrace.reassembly.problem import Problem
from lumitrace.reassembly.sources.packed import CHUNK, Piece, pieces
from lumitrace.reassembly.sources.path import STANDARD_INPUT
from lumitrace.reassembly.sources.text import NoText

T = TypeVar("T")

MAX_FILES = 100_000  # of a folder
MAX_DEPTH = 32  # folders within folders


def files_of(path: str) -> Iterator[str]:
    """Yield the files that *path* stands for: itself, or those of a folder, by their names.

    Raises:
        Problem: the folder cannot be listed, holds none, or more than can be meant.
    """
    if path == STANDARD_INPUT or not Path(path).is_dir():
        yield path
        return
    top = os.path.realpath(path)
    found = 0
    for file in _walk(path, top, 0):
        found += 1
        if found > MAX_FILES:
            message = f"{path} holds more than {MAX_FILES:,} files; give the folders that you mean"
            raise Problem(message)
        yield file
    if not found:
        message = f"{path} is a folder without files; give the one that holds the logs"
        raise Problem(message)


def _walk(folder: str, top: str, depth: int) -> Iterator[str]:
    if depth > MAX_DEPTH:
        message = f"{folder}: more than {MAX_DEPTH} folders within each other; give this one itself"
        raise Problem(message)
    try:
        with os.scandir(folder) as listed:
            entries = sorted(listed, key=lambda entry: entry.name)
    except OSError as error:
        message = f"{folder} cannot be listed: {error.strerror}; check its permissions"
        raise Problem(message) from None
    for entry in entries:
        if entry.name.startswith("."):
            continue
        if entry.is_symlink():
            target = os.path.realpath(entry.path)
            if Path(target).is_file() and os.path.commonpath([top, target]) == top:
                yield entry.path
        elif entry.is_dir(follow_symlinks=False):
            yield from _walk(entry.path, top, depth + 1)
        elif entry.is_file(follow_symlinks=False):
            yield entry.path


def of_files(path: str, counts: Counts, problems: list[Problem]) -> Iterator[Iterator[LogEvent]]:
    """Yield the sources in the file or folder *path*; *problems* takes what cannot be read."""
    for file in until_it_fails(files_of(path), problems):
        for source in until_it_fails(read_file(file, counts, found=file != path), problems):
            yield until_it_fails(source, problems)


def until_it_fails(events: Iterator[T], problems: list[Problem]) -> Iterator[T]:
    """Yield *events*; the problem that ends them is put into *problems*."""
    try:
        yield from events
    except Problem as problem:
        problems.append(problem)


def read_file(path: str, counts: Counts, *, found: bool = False) -> Iterator[Iterator[LogEvent]]:
    """Yield the log events of the file *path*, those of each file in an archive by themselves.

    Args:
        path: a file; ``-`` is standard input.
        counts: where pieces are counted that are no log event.
        found: nobody named the file: where it holds no text, it is counted.

    Raises:
        Problem: the file cannot be read or unpacked, or holds no text. So may the events.
    """
    shown = "standard input" if path == STANDARD_INPUT else path
    with _opened(path) as file:
        seekable = file if _is_regular(file) else None
        packed = pieces(shown, _chunks(path, file), counts, seekable)
        empty = True
        for events in events_of_pieces(packed, shown, counts, found=found):
            empty = False
            yield events
    if empty and not found:
        message = f"{shown} is empty; give a file with log lines"
        raise Problem(message)


def events_of_pieces(
    packed: Iterator[Piece], shown: str, counts: Counts, *, found: bool
) -> Iterator[Iterator[LogEvent]]:
    """Yield the log events of each piece that holds something.

    Args:
        packed: what a file holds, unpacked.
        shown: what the file is called.
        counts: where pieces are counted that are no log event.
        found: nobody named the file: where it holds no text, it is counted.
    """
    for name, content in packed:
        first = next((chunk for chunk in content if chunk.strip()), None)
        if first is not None:
            whole = chain([first], content)
            yield _events(name, whole, counts, found=found or name != shown)


def _events(
    place: str, content: Iterator[bytes], counts: Counts, *, found: bool
) -> Iterator[LogEvent]:
    from lumitrace.reassembly.sources.recognise import events_of  # noqa: PLC0415  # DuckDB spares it

    try:
        yield from events_of(place, content, counts)
    except NoText:
        if not found:
            raise
        counts.skipped += 1


def _opened(path: str) -> IO[bytes]:
    try:
        if path == STANDARD_INPUT:
            return sys.stdin.buffer
        return Path(path).open("rb")
    except FileNotFoundError:
        sentence = f"{path}: there is no such file; give the path of a log file, or - for stdin"
    except OSError as error:
        sentence = f"{path} cannot be read: {error.strerror}; check its permissions"
    raise Problem(sentence)


def _is_regular(file: IO[bytes]) -> bool:
    return stat.S_ISREG(os.fstat(file.fileno()).st_mode)


def _chunks(path: str, file: IO[bytes]) -> Iterator[bytes]:
    try:
        while chunk := file.read(CHUNK):
            yield chunk
    except OSError as error:
        message = f"{path} cannot be read: {error.strerror}; check its permissions"
        raise Problem(message) from None
