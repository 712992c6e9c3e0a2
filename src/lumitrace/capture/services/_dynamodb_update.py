"""Marking what an UpdateItem writes: its expression, or its legacy ``AttributeUpdates``.

An expression is read by tokens, never by a search for words: ``SET`` may be a part of a name, and
names and values may be called anything. What is not understood whole is left as it is, so that an
expression that was wrong is refused in the very same words.

Grammar:   https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.UpdateExpressions.html
Limits:    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html
Legacy:    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/LegacyConditionalParameters.html
"""

import re
from functools import lru_cache

from lumitrace.capture.services._update_expression import Expression, read
from lumitrace.wire.mark import ATTRIBUTE, parse_mark

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    Result = tuple[Mapping[str, Any], str | None]

MAX_BYTES = 4096  # of an expression
NAMES, VALUES = "ExpressionAttributeNames", "ExpressionAttributeValues"
EXPRESSIONS = ("UpdateExpression", "ConditionExpression", NAMES, VALUES)
LEFT = "expression"
# Such an update makes no item where there is none, and a mark would: it only takes away.
# https://github.com/scylladb/scylladb/issues/5862
ONLY_REMOVES = "only-removes"
ALTERNATIVES = re.compile(r"\b(?:OR|NOT)\b", re.IGNORECASE)


def with_mark(params: "Mapping[str, Any]", mark: "dict[str, str]") -> "Result":
    """Return the parameters of an update with *mark* in them, or *params* itself and why."""
    if "AttributeUpdates" not in params and "Expected" not in params:
        return (params, LEFT) if "ConditionalOperator" in params else _modern(params, mark)
    if any(name in params for name in EXPRESSIONS):
        return params, LEFT  # AWS takes the one or the other
    return _legacy(params, mark)


def _modern(params: "Mapping[str, Any]", mark: "dict[str, str]") -> "Result":
    condition, names, values = (
        params.get("ConditionExpression", ""),
        params.get(NAMES),
        params.get(VALUES),
    )
    expression = _expression(params)
    if expression is None or not isinstance(condition, str):
        return params, LEFT
    if not _fits(expression, condition, names, values):
        return params, LEFT
    names, values = names or {}, values or {}
    if ATTRIBUTE in names.values():
        return params, "own-attribute"
    if expression.only_removes and not _must_exist(condition):
        return params, ONLY_REMOVES
    name = ATTRIBUTE  # what is defined is used, so that the texts tell what the caller uses
    while name in expression.text or name in condition:
        name += "_"
    ours = expression.assigning(f"#{name}", f":{name}")
    if len(ours) > MAX_BYTES:
        return params, LEFT
    return {
        **params,
        "UpdateExpression": ours,
        NAMES: {**names, f"#{name}": ATTRIBUTE},
        VALUES: {**values, f":{name}": mark},
    }, None


def _expression(params: "Mapping[str, Any]") -> Expression | None:
    """Return the update expression, an empty one where there is none: it makes an item of a key."""
    text = params.get("UpdateExpression")
    if text is None and "UpdateExpression" not in params:
        return Expression("")
    return _read(text) if isinstance(text, str) and len(text) <= MAX_BYTES else None


def _fits(expression: Expression, condition: str, names: "Any", values: "Any") -> bool:
    """Tell whether every placeholder is defined and every definition is used, as AWS asks."""
    for given, used in ((names, expression.names), (values, expression.values)):
        if given is None:
            if used:
                return False
            continue
        if not isinstance(given, dict) or not given or not used <= given.keys():
            return False
        for name in given:
            if name not in used and (not isinstance(name, str) or name not in condition):
                return False
    return True


def _must_exist(condition: str) -> bool:
    """Tell whether *condition* is met by an item alone that is there."""
    return "attribute_exists" in condition and not ALTERNATIVES.search(condition)


def _legacy(params: "Mapping[str, Any]", mark: "dict[str, str]") -> "Result":
    updates = params.get("AttributeUpdates")
    if not isinstance(updates, dict) or not updates:
        return params, LEFT
    if not all(isinstance(update, dict) for update in updates.values()):
        return params, LEFT
    if ATTRIBUTE in updates:
        value = updates[ATTRIBUTE].get("Value")
        if parse_mark(value.get("S") if isinstance(value, dict) else value) is None:
            return params, "own-attribute"
    if all(update.get("Action") == "DELETE" for update in updates.values()):
        return params, ONLY_REMOVES
    ours = {**updates, ATTRIBUTE: {"Action": "PUT", "Value": mark}}
    return {**params, "AttributeUpdates": ours}, None


def may_change_nothing(params: "Mapping[str, Any]") -> bool:
    """Tell whether an update can be made twice and change nothing the second time.

    One that counts or appends changes the item with and without our mark.
    """
    updates = params.get("AttributeUpdates")
    if isinstance(updates, dict):
        added = [one.get("Value") for one in updates.values() if one.get("Action") == "ADD"]
    else:
        expression, values = _expression(params), params.get(VALUES) or {}
        if expression is None or expression.counts:
            return False
        added = [values.get(name) for name in expression.added]
    return not any("N" in value or "L" in value for value in added if isinstance(value, dict))


_read = lru_cache(maxsize=128)(read)  # most functions have a few expressions, as constants
