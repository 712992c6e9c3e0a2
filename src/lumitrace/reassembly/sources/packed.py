"""Compressed files and archives, unpacked while they are read; no name in them is written anywhere.

gzip: https://www.rfc-editor.org/rfc/rfc1952
zip: https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT
zstd: https://www.rfc-editor.org/rfc/rfc8878, in Python from 3.14
"""

import stat
import tempfile
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import IO, Any

from lumitrace.reassembly.events import Counts
from lumitrace.reassembly.fields import clean
from lumitrace.reassembly.problem import Problem

CHUNK = 256 * 1024  # bytes
GZIP, ZIP, ZSTD = b"\x1f\x8b", b"PK\x03\x04", b"(\xb5/\xfd"
EMPTY_ZIP = b"PK\x05\x06"
MAGIC = 4  # bytes
_TAR_AT, _TAR = 257, b"ustar"

MAX_DEPTH = 4  # an archive of objects that hold compressed records, and one more
MAX_FILES = 100_000  # in an archive
# Log lines of functions come to a tenth or a thirtieth of their size; what comes to less than a
# two hundredth was made to fill a machine.
MAX_RATIO = 200
FREE = 64 * 1024 * 1024  # bytes that may come out before the ratio counts
MAX_BYTES = 64 * 1024**3  # that come out of one file

Piece = tuple[str, Iterator[bytes]]  # its name for people, and what it holds


class Budget:
    """What may come out of one compressed file, whatever is compressed within.

    Attributes:
        spent: whether more came out than may.
    """

    def __init__(self, name: str, free: int = 0) -> None:
        self.name = name
        self.free = free or FREE
        self.packed = self.unpacked = 0
        self.spent = False

    def took(self, length: int) -> None:
        """Note that *length* bytes of the file itself were read."""
        self.packed += length

    def gave(self, length: int) -> None:
        """Note that *length* bytes came out.

        Raises:
            Problem: that is too many.
        """
        self.unpacked += length
        too_much = self.unpacked > max(self.free, self.packed * MAX_RATIO)
        if too_much or self.unpacked > MAX_BYTES:
            self.spent = True
            came = f"{self.packed:,} bytes unpack to more than {self.unpacked:,}"
            message = f"{self.name}: {came}, which no log does; unpack it yourself if it is one"
            raise Problem(message)


def pieces(name: str, chunks: Iterable[bytes], counts: Counts, file: Any = None) -> Iterator[Piece]:
    """Yield what *chunks* hold, unpacked: themselves, or the files of an archive.

    Args:
        name: what to call them.
        chunks: the bytes, read once.
        counts: where to count what is no log.
        file: the same as a file in which one can seek, or None.

    Raises:
        Problem: they cannot be unpacked; so may reading a piece.
    """
    yield from _Unpacking(name, counts).pieces(name, iter(chunks), file, 0)


class _Unpacking:
    """One file, and all that is packed in it."""

    def __init__(self, name: str, counts: Counts) -> None:
        self.counts = counts
        self.budget = Budget(name)

    def pieces(self, name: str, chunks: Iterator[bytes], file: Any, depth: int) -> Iterator[Piece]:
        head, chunks = _peek(chunks)
        if depth > MAX_DEPTH:
            message = f"{name}: packed more than {MAX_DEPTH} times; unpack it first"
            raise Problem(message)
        if head.startswith(GZIP):
            unpacked = gunzip(name, self._taken(chunks, depth), self.budget)
            yield from self.pieces(name, unpacked, None, depth + 1)
        elif head.startswith(ZSTD):
            unpacked = _unzstd(name, self._taken(chunks, depth), self.budget)
            yield from self.pieces(name, unpacked, None, depth + 1)
        elif head.startswith((ZIP, EMPTY_ZIP)):
            if file is not None:
                yield from self._archive(name, file, depth)
            else:
                with tempfile.TemporaryFile() as spooled:
                    for chunk in chunks:
                        spooled.write(chunk)
                    yield from self._archive(name, spooled, depth)
        elif head[_TAR_AT:].startswith(_TAR):
            message = f"{name} is a tar archive; unpack it first: tar -xf {name}"
            raise Problem(message)
        else:
            yield name, chunks

    def _taken(self, chunks: Iterator[bytes], depth: int) -> Iterator[bytes]:
        """Yield *chunks*, and count those of the file itself."""
        for chunk in chunks:
            if depth == 0:
                self.budget.took(len(chunk))
            yield chunk

    def _archive(self, name: str, file: IO[bytes], depth: int) -> Iterator[Piece]:
        if depth == 0:
            self.budget.took(file.seek(0, 2))
            file.seek(0)
        try:
            archive = zipfile.ZipFile(file)
        except (zipfile.BadZipFile, NotImplementedError, ValueError, OSError) as error:
            message = f"{name} is a damaged zip file: {error}; get it again"
            raise Problem(message) from None
        with archive:
            members = archive.infolist()
            if len(members) > MAX_FILES:
                message = f"{name} holds {len(members):,} files; unpack it, and give the folder"
                raise Problem(message)
            for member in members:
                if member.is_dir() or self.budget.spent:
                    continue
                if stat.S_ISLNK(member.external_attr >> 16):
                    self.counts.skipped += 1
                    continue
                inner = f"{name}!{clean(member.filename)}"
                content = _member(inner, archive, member, self.budget)
                yield from self.pieces(inner, content, None, depth + 1)


