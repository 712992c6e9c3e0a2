"""A night at Ushop: real functions, real lines, real questions; asked once a way of playing it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "examples" / "ushop"))

if not sys.platform.startswith("linux"):
    collect_ignore_glob = ["test_*.py"]
else:
    from local_aws import Settings, Stage, seed, sell
    from local_aws.logs import log_events, log_groups

LAYERS = [
    *(Path(it) for it in os.environ.get("PYTHONPATH", "").split(os.pathsep) if it),
    ROOT / "src",
]


class Night:
    """What was sold, and what the logs say of it.

    Attributes:
        truth: what the customers know.
        events: every log event, oldest first: logGroupName, logStreamName, timestamp, message.
        folder: where this night's files may stand.
    """

    def __init__(self, truth, events, folder):
        self.truth = truth
        self.events = sorted(events, key=lambda event: event["timestamp"])
        self.folder = folder

    def lumitrace(self, *arguments, events=None):
        """Ask the command line in a process of its own; return its JSON."""
        path = self.folder / "night.jsonl"
        lines = (json.dumps(event) + "\n" for event in events or self.events)
        path.write_text("".join(lines), encoding="utf-8")
        done = subprocess.run(
            [sys.executable, "-m", "lumitrace.reassembly.cli", *arguments, str(path), "--json"],
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(map(str, LAYERS))},
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def span_lines(self):
        """Return (event, object) of every line that lumitrace wrote."""
        for event in self.events:
            if event["message"].startswith('{"lumitrace":1,'):
                for line in event["message"].splitlines():
                    yield event, json.loads(line)


def play(folder, environment=None, *, seconds=6, broken_after=3):
    """Sell for a while, wait until all is quiet, and read every log."""
    settings = Settings(
        layers=LAYERS, retry_delays_s=(0.1, 0.2), environment=environment, sandboxes=2
    )
    with Stage(settings=settings, max_batching_window_s=0.3) as stage:
        seed(stage)
        truth = sell(stage.api_url, seconds=seconds, broken_after=broken_after, rate=8, seed=7)
        stage.drain()
        groups = log_groups(stage.clients.logs)
        events = [event for group in groups for event in log_events(stage.clients.logs, group)]
    assert not truth.refused
    return Night(truth, events, folder)


@pytest.fixture(scope="session")
def night(tmp_path_factory):
    """The night as everybody plays it."""
    return play(tmp_path_factory.mktemp("night"))


@pytest.fixture(scope="session")
def night_without_injection(tmp_path_factory):
    """Nothing is sent along: hops join by what AWS itself answers."""
    return play(tmp_path_factory.mktemp("none"), {"LUMITRACE_INJECT": "none"}, seconds=3)
