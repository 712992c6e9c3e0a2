"""What docs/cost.md says of bytes is what the benchmark measures, and the promises hold."""

import json
import os
import subprocess
import sys

import pytest
from tests.pages import DOCS

pytest.importorskip("botocore")

PAGE = (DOCS / "cost.md").read_text("utf-8")


@pytest.fixture(scope="module")
def measured():
    """Return what ``benchmarks/log_bytes.py`` prints."""
    done = subprocess.run(
        [sys.executable, str(DOCS.parent / "benchmarks" / "log_bytes.py"), "--json"],
        capture_output=True,
        text=True,
        check=True,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    return json.loads(done.stdout)


def test_lines_take_no_more_than_they_may(measured):
    """Bytes of a call, bytes around the calls, log events, and bytes where it is not sampled."""
    goals = measured["goals"]

    assert goals["call"] <= 130
    assert goals["around"] <= 900
    assert goals["events"] == 2
    assert goals["not sampled"] <= 500


def test_the_page_quotes_what_is_measured(measured):
    """Its table is the benchmark's, line by line, and so are the promises."""
    for line in measured["table"]:
        assert line in PAGE.splitlines()
    for name, value in measured["goals"].items():
        assert any(line.endswith(f"| {value} |") for line in PAGE.splitlines()), name


def test_the_page_on_scale_quotes_what_an_archive_costs():
    """Its table is that of the other benchmark, and so is the share that is kept."""
    done = subprocess.run(
        [sys.executable, str(DOCS.parent / "benchmarks" / "archive_bytes.py"), "--json"],
        capture_output=True,
        text=True,
        check=True,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    found = json.loads(done.stdout)

    page = (DOCS / "scale.md").read_text("utf-8")
    assert [line for line in found["table"] if line not in page.splitlines()] == []
    assert f"let {found['kept']} of the recorded" in page
