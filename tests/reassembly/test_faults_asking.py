"""The catalogue's rows R22 and R23 for the engine: what could not be written, or not be read.

The engine asks nobody: a fetch reads CloudWatch Logs for it, by FilterLogEvents, and puts what came
into a store's tables. So pages that break off, repeat or are refused touch it; how many rows a
query of Logs Insights gives is of the reading of ``why`` and ``show`` alone (test_cloudwatch.py).
Of all other rows the engine's side stands beside the reading's, in test_faults.py,
test_faults_shapes.py, test_faults_joins.py and test_engine_order.py. Which files an archive or a
folder holds (R13) is read by the same code for both.
"""

import dataclasses
import json
import subprocess
import sys

import pytest
from tests.cloudwatch import limits
from tests.cloudwatch.data import Groups
from tests.cloudwatch.server import CloudWatch as Play

from lumitrace.reassembly.sources.cloudwatch import logs

GROUP = "/aws/lambda/ushop_sale-confirmations"
WINDOW = ("--since", "2026-11-21T01:59", "--until", "2026-11-21T02:10")
FULL = """
import resource, sys
from lumitrace.reassembly.cli import main
most = int(sys.argv.pop(1))
resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))  # a write beyond it fails
sys.exit(main())
"""


@pytest.fixture
def asked(monkeypatch, tmp_path, answer):
    """Fetch the log group from a server that is played into the store of this name."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    monkeypatch.setattr(logs, "PER_SECOND", 1000)
    monkeypatch.setattr(logs, "LOGS", dataclasses.replace(logs.LOGS, retries=0))
    monkeypatch.setattr(limits, "FILTER_PAGE_EVENTS", 9)
    monkeypatch.setattr(limits, "PER_SECOND", dict.fromkeys(limits.PER_SECOND, 1000))

    def fetch(play, name):
        where = ("--log-group", GROUP, *WINDOW, "--endpoint-url", play.endpoint)
        return answer("fetch", "--store", tmp_path / name, "--keep", "forever", *where)

    return fetch


@pytest.fixture
def told(answer, tmp_path):
    """Return what the tables of the store of this name say: all, the failures, the functions."""

    def ask(name):
        store = ("--store", tmp_path / name)
        return [answer(one, *store)[1] for one in ("transactions", "why", "functions")]

    return ask


def expired(request, said):
    """The credentials run out behind the first page."""
    return ("ExpiredTokenException", "no") if "nextToken" in request else said


def throttled(request, said):
    """The SDK has given up."""
    return ("ThrottlingException", "no") if "nextToken" in request else said


def repeated(request, said):
    """The second page leads to itself."""
    return {**said, "nextToken": request["nextToken"]} if "nextToken" in request else said


@pytest.mark.parametrize("fault", [expired, throttled, repeated])
def test_r23_what_is_refused_on_the_way_is_no_row_until_it_is_read(
    night, asked, told, answer, tmp_path, monkeypatch, fault
):
    """It is told; the tables are those of what came, and of the whole once the rest has come."""
    for number in range(6):
        night.sale(number, number * 1000, bad=number == 1)
    night.events = [one for one in night.events if one["logGroupName"] == GROUP]
    with Play(Groups.of(night.events)) as play:
        page = play.answer

        def broken(target, request, scope=""):
            said = page(target, request, scope)
            said = fault(request, said) if target.endswith("FilterLogEvents") else said
            if isinstance(said, tuple):
                play.faults["FilterLogEvents"] = [said]
                return page(target, request, scope)
            return said

        monkeypatch.setattr(play, "answer", broken)
        code, first = asked(play, "store")
        came = told("store")
        monkeypatch.setattr(play, "answer", page)
        again, second = asked(play, "store")
        asked(play, "whole")
    (tmp_path / "part.jsonl").write_text(
        "".join(json.dumps(one) + "\n" for one in night.events[: first["new"]])
    )
    answer("fetch", "--store", tmp_path / "part", "--keep", "forever", tmp_path / "part.jsonl")

    assert (code, again) == (1, 0)
    assert len(first["incomplete"]) == 1
    assert 0 < first["new"] < len(night.events) == first["new"] + second["new"]
    assert came == told("part")
    assert told("store") == told("whole") != came


@pytest.mark.parametrize("most", [50, 4000])
def test_r22_where_the_disk_is_full_no_table_is_there_in_part(night, log_file, tmp_path, most):
    """One sentence that names the folder, and none of the tables that did not fit."""
    for number in range(20):
        night.sale(number, number * 1000)
    arguments = ["assemble", night.write(log_file), "--out", str(tmp_path / "out")]
    command = [sys.executable, "-c", FULL, str(most), *arguments]

    done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert f"{tmp_path / 'out'} cannot be written" in done.stderr.splitlines()[-1]
    assert list((tmp_path / "out").iterdir()) == []
