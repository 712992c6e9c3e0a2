"""Sampling, payloads, errors without texts, hang stacks and links together: nobody can tell."""

import json

import pytest
from tests.twin.plays import ENVIRONMENT, PLAYS, headers_of, thinned
from tests.twin.test_faults import differences, unnumbered
from tests.twin.test_handlers import INSIDE
from tests.twin.twins import ALIVE, pieces

from lumitrace.wire.span_line import PAYLOADS

# What each setting is in which of six functions: any two settings meet in each of four ways.
# https://en.wikipedia.org/wiki/All-pairs_testing
SETTINGS = {
    "LUMITRACE_SAMPLE": ("0.5", "0", "001110"),
    "LUMITRACE_PAYLOADS": ("errors", "all", "011100"),
    "LUMITRACE_ERRORS": ("message", "type", "011010"),
    "LUMITRACE_HANG_STACK": ("0", "1", "010110"),
    "LUMITRACE_DYNAMODB": ("link", "inject", "011001"),
}
TOGETHER = [
    {name: values[int(which[number])] for name, (*values, which) in SETTINGS.items()}
    for number in range(6)
]
CHOSEN = ["messages", "topics", "items", "updates", "batches", "transactions", "reads", "refusals",
          "steps", "threads", "forks", "by_http_client"]  # fmt: skip
ASKED = [
    *({"does": [name]} for name in CHOSEN),
    *[play for play in PLAYS if play["does"] == ["nothing"]][::6],
    *(play for play in PLAYS if play["does"] in (["loop"], ["bound"], ["partial"])),
    *thinned(),
]


def run(twins, *, traced, environment):
    """Let one function do all of it."""
    events = [(json.dumps(play).encode(), headers_of(play)) for play in ASKED]
    outcome = twins.run("wide.handler", events, traced=traced, environment=environment, marked=True)
    assert outcome.seen["exit code"] == ALIVE, outcome.seen["stderr"]
    return outcome


def process(outcome):
    """Return the state in which the process was left, but for its settings."""
    state = unnumbered(outcome.noted[-1])
    others = {name: it for name, it in state["environment"].items() if name not in SETTINGS}
    return {**state, "environment": others}


@pytest.fixture(scope="module")
def bare(twins):
    """Return what it looks like without us."""
    return run(twins, traced=False, environment=ENVIRONMENT)


@INSIDE
@pytest.mark.parametrize("settings", TOGETHER, ids=lambda one: " ".join(one.values()))
def test_any_two_of_them(twins, bare, settings):
    """Answers, errors, output and requests are the same; and each setting is in force."""
    twin = run(twins, traced=True, environment={**ENVIRONMENT, **settings})

    for play, (plain, asked), (texts, requests) in zip(
        ASKED, pieces(bare), pieces(twin), strict=True
    ):
        assert texts == plain, play["does"]
        assert list(differences(asked, requests)) == [], play["does"]
    assert process(twin) == process(bare)
    ends = [it for it in twin.lines if it["record"] == "invocation" and "durationUs" in it]
    thin = [line for line in ends if line.get("detail") is False]
    assert len(ends) == len(ASKED)
    assert thin
    kept = {it["spanId"] for it in twin.lines if {*PAYLOADS} & {*it}}
    assert not kept & {it["spanId"] for it in thin if "failedRecords" not in it}
    every = len(thin) == sum("status" not in line for line in ends)
    assert every == (settings["LUMITRACE_SAMPLE"] == "0")
    texts = any("message" in line.get("error", ()) for line in twin.lines)
    assert texts == (settings["LUMITRACE_ERRORS"] == "message")
