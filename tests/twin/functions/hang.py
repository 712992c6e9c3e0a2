"""Handlers that hang, fork and are stopped, for the watchdog of LUMITRACE_HANG_STACK."""

import multiprocessing
import os
import threading
import time
import warnings

import warm
from door import traced

warnings.simplefilter("ignore")  # of forks beside threads
dynamodb = warm.session.create_client("dynamodb")


def put():
    """Make an outgoing call."""
    dynamodb.put_item(TableName="sales", Item={"id": {"S": "a"}})


def tasks():
    """Return how many threads there are, C threads too."""
    return len(os.listdir("/proc/self/task"))  # noqa: PTH208  # names are all that is asked for


def until_written(first=""):
    """Do *first*, a command, and wait in one call of C until the watchdog has written.

    Where Python runs beside a dump, the dump may crash (docs/contract.md).
    """
    said = f"/proc/{os.getpid()}/fd/1"
    wait = f'until grep -q "most recent call first" {said}; do sleep 0.01; done; sleep 0.05'
    shell = ["sh", "-c", f"{first}\n{wait}"]
    os.waitpid(os.posix_spawn("/bin/sh", shell, os.environ), 0)


def hang():
    """Hang beside another thread until the stack is there; then Lambda kills."""
    put()
    threading.Thread(target=threading.Event().wait, daemon=True).start()
    until_written()
    os._exit(9)


def forks():
    """Tell how many threads there are before and after calls and forks, in parent and child."""
    found = [tasks()]
    put()
    found.append(tasks())
    pid = os.fork()
    if not pid:
        before = tasks()
        put()
        os._exit(10 * before + tasks())
    found += [tasks(), os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])]
    put()
    return [*found, tasks()]


def processes():
    """Have children of multiprocessing make calls and end by themselves.

    One after the other: they have the parent's connection, and answers on it would be mixed up.
    """
    put()
    children = [multiprocessing.get_context("fork").Process(target=put) for _ in range(2)]
    for child in children:
        child.start()
        child.join()
    return [child.exitcode for child in children]


def stopped():
    """Be stopped until the deadline is past."""
    put()
    until_written(f"kill -STOP {os.getpid()}")
    put()
    return "late"


WAYS = {
    "hang": hang,
    "forks": forks,
    "processes": processes,
    "stopped": stopped,
    "tasks": tasks,
    "armed": lambda: [put(), tasks()][1],
    "put": put,
}


@traced
def handler(event, context):
    """Do what *event* says."""
    return WAYS[event]()
