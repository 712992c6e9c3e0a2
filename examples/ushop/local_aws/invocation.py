"""What goes into a function, and what comes out."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Invocation:
    """One event on its way to a handler.

    Attributes:
        request_id: The same for every attempt at an asynchronous event.
        event: JSON.
        trace_root: X-Ray's; the same for every attempt, too.
        client_context: JSON that the caller of Invoke gave, or None.
    """

    request_id: str
    event: bytes
    trace_root: str
    client_context: str | None = None


@dataclass(frozen=True)
class Outcome:
    """What came of an invocation: JSON, and Lambda's word for a failure where it failed."""

    request_id: str
    payload: bytes
    error: str | None = None
    log_tail: str = ""

    def json(self) -> Any:
        """Return the payload, parsed."""
        return json.loads(self.payload) if self.payload else None
