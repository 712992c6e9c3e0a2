"""Ids are drawn anew wherever memory was copied: after a snapshot's restore, and after a fork."""

import json
import os
import subprocess
import sys

import pytest

# A fork stands in for a restored snapshot: memory as it was after init, or in the middle of all.
SOURCE = """
import os, random, sys
import lumitrace

random.seed(0)

@lumitrace.traced
def handler(event, context):
    with lumitrace.span("before"):
        pass
    child = 0
    if event == "forks":
        child = os.fork() == 0
    for _ in range(3):
        with lumitrace.span("after"):
            pass
    if child:
        os._exit(0)
    if event == "forks":
        os.wait()

def restored(events):
    pid = os.fork()
    if not pid:
        for event in events:
            handler(event, None)
        os._exit(0)
    os.waitpid(pid, 0)

if sys.argv[1] == "used":
    handler("once", None)
for _ in range(3):
    restored(["once", "forks"])
"""


@pytest.mark.parametrize("snapshot", ["new", "used"])
def test_ids_never_repeat(snapshot):
    """Neither a trace's nor a span's, nor the request id that stands in for Lambda's."""
    environment = {**os.environ, "AWS_LAMBDA_FUNCTION_NAME": "f"}
    command = [sys.executable, "-W", "ignore", "-c", SOURCE, snapshot]
    out = subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE).stdout

    lines = [json.loads(line) for line in out.splitlines()]
    used = snapshot == "used"
    starts = [line for line in lines if line["record"] == "start"]
    assert len(starts) == 6 + used
    for name in ("traceId", "spanId", "requestId"):
        assert len({line[name] for line in starts}) == len(starts)
    spans = [line["spanId"] for line in lines if line["record"] == "span"]
    assert len(spans) == len(set(spans)) == 3 * (4 + 7) + 4 * used
