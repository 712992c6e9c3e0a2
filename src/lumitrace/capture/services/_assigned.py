"""What an UpdateItem assigns, where its parameters alone say it.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.UpdateExpressions.html
"""

import re

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

WORD = re.compile(r"[#:]?[\w.-]+|\S")
MAX_EXPRESSION = 4096  # bytes: DynamoDB's own limit


def assigned(params: "Mapping[str, Any]") -> "tuple[dict[str, Any], tuple[str, ...]] | None":
    """Return what an UpdateItem assigns and removes, or None where the item decides about it.

    Only literal values for whole attributes count: ``SET a = :v REMOVE b``, or their legacy form.
    """
    legacy = params.get("AttributeUpdates")
    if isinstance(legacy, dict):
        return _legacy(legacy)
    expression = params.get("UpdateExpression")
    if expression is None:
        return {}, ()
    if not isinstance(expression, str) or len(expression) > MAX_EXPRESSION:
        return None
    names = params.get("ExpressionAttributeNames") or {}
    values = params.get("ExpressionAttributeValues") or {}
    found: dict[str, Any] = {}
    removed: list[str] = []
    for section, parts in _sections(WORD.findall(expression)):
        for part in parts:
            name = _name(part[0], names) if part else None
            if name is not None and section == "REMOVE" and len(part) == 1:
                removed.append(name)
            elif name is not None and section == "SET" and _is_literal(part, values):
                found[name] = values[part[2]]
            else:
                return None
    return found, tuple(removed)


def _name(word: str, names: "Mapping[str, Any]") -> "str | None":
    """Return the name of a whole attribute that *word* stands for; a path into one has none."""
    if word[0] == "#":
        name = names.get(word)
        return name if isinstance(name, str) else None
    return word if word.replace("_", "a").isalnum() else None


def _is_literal(part: list[str], values: "Mapping[str, Any]") -> bool:
    return len(part) == 3 and part[1] == "=" and part[2] in values


def _sections(words: list[str]) -> "Iterator[tuple[str, list[list[str]]]]":
    """Yield each section with its parts, which commas divide; brackets are words like others."""
    section = ""
    parts: list[list[str]] = [[]]
    for word in words:
        upper = word.upper()
        if upper in ("SET", "REMOVE", "ADD", "DELETE"):
            if section or parts != [[]]:
                yield section, parts
            section, parts = upper, [[]]
        elif word == ",":
            parts.append([])
        else:
            parts[-1].append(word)
    if section or parts != [[]]:
        yield section, parts


def _legacy(updates: "Mapping[str, Any]") -> "tuple[dict[str, Any], tuple[str, ...]] | None":
    found: dict[str, Any] = {}
    removed = []
    for name, update in updates.items():
        action = update.get("Action", "PUT")
        if action == "PUT" and "Value" in update:
            found[name] = update["Value"]
        elif action == "DELETE" and "Value" not in update:
            removed.append(name)
        else:
            return None
    return found, tuple(removed)
