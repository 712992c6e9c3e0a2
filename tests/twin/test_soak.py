"""Warm invocations leave nothing behind; ``benchmarks/soak.py`` has a hundred thousand of them."""

import importlib.util

from tests.twin.servers import ROOT

ROUNDS = 3_000


def test_nothing_is_left_behind():
    """No object, no thread and no open file more, and what is allocated does not grow."""
    spec = importlib.util.spec_from_file_location("soak", ROOT / "benchmarks" / "soak.py")
    soak = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(soak)

    found = soak.measure(ROUNDS, allocations=True)

    traced, bare = found["traced"], found["bare"]
    assert traced["after"] == traced["before"]
    assert traced["objects"] - bare["objects"] < ROUNDS / 100
    assert traced["allocated"] - bare["allocated"] < ROUNDS * 10  # bytes
