"""Every kind of hop, played on both sides: the table in docs/services.md is what came out."""

import pytest

pytest.importorskip("botocore")
pytest.importorskip("duckdb")
pytest.importorskip("opentelemetry.trace")
pytest.importorskip("aws_lambda_powertools")

import hop_plays  # noqa: F401  # registers its kinds
import hop_plays_of_batches
from hop_kinds import KINDS, outcomes
from tests import pages

HEAD = (
    "| hop | (a) with injection | (b) without | (c) sender without lines "
    "| (c) receiver without lines: seen last |\n|---|---|---|---|---|\n"
)
SHARE = 0.95  # of the kinds that AWS makes traceable; exact in (a)
PLAYED = {}


@pytest.fixture
def table(stage):
    """How each kind of hop is joined, by mode; played once."""
    if not PLAYED:
        PLAYED.update({name: outcomes(stage, name) for name in KINDS})
    return PLAYED


def test_the_table_in_the_docs_is_what_was_played(table):
    """Each hop was sent and received by capture, and joined by reassembly."""
    pages.compare("services.md", "hop coverage", HEAD, table, "WRITE_HOP_COVERAGE")


def test_nearly_every_hop_that_aws_makes_traceable_is_exact(table):
    """At least 95 % of the kinds, with injection."""
    traceable = {name: table[name][0] for name, said in KINDS.items() if not said[2]}
    exact = [name for name, found in traceable.items() if found.startswith("exact")]

    assert len(exact) >= SHARE * len(traceable), sorted(traceable.keys() - exact)


def test_a_likely_hop_is_told_as_likely(stage):
    """Where X-Ray's root alone joins, the tree says so."""
    from lumitrace.reassembly.answers.show import show
    from lumitrace.reassembly.assemble import assemble

    stage.begin("not injected")
    hop_plays_of_batches.killed_publish(stage)

    shown = show(assemble(list(stage._events(()))), "sender-0")

    witnesses = {span["name"]: span["witness"] for span in shown["spans"]}
    assert witnesses["receiver"] == "X-Ray root (likely)"
