"""The mark in a DynamoDB item: one string attribute that says which span wrote it.

``00-<trace id>-<span id>-01-<ms>-<hops>[-<table>…]``: a W3C traceparent, the writer's clock in
milliseconds and the number of items the context rode in (both hex), then up to four tables it
passed through, each eight hex digits. 120 bytes at most.
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


@lru_cache(maxsize=256)
def table_hash(table: str) -> str:
    """Return the eight hex digits that stand for the table of this name."""
    return hashlib.sha256(table.encode()).hexdigest()[:TABLE_LENGTH]


def format_mark(context: SpanContext, table: str, ms: int) -> str:
    """Return the mark of an item written to *table* at *ms* (Unix milliseconds) by *context*.

    The oldest tables give way where there are more than four.
    """
    tables = (*context.tables, table_hash(table))[-MAX_TABLES:]
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
    if not all(map(_is_hex, (ms, hops, *tables))) or len(hops) > 4:
        return None
    if any(len(table) != TABLE_LENGTH for table in tables):
        return None
    context.tables = tuple(tables)
    context.hops = int(hops, 16)
    return context


def _is_hex(text: str) -> bool:
    return bool(text) and HEX.issuperset(text)
