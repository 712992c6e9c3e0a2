"""Entries of a batch call that go out in the context of their own records (`lumitrace.bind`)."""

from lumitrace.capture.services._service import Call

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

    from lumitrace.capture.batch import Batch
    from lumitrace.capture.record_span import RecordSpan

MAX_BOUND = 10_000  # an invocation
MAX_TOLD = 25  # a call: a BatchWriteItem has 25 entries; beyond, keys stay the call's
LISTS = ("Entries", "PublishBatchRequestEntries", "Records", "TransactItems")


def entries_of(params: "Any") -> "list[Any]":
    """Return the entries of a batch call with *params*, in their order."""
    if not isinstance(params, dict):
        return []
    tables = params.get("RequestItems")
    if isinstance(tables, dict):
        return [one for part in tables.values() if isinstance(part, list) for one in part]
    for name in LISTS:
        if isinstance(params.get(name), list):
            return list(params[name])
    return []


def find(batch: "Batch", given: "Any", call: Call) -> None:
    """Note in *call* which of its entries are bound; *given* are the caller's own parameters.

    botocore's may be copies: the caller's dictionaries are what was bound.
    """
    for at, entry in enumerate(entries_of(given)):
        for part in _parts(entry):
            known = batch.bound.get(id(part))
            if known is not None:
                call.bound[at] = known[1].context(known[1].span_id)
                break


def _parts(entry: "Any") -> "Iterator[Any]":
    """Yield *entry* and what of DynamoDB's entries a caller has in hand: the put and its item."""
    yield entry
    for inner in entry.values() if isinstance(entry, dict) else ():
        if isinstance(inner, dict):
            yield inner
            yield inner.get("Item")


def apart(call: Call, answer: "Mapping[str, Any]", service: "Any", keys: list[str]) -> list[str]:
    """Note in *call* what each bound entry was sent as; return the *keys* of the others.

    Told is ``[traceId, spanId, link keys]``, by the *answer* of AWS: in the order of the entries,
    or by their ``Id``.
    """
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


def bind(batch: "Batch", entry: object, span: "RecordSpan") -> None:
    """Remember that *entry* is of the record of *span*, which is told even if never entered."""
    if len(batch.bound) >= MAX_BOUND:
        batch.invocation.drop("bound")
        return
    if not span.ended_ns and not span.inside:
        batch.enter(span)
        batch.leave(span, None)
    batch.bound[id(entry)] = (entry, span)
