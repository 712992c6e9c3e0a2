"""Handlers that do something to their process, and look at what is left of it."""

import contextlib
import decimal
import faulthandler
import io
import json
import locale
import logging
import os
import random
import resource
import signal
import sys
import threading
import time
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from door import span, tag, traced

random.seed(42)
log = logging.getLogger("shop")
seen = []
kept = []


@traced
def settled(event, context):
    """Set what belongs to the process once, then look at it each time."""
    if not seen:
        seen.append(signal.signal(signal.SIGALRM, lambda *_: seen.append("alarm")))
        signal.signal(signal.SIGTERM, on_term)
        signal.setitimer(signal.ITIMER_REAL, 100)
        decimal.getcontext().prec = 7
        decimal.getcontext().traps[decimal.Inexact] = True
        warnings.simplefilter("error")
        locale.setlocale(locale.LC_ALL, "C")
        os.environ["OWN"] = "1"
        os.environ["LUMITRACE_ENABLED"] = "0"
        os.umask(0o077)
        sys.setrecursionlimit(500)
        threading.excepthook = on_thread
    tag(sale="1")
    with span("step"):
        signal.raise_signal(signal.SIGALRM)
    print(random.random(), random.randbytes(4), seen[1:], sorted(os.environ.items()))
    print(decimal.getcontext(), threading.active_count(), signal.getsignal(signal.SIGTERM))
    return signal.getitimer(signal.ITIMER_REAL)[0] > 1


def on_term(*_):
    """Stand in for a user's handler of SIGTERM."""


def on_thread(*_):
    """Stand in for a user's hook."""


@traced
def logs(event, context):
    """Say something in every way."""
    print("no end of line", end="")
    sys.stdout.write("again")
    print("to stderr", file=sys.stderr)
    os.write(1, b"straight \xff\n")
    log.warning("several\nlines %s", event)
    log.error("an error", extra={"sale": 1})
    try:
        1 / 0
    except ZeroDivisionError:
        log.exception("caught")
    warnings.warn("a warning", stacklevel=1)
    context.log("through the context")
    print(json.dumps({"lumi": 1}))
    return "said"


@traced
def replaced(event, context):
    """Replace, close or redirect standard output."""
    if event == "replace":
        sys.stdout = io.StringIO()
        print("into a buffer")
        return sys.stdout.getvalue()
    if event == "redirect":
        with contextlib.redirect_stdout(io.StringIO()) as out:
            print("into a buffer")
        return out.getvalue()
    if event == "close":
        sys.stdout.close()
    elif event == "close 1":
        os.close(1)
    elif event == "none":
        sys.stdout = sys.stderr = None
    elif event == "broken":
        reading, writing = os.pipe()
        os.close(reading)
        os.dup2(writing, 1)
        os.close(writing)
    elif event == "full":
        full = os.open("/dev/full", os.O_WRONLY)
        os.dup2(full, 1)
        os.close(full)
    elif event == "stuck":
        reading, writing = os.pipe()
        os.set_blocking(writing, False)
        with contextlib.suppress(BlockingIOError):
            while True:
                os.write(writing, b"x" * 4096)
        os.dup2(writing, 1)
        os.close(writing)
    return event


@traced
def watched(event, context):
    """Set a tracing and a profiling function of one's own."""
    calls = []

    def profile(frame, what, _):
        if frame.f_code.co_filename == __file__:
            calls.append([frame.f_code.co_name, what])

    if event == "settrace":
        sys.settrace(
            lambda frame, what, _: calls.append(what) if frame.f_code.co_name == "work" else None
        )
    elif event == "setprofile":
        sys.setprofile(profile)
    elif event == "faulthandler":
        faulthandler.enable(file=2)
    work()
    hooks = [sys.gettrace() is not None, sys.getprofile() is profile]
    sys.settrace(None)
    if event != "stay":
        sys.setprofile(None)
    return [calls, hooks, faulthandler.is_enabled()]


def work():
    """Do something that can be seen."""
    return sum(range(3))


@traced
def threads(event, context):
    """Work in threads, which may fail, and go on after the handler has returned."""
    with ThreadPoolExecutor(3) as pool:
        squares = list(pool.map(lambda n: n * n, range(5)))
        failed = pool.submit(dict().__getitem__, "a").exception()
    late = threading.Thread(target=time.sleep, args=(0.001,), name="late")
    late.start()
    late.join()
    thrown = threading.Thread(target=fail, name="thrown")
    thrown.start()
    thrown.join()
    return [squares, repr(failed), sorted(it.name for it in threading.enumerate())]


def fail():
    """Fail in a thread."""
    raise ValueError("in a thread")


@traced
def forks(event, context):
    """Fork a child that prints, fails or exits."""
    sys.stdout.flush()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pid = os.fork()
    if not pid:
        print("in the child", event)
        tag(child=1)
        if event == "exits":
            sys.exit(5)
        os._exit(3)
    print("child", os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
    return "parent"


@traced
def times(event, context):
    """Read the deadline, whatever it is."""
    print(context.get_remaining_time_in_millis() > 0, context.client_context, context.identity)
    print(context.tenant_id if hasattr(context, "tenant_id") else None, sorted(vars(context)))
    return os.environ.get("_X_AMZN_TRACE_ID")


@traced
def frozen(event, context):
    """Turn the clock and the source of randomness into something else."""
    time.time = lambda: 0.0
    time.time_ns = lambda: 0
    os.urandom = bytes if event == "bytes" else broken
    return time.time()


def broken(*_):
    """Stand in for what fails."""
    raise OSError("no entropy")


@traced
def low(event, context):
    """Run at the limit of the stack."""
    return deeper(event)


def deeper(left):
    """Go down, and look whether a step can still be told there."""
    if left:
        return deeper(left - 1)
    with span("deep"):
        tag(deep=1)
        return "deep"


@traced
def large(event, context):
    """Answer with as many bytes as asked for."""
    return "x" * event


@traced
def full(event, context):
    """Leave *event* bytes of memory for whoever comes next; 0 gives all of it back."""
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (hard, hard))
    kept.clear()
    if event:
        used = int(Path("/proc/self/statm").read_text("utf-8").split()[0])
        resource.setrlimit(resource.RLIMIT_AS, (used * resource.getpagesize() + (1 << 20), hard))
        for size in (1 << 18, 1 << 12, 1 << 9):
            fill(size)
        del kept[-(event >> 9) :]
        with span("at the end"):
            tag(sale="1")
    return event


def fill(size):
    """Keep blocks of *size* bytes until there is no room for one more."""
    with contextlib.suppress(MemoryError):
        while True:
            kept.append(bytearray(size))
