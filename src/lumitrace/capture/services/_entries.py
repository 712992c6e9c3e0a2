"""The entries of a batch call: each goes out in its own record's context, or in the call's."""

from lumitrace.capture.services._call import Call
from lumitrace.wire.context import SpanContext

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    Entry = Mapping[str, Any]
    Put = Callable[[Entry, SpanContext], "tuple[Entry, str | None]"]


def entries(call: Call, name: str) -> "list[dict[str, Any]]":
    """Return the entries of *call* that stand under *name*; none where AWS would refuse them."""
    found = call.params.get(name)
    if isinstance(found, list) and all(isinstance(entry, dict) for entry in found):
        return found
    return []


def with_contexts(call: Call, name: str, context: SpanContext, put: "Put") -> "Mapping[str, Any]":
    """Return the parameters of *call* with a context in every entry that stands under *name*.

    *put* answers an entry with the context in it, or the entry itself and the reason why not. A
    bound entry gets its record's context, any other gets *context*.
    """
    ours = []
    for at, entry in enumerate(entries(call, name)):
        one, reason = put(entry, call.bound.get(at, context))
        call.not_injected = call.not_injected or reason
        ours.append(one)
    return {**call.params, name: ours} if ours else call.params
