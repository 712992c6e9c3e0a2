"""Entries of a batch call that go out in the context of their own records (`lumitrace.bind`)."""

from lumitrace.capture.services._call import Call, name_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

    from lumitrace.capture.batch import Batch
    from lumitrace.capture.calls import LiveCall
    from lumitrace.capture.record_span import RecordSpan
    from lumitrace.wire.context import SpanContext

MAX_BOUND = 10_000  # an invocation
# A call: https://docs.aws.amazon.com/kinesis/latest/APIReference/API_PutRecords.html
MAX_TOLD = 500
LISTS = ("Entries", "PublishBatchRequestEntries", "Records", "TransactItems")


def entries_of(params: "Any") -> "list[Any]":
    """Return the entries of a batch call with *params*, in their order."""
    if not isinstance(params, dict):
        return []
    if isinstance(params.get("RequestItems"), dict):
        return [one for _, one in _by_table(params["RequestItems"])]
    for name in LISTS:
        if isinstance(params.get(name), list):
            return list(params[name])
    return []


def _by_table(tables: "Any") -> "Iterator[tuple[str, Any]]":
    """Yield every entry in *tables*, a BatchWriteItem's, with the name of its table."""
    for table, part in tables.items() if isinstance(tables, dict) else ():
        for entry in part if isinstance(part, list) else ():
            yield name_of(table), entry


def find(batch: "Batch", given: "Any", call: Call) -> None:
    """Note in *call* which of its entries are bound; *given* are the caller's own parameters.

    botocore's may be copies: the caller's dictionaries are what was bound.
    """
    bound: dict[int, SpanContext] = {}
    for at, entry in enumerate(entries_of(given)):
        for part in _parts(entry):
            known = batch.bound.get(id(part))
            if known is not None:
                bound[at] = known[1]
                break
    call.bound = bound


def _parts(entry: "Any") -> "Iterator[Any]":
    """Yield *entry* and what of DynamoDB's entries a caller has in hand: the put and its item."""
    yield entry
    for inner in entry.values() if isinstance(entry, dict) else ():
        if isinstance(inner, dict):
            yield inner
            yield inner.get("Item")


def settle(
    live: "LiveCall", answer: "Mapping[str, Any]", service: "Any", keys: list[str]
) -> list[str]:
    """Note what each bound entry was sent as; return those of *keys* that no record has.

    Told is ``[traceId, spanId, link keys]``, by the *answer* of AWS: in the order of the entries,
    or by their ``Id``. What the answer gives back unprocessed stays bound.
    """
    call = live.call
    entries = entries_of(call.params)
    numbers = {one.get("Id"): at for at, one in enumerate(entries) if isinstance(one, dict)}
    own: dict[int, list[str]] = {}
    for name in ("Successful", "Entries", "Records", "RequestResponses"):
        done = answer.get(name)
        for place, one in enumerate(done if isinstance(done, list) else ()):
            at = numbers.get(one.get("Id"), -1) if name == "Successful" else place
            if service is not None and at in call.bound:
                own[at] = service.describe_response(call, {name: [one]})[:1]
    call.told = [
        [context.trace_id, context.span_id, own.get(at, [])]
        for at, context in list(call.bound.items())[:MAX_TOLD]
    ]
    taken = {key for _, _, told in call.told for key in told}
    return [key for key in keys if key not in taken]


def keep_unprocessed(live: "LiveCall", answer: "Mapping[str, Any]") -> None:
    """Bind what DynamoDB gives back unprocessed: new dictionaries, which the caller sends again.

    They are known by their table and what is in them. No other entry of the same call can be meant:
    DynamoDB refuses a call that has one item twice.
    https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchWriteItem.html
    """
    call, unprocessed = live.call, answer.get("UnprocessedItems")
    batch = live.span.invocation.batch if live.span is not None else None
    if not call.bound or not unprocessed or batch is None:
        return
    sent = list(_by_table(call.params.get("RequestItems")))
    for given_back in _by_table(unprocessed):
        for at, context in call.bound.items():
            if sent[at] == given_back:
                _keep(batch, given_back[1], context)
                break


def bind(batch: "Batch", entry: object, span: "RecordSpan") -> None:
    """Remember that *entry* is of the record of *span*, which is told even if never entered."""
    if not isinstance(entry, dict) or not _keep(batch, entry, span.context(span.span_id)):
        return
    if not span.ended_ns and not span.inside:
        batch.enter(span)
        batch.leave(span, None)


def _keep(batch: "Batch", entry: object, context: "SpanContext") -> bool:
    """Bind *entry* to *context*; False, and counted, where there are too many already."""
    if len(batch.bound) >= MAX_BOUND and id(entry) not in batch.bound:
        batch.invocation.drop("bound")
        return False
    batch.bound[id(entry)] = (entry, context)
    return True
