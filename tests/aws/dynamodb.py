"""What DynamoDB refuses, and moto lets pass: sizes, tokens, and attributes that IAM does not allow.

Sizes: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html
"""

import base64
import json
import re
import time

from tests.aws.limits import KIB, MIB, limit
from tests.aws.refusal import Refusal

DOCS = "https://docs.aws.amazon.com/amazondynamodb/latest/"
CONSTRAINTS = f"{DOCS}developerguide/Constraints.html"
ITEM_BYTES = 400 * KIB  # names count too
EXPRESSION_BYTES = 4 * KIB
OPERATORS = 300  # of an UpdateExpression
TRANSACTION_BYTES = 4 * MIB
BATCH_BYTES = 16 * MIB
TOKEN_S = 600  # how long a ClientRequestToken is remembered

WRITES = tuple(
    f"dynamodb.{name}" for name in ("PutItem", "UpdateItem", "BatchWriteItem", "TransactWriteItems")
)
EXPRESSIONS = ("Update", "Condition", "Filter", "Projection", "KeyCondition")
NAME = re.compile(r"[#:]?[A-Za-z_][\w-]*|#[\w-]+")


def size(item):
    """Return the bytes that AWS counts of *item*: names and values, in UTF-8."""
    return sum(len(name.encode()) + _value(value) for name, value in item.items())


def _value(value):
    [(kind, inner)] = value.items()
    if kind in ("SS", "NS", "BS"):
        return sum(_value({kind[0]: one}) for one in inner)
    if kind == "L":
        return 3 + sum(1 + _value(one) for one in inner)
    if kind == "M":
        return 3 + sum(1 + len(name.encode()) + _value(one) for name, one in inner.items())
    return SCALARS[kind](inner)


def _number(text):
    """Two significant digits a byte, and one; zeros at either end do not count."""
    digits = re.sub(r"[eE].*|[-+.]", "", text).strip("0")
    return (len(digits) + 1) // 2 + 1 + text.startswith("-")


SCALARS = {
    "S": lambda text: len(text.encode()),
    "N": _number,
    "B": lambda text: len(base64.b64decode(text)),
    "BOOL": lambda _: 1,
    "NULL": lambda _: 1,
}


def puts(operation, params):
    """Return (table, item) of everything that is written whole."""
    if operation == "PutItem":
        return [(params["TableName"], params["Item"])]
    if operation == "BatchWriteItem":
        return [
            (table, one["PutRequest"]["Item"])
            for table, wanted in params["RequestItems"].items()
            for one in wanted
            if "PutRequest" in one
        ]
    parts = [one["Put"] for one in params.get("TransactItems", ()) if "Put" in one]
    return [(part["TableName"], part["Item"]) for part in parts]


@limit("dynamodb.PutItem", source=CONSTRAINTS)
def dynamodb_item_size(params, memory):
    """400 KB an item.

    The words: https://github.com/justinram11/langgraph-checkpoint-dynamodb/issues/2
    """
    if size(params["Item"]) > ITEM_BYTES:
        raise Refusal("ValidationException", "Item size has exceeded the maximum allowed size")


@limit("dynamodb.BatchWriteItem", source=f"{DOCS}APIReference/API_BatchWriteItem.html")
def dynamodb_batch_size(params, memory):
    """400 KB an item and 16 MB in all: one item too many refuses the whole batch."""
    sizes = [size(item) for _, item in puts("BatchWriteItem", params)]
    if sizes and max(sizes) > ITEM_BYTES:
        raise Refusal("ValidationException", "Item size has exceeded the maximum allowed size")
    if sum(sizes) > BATCH_BYTES:
        raise Refusal("ValidationException", "Too large a batch: 16 MB is the limit")


@limit("dynamodb.TransactWriteItems", source=f"{DOCS}APIReference/API_TransactWriteItems.html")
def dynamodb_transaction_size(params, memory):
    """400 KB an item, told as the reason of the cancellation, and 4 MB in all."""
    reasons, total = [], 0
    for one in params["TransactItems"]:
        counted = size(one["Put"]["Item"]) if "Put" in one else 0
        total += counted
        text = "Item size has exceeded the maximum allowed size"
        large = {"Code": "ValidationError", "Message": text}
        reasons.append(large if counted > ITEM_BYTES else {"Code": "None"})
    if any("Message" in one for one in reasons):
        codes = ", ".join(one["Code"] for one in reasons)
        text = "Transaction cancelled, please refer cancellation reasons for specific reasons"
        text = f"{text} [{codes}]"
        raise Refusal("TransactionCanceledException", text, CancellationReasons=reasons)
    if total > TRANSACTION_BYTES:
        text = "Collection size limit: the aggregate size of the items exceeds 4 MB"
        raise Refusal("ValidationException", text)


