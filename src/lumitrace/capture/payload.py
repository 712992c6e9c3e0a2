"""Event, result and parameters, where ``LUMITRACE_PAYLOADS`` asks for them; else never loaded.

The picture of the event is taken before the handler runs, because a handler may change it. With
``errors`` it waits as a text of a bounded size, and is written only where something failed. Where
the trace is not sampled, ``all`` is no more than that: what went well is told in sums.
"""

from lumitrace.capture.config import settings
from lumitrace.capture.picture import picture
from lumitrace.capture.variables import ALL
from lumitrace.wire.span_line import ANSWER, EVENT, PARAMS, RESULT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from lumitrace.capture.calls import LiveCall

# Services whose business is secrets and who people are, by the beginnings of botocore's names.
NEVER = (
    *("secretsmanager", "ssm", "kms", "sts", "cognito", "iam", "sso", "signin", "acm"),
    *("payment-cryptography", "rolesanywhere"),
)
NEVER_FROM = frozenset(("cognito", "secretsmanager"))  # triggers
OUTSIDE = "http"  # what calls that are not AWS's bear as their service: bodies are never read
SHARE = 2  # of an invocation's bytes, one part of so many is for parameters and answers


class Kept:
    """What is kept for one invocation.

    Attributes:
        always: whether event and result are written also where it succeeded.
        calls: whether parameters are taken also of calls that succeeded. Where nothing is written
            before the end, `sums` takes them away again.
        event: the picture of the event, "" where there may be none.
        answers: of calls that failed, until their lines are spelt; by span id.
        left: bytes that parameters and answers may still take.
    """

    __slots__ = ("always", "answers", "calls", "event", "left", "never")

    def __init__(self, event: object, trigger: str, *, sampled: bool) -> None:
        self.calls = settings.payloads == ALL
        self.always = self.calls and sampled
        self.never = trigger in NEVER_FROM
        self.event = "" if self.never else picture(event, settings.max_payload)
        self.answers: dict[str, Any] = {}
        self.left = settings.max_bytes // SHARE

    def at_start(self) -> dict[str, str]:
        """Return what the ``start`` line says: an invocation that is killed says no more."""
        return {EVENT: self.event} if self.always and self.event else {}

    def at_end(
        self, result: object, raised: BaseException | None, *, failed: bool
    ) -> dict[str, str]:
        """Return what the ``invocation`` line says."""
        if self.never or not (failed or self.always):
            return {}
        told = {} if self.always else {EVENT: self.event}
        if raised is None:
            told[RESULT] = picture(result, settings.max_payload)
        return told

    def of_call(self, live: "LiveCall", *, failed: bool) -> dict[str, str]:
        """Return what the line or the entry of a call says."""
        answer = self.answers.pop(live.span_id, None)
        service = live.call.service
        if not (failed or self.calls) or service == OUTSIDE or service.startswith(NEVER):
            return {}
        if self.left <= 0:
            if live.span is not None:
                live.span.invocation.drop("payloads")
            return {}
        told = {PARAMS: picture(live.call.params, settings.max_payload)}
        if answer is not None:
            said = {key: value for key, value in answer.items() if key != "ResponseMetadata"}
            told[ANSWER] = picture(said, settings.max_payload)
        size = sum(map(len, told.values()))
        self.left -= size
        if live.span is not None:
            live.span.invocation.waiting_bytes += size
        return told
