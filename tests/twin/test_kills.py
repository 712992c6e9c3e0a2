"""What the log says of a function that was killed is so, but for its last 25 ms."""

import os
import sys

import pytest
from tests.twin.kills import Kills, judge

ROUNDS = int(os.environ.get("KILL_ROUNDS", "20"))
SEED = int(os.environ.get("KILL_SEED", "1"))


@pytest.fixture
def kills(twins):
    """Return what lets functions die."""
    kills = Kills(twins, SEED)
    yield kills
    kills.stop()


def test_kills_at_random_moments(kills):
    """Done and in flight are what AWS saw, and no call that had ended is blamed."""
    for number in range(ROUNDS):
        kills.round(number)

    wrong, figures = judge(kills.deaths, kills.aws)

    sys.stdout.write(f"{figures}\n")
    assert wrong == []
    assert figures["told"] > figures["hidden"] + figures["unsure"]
    assert figures["open"]
