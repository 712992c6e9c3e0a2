"""A process that has loaded what Lambda has loaded, and forks one Lambda process for each job.

Run as ``python host.py``. A job is a line of JSON on standard input; the answers on standard
output are ``pid <number>`` and, when that process has ended, ``exit <code>``. A fork starts in
milliseconds where a new interpreter takes a second, and knows as little of other jobs. lumitrace
is imported in the forked process only, and only where the job says ``traced``.
"""

import contextlib
import decimal
import gc
import importlib
import json
import locale
import logging
import os
import random
import signal
import sys
import threading
import types
import warnings
from pathlib import Path

TELEMETRY = 5  # the descriptor of what Lambda's runtime client logs


def main():
    """Load, then fork until the input ends."""
    with contextlib.suppress(ImportError):  # of the function's own, in both twins
        preload()
    for line in sys.stdin:
        job = json.loads(line)
        pid = os.fork()
        if not pid:
            live(job)
        answer(f"pid {pid}")
        answer(f"exit {os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])}")


def preload():
    """Import what is slow to import and says nothing of lumitrace."""
    import awslambdaric.__main__  # noqa: F401
    from botocore.session import Session

    for name in sys.argv[1:]:  # libraries that a play needs and that take long
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    session = Session()
    os.environ.update(AWS_ACCESS_KEY_ID="none", AWS_SECRET_ACCESS_KEY="none")  # noqa: S106
    for service in ("sqs", "dynamodb", "s3", "sns"):
        session.create_client(service, region_name="eu-west-1")
    sys.modules["warm"] = warm = types.ModuleType("warm")
    warm.session = session
    if "aiobotocore.session" in sys.modules:
        warm.aio = sys.modules["aiobotocore.session"].get_session()
    gc.collect()


def answer(text):
    """Tell the test something."""
    os.write(1, text.encode() + b"\n")


def live(job):
    """Be the Lambda process of *job*; never returns."""
    for fd, name in ((0, os.devnull), (1, "stdout"), (2, "stderr"), (TELEMETRY, "telemetry")):
        flags = os.O_RDWR | os.O_CREAT | os.O_APPEND
        opened = os.open(Path(job["folder"], name), flags, 0o600)
        os.dup2(opened, fd)
        os.close(opened)
    sys.stdin = open(0, closefd=False)  # noqa: SIM115  # what a new interpreter opens
    sys.stdout, sys.stderr = (open(fd, "w", closefd=False, encoding="utf-8") for fd in (1, 2))  # noqa: SIM115
    random.seed(0)  # a fork draws a new seed
    os.environ.clear()
    os.environ.update(job["environment"])
    os.chdir(job["root"])
    sys.path.insert(0, job["root"])
    code = 1
    try:
        run(job)
    except SystemExit as left:
        code = left.code if isinstance(left.code, int) else int(left.code is not None)
    except BaseException as error:  # noqa: BLE001  # as the interpreter does
        sys.excepthook(type(error), error, error.__traceback__)
    finally:
        with contextlib.suppress(Exception):
            sys.stdout.flush()
        os._exit(code)


def run(job):
    """Start Lambda's runtime client."""
    from awslambdaric import bootstrap, lambda_runtime_client
    from awslambdaric.__main__ import main as client

    if "AWS_LAMBDA_LOG_FORMAT" in os.environ:
        importlib.reload(bootstrap)
        importlib.reload(sys.modules["awslambdaric.__main__"])
        client = sys.modules["awslambdaric.__main__"].main
    # Lambda's own bootstrap calls the runtime client so, and a tracer looks for it there.
    sys.modules["__main__"].awslambdaricmain = sys.modules["awslambdaric.__main__"]
    faults = None
    if job["traced"]:
        if job.get("start"):
            from faults import AtStart

            faults = AtStart(job)
        if job.get("pth"):
            exec(job["pth"])  # noqa: S102  # as Python's site does with the layer's
            sys.modules["door"] = door()
        else:
            import lumitrace

            sys.modules["door"] = lumitrace
        if job.get("faults") is not None:
            from faults import Faults

            faults = Faults(job)
    else:
        sys.modules["door"] = door()
    watch(lambda_runtime_client.LambdaRuntimeClient, job, faults)
    sys.argv[:] = ["bootstrap", job["handler"]]
    client(sys.argv)


def door():
    """Return a module that stands in for lumitrace, and does nothing."""
    module = types.ModuleType("door")

    class Nothing(contextlib.nullcontext):
        def __enter__(self):
            return self

        def __call__(self, wrapped):
            return wrapped

        def set_attribute(self, *_):
            pass

    def traced(handler=None, **_):
        return handler if handler is not None else traced

    module.traced = traced
    module.tag = module.failed = lambda *_, **__: None
    module.trace_id = lambda: None
    module.span = lambda *_, **__: Nothing()
    module.record = lambda *_: Nothing()
    module.records = _records
    module.bind = lambda entry, *_: entry
    return module


def _records(event):
    found = event["Records"] if "Records" in event else event["records"]
    if isinstance(found, dict):
        found = [one for part in found.values() for one in part]
    yield from found


def watch(client, job, faults):
    """Write down the state of the process each time it asks for work."""
    original = client.wait_next_invocation
    out = Path(job["folder"], "state").open("a", encoding="utf-8")  # noqa: SIM115  # till the end
    count = iter(range(1 << 30))

    def wait_next_invocation(self):
        number = next(count)
        if faults is not None:
            faults.ended(number)
        out.write(json.dumps(state()) + "\n")
        out.flush()
        request = original(self)
        if faults is not None:
            faults.begins(number)
        return request

    client.wait_next_invocation = wait_next_invocation


def state():
    """Return all that lumitrace could have changed for the function and must not."""
    handlers = {number: repr(signal.getsignal(number)) for number in sorted(signal.valid_signals())}
    return {
        "environment": {k: v for k, v in os.environ.items() if k != "_X_AMZN_TRACE_ID"},
        "random": hash(random.getstate()),
        "threads": sorted(thread.name for thread in threading.enumerate()),
        "signals": handlers,
        "timer": signal.getitimer(signal.ITIMER_REAL)[0] > 0,
        "wakeup": _wakeup(),
        "files": sorted(_files()),
        "gc": [gc.isenabled(), gc.get_threshold(), gc.get_freeze_count() > 0],
        "warnings": repr(warnings.filters),
        "decimal": repr(decimal.getcontext()),
        "locale": locale.setlocale(locale.LC_ALL),
        "hooks": [repr(it) for it in (sys.gettrace(), sys.getprofile(), sys.excepthook)],
        "more": [repr(threading.excepthook), repr(sys.unraisablehook), sys.getrecursionlimit()],
        "logging": [repr(logging.getLoggerClass()), len(logging.getLogger().handlers)],
        "folder": str(Path.cwd()),
        "umask": _umask(),
        "switch": sys.getswitchinterval(),
        "digits": getattr(sys, "get_int_max_str_digits", int)(),
    }


def _wakeup():
    number = signal.set_wakeup_fd(-1)
    if number != -1:
        signal.set_wakeup_fd(number)
    return number


def _umask():
    mask = os.umask(0o22)
    os.umask(mask)
    return mask


def _files():
    for link in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(OSError):
            if link.readlink().name == "faults":  # the test's own
                continue
            yield f"{link.name} {link.readlink().name.partition(':[')[0]}"


if __name__ == "__main__":
    main()
