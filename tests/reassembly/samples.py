"""The lines that `lumitrace setup check` shows to AWS, as functions write them.

Most are of the recorded night, one of each kind; what no function wrote there is written here by
the real capture. ``python -m tests.reassembly.samples`` writes the file anew.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
NIGHT = ROOT / "examples/ushop/recorded/night.jsonl"
FILE = ROOT / "src/lumitrace/reassembly/deploy/check/samples.txt"

# record, failed, tells of a call under way
OF_NIGHT = {
    "start": ("start", False, False),
    "call under way": ("calls", False, True),
    "calls": ("calls", False, False),
    "span": ("span", False, False),
    "span that failed": ("span", True, False),
    "invocation": ("invocation", False, False),
    "invocation that failed": ("invocation", True, False),
}
WRITTEN = {
    "unsampled invocation": ("invocation", {"LUMITRACE_SAMPLE": "0"}),
    "health": ("health", {"LUMITRACE_MAX_SPANS": "many"}),
}
HANDLER = """
import types, lumitrace
context = types.SimpleNamespace(
    aws_request_id="8cf72f15-1d49-4d5e-8b8d-9d7a9bd1c3f4", function_name="ushop_loyalty",
    function_version="$LATEST", memory_limit_in_mb="128",
    invoked_function_arn="arn:aws:lambda:eu-west-1:123456789012:function:ushop_loyalty",
    get_remaining_time_in_millis=lambda: 3000,
)
lumitrace.traced(lambda event, context: None)({}, context)
"""


def of_night():
    """Return the shortest line of each kind that the night has."""
    found = {}
    for row in NIGHT.read_text("utf-8").splitlines():
        line = json.loads(row)["message"].rstrip("\n")
        if line.startswith('{"lumitrace":1,'):
            said = json.loads(line)
            kind = (said["record"], "severityText" in said, "open" in said)
            found[kind] = min(found.get(kind, line), line, key=lambda one: (len(one), one))
    return {name: found[kind] for name, kind in OF_NIGHT.items()}


def written():
    """Return what the real capture writes of the other kinds."""
    return {name: _written(*how) for name, how in WRITTEN.items()}


def _written(record, settings):
    environment = {"AWS_LAMBDA_FUNCTION_NAME": "ushop_loyalty", **settings}
    environment |= {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT / "src")}
    done = subprocess.run(
        [sys.executable, "-c", HANDLER], capture_output=True, text=True, check=True, env=environment
    )
    [line] = [one for one in done.stdout.splitlines() if json.loads(one)["record"] == record]
    return line


if __name__ == "__main__":
    rows = {**of_night(), **written()}
    FILE.write_text("".join(f"{name}\t{line}\n" for name, line in rows.items()), "ascii")