@limit("dynamodb.TransactWriteItems", source=f"{DOCS}APIReference/API_TransactWriteItems.html")
def dynamodb_token(params, memory):
    """The same ClientRequestToken with anything else changed, within ten minutes."""
    token = params.get("ClientRequestToken")
    if not token:
        return
    now, said = time.monotonic(), json.dumps(params, sort_keys=True)
    first, known = memory.setdefault(("token", token), (now, said))
    if now - first > TOKEN_S:
        memory["token", token] = (now, said)
    elif known != said:
        text = (
            "The request uses the same client token as a previous, "
            "but non-identical request. Do not reuse a client token with different requests."
        )
        raise Refusal("IdempotentParameterMismatchException", text)


@limit(
    *WRITES,
    "dynamodb.GetItem",
    "dynamodb.Query",
    "dynamodb.Scan",
    "dynamodb.DeleteItem",
    source=CONSTRAINTS,
)
def dynamodb_expressions(params, memory):
    """4 KB an expression, as it is spelt; 300 operators of an update.

    The words: https://github.com/pynamodb/PynamoDB/issues/979
    """
    inner = [next(iter(one.values())) for one in params.get("TransactItems", ())]
    for part in (params, *inner):
        for kind in EXPRESSIONS:
            spelt = part.get(f"{kind}Expression", "")
            length = len(spelt.encode())
            if length > EXPRESSION_BYTES:
                text = "Expression size has exceeded the maximum allowed size"
                text = f"Invalid {kind}Expression: {text}; expression size: {length}"
                raise Refusal("ValidationException", text)
        if len(re.findall(r"[=+-]|\w\(", part.get("UpdateExpression", ""))) > OPERATORS:
            text = "The expression contains too many operators; operator count: "
            raise Refusal("ValidationException", f"Invalid UpdateExpression: {text}{OPERATORS + 1}")


def update(request, forward):
    """Answer an UpdateItem: where the item becomes too large, that is undone and refused.

    The words: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.Errors.html
    """
    only = {name: request.params.get(name) for name in ("TableName", "Key")}
    consistent = {**only, "ConsistentRead": True}
    before = _asked(request, forward, "GetItem", consistent).get("Item")
    answer = forward(request)
    after = _asked(request, forward, "GetItem", consistent).get("Item") or {}
    if size(after) <= ITEM_BYTES:
        return answer
    if before is None:
        _asked(request, forward, "DeleteItem", only)
    else:
        _asked(request, forward, "PutItem", {"TableName": only["TableName"], "Item": before})
    text = "Item size to update has exceeded the maximum allowed size"
    raise Refusal("ValidationException", text)


def _asked(request, forward, operation, params):
    headers = [one for one in request.headers if one[0].lower() != b"x-amz-target"]
    headers.append((b"X-Amz-Target", f"DynamoDB_20120810.{operation}".encode()))
    asked = type(request)(b"POST", b"/", headers, json.dumps(params).encode())
    return json.loads(forward(asked)[2])


def allow_attributes(table, *allowed):
    """Return a check for ``proxy.checks``: IAM allows these attributes of *table*, and no other.

    As a policy has it with ``"ForAllValues:StringEquals": {"dynamodb:Attributes": [...]}``:
    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/specifying-conditions.html
    """

    def check(request, memory):
        if f"{request.service}.{request.operation}" not in WRITES:
            return
        named = attributes(request.operation, request.params).get(table, set())
        if not named <= set(allowed):
            action = f"dynamodb:{request.operation}"
            where = f"arn:aws:dynamodb:eu-west-1:123456789012:table/{table}"
            who = "arn:aws:sts::123456789012:assumed-role/shop/shop"
            text = f"User: {who} is not authorized to perform: {action} on resource: {where}"
            text += f" because no identity-based policy allows the {action} action"
            raise Refusal("AccessDeniedException", text)

    return check


def attributes(operation, params):
    """Return the names of the attributes that a request names, by table."""
    found = {}
    for table, item in puts(operation, params):
        found.setdefault(table, set()).update(item)
    parts = [next(iter(one.values())) for one in params.get("TransactItems", ())]
    for part in (params, *parts):
        if "TableName" in part:
            found.setdefault(part["TableName"], set()).update(part.get("Key", ()), _spelt(part))
    return found


def _spelt(part):
    """Return the top-level names in the expressions of *part*."""
    aliases = part.get("ExpressionAttributeNames") or {}
    names = set(aliases.values()) | set(part.get("AttributeUpdates") or ())
    for kind in EXPRESSIONS:
        for word in NAME.findall(re.sub(r"\.[#\w-]+", "", part.get(f"{kind}Expression", ""))):
            if not word.startswith(("#", ":")) and word.upper() not in KEYWORDS:
                names.add(word)
    return names


KEYWORDS = frozenset(
    (
        *("SET", "REMOVE", "ADD", "DELETE", "AND", "OR", "NOT", "IN", "BETWEEN", "SIZE"),
        *("IF_NOT_EXISTS", "LIST_APPEND", "ATTRIBUTE_EXISTS", "ATTRIBUTE_NOT_EXISTS"),
        *("ATTRIBUTE_TYPE", "BEGINS_WITH", "CONTAINS"),
    )
)
