"""Plays AWS on one machine, for Ushop: the real runtime client, everything else in small.

with Stage() as stage:
    seed(stage)
    truth = sell(stage.api_url, seconds=20, broken_after=10, rate=5, seed=1)
    stage.drain()
"""

from __future__ import annotations

from .customers import Truth, seed, sell
from .lambda_platform import Settings
from .stage import Stage

__all__ = ["Settings", "Stage", "Truth", "seed", "sell"]
