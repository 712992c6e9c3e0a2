"""Which refusals our context could be the reason of: sizes, numbers, names, expressions, rights.

Never a condition or a key. DynamoDB's words:
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.Errors.html
https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from lumitrace.capture.services._call import Call

# (error code, a part of its message in lower case; "" for any), by botocore's name of the service.
SUSPICIONS = {
    "dynamodb": (
        ("ValidationException", "item size"),
        ("ValidationException", "size has exceeded"),
        ("ValidationException", "aggregate size"),
        ("ValidationException", "invalid updateexpression"),
        ("ValidationException", "expressionattribute"),
        ("ValidationException", "attribute name"),
        ("ItemCollectionSizeLimitExceededException", ""),
        ("AccessDeniedException", ""),
    ),
    "events": (
        ("ValidationException", "size"),
        ("RequestEntityTooLargeException", ""),
    ),
    "lambda": (
        ("InvalidRequestContentException", ""),
        ("RequestTooLargeException", ""),
        ("ValidationException", "clientcontext"),
    ),
    "sns": (
        ("InvalidParameter", "too long"),
        ("InvalidParameter", "attribute"),
        ("InvalidParameter", "size"),
        ("InvalidParameterValue", "attribute"),
        ("BatchRequestTooLong", ""),
    ),
    "sqs": (
        ("InvalidParameterValue", "must be shorter"),
        ("InvalidParameterValue", "attribute"),
        ("AWS.SimpleQueueService.BatchRequestTooLong", ""),
        ("BatchRequestTooLong", ""),
    ),
}
CANCELLED = "TransactionCanceledException"
# What the reasons of a cancellation are called where a request of its own is refused.
REASONS = {
    "ValidationError": "ValidationException",
    "ItemCollectionSizeLimitExceeded": "ItemCollectionSizeLimitExceededException",
    "AccessDenied": "AccessDeniedException",
}


def is_suspicious(service: str, code: str, text: str) -> bool:
    """Tell whether a refusal with this *code* and *text* could be the fault of our context."""
    lower = text.lower()
    return any(code == suspect and part in lower for suspect, part in SUSPICIONS.get(service, ()))


def refused(call: "Call", parsed: "dict[str, Any]") -> tuple[str, str, tuple[str, ...]] | None:
    """Return code and text of a refusal that our context could be the reason of, else None.

    The third are the tables it is about, of a call that marked items of several.
    """
    error = parsed.get("Error") or {}
    code, text = str(error.get("Code")), str(error.get("Message", ""))
    if code == CANCELLED:
        return _cancelled(call, parsed.get("CancellationReasons"))
    if not is_suspicious(call.service, code, text):
        return None
    marked = tuple(dict.fromkeys(call.marked.values()))
    named = tuple(name for name in marked if _names(text, name))
    return code, text, named or marked


def _cancelled(call: "Call", reasons: object) -> tuple[str, str, tuple[str, ...]] | None:
    """Judge a transaction by the reason that each of its actions was given.

    One that our mark cannot be the reason of would cancel it again.
    """
    tables, told = [], []
    for at, reason in enumerate(reasons if isinstance(reasons, list) else ()):
        code, text = str(reason.get("Code")), str(reason.get("Message", ""))
        if code == "None":
            continue
        if at not in call.marked or not is_suspicious(call.service, REASONS.get(code, code), text):
            return None
        tables.append(call.marked[at])
        told.append((code, text))
    return (*told[0], tuple(dict.fromkeys(tables))) if told else None


def _names(text: str, table: str) -> bool:
    """Tell whether *text* has the ARN of *table*."""
    return any(
        part == table or not (part[len(table)].isalnum() or part[len(table)] in "-_.")
        for part in text.split(":table/")[1:]
        if part.startswith(table)
    )
