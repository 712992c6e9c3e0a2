"""LUMITRACE_HANG_STACK=1: the stack of a function about to time out, and nothing else changes."""

import contextlib
import json
import os
import signal
import threading
import time
from pathlib import Path

import pytest
from tests.twin.test_faults import PLAYS
from tests.twin.twins import ALIVE

from local_aws.platform_lines import Report, TextLines
from lumitrace.capture.config import Settings
from lumitrace.reassembly.cli import main as lumitrace

DUE_S = 2  # for what comes before the first call, on a machine that has other work
ON = {"LUMITRACE_HANG_STACK": "1"}


def due(event, seconds):
    """Return *event*, with its deadline in so many *seconds* when it is handed out."""

    def headers():
        return {"Lambda-Runtime-Deadline-Ms": str(int((time.time() + seconds) * 1000))}

    return json.dumps(event).encode(), headers


def answers(outcome):
    """Return what the function gave back."""
    return [json.loads(body) for _, _, body in outcome.posted]


@pytest.fixture
def log(twins, tmp_path):
    """Return the log of a function that hung."""
    return hung(twins, tmp_path, ON)


def hung(twins, tmp_path, environment):
    """Let a function hang, and return its log."""
    outcome = twins.run("hang.handler", [due("hang", DUE_S)], traced=True, environment=environment)
    assert outcome.seen["exit code"] == 9
    request = "8a1c0000-0000-4000-8000-000000000001"
    text = (outcome.folder / "stdout").read_text("ascii")
    platform = TextLines("twin", "stream", "python3.13", "eu-west-1")
    report = Report(request, 1000, memory_mb=128, used_mb=64, status="timeout")
    lines = [*platform.start(request), text, *platform.end(report)]
    path = tmp_path / "hung.log"
    path.write_text("".join(lines), "ascii")
    return path


def test_the_stack_is_all_that_an_unsampled_one_leaves(twins, tmp_path, capsys):
    """No line of ours says who it was; the watchdog's say where it hung."""
    path = hung(twins, tmp_path, {**ON, "LUMITRACE_SAMPLE": "0"})

    assert lumitrace(["why", str(path), "--json"]) == 0
    said = json.loads(capsys.readouterr().out)

    assert (said["impact"]["pending"], said["impact"]["withoutSpanLines"]) == (1, 1)
    assert said["cause"]["type"] == "Sandbox.Timedout"
    assert said["stack"][-1]["at"].endswith(" until_written")


def test_the_stack_is_written_and_read(log, capsys):
    """`show` and `why` say where the function hung, by its own code, and every thread."""
    assert lumitrace(["why", str(log), "--json"]) == 0
    frame = json.loads(capsys.readouterr().out)["stack"][-1]
    assert lumitrace(["why", str(log)]) == 0

    assert frame["at"].endswith(" until_written")
    assert frame["at"].startswith("hang.py:")
    functions = [[it["function"] for it in thread["frames"]] for thread in frame["threads"]]
    assert functions[-1][:3] == ["until_written", "hang", "handler"]
    assert any("wait" in names for names in functions[:-1])
    assert "before the deadline" in capsys.readouterr().out


def test_forks(twins):
    """It is called off before a fork, comes back with the parent's next call, never in a child."""
    events = [due("tasks", 60), due("forks", 60), due("tasks", 60)]

    bare = twins.run("hang.handler", events, traced=False)
    twin = twins.run("hang.handler", events, traced=True, environment=ON)

    before, (begun, armed, forked, child, again), after = answers(twin)
    plain = answers(bare)[0]
    assert (begun, armed, forked, again) == (plain, plain + 1, plain, plain + 1)
    assert child == 11, "one thread before the child's call and after it"
    assert (before, after) == (plain, plain)


def test_processes_of_multiprocessing(twins):
    """They do not wait for a thread that they have not."""
    twin = twins.run("hang.handler", [due("processes", 60)], traced=True, environment=ON)

    assert answers(twin) == [[0, 0]]
    assert twin.seen["exit code"] == ALIVE


def test_a_process_that_was_stopped(twins):
    """It is late, and writes its stack, and goes on; the next invocation is as ever."""
    events = [due("stopped", DUE_S), due("tasks", 60)]
    waiter = threading.Thread(target=_go_on, args=(twins,))
    waiter.start()

    twin = twins.run("hang.handler", events, traced=True, environment=ON)

    waiter.join()
    [plain] = answers(twins.run("hang.handler", [due("tasks", 60)], traced=False))
    assert answers(twin) == ["late", plain]


def _go_on(twins):
    """Let a stopped child of the host go on, once its deadline is past."""
    children = Path(f"/proc/{twins.host.pid}/task/{twins.host.pid}/children")
    pause = threading.Event()
    for _ in range(12_000):
        for pid in map(int, children.read_text().split()):
            with contextlib.suppress(OSError):
                if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "T":
                    pause.wait(DUE_S)  # until its deadline is past
                    os.kill(pid, signal.SIGCONT)
                    return
        pause.wait(0.01)


def test_where_it_is_not_armed(twins):
    """Not without a call, and not for a deadline that is none."""
    events = [due("tasks", 60), due("armed", 1e7), due("armed", -1), due("armed", 60)]

    twin = twins.run("hang.handler", events, traced=True, environment=ON)

    [plain] = answers(twins.run("hang.handler", [due("tasks", 60)], traced=False))
    assert answers(twin) == [plain, plain, plain, plain + 1]


def test_never_under_managed_instances():
    """Many processes share one deadline there; it says that it stays off."""
    settings = Settings()

    settings.load({**ON, "AWS_LAMBDA_FUNCTION_NAME": "a", "AWS_LAMBDA_MAX_CONCURRENCY": "16"})

    assert not settings.hang_stack
    assert settings.wrong == ["LUMITRACE_HANG_STACK is not for Managed Instances; it stays off"]


@pytest.mark.parametrize("handler", ["calls.sweep", "hosts.forks", "hosts.threads"])
def test_the_twins_are_alike(twins, handler):
    """With the watchdog armed in every invocation nobody can tell."""
    events = PLAYS if handler == "calls.sweep" else ["prints", "exits"]

    twins.compare(handler, [due(it, 60) for it in events], environment=ON)
