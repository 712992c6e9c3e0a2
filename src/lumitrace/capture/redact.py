"""What may never be written: secrets in texts, and more of a text than one needs.

Masking comes before cutting, so that no half of a secret is left.
"""

from lumitrace.capture.config import settings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

MAX_MESSAGE = 256  # characters of an error's text
MAX_INPUT = 4096  # characters looked at
MASK = "****"
MAX_CODE = 100  # characters of an error's code


def failure(kind: str, text: str) -> dict[str, str]:
    """Return type and message of an error; no message with ``LUMITRACE_ERRORS=type``."""
    return {"type": kind, "message": message(text)} if settings.errors else {"type": kind}


def message(text: str) -> str:
    """Return *text* without secrets and queries, at most *MAX_MESSAGE* characters of it."""
    from lumitrace.capture import mask, secret  # noqa: PLC0415  # 1 ms, where something failed

    text = secret.without_queries(mask.masked(mask.whole_words(text, MAX_INPUT)))
    return text if len(text) <= MAX_MESSAGE else text[: MAX_MESSAGE - 1] + "\u2026"


def refusal(parsed: "Mapping[str, Any]", operation: str) -> dict[str, str]:
    """Return type, message and code of an error that AWS answered, as botocore words it."""
    error = parsed.get("Error")
    error = error if isinstance(error, dict) else {}
    code = str(error.get("Code") or "Unknown")[:MAX_CODE]
    text = f"An error occurred ({code}) when calling the {operation} operation: "
    return {**failure(code, text + str(error.get("Message", ""))), "code": code}
