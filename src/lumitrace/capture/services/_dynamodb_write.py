"""Which items a call writes, and each of them with its mark."""

from lumitrace.capture.config import INJECT, settings
from lumitrace.capture.services import _dynamodb_item, _dynamodb_repeats, _dynamodb_update
from lumitrace.capture.services._call import Call, name_of, name_once
from lumitrace.wire.context import SpanContext

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    Marked = tuple[Mapping[str, Any], str | None]
    Work = Callable[[Call, Mapping[str, Any], SpanContext], Marked]

TOKEN = "ClientRequestToken"  # noqa: S105  # its name
# All items of a transaction, without room for a hundred marks.
# https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html
MAX_TRANSACTION = 4 * 1024 * 1024 - 100 * 256


def put(call: Call, params: "Mapping[str, Any]", context: SpanContext) -> "Marked":
    """Mark the item of a PutItem, or of a put in a transaction."""
    item, table = params.get("Item"), params.get("TableName")
    if not isinstance(item, dict) or not isinstance(table, str):
        return params, None
    name = name_once(table)
    if settings.mode_of(name) != INJECT:
        return params, None
    ours, reason = _dynamodb_item.with_mark(call, name, item, context)
    return (params if ours is item else {**params, "Item": ours}), reason


def update(call: Call, params: "Mapping[str, Any]", context: SpanContext) -> "Marked":
    """Mark what an UpdateItem, or an update in a transaction, writes."""
    key, table = params.get("Key"), params.get("TableName")
    if not isinstance(key, dict) or not isinstance(table, str):
        return params, None
    name = name_once(table)
    if settings.mode_of(name) != INJECT:
        return params, None
    item, again = _dynamodb_item, _dynamodb_repeats
    reason = item.table_reason(call, name, context) or item.own_reason(key)
    if reason is not None:
        return params, reason
    ours, reason = _dynamodb_update.with_mark(params, item.new_mark(call, name, context))
    fed = reason is None and call.fed and _dynamodb_update.may_change_nothing(params)
    if fed and again.is_familiar(name, key):
        written = again.content(*(params.get(part) for part in WRITTEN))
        if again.is_repeated(name, written):
            return params, "repeated"
    return ours, reason


WRITTEN = ("Key", "AttributeUpdates", *_dynamodb_update.EXPRESSIONS)
ACTIONS: "dict[str, Work]" = {"Put": put, "Update": update}


def single(call: Call, context: SpanContext) -> "Mapping[str, Any]":
    """Return the parameters of a PutItem or an UpdateItem with the mark in them."""
    work = put if call.operation == "PutItem" else update
    params, call.not_injected = work(call, call.params, context)
    return params


def batch(call: Call, context: SpanContext) -> "Mapping[str, Any]":
    """Return the parameters of a BatchWriteItem: each put with its mark, deletes as they were."""
    tables = call.params.get("RequestItems")
    if not isinstance(tables, dict):
        return call.params
    marks = _Marks(call, context)
    ours = {
        table: [marks.write(table, entry) for entry in entries]
        if isinstance(entries, list)
        else entries
        for table, entries in tables.items()
    }
    return marks.result({**call.params, "RequestItems": ours})


def transaction(call: Call, context: SpanContext) -> "Mapping[str, Any]":
    """Return the parameters of a TransactWriteItems: each put and update with its mark.

    With a token of the caller's own the request has to be the same the next time, whoever makes
    it: "same token, same request" must not depend on whether lumitrace was there.
    """
    actions = call.params.get("TransactItems")
    if not isinstance(actions, list) or not all(isinstance(one, dict) for one in actions):
        return call.params
    marks = _Marks(call, context)
    if TOKEN in call.given:
        call.not_injected = "client-token" if any(map(_writes, actions)) else None
        return call.params
    if _dynamodb_item.is_over(actions, MAX_TRANSACTION):
        call.not_injected = "size"
        return call.params
    return marks.result({**call.params, "TransactItems": list(map(marks.act, actions))})


def _writes(action: "Mapping[str, Any]") -> bool:
    """Tell whether *action* would get a mark, were it not for its token."""
    inner = action.get("Put") or action.get("Update")
    table = inner.get("TableName") if isinstance(inner, dict) else None
    return isinstance(table, str) and settings.mode_of(name_of(table)) == INJECT


def tables(params: "Mapping[str, Any]") -> list[str]:
    """Return the names of the tables that a batch or a transaction is about, each once."""
    named = params.get("RequestItems")
    if not isinstance(named, dict):
        actions = params.get("TransactItems")
        named = [
            inner.get("TableName")
            for action in (actions if isinstance(actions, list) else ())
            for inner in (action.values() if isinstance(action, dict) else ())
            if isinstance(inner, dict)
        ]
    return list(dict.fromkeys(name_of(name) for name in named if isinstance(name, str)))


class _Marks:
    """The entries of one call: which got a mark, and why others did not."""

    __slots__ = ("at", "call", "context", "marked", "reasons")

    def __init__(self, call: Call, context: SpanContext) -> None:
        self.call = call
        self.context = context
        self.at = -1  # the entry's place in the call, as `bindings` counts
        self.reasons: list[str] = []
        self.marked: dict[int, str] = {}
        call.marked = self.marked

    def write(self, table: str, entry: "Any") -> "Any":
        """Return the *entry* of a batch with its mark, or itself."""
        self.at += 1
        request = entry.get("PutRequest") if isinstance(entry, dict) else None
        if not isinstance(request, dict):
            return entry
        given = {"TableName": table, "Item": request.get("Item")}
        ours = self._mark(put, given)
        if ours is given:
            return entry
        return {**entry, "PutRequest": {**request, "Item": ours["Item"]}}

    def act(self, action: "Mapping[str, Any]") -> "Mapping[str, Any]":
        """Return the *action* of a transaction with its mark, or itself."""
        self.at += 1
        for name, work in ACTIONS.items():
            inner = action.get(name)
            if isinstance(inner, dict):
                ours = self._mark(work, inner)
                return action if ours is inner else {**action, name: ours}
        return action

    def _mark(self, work: "Work", given: "Mapping[str, Any]") -> "Mapping[str, Any]":
        context = self.call.bound.get(self.at, self.context)
        ours, reason = work(self.call, given, context)
        if ours is not given:
            self.marked[self.at] = name_of(given["TableName"])
        elif reason is not None:
            self.reasons.append(reason)
        return ours

    def result(self, ours: "Mapping[str, Any]") -> "Mapping[str, Any]":
        """Return *ours* where any entry got a mark, and say why others did not."""
        self.call.not_injected = self.reasons[0] if self.reasons else None
        return ours if self.marked else self.call.params
