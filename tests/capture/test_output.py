"""How lines reach standard output."""

import json
import os
import subprocess
import sys

import pytest

from lumitrace.capture.output import Output

PROGRAM = """
import os, sys
sys.path[:0] = PATH
os.environ["AWS_LAMBDA_FUNCTION_NAME"] = "f"
from lumitrace import traced
class Context:
    aws_request_id = "r1"
handler = traced(lambda event, context: exec(event))
handler(sys.argv[1], Context())
sys.stderr.write("done")
"""


def run(body):
    """Run a handler that executes *body*; return its lines and whether it came to its end."""
    source = f"PATH = {[p for p in sys.path if p]!r}\n{PROGRAM}"
    done = subprocess.run(
        [sys.executable, "-c", source, body], capture_output=True, text=True, check=False
    )
    return done.stdout.splitlines(), done.stderr


@pytest.mark.parametrize(
    "body",
    [
        "import sys; sys.stdout = None",
        "import sys; sys.stdout.close()",
        "import io, sys; sys.stdout = io.StringIO(); print('lost')",
    ],
)
def test_a_replaced_stdout_does_not_matter(body):
    """Lines go to the file descriptor."""
    lines, end = run(body)

    assert [json.loads(line)["record"] for line in lines] == ["start", "invocation"]
    assert "done" in end


def test_a_closed_descriptor_costs_the_lines_alone():
    """The handler comes to its end."""
    lines, end = run("import os; os.close(1)")

    assert [json.loads(line)["record"] for line in lines] == ["start"]
    assert "done" in end


def test_a_torn_line_does_not_take_the_next_one_with_it(monkeypatch):
    """After a write that broke off, the next line begins on a line of its own."""
    output, written = Output(), []

    def write(_fd, data):
        if not written:
            written.append(data[:5])
            return 5
        if len(written) == 1:
            written.append(b"")
            raise BlockingIOError
        written.append(data)
        return len(data)

    monkeypatch.setattr(os, "write", write)

    assert output.write("first line\n") is False
    assert output.write("second line\n") is True
    assert b"".join(written) == b"first\nsecond line\n"


def test_the_timestamp_is_rfc_3339():
    """Lambda's JSON log format relabels a line without one."""
    stamp = Output().timestamp()

    assert len(stamp) == len("2026-11-22T18:00:01.167Z")
    assert stamp[10] + stamp[19] + stamp[-1] == "T.Z"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
def test_what_waits_when_a_process_forks_is_written_once():
    """The child has a buffer of its own, empty; the parent's lines are the parent's."""
    body = """
import lumitrace, os
for number in range(12):
    lumitrace.tag(**{f"t{number}": "x" * 250})
child = os.fork()
if child == 0:
    lumitrace.tag(child="y" * 250, second="z" * 250)
    os._exit(0)
os.waitpid(child, 0)
"""

    lines, end = run(body)

    assert "done" in end
    assert "\n".join(lines).count('"t0"') == 1
