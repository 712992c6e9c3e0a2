"""The stage, set up once: Ushop on it, and beside it functions that do what tests tell them."""

import os
import sys
from dataclasses import replace
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "examples" / "ushop"))

from local_aws import Settings, Stage, seed  # noqa: E402  # found only now

PROBE = Path(__file__).parent / "probe" / "template.yaml"
LAYERS = [
    *(Path(it) for it in os.environ.get("PYTHONPATH", "").split(os.pathsep) if it),
    ROOT / "src",
]
QUICK = Settings(layers=LAYERS, retry_delays_s=(0.05, 0.1))
WINDOW_S = 0.3

if not sys.platform.startswith("linux"):
    collect_ignore_glob = ["test_*.py"]


@pytest.fixture(scope="session")
def stage():
    """Return Ushop, open."""
    with Stage(settings=replace(QUICK, sandboxes=2), max_batching_window_s=WINDOW_S) as stage:
        seed(stage)
        yield stage


@pytest.fixture(scope="session")
def probes(stage):
    """Return a second stage at the same endpoint; its functions do what their events say."""
    with Stage(
        PROBE, endpoint_url=stage.endpoint_url, settings=QUICK, max_batching_window_s=WINDOW_S
    ) as probes:
        yield probes