def _member(
    name: str, archive: zipfile.ZipFile, member: zipfile.ZipInfo, budget: Budget
) -> Iterator[bytes]:
    """Yield what a *member* of an archive holds."""
    if member.flag_bits & 1:
        message = f"{name} is encrypted; unpack it first"
        raise Problem(message)
    # What the other methods give at once is not bounded by what is asked for.
    if member.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
        message = f"{name} is packed by method {member.compress_type}; unpack it first"
        raise Problem(message)
    try:
        with archive.open(member) as content:
            while chunk := content.read(CHUNK):
                budget.gave(len(chunk))
                yield chunk
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, OSError) as error:
        message = f"{name} is damaged: {error}; what came before the damage was read"
        raise Problem(message) from None


def gunzip(name: str, chunks: Iterator[bytes], budget: Budget) -> Iterator[bytes]:
    """Yield what the gzip members of *chunks* hold; they may follow each other.

    Raises:
        Problem: they are damaged or break off, or too much came out.
    """
    unpack = zlib.decompressobj(wbits=31)
    begun = gave = False
    for chunk in chunks:
        while chunk:
            if unpack.eof:
                chunk = chunk.lstrip(b"\0")  # noqa: PLW2901  # padding, between members or behind
                if not chunk:
                    break
                unpack = zlib.decompressobj(wbits=31)
            try:
                out = unpack.decompress(chunk, CHUNK)
            except zlib.error:
                how = "its data are damaged" if begun else "it is no gzip data"
                message = f"{name}: {how}; what came before was read"
                raise Problem(message) from None
            begun = True
            if out:
                gave = True
                budget.gave(len(out))
                yield out
            chunk = unpack.unused_data if unpack.eof else unpack.unconsumed_tail  # noqa: PLW2901
            if not chunk and len(out) == CHUNK and not unpack.eof:
                chunk = b""  # noqa: PLW2901
                yield from _held_back(unpack, budget)
    if not unpack.eof:
        what = "what came before was read" if gave else "nothing came out of it"
        message = f"{name} is compressed and breaks off; {what}"
        raise Problem(message)


def _held_back(unpack: Any, budget: Budget) -> Iterator[bytes]:
    """Yield what *unpack* holds back because no more was asked for."""
    while out := unpack.decompress(b"", CHUNK):
        budget.gave(len(out))
        yield out
        if len(out) < CHUNK:
            return


def _unzstd(name: str, chunks: Iterator[bytes], budget: Budget) -> Iterator[bytes]:
    try:
        from compression import zstd  # type: ignore[import-not-found]  # noqa: PLC0415  # 3.14
    except ImportError:
        message = f"{name} is compressed with zstd: zstd -dc {name} | lumitrace … -"
        raise Problem(message) from None
    unpack: Any = None
    for chunk in chunks:
        waiting = chunk
        while True:
            if unpack is None or unpack.eof:
                if not waiting:
                    break
                unpack = zstd.ZstdDecompressor()
            try:
                out = unpack.decompress(waiting, CHUNK)
            except zstd.ZstdError as error:
                message = f"{name}: its data are damaged: {error}; what came before was read"
                raise Problem(message) from None
            budget.gave(len(out))
            yield out
            waiting = unpack.unused_data if unpack.eof else b""
            if not unpack.eof and unpack.needs_input:
                break
    if unpack is None or not unpack.eof:
        message = f"{name} is compressed and breaks off; what came before was read"
        raise Problem(message)


def _peek(chunks: Iterator[bytes]) -> tuple[bytes, Iterator[bytes]]:
    """Return the first bytes of *chunks*, and all of them."""
    head = b""
    for chunk in chunks:
        head += chunk
        if len(head) >= _TAR_AT + len(_TAR):
            break
    return head[: _TAR_AT + len(_TAR)], chain([head], chunks)
