"""Nobody can tell a traced handler from a bare one, whatever it is, gets, returns or raises."""

import sys

import pytest
from tests.twin.shapes import DEEP, EVENTS, HUGE, recorded

# On Python 3.10 our frame stays there, with a line of source beside it: DESIGN, P1.
INSIDE = pytest.mark.skipif(sys.version_info < (3, 11), reason="something stands outside ours")


@pytest.mark.parametrize(
    "handler",
    [
        "echo", "bound", "traced_bound", "app", "slots", "partial", "anonymous", "named", "nested",
        pytest.param("builtin", marks=INSIDE), "outer", "generator", "keeps",
    ],
)  # fmt: skip
def test_handlers_of_every_kind(twins, handler):
    """Functions, methods, objects, partials: answer, output and process are the same."""
    twins.compare(f"plain.{handler}", [{"a": [1]}, {"Records": [{"eventSource": "aws:sqs"}]}])


def test_a_coroutine_that_nobody_awaits(twins):
    """The runtime client does not await; what Python says about that is the same."""
    twins.compare("plain.coroutine", [1, 2], written=False)


def test_events_of_all_shapes(twins):
    """No event makes a difference: of any shape, from any service, deep or huge."""
    twin = twins.compare("plain.echo", [*EVENTS, *recorded(), HUGE, DEEP, b"not JSON", b""])

    assert len([it for it in twin.lines if it["record"] == "invocation"]) > 100


def test_events_and_results_stay_as_they_were(twins):
    """What the handler was given and gave back is not changed later either."""
    twins.compare("plain.keeps", [*recorded(), *EVENTS])
    twins.compare("plain.changes", [{"records": [1]}, {"a": 1}])


def test_results_of_every_kind(twins):
    """What cannot be serialised fails as it does without us; a generator is not begun."""
    names = ["none", "set", "nan", "decimal", "bytes", "object", "generator", "huge", "surrogate",
             "big", "keys", "status", "failures", "cycle", "noisy"]  # fmt: skip
    twins.compare("plain.result", [*names, *names])


WAYS = ["value", "empty", "class", "unicode", "long", "args", "repr", "noisy", "chained",
        "suppressed", "cycle", "recursion", "group", "noted", "again", "os", "import", "syntax",
        "unicode error", "stop", "assert", "memory", "alarm", "value"]  # fmt: skip


@pytest.mark.parametrize(
    "handler",
    ["function", "app", "method", "nested"]
    + [pytest.param(it, marks=INSIDE) for it in ("decorated", "caught")],
)
def test_errors_of_every_kind(twins, handler):
    """Type, message, stack trace, X-Ray cause and the printed error are the same."""
    twins.compare(f"failing.{handler}", WAYS)


LAST = ["exit 3", "exit 0", "exit text", "keyboard", "generator exit", "cancelled", "custom",
        "os exit", "kill", "segfault", "term", "surrogate", "broken", "cunning"]  # fmt: skip


@pytest.mark.parametrize("way", LAST)
def test_the_process_dies_as_it_would(twins, way):
    """What ends the process ends it with the same code, and nothing more is posted."""
    twins.compare("failing.function", ["value", way, "value"], dies=True)


@pytest.mark.parametrize("handler", ["app", "method", "nested", "decorated"])
def test_it_dies_as_it_would_through_every_wrapper(twins, handler):
    """What is no Exception passes every wrapper of ours."""
    twins.compare(f"failing.{handler}", ["exit 3"], dies=True)
