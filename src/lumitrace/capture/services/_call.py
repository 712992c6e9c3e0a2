"""One AWS call, as a service sees it."""

from functools import lru_cache
from types import MappingProxyType

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from lumitrace.wire.context import SpanContext

NONE: "frozenset[str]" = frozenset()
NOTHING: "Mapping[Any, Any]" = MappingProxyType({})
MAX_NAME = 2048  # characters of an ARN or a URL that are looked at: twice as long as AWS has them
OWN = "own-traceparent"  # why our context stays out: the message has one already


class Call:
    """One AWS call, as its sender sees it.

    Attributes:
        service: botocore's name, ``sns``.
        operation: AWS's name, ``Publish``.
        params: what the caller gave, as the service takes it; never changed.
        sent: the parameters that went out: *params*, or those with our context in them.
        not_injected: why our context stays out, where it does.
        given: the names of the parameters that the caller gave; botocore may add some.
        avoid: names of tables that must not get a mark from here.
        off: names of resources that refused our context before.
        fed: whether no timer started this, so that it may be its own echo.
        marked: the tables whose items got a mark, by their place in a batch or transaction.
        region: the AWS region of the client, "" where it has none.
        read_from: who wrote the items that the answer held, a list of trace, span and count.
        bound: the contexts of entries that are a record's own, by their place in the batch.
        told: of each of these, trace, span and link keys.
    """

    # Few calls have more to say than these: 0.4 us less than to set each.
    read_from: "Sequence[Any]" = ()
    not_injected: str | None = None
    given: tuple[str, ...] = ()
    avoid = off = NONE
    fed = False
    marked: "Mapping[int, str]" = NOTHING
    bound: "Mapping[int, SpanContext]" = NOTHING
    told: "Sequence[list[Any]]" = ()

    def __init__(
        self, service: str, operation: str, params: "Mapping[str, Any]", region: str = ""
    ) -> None:
        self.service = service
        self.operation = operation
        self.params = self.sent = params
        self.region = region


def name_of(text: object) -> str:
    """Return the name at the end of an ARN or a URL, 100 characters at most.

    ``arn:aws:sns:eu-west-1:123456789012:ushop_new-sales`` gives ``ushop_new-sales``; a table's ARN
    gives the table, also where an index or a stream follows it.
    """
    if not isinstance(text, str):
        return ""
    text = text[:MAX_NAME]
    if text.startswith("arn:"):
        last = text.split(":", 5)[-1]
        kind, slash, rest = last.partition("/")
        if slash:
            name = rest.split("/", 1)[0] if kind == "table" else rest.rsplit("/", 1)[-1]
            if kind == "endpoint":  # one person's device; its application is named
                name = rest.rpartition("/")[0].rpartition("/")[2]
        else:
            parts = last.split(":")
            name = parts[1] if parts[0] == "function" and len(parts) > 1 else parts[-1]
        return name[:100]
    if "://" in text:
        text = text.split("?", 1)[0].rstrip("/").rsplit("/", 1)[-1]
    return text[:100]


name_once = lru_cache(maxsize=256)(name_of)  # of what calls are about: few names, 0.1 us for 0.6
