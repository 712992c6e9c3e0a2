"""The recorded night: for systems where Lambda's runtime client does not run."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NIGHT = ROOT / "examples" / "ushop" / "recorded" / "night.jsonl"

AS_ELSEWHERE = """
import runpy, sys
sys.platform = "darwin"
sys.path.insert(0, FOLDER)
sys.argv = ["scripts/demo"]
runpy.run_path(FOLDER + "/_demo.py", run_name="__main__")
"""


def test_the_recorded_night_is_answered(tmp_path):
    """15 of 36 sales failed that night, for 1,106.80; the driver said so when it was recorded."""
    done = subprocess.run(
        [sys.executable, "-m", "lumitrace.reassembly.cli", "why", str(NIGHT), "--json"],
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
    )

    impact = json.loads(done.stdout)["impact"]
    assert (impact["lost"], impact["total"], impact["transactions"]) == (15, "1106.80", 36)


def test_the_recording_tells_nothing_of_the_machine():
    """Folders are Lambda's own."""
    text = NIGHT.read_text(encoding="utf-8")

    assert "/var/task/sale_confirmations.py" in text
    assert str(ROOT) not in text
    assert str(Path.home()) not in text


def test_the_demo_shows_it_where_it_cannot_play(tmp_path):
    """One sentence says why, then the same two questions are asked of the recording."""
    if not Path(sys.executable).with_name("lumitrace").exists():
        pytest.skip("lumitrace is not installed in this environment")
    program = f"FOLDER = {str(ROOT / 'scripts')!r}\n{AS_ELSEWHERE}"

    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False, cwd=tmp_path
    )

    assert done.returncode == 0, done.stderr
    assert "runs on Linux only" in done.stdout
    assert "15 sales lost, total 1,106.80" in done.stdout
    assert "virtual stack trace" in done.stdout


SAMPLE = re.compile(
    rf"^```console\n\$ lumitrace (?P<asked>[^\n]*) {NIGHT.relative_to(ROOT)}\n(?P<said>.+?)^```$",
    re.MULTILINE | re.DOTALL,
)
SAMPLES = list(SAMPLE.finditer((ROOT / "docs" / "commands.md").read_text(encoding="utf-8")))


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample["asked"].split()[0])
def test_the_samples_in_the_docs_are_answers_about_it(sample):
    """Each line as it is printed, in the same order; only "…" stands for what is left out."""
    night = str(NIGHT.relative_to(ROOT))
    done = subprocess.run(
        [sys.executable, "-m", "lumitrace.reassembly.cli", *sample["asked"].split(), night],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
    )

    printed = iter(done.stdout.splitlines())
    for line in sample["said"].splitlines():
        wanted = line.removesuffix("…").rstrip()
        assert any(_is_shown(one.rstrip(), line, wanted) for one in printed), line


def _is_shown(printed, line, wanted):
    return printed.startswith(wanted) if line.endswith("…") else printed == wanted


def test_every_command_has_a_sample():
    """All three, each with its answer."""
    assert [sample["asked"].split()[0] for sample in SAMPLES] == ["why", "show", "transactions"]
