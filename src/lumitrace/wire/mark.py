"""The mark in a DynamoDB item: one string attribute that says which span wrote it.

``00-<trace id>-<span id>-01-<ms>-<hops>[-<table>…]``: a W3C traceparent, the writer's clock in
milliseconds and the number of items the context rode in (both hex), then up to four tables it
passed through, each eight hex digits; the last is the table that was written. 120 bytes at most.
"""

import hashlib
from functools import lru_cache

from lumitrace.wire.context import (
    HEX,
    TRACEPARENT_LENGTH,
    SpanContext,
    format_traceparent,
    parse_traceparent,
)

ATTRIBUTE = "_lumitrace"
MAX_LENGTH = 120  # bytes
MAX_TABLES = 4
MAX_HOPS = 16
TABLE_LENGTH = 8
MAX_MS_LENGTH = 12  # hex digits: the year 10889


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
    tables = (*context.tables, table)[-MAX_TABLES:]
    return f"{format_traceparent(context)}-{ms:x}-{context.hops + 1:x}-{'-'.join(tables)}"


def parse_mark(text: object) -> SpanContext | None:
    """Return the context that the mark *text* spells, with its tables and hops, or None.

    Never raises, whatever *text* is: another writer may have put it there.
    """
    if not isinstance(text, str) or not TRACEPARENT_LENGTH < len(text) <= MAX_LENGTH:
        return None
    context = parse_traceparent(text[:TRACEPARENT_LENGTH])
    parts = text[TRACEPARENT_LENGTH:].split("-")
    if context is None or parts[0] or not 3 <= len(parts) <= 3 + MAX_TABLES:
        return None
    _, ms, hops, *tables = parts
    if not all(map(_is_hex, (ms, hops, *tables))) or len(hops) > 4 or len(ms) > MAX_MS_LENGTH:
        return None
    if any(len(table) != TABLE_LENGTH for table in tables):
        return None
    context.tables = tuple(tables)
    context.hops = int(hops, 16)
    return context


def mark_ms(mark: str) -> int:
    """Return when *mark*, which `parse_mark` has read, was written: Unix milliseconds."""
    return int(mark[TRACEPARENT_LENGTH + 1 :].split("-", 1)[0], 16)


def _is_hex(text: str) -> bool:
    return bool(text) and HEX.issuperset(text)
