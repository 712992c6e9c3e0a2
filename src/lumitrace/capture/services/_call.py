"""One AWS call, as a service sees it."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from lumitrace.wire.context import SpanContext

OWN = "own-traceparent"  # why our context stays out: the message has one already


class Call:
    """One AWS call, as its sender sees it.

    Attributes:
        service: botocore's name, ``sns``.
        operation: AWS's name, ``Publish``.
        params: what the caller gave, as the service takes it; never changed.
        not_injected: why our context stays out, where it does.
        avoid: names of tables that must not get a mark from here.
        region: the AWS region of the client, "" where it has none.
        read_from: who wrote the items that the answer held, a list of trace, span and count.
        bound: the contexts of entries that are a record's own, by their place in the batch.
        told: of each of these, trace, span and link keys.
    """

    __slots__ = (
        "avoid",
        "bound",
        "not_injected",
        "operation",
        "params",
        "read_from",
        "region",
        "service",
        "told",
    )

    def __init__(
        self, service: str, operation: str, params: "Mapping[str, Any]", region: str = ""
    ) -> None:
        self.service = service
        self.operation = operation
        self.params = params
        self.region = region
        self.read_from: list[Any] = []
        self.not_injected: str | None = None
        self.avoid: frozenset[str] = frozenset()
        self.bound: dict[int, SpanContext] = {}
        self.told: list[list[Any]] = []
