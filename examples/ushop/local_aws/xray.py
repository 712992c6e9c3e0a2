"""X-Ray trace headers, as Lambda makes them where active tracing is off.

Format: https://docs.aws.amazon.com/xray/latest/devguide/xray-concepts.html#xray-concepts-tracingheader
"""

from __future__ import annotations

import os
import re
import time

_ROOT = re.compile(r"Root=(1-[0-9a-f]{8}-[0-9a-f]{24})")


def new_root() -> str:
    """Return a new root: the version, the time in hex seconds, 96 random bits."""
    return f"1-{int(time.time()):08x}-{os.urandom(12).hex()}"


def root_of(header: str | None) -> str | None:
    """Return the root that a trace header spells, or None where it spells none."""
    found = _ROOT.search(header or "")
    return found.group(1) if found else None


def header(root: str) -> str:
    """Return the header that one invocation gets: the root with a parent of its own."""
    return f"Root={root};Parent={os.urandom(8).hex()};Sampled=0;Lineage=1:{os.urandom(4).hex()}:0"
