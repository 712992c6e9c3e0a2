"""What is told of calls in sums: how many and how long, by operation and resource."""

from lumitrace.wire.span_line import PARAMS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from lumitrace.capture.span import Entry, Invocation, Span

    Sums = dict[tuple[str, str], list[Any]]

MAX_KINDS = 128  # pairs of operation and resource that a span tells; then operations, then a count
MAX_KEYS = 2_000  # link keys in the sums of an invocation
KEYS = 16  # link keys in one element of a summary
# Whose key says nothing that the context does not say, where that went out with the message. The id
# of a message in a queue is also how a batch names those that failed, and an Invoke's context is
# not read by older runtime clients.
CARRIED = ("sns:", "events:")


class Thin:
    """What an invocation holds, and what it tells in sums.

    Attributes:
        opening: fields and tags of the ``start`` line that was not written, else None.
        kept: spans that have ended: the span, the fields of its line, its tags.
        sums: by span id, then by operation and resource: count, microseconds and link keys.
        keys: how many link keys the sums have.
        carried: ids of calls whose context was put into what they send.
    """

    __slots__ = ("carried", "kept", "keys", "opening", "sums")

    def __init__(self) -> None:
        self.opening: tuple[dict[str, Any], dict[str, str]] | None = None
        self.kept: list[tuple[Any, dict[str, Any], dict[str, str]]] = []
        self.sums: dict[str, Sums] = {}
        self.keys = 0
        self.carried: set[str] = set()


def of(invocation: "Invocation") -> Thin:
    """Return what *invocation* holds, made at its first use."""
    found: Thin | None = invocation.thin
    if found is None:
        found = invocation.thin = Thin()
    return found


def add(owner: "Span", operation: str, resource: str, duration_us: int, keys: list[str]) -> None:
    """Count one call of *owner*, a record's span or the handler's, and keep its link *keys*."""
    invocation = owner.invocation
    thin = of(invocation)
    sums = thin.sums.setdefault(owner.span_id, {})
    found = sums.get((operation, resource))
    if found is None:
        if len(sums) >= MAX_KINDS:
            operation, resource = (operation, "") if len(sums) < 2 * MAX_KINDS else ("", "")
        found = sums.setdefault((operation, resource), [0, 0, []])
    found[0] += 1
    found[1] += duration_us
    if keys:
        room = MAX_KEYS - thin.keys
        if len(keys) > room:
            invocation.drop("links", len(keys) - room)
        found[2] += keys[: max(0, room)]
        thin.keys += min(len(keys), max(0, room))


def fold_entries(owner: "Span", entries: "Iterable[Entry]") -> "list[Entry]":
    """Count *entries* for *owner*; return those that sent for single records, which stay."""
    stay = []
    thin = of(owner.invocation)
    sums, carried = thin.sums.get(owner.span_id, {}), thin.carried
    for entry in entries:
        if len(entry) > 7 and "bound" in entry[7]:
            entry[7].pop(PARAMS, None)
            stay.append(entry)
            continue
        keys = entry[6]
        if keys and entry[0] in carried and (len(entry) == 7 or "notInjected" not in entry[7]):
            keys = [key for key in keys if not key.startswith(CARRIED)]
        found = None if keys else sums.get((entry[1], entry[2]))
        if found is None:
            add(owner, entry[1], entry[2], entry[4], keys)
        else:  # most calls are of a kind that was counted before
            found[0] += 1
            found[1] += entry[4]
    return stay


def summary(sums: "Sums") -> "list[list[Any]]":
    """Return *sums* as a line has them; keys that are many go on in a further element."""
    told: list[list[Any]] = []
    for (operation, resource), (count, duration_us, keys) in sums.items():
        head = [operation, resource, count, duration_us]
        told.append([*head, keys[:KEYS]] if keys else head)
        more = range(KEYS, len(keys), KEYS)
        told += [[operation, resource, 0, 0, keys[at : at + KEYS]] for at in more]
    return told


def last(invocation: "Invocation", fields: "dict[str, Any]") -> None:
    """Put into *fields*, of the last line, the sums that no other line has told."""
    every = list(of(invocation).sums.values())
    merged: Sums = every[0] if every else {}
    for sums in every[1:]:
        for kind, (count, duration_us, keys) in sums.items():
            found = merged.setdefault(kind, [0, 0, []])
            found[0] += count
            found[1] += duration_us
            found[2] += keys
    if merged:
        fields["summary"] = summary(merged)
