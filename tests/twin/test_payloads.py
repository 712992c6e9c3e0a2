"""With LUMITRACE_PAYLOADS too nobody can tell: nothing is changed, consumed or touched."""

import pytest
from tests.twin.shapes import DEEP, EVENTS, HUGE, recorded
from tests.twin.test_handlers import WAYS
from tests.twin.test_hosts import CALLS

from lumitrace.wire.span_line import PAYLOADS

ALL = {"LUMITRACE_PAYLOADS": "all", "LUMITRACE_MAX_PAYLOAD": "512"}
ERRORS = {"LUMITRACE_PAYLOADS": "errors"}
RESULTS = ["none", "set", "nan", "decimal", "bytes", "object", "generator", "huge", "surrogate",
           "big", "keys", "status", "failures", "cycle", "noisy"]  # fmt: skip
PLAYS = {
    "events": ("plain.echo", [*EVENTS, HUGE, DEEP, b"not JSON", b""]),
    "kept": ("plain.keeps", recorded()[::2]),
    "changed": ("plain.changes", [{"records": [1]}, {"a": 1}]),
    "results": ("plain.result", RESULTS),
    "errors": ("failing.function", WAYS),
    "calls": ("calls.handler", CALLS),
}


@pytest.mark.parametrize("play", PLAYS)
def test_everything_is_kept_and_nobody_can_tell(twins, play):
    """Events, results, exceptions and calls of all kinds, with ``all``."""
    twin = twins.compare(*PLAYS[play], environment=ALL)

    kept = {name for line in twin.lines for name in PAYLOADS if name in line}
    assert "event" in kept
    assert max(len(line.get("event", "")) for line in twin.lines) <= 512


def test_what_failed_is_kept_and_nobody_can_tell(twins):
    """Exceptions and refused calls, with ``errors``."""
    for play in ("errors", "calls"):
        twin = twins.compare(*PLAYS[play], environment=ERRORS)

        kept = {name for line in twin.lines for name in PAYLOADS if name in line}
        assert kept >= ({"event"} if play == "errors" else {"event", "params", "answer"})
