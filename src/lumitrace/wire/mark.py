"""The mark in a DynamoDB item: one string attribute that says which span wrote it.

``00-<trace id>-<span id>-<flags>-<ms>-<hops>[-<table>…]``: a W3C traceparent, the writer's clock in
milliseconds and the number of items the context rode in (both hex), then up to four tables it
passed through, each eight hex digits; the last is the table that was written. 120 bytes at most.
"""

import hashlib
from functools import lru_cache

from lumitrace.wire.context import FLAGS, TRACEPARENT_LENGTH, SpanContext, format_traceparent

ATTRIBUTE = "_lumitrace"
MAX_LENGTH = 120  # bytes
MAX_TABLES = 4
MAX_HOPS = 16
TABLE_LENGTH = 8
TABLES = tuple([TABLE_LENGTH] * count for count in range(1, MAX_TABLES + 1))
MAX_MS_LENGTH = 12  # hex digits: the year 10889
MAX_HOPS_LENGTH = 4
WRITER = slice(3, 52)  # of a mark: its trace id and span id, with the dash between them
ZEROS = bytes.maketrans(b"0123456789abcdef", b"0" * 16)
NO_TRACE, NO_SPAN = f"-{'0' * 32}-", f"-{'0' * 16}-"
FEW = 4  # marks that are looked at one by one


@lru_cache(maxsize=256)
def table_hash(region: str, table: str) -> str:
    """Return the eight hex digits that stand for the *table* of this name in this AWS *region*.

    A replica in another region is another table: an item that was copied there bears the hash of
    the table it was written to.
    """
    return hashlib.sha256(f"{region}/{table}".encode()).hexdigest()[:TABLE_LENGTH]


def format_mark(context: SpanContext, table: str, ms: int) -> str:
    """Return the mark of an item written to *table*, a hash, at *ms* (Unix ms) by *context*.

    The oldest tables give way where there are more than four.
    """
    if context.tables:
        table = "-".join((*context.tables, table)[-MAX_TABLES:])
    return f"{format_traceparent(context)}-{ms:x}-{context.hops + 1:x}-{table}"


def parse_mark(text: object) -> SpanContext | None:
    """Return the context that the mark *text* spells, with its tables and hops, or None.

    Never raises, whatever *text* is: another writer may have put it there.
    """
    if not isinstance(text, str) or not is_mark(text):
        return None
    _, trace_id, span_id, flags, _, hops, *tables = text.split("-")
    return SpanContext(trace_id, span_id, tuple(tables), int(hops, 16), FLAGS[flags[1]])


def is_mark(text: str) -> bool:
    """Tell whether *text*, whatever it is, is a mark of ours."""
    return (
        text[:3] == "00-"
        and len(text) <= MAX_LENGTH
        and text.isascii()
        and _is_shape(text.encode().translate(ZEROS))
        and NO_TRACE not in text
        and NO_SPAN not in text
    )


def are_marks(texts: "list[str]") -> bool:
    """Tell whether all *texts* are marks.

    One by one takes 0.6 us each, and a page of a query has a thousand: what is of one length is
    looked at together, which takes 0.1 us each.
    """
    if len(texts) <= FEW:
        return all(map(is_mark, texts))
    lengths = set(map(len, texts))
    if len(lengths) == 1:
        return _are_alike(texts)
    return all(_are_alike([text for text in texts if len(text) == each]) for each in lengths)


def _are_alike(texts: "list[str]") -> bool:
    """Tell whether all *texts*, of one length, are marks with their dashes in the same places."""
    if not is_mark(texts[0]):
        return False
    joined, length = "".join(texts), len(texts[0])
    if not joined.isascii() or NO_SPAN[:-1] in joined:
        return all(map(is_mark, texts))
    shapes, shape = joined.encode().translate(ZEROS), texts[0].encode().translate(ZEROS)
    versions = joined[::length] + joined[1::length]
    return shapes == shape * len(texts) and not versions.strip("0")


@lru_cache(maxsize=256)  # there are 192 that are right
def _is_shape(shape: bytes) -> bool:
    """Tell whether *shape* is a mark whose hex digits are all made 0."""
    parts = shape.split(b"-")
    lengths = [len(part) for part in parts]
    return (
        not b"".join(parts).strip(b"0")
        and lengths[:4] == [2, 32, 16, 2]
        and lengths[6:] in TABLES
        and 1 <= lengths[4] <= MAX_MS_LENGTH
        and 1 <= lengths[5] <= MAX_HOPS_LENGTH
    )


def mark_ms(mark: str) -> int:
    """Return when *mark*, which `parse_mark` has read, was written: Unix milliseconds."""
    return int(mark[TRACEPARENT_LENGTH + 1 :].split("-", 1)[0], 16)
