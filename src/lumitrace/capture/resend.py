"""A request that was refused with our mark in it goes again without (DESIGN: promise P3).

Only for a reason that the mark could be, and only where the whole request was refused. If it
succeeds without, the mark was guilty and stays off that resource for the life of the process. If
it is refused again the mark was innocent: the caller gets the answer it would have had, and the
same refusal is not tried a second time for 60 s.
"""

import time

from lumitrace.capture.guard import reporter

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from lumitrace.capture.calls import LiveCall

QUIET_NS = 60_000_000_000
MAX_REMEMBERED = 256
NONE: frozenset[str] = frozenset()
LAST = "MaxAttemptsReached"  # what botocore says of an answer to the last attempt
TOKEN = "ClientRequestToken"  # noqa: S105  # its name

guilty: set[tuple[str, str]] = set()
innocent: dict[tuple[str, str, str, str], int] = {}


def off(service: str) -> frozenset[str]:
    """Return the resources of *service* at which the mark was found guilty before."""
    if not guilty:
        return NONE
    return frozenset(resource for name, resource in guilty if name == service)


def without(live: "LiveCall", response: "Any", request_dict: "dict[str, Any]") -> float | None:
    """Put the caller's own parameters into the request and ask for it at once; None to let it be.

    The answer is what a ``needs-retry`` handler gives: seconds to wait, or None for no retry.
    """
    if live.original is None or live.resent or response is None:
        return None
    http_response, parsed = response
    if not 400 <= http_response.status_code < 500:
        return None
    found = _suspicion().refused(live.call, parsed)
    original = _again(live)
    if found is None or original is None:
        return None
    code, text, suspects = found
    key = (live.operation, live.resource, code, _without_values(text))
    if time.monotonic_ns() - innocent.get(key, -QUIET_NS) < QUIET_NS:
        return None
    spelt = plain(live, original)
    request_dict["body"] = spelt["body"]
    if live.call.service == "lambda":
        header = spelt["headers"].get("X-Amz-Client-Context")
        request_dict["headers"].pop("X-Amz-Client-Context", None)
        if header is not None:
            request_dict["headers"]["X-Amz-Client-Context"] = header
    live.resent = True
    live.exhausted = LAST in parsed.get("ResponseMetadata", {})
    live.refusal = key
    live.suspects = suspects or (live.resource,)
    return 0


def _suspicion() -> "Any":
    from lumitrace.capture import suspicion  # noqa: PLC0415  # where AWS refused something

    return suspicion


def plain(live: "LiveCall", params: "Mapping[str, Any]") -> "Mapping[str, Any]":
    """Return *params* as botocore spells them in a request."""
    serializer = live.client._serializer  # noqa: SLF001  # as BaseClient itself does
    spelt: Mapping[str, Any] = serializer.serialize_to_request(params, live.model)
    return spelt


def _again(live: "LiveCall") -> "Mapping[str, Any] | None":
    """Return the caller's own parameters, or None where they may not be sent again.

    A transaction that goes again with the token of botocore's own is another request: it gets
    another token. After an attempt whose outcome is not known it does not go again.
    """
    original = live.original
    if original is None or live.call.operation != "TransactWriteItems" or TOKEN not in original:
        return original
    from uuid import uuid4  # noqa: PLC0415  # botocore has loaded it

    return {**original, TOKEN: str(uuid4())} if live.attempts == 1 else None


def settle(live: "LiveCall", code: int, metadata: "dict[str, Any]") -> None:
    """Judge the mark by what came of the request without it, and put the count of retries right."""
    if not live.resent:
        return
    live.attempts -= 1
    if isinstance(metadata.get("RetryAttempts"), int):
        metadata["RetryAttempts"] -= 1
    if not live.exhausted:  # the message of an error would say that it was
        metadata.pop(LAST, None)
    live.call.not_injected, live.call.sent = "refused", live.call.params
    if code < 300:
        guilty.update((live.call.service, resource) for resource in live.suspects)
        refused = live.refusal[2] if live.refusal else ""
        where = f"{live.operation} {', '.join(live.suspects)}"
        told = f"{where} refused our context ({refused}): it stays out there"
        reporter.report("capture.resend", told)
    elif live.refusal is not None:
        if len(innocent) >= MAX_REMEMBERED:
            innocent.clear()
        innocent[live.refusal] = time.monotonic_ns()


def learn(live: "LiveCall", code: int, parsed: "dict[str, Any]") -> None:
    """Keep the mark off where it may be why entries of a batch were refused inside a 200."""
    failed = parsed.get("Failed") if live.original is not None and code < 300 else None
    for entry in failed or ():
        refused, text = str(entry.get("Code")), str(entry.get("Message", ""))
        if _suspicion().is_suspicious(live.call.service, refused, text):
            guilty.add((live.call.service, live.resource))
            where = f"{live.operation} {live.resource}"
            told = f"{where} refused entries with our context ({refused}): it stays out there"
            reporter.report("capture.resend", told)


def _without_values(text: str) -> str:
    """Return *text* without digits and quoted words, so that one refusal is known again."""
    outside = text.split('"')[::2]
    return "".join(letter for letter in "".join(outside)[:512] if not letter.isdigit())
