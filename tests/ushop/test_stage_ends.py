"""Nothing outlives the stage, whatever ends it."""

import json
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from local_aws import Settings, Stage

HERE = Path(__file__).parent
PROBE = HERE / "probe" / "template.yaml"
CHILD = f"""
import sys, time
sys.path.insert(0, {str(HERE.parents[1] / "examples" / "ushop")!r})
from pathlib import Path
from local_aws import Stage
with Stage(Path({str(PROBE)!r}), endpoint_url=(sys.argv[1:] or [None])[0]) as stage:
    stage.platform.invoke("probe", b"{{}}")
    print(*stage.pids(), flush=True)
    time.sleep(600)
"""
PATIENCE_S = 60  # of a machine that has other work


def alive(pids):
    """Return those of the processes that are neither gone nor dead."""
    living = []
    for pid in pids:
        try:
            stat = Path(f"/proc/{pid}/stat").read_text(encoding="ascii")
        except (FileNotFoundError, ProcessLookupError):
            continue
        if stat.rsplit(")", 1)[1].split()[0] not in "ZX":
            living.append(pid)
    return living


def gone_soon(pids):
    """Wait until all are gone, but not for ever."""
    until = time.monotonic() + PATIENCE_S
    while alive(pids) and time.monotonic() < until:
        time.sleep(0.01)
    return not alive(pids)


def test_after_stop_no_process_and_no_thread_is_left(stage):
    """Also when the block ends with an exception, with an invocation under way."""
    threads = set(threading.enumerate())
    own = Stage(PROBE, endpoint_url=stage.endpoint_url)
    with pytest.raises(ZeroDivisionError), own:
        _two_at_work(own, pids := [])

    assert len(pids) >= 2
    assert gone_soon(pids)
    until = time.monotonic() + PATIENCE_S
    while left := set(threading.enumerate()) - threads:
        assert time.monotonic() < until, left
        time.sleep(0.01)


def test_when_the_stage_is_killed_everything_ends_with_it(stage):
    """Frozen sandboxes and moto too: the kernel ends them, nobody has to clean up."""
    command = [sys.executable, "-c", CHILD]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    with (
        subprocess.Popen(command, **pipes) as with_moto,
        subprocess.Popen([*command, stage.endpoint_url], **pipes) as without,
    ):
        for child, number, processes in (
            (without, signal.SIGTERM, 1),
            (with_moto, signal.SIGKILL, 2),
        ):
            pids = [int(pid) for pid in child.stdout.readline().split()]
            before = alive(pids)
            child.send_signal(number)
            child.wait(PATIENCE_S)

            assert len(before) >= processes
            assert gone_soon(pids)


def test_a_stage_without_its_endpoint_says_so():
    """What could not be set up is taken down again."""
    with pytest.raises(Exception, match=r"Could not connect to the endpoint URL"):
        Stage(PROBE, endpoint_url="http://127.0.0.1:9", settings=Settings()).__enter__()


def test_drain_says_what_is_still_at_work(probes, tmp_path):
    """Nobody has to guess what it waits for."""
    meet = {"do": "meet", "folder": str(tmp_path), "number": 2}
    probes.platform.invoke_later("probe", json.dumps(meet).encode())

    with pytest.raises(TimeoutError, match=r"still at work after 0\.05 s: invocations"):
        probes.drain(0.05)
    (tmp_path / "the test").touch()
    probes.drain()


def _two_at_work(stage, pids):
    """Have one function in the middle of its work and another frozen; then fail."""
    stage.platform.invoke_later("probe", json.dumps({"do": "sleep", "seconds": 600}).encode())
    stage.platform.invoke("probe-alone", b"{}")
    while len(stage.pids()) < 2:
        time.sleep(0.005)
    pids += stage.pids()
    raise ZeroDivisionError
