"""What a layer is under another Python than its bytecode's: the same names, and they do nothing.

The layer holds no source of what it has as bytecode. A function whose runtime was raised must run
as it did: it is not traced, and says so once on standard error.
"""

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from typing_extensions import Self

FOR = "another version"  # the Python whose bytecode the layer has
if os.environ.get("LUMITRACE_ENABLED", "").strip() != "0":
    have = ".".join(map(str, sys.version_info[:2]))
    print(  # noqa: T201  # there is no line of ours to say it
        f"lumitrace: this layer is for Python {FOR}, and does nothing under {have}: "
        f"lumitrace layer build --python {have}",
        file=sys.stderr,
    )


def traced(handler: "Any" = None, /, **_: "Any") -> "Any":
    """Return *handler* itself."""
    return handler if handler is not None else lambda wrapped: wrapped


def start() -> None:
    """Patch nothing."""


def handler() -> "Any":
    """Return the handler that ``LUMITRACE_HANDLER`` names, as it is."""
    from awslambdaric import bootstrap  # noqa: PLC0415  # only there is it asked for

    return bootstrap._get_handler(os.environ["LUMITRACE_HANDLER"].strip())  # noqa: SLF001  # its name in every version since 1.0


def tag(**_: object) -> None:
    """Tell nobody."""


failed = trace_id = lambda *_: None


def bind(entry: "Any", _: object) -> "Any":
    """Return *entry*."""
    return entry


class Scope:
    """A ``with`` block, or a function, that is nothing else."""

    def __init__(self, *_: object, **__: object) -> None:
        pass

    def __enter__(self) -> "Self":
        return self

    def __exit__(self, *_: object) -> None:
        pass

    async def __aenter__(self) -> "Self":
        return self

    async def __aexit__(self, *_: object) -> None:
        pass

    def __call__(self, wrapped: "Any") -> "Any":
        """Return *wrapped* itself, as a decorator."""
        return wrapped


record = span = Scope


def records(event: "Any") -> "Iterator[Any]":
    """Yield every record of *event*."""
    event = getattr(event, "raw_event", event)
    if isinstance(event, dict):
        event = event.get("Records", event.get("records"))
    if isinstance(event, dict):
        event = [one for part in event.values() if isinstance(part, list) for one in part]
    yield from event if isinstance(event, list | tuple) else ()
