"""What a DynamoDB call wrote, as fingerprints: item by item, also of batches and transactions.

PartiQL is left out: what a statement writes stands in a language that is never read here.
"""

from lumitrace.capture.config import INJECT, LINK, settings
from lumitrace.capture.services._assigned import assigned
from lumitrace.capture.services._call import Call, name_of
from lumitrace.capture.services._fingerprint import DELETED, KEY, SHOWN_KEY, Table
from lumitrace.wire.link_key import DYNAMODB
from lumitrace.wire.mark import ATTRIBUTE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

    Write = tuple[str, Mapping[str, Any], Mapping[str, Any]]  # kind, as given, as sent

NO_KEY = "no-fingerprint-key"
WRITES = frozenset(("PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem", "TransactWriteItems"))


def keys(call: Call, response: "Mapping[str, Any]") -> list[str]:
    """Return the link keys of what *call* wrote; say so where they would be needed and are not."""
    if not settings.fingerprint_key:
        if call.operation in WRITES and any(mode == LINK for mode in _modes(call)):
            call.not_injected = call.not_injected or NO_KEY
        return []
    if call.operation not in WRITES:
        _learn(call, response)
        return []
    found: dict[str, None] = {}
    for table, kind, given, sent in _writes(call, response):
        name = name_of(table)
        if settings.mode_of(name) in (INJECT, LINK):
            for one in _of_write(Table(call.region, name), kind, given, sent):
                found[f"{DYNAMODB}:{one}"] = None
    return list(found)


def _modes(call: Call) -> "list[str]":
    names = [call.params.get("TableName"), *(call.params.get("RequestItems") or ())]
    for action in call.params.get("TransactItems") or ():
        names += [write.get("TableName") for write in action.values() if isinstance(write, dict)]
    return [settings.mode_of(name_of(name)) for name in names if isinstance(name, str)]


def _writes(
    call: Call, response: "Mapping[str, Any]"
) -> "Iterator[tuple[Any, str, Mapping[str, Any], Mapping[str, Any]]]":
    """Yield table, kind, write as given and write as sent, for each item that was written."""
    given, sent = call.params, call.sent
    if call.operation in ("PutItem", "UpdateItem", "DeleteItem"):
        yield given.get("TableName"), call.operation.removesuffix("Item"), given, sent
        return
    if call.operation == "TransactWriteItems":
        pairs = zip(given.get("TransactItems") or (), sent.get("TransactItems") or (), strict=False)
        for action, sent_action in pairs:
            for kind in ("Put", "Update", "Delete"):
                if kind in action:
                    write = action[kind]
                    yield write.get("TableName"), kind, write, sent_action.get(kind, write)
        return
    left = response.get("UnprocessedItems") or {}
    for name, requests in (given.get("RequestItems") or {}).items():
        sent_requests = (sent.get("RequestItems") or {}).get(name) or requests
        table = Table(call.region, name_of(name))
        undone = {_told(table, write) for one in left.get(name) or () for write in one.values()}
        for request, sent_request in zip(requests, sent_requests, strict=False):
            for kind in ("Put", "Delete"):
                write = request.get(f"{kind}Request")
                if write is not None and not (undone and _told(table, write) in undone):
                    yield name, kind, write, sent_request.get(f"{kind}Request", write)


def _told(table: Table, write: "Mapping[str, Any]") -> str:
    """Return what tells one write of a batch from the others, also where it was given back."""
    return "".join(table.image(write.get("Item") or write.get("Key") or {})[:1])


def _of_write(
    table: Table, kind: str, given: "Mapping[str, Any]", sent: "Mapping[str, Any]"
) -> list[str]:
    marked = _is_marked(given, sent)
    if kind == "Put":
        item = given.get("Item")
        if not isinstance(item, dict):
            return []
        key = table.key_of(item)
        images = [] if marked else table.image(item)
        shown = SHOWN_KEY if marked or images else KEY
        return images + ([] if key is None else table.key(key, shown))
    key = given.get("Key")
    if not isinstance(key, dict):
        return []
    if kind == "Delete":
        return table.key(key, DELETED)
    change = None if marked else assigned(given)
    images = [] if change is None else table.image({**change[0], **key}, change[1])
    return images + table.key(key, SHOWN_KEY if marked else KEY)


def _is_marked(given: "Mapping[str, Any]", sent: "Mapping[str, Any]") -> bool:
    """Tell whether the write went out with our mark, as it could not have by the caller's will."""
    if sent is given:
        return False
    if "Item" in sent:
        return bool(sent["Item"].get(ATTRIBUTE) != given["Item"].get(ATTRIBUTE))
    names = sent.get("ExpressionAttributeNames") or {}
    return ATTRIBUTE in names.values() or ATTRIBUTE in (sent.get("AttributeUpdates") or {})


def _learn(call: Call, response: "Mapping[str, Any]") -> None:
    """Remember the names of keys that a read or a description tells."""
    params, name = call.params, name_of(call.params.get("TableName"))
    described = response.get("Table") or response.get("TableDescription") or {}
    schema = described.get("KeySchema")
    if name and isinstance(schema, list):
        Table(call.region, name).learn(part.get("AttributeName", "") for part in schema)
    elif name and isinstance(params.get("Key"), dict):
        Table(call.region, name).learn(params["Key"])
    asked = params.get("RequestItems")
    for table, wanted in asked.items() if isinstance(asked, dict) else ():
        listed = wanted.get("Keys") if isinstance(wanted, dict) else None
        if listed and isinstance(listed[0], dict):
            Table(call.region, name_of(table)).learn(listed[0])
