"""Handlers that fail, in every way that Python knows."""

import asyncio
import os
import signal
import sys

from door import span, traced


class Broken(Exception):
    """Cannot be spelt."""

    def __str__(self):
        raise ValueError("no text")


class BrokenRepr(Exception):
    """Has no repr."""

    def __repr__(self):
        raise ValueError("no repr")


class Cunning(Exception):
    """Says that it is something else, and refuses attributes."""

    __class__ = property(lambda self: 1 / 0)

    def __getattribute__(self, name):
        if name.startswith("__lumi"):
            raise RuntimeError(name)
        return super().__getattribute__(name)


class Noisy(Exception):
    """Tells who asks for its text; only the runtime client's own questions count."""

    def with_traceback(self, traceback):
        print("with_traceback")
        return super().with_traceback(traceback)

    def __setattr__(self, name, value):
        print("set", name)
        super().__setattr__(name, value)


class Custom(BaseException):
    """Not an Exception."""


def chained():
    try:
        try:
            {}["key"]
        except KeyError as error:
            raise ValueError("second") from error
    except ValueError:
        raise RuntimeError("third")  # noqa: B904  # the context is what is tested


def suppressed():
    try:
        {}["key"]
    except KeyError:
        raise ValueError("alone") from None


def cycle():
    first, second = ValueError("first"), ValueError("second")
    first.__cause__, second.__cause__ = second, first
    first.__context__ = second
    raise first


def recursion(n=0):
    return recursion(n + 1) + 1


def group():
    if sys.version_info < (3, 11):
        raise ValueError("no groups")
    inner = [ValueError(n) for n in range(1000)]
    raise ExceptionGroup("many", [ExceptionGroup("some", inner), KeyError("a")])  # noqa: F821


def noted():
    error = ValueError("noted")
    if sys.version_info >= (3, 11):
        error.add_note("a note")
    raise error


def raised_again():
    try:
        1 / 0
    except ZeroDivisionError as error:
        kept = error
    raise kept


def threw(error):
    raise error


def interrupted():
    signal.signal(signal.SIGALRM, lambda *_: threw(TimeoutError("the user's alarm")))
    signal.setitimer(signal.ITIMER_REAL, 0.01)
    while True:
        pass


WAYS = {
    "value": lambda: threw(ValueError("no such sale")),
    "empty": lambda: threw(ValueError()),
    "class": lambda: threw(KeyError),
    "unicode": lambda: threw(ValueError("\u2028 \U0001f600 \x00 \u202e Task timed out")),
    "long": lambda: threw(ValueError("x" * 2_000_000)),
    "args": lambda: threw(ValueError({"a": [1, 2]}, 3)),
    "broken": lambda: threw(Broken()),
    "repr": lambda: threw(BrokenRepr("a")),
    "cunning": lambda: threw(Cunning("a")),
    "noisy": lambda: threw(Noisy("a")),
    "chained": chained,
    "suppressed": suppressed,
    "cycle": cycle,
    "recursion": recursion,
    "group": group,
    "noted": noted,
    "again": raised_again,
    "os": lambda: open("/nowhere"),
    "import": lambda: __import__("nowhere"),
    "syntax": lambda: compile("a b", "file.py", "exec"),
    "unicode error": lambda: b"\xff".decode(),
    "stop": lambda: next(iter(())),
    "assert": lambda: threw(AssertionError()),
    "memory": lambda: bytearray(1 << 62),
    "alarm": interrupted,
}
LAST = {
    "surrogate": lambda: threw(ValueError("\ud800")),  # the runtime client cannot post it
    "exit 3": lambda: sys.exit(3),
    "exit 0": lambda: sys.exit(),
    "exit text": lambda: sys.exit("goodbye"),
    "keyboard": lambda: threw(KeyboardInterrupt()),
    "generator exit": lambda: threw(GeneratorExit()),
    "cancelled": lambda: threw(asyncio.CancelledError()),
    "custom": lambda: threw(Custom("mine")),
    "os exit": lambda: os._exit(4),
    "kill": lambda: os.kill(os.getpid(), signal.SIGKILL),
    "segfault": lambda: os.kill(os.getpid(), signal.SIGSEGV),
    "term": lambda: os.kill(os.getpid(), signal.SIGTERM),
}


WAYS.update(LAST)


def fails(event, context):
    """Fail as *event* says."""
    return WAYS[event]()


class App:
    """A callable object."""

    def __call__(self, event, context):
        return self.deeper(event)

    def deeper(self, event):
        return WAYS[event]()


function = traced(fails)
app = traced(App())
method = traced(App().__call__)
nested = traced(traced(fails))


@traced
def decorated(event, context):
    with span("outer"):
        return step(event)


@span("inner")
def step(event):
    return WAYS[event]()


@traced
def caught(event, context):
    """Catch what the inner handler raises, and look at its frames."""
    try:
        nested(event, context)
    except Exception as error:
        names, traceback = [], error.__traceback__
        while traceback is not None:
            names.append([traceback.tb_frame.f_code.co_name, traceback.tb_lineno])
            traceback = traceback.tb_next
        print(names[:50])
        raise RuntimeError("from outside") from error
