"""Taking our marks off what DynamoDB answers, and counting whose they are."""

from collections import Counter, deque
from itertools import compress, islice, repeat
from operator import delitem, itemgetter

from lumitrace.capture.config import settings
from lumitrace.capture.services import _item_places
from lumitrace.capture.services._call import name_of
from lumitrace.wire.mark import ATTRIBUTE, WRITER, are_marks, is_mark

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from lumitrace.capture.services._call import Call
    from lumitrace.capture.services._item_places import Found

NOTHING = "off"  # the mode in which a table's items are left as they are
# A thousand items in 0.3 ms: what is done to each of them is done in C.
MARK, TEXT = itemgetter(ATTRIBUTE), itemgetter("S")
MAX_WRITERS = 16  # of one answer that are told


def clean_response(
    call: "Call", model: "Any", parsed: "dict[str, Any]", reader: str | None
) -> None:
    """Take the mark off every item in *parsed*, the answer to *call*, and note who wrote them.

    An error's items count too: ``ConditionalCheckFailedException.Item`` and the
    ``CancellationReasons`` of a transaction.

    Args:
        call: its ``read_from`` is set.
        model: botocore's, of the operation.
        parsed: changed in place.
        reader: the trace that reads; what it wrote itself is no news. None where nobody asks.
    """
    told_apart = bool(settings.dynamodb_tables)
    if settings.dynamodb == NOTHING and not told_apart:
        return
    found: Found = []
    tables = _tables(call.params) if told_apart else ""
    for name, walk in _item_places.walks(call, model):
        if name in parsed:
            walk(parsed[name], tables, found)
    if not found:  # a write, as a rule: 3 us less
        call.read_from = []
        return
    marks: list[str] = []
    for table, items, last in found:
        if not told_apart or settings.mode_of(table) != NOTHING:
            taken = _take(items)
            marks += taken if last else ()
    # Where no attribute was updated DynamoDB leaves the member out: no empty map stays behind.
    # https://github.com/ExtendDB/extenddb/pull/121
    if marks and call.operation == "UpdateItem" and parsed.get("Attributes") == {}:
        del parsed["Attributes"]
    call.read_from = _writers(marks, reader) if reader is not None else []


def _take(items: "Sequence[Any]") -> list[str]:
    """Take our marks off *items*, and return them."""
    marked = [item for item in items or () if item and ATTRIBUTE in item]
    if not marked:
        return []
    values = list(map(MARK, marked))
    try:
        texts = list(map(TEXT, values))
    except (KeyError, TypeError):
        texts = [value.get("S") if isinstance(value, dict) else value for value in values]
    if set(map(type, texts)) != {str} or not are_marks(texts):
        ours = [isinstance(text, str) and is_mark(text) for text in texts]
        marked = list(compress(marked, ours))
        texts = list(compress(texts, ours))
    deque(map(delitem, marked, repeat(ATTRIBUTE)), maxlen=0)
    return texts


def _writers(marks: list[str], reader: str) -> "list[Any]":
    """Return ``[trace id, span id, items]`` of each writer, and how many more there are."""
    counts: dict[str, int] = Counter(map(itemgetter(WRITER), marks))
    if reader in "".join(counts):
        counts = {one: count for one, count in counts.items() if not one.startswith(reader)}
    more = len(counts) - MAX_WRITERS
    if more > 0 and len(counts) < len(marks):
        told = sorted(counts.items(), key=_most)
    else:
        told = list(islice(counts.items(), MAX_WRITERS))
    found: list[Any] = [[*writer.split("-"), count] for writer, count in told[:MAX_WRITERS]]
    return [*found, more] if more > 0 else found


def _most(pair: tuple[str, int]) -> int:
    return -pair[1]


def _tables(params: "Any") -> "str | list[str]":
    """Return the table that a call with these *params* reads, or those of its parts in order.

    Of a batch the answer itself names them; where nothing does it is "", no table's name.
    """
    parts = params.get("TransactItems") or params.get("TransactStatements")
    if isinstance(parts, list):
        return [_table(part) for part in parts]
    return _table(params)


def _table(part: "Any") -> str:
    if not isinstance(part, dict):
        return ""
    if isinstance(part.get("TableName"), str):
        return name_of(part["TableName"])
    if isinstance(part.get("Statement"), str):
        return _table_of_statement(part["Statement"])
    # An iterator begins with the ARN of its stream.
    # https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_streams_GetShardIterator.html
    if isinstance(part.get("ShardIterator"), str):
        return name_of(part["ShardIterator"])
    inner = next(iter(part.values()), None) if len(part) == 1 else None
    return _table(inner) if isinstance(inner, dict) else ""


def _table_of_statement(statement: str) -> str:
    """Return the table that a PartiQL *statement* names: ``SELECT * FROM "sales"."index"``.

    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ql-reference.statements.html
    """
    import re  # noqa: PLC0415  # only where tables are told apart

    name = r"\b(?:from|into|update)\s+(?:\"([^\"]+)\"|([\w.-]+))"
    found = re.search(name, statement, re.IGNORECASE)
    return name_of((found[1] or found[2].split(".")[0]) if found else "")
