"""Every kind of hop, played on both sides: the table in docs/services.md is what came out."""

import os
from pathlib import Path

import pytest

pytest.importorskip("botocore")
pytest.importorskip("duckdb")
pytest.importorskip("opentelemetry.trace")
pytest.importorskip("aws_lambda_powertools")

import hop_plays  # noqa: F401  # registers its kinds
import hop_plays_of_batches
from hop_kinds import KINDS, outcomes

PAGE = Path(__file__).parents[2] / "docs" / "services.md"
BEGIN, END = "<!-- hop coverage: begin -->", "<!-- hop coverage: end -->"
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
    rows = [f"| {' | '.join([name, *found])} |" for name, found in table.items()]
    wanted = f"{BEGIN}\n\n{HEAD}" + "\n".join(rows) + f"\n\n{END}"
    page = PAGE.read_text("utf-8")
    head, _, rest = page.partition(BEGIN)
    said, _, tail = rest.partition(END)
    if os.environ.get("WRITE_HOP_COVERAGE"):
        PAGE.write_text(f"{head}{wanted}{tail}", "utf-8")
        return

    assert f"{BEGIN}{said}{END}" == wanted, "WRITE_HOP_COVERAGE=1 writes the table anew"


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
