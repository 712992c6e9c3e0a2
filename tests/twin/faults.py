"""In the traced process: makes functions of lumitrace's raise, another one for each event."""

import gc
import importlib
import inspect
import json
import os
import pkgutil
import random
import sys
import types
from contextlib import suppress
from pathlib import Path

OURS = "lumitrace.capture"
hits = set()


class Fault(Exception):  # noqa: N818  # it is no error
    """What a broken function raises."""

    def __init__(self, name):
        super().__init__(name)
        hits.add(name)


def functions():
    """Return every function of the capture by its place, ``handler.py:83 _wrapper``."""
    found = {}
    for function in gc.get_objects():
        if type(function) is types.FunctionType:
            code, module = function.__code__, function.__globals__.get("__name__") or ""
            path = code.co_filename.partition("/lumitrace/capture/")[2]
            if module.startswith(OURS) and path and path != "bootstrap.py":
                name = f"{path}:{code.co_firstlineno} {code.co_name}"
                found.setdefault(name, []).append(function)
    return found


def broken(function, name):
    """Return code for *function* that raises, of the same kind and with the same closure."""
    code = function.__code__
    free = ", ".join(code.co_freevars)
    kind = "async def" if inspect.iscoroutinefunction(function) else "def"
    more = "; yield" if inspect.isgeneratorfunction(function) else ""
    source = f"def make({free}):\n {kind} f(*a, **k): ({free}); raise X({name!r}){more}\n return f"
    source = source.replace("X(", f"__import__({__name__!r}).Fault(")
    names = {}
    exec(compile(source, code.co_filename, "exec"), names)  # noqa: S102  # what a test needs
    made = names["make"](*code.co_freevars).__code__
    return made.replace(co_firstlineno=code.co_firstlineno, co_name=code.co_name)


class Faults:
    """The faults of one process.

    For each event the job says None, ``"look"`` for the functions that are called, a list of the
    functions that shall raise, or a number: one call of ours in that many raises, at random.
    """

    def __init__(self, job):
        self.plan, self.doors = job["faults"], set(job["doors"])
        opened = os.open(Path(job["folder"], "faults"), os.O_WRONLY | os.O_CREAT)
        self.out = os.dup2(opened, 99)  # so that the function's files have their usual numbers
        os.close(opened)
        self.undo, self.called = [], set()
        package = importlib.import_module(OURS)
        for module in pkgutil.walk_packages(package.__path__, OURS + "."):
            with suppress(ImportError):
                importlib.import_module(module.name)
        self.known = functions()

    def begins(self, number):
        """Break what is to be broken while event *number* is handled."""
        plan = self.plan[number] if number < len(self.plan) else None
        if plan == "look":
            self.called = set()
            sys.setprofile(self._note)
        elif isinstance(plan, int):
            self.chance = random.Random(number)  # noqa: S311  # the same in every run
            self.odds = plan
            sys.setprofile(self._break)
        for name in plan if isinstance(plan, list) else ():
            for function in self.known[name]:
                self.undo.append((function, function.__code__))
                function.__code__ = broken(function, name)

    def _note(self, frame, what, _):
        if what == "call":
            code = frame.f_code
            path = code.co_filename.partition("/lumitrace/capture/")[2]
            self.called.add(f"{path}:{code.co_firstlineno} {code.co_name}")

    def _break(self, frame, what, _):
        if what != "call" or "/lumitrace/capture/" not in frame.f_code.co_filename:
            return
        code = frame.f_code
        path = code.co_filename.partition("/lumitrace/capture/")[2]
        # A generator is called again to be closed; then an error is printed instead.
        door = path == "bootstrap.py" or f"{path} {code.co_name}" in self.doors
        if door or code.co_name == "<genexpr>":
            return
        if self.chance.randrange(self.odds) == 0:
            name = f"{path}:{code.co_firstlineno} {code.co_name}"
            raise Fault(name)

    def ended(self, number):
        """Mend everything; say what was hit, and what of ours was left behind."""
        sys.setprofile(None)
        if not number:
            return
        while self.undo:
            function, code = self.undo.pop()
            function.__code__ = code
        from lumitrace.capture.current import process
        from lumitrace.capture.guard import reporter

        stuck, process.active = process.active is not None, None
        told = {
            "called": sorted(self.called & set(self.known)),
            "hit": sorted(hits),
            "stuck": stuck,
        }
        os.write(self.out, json.dumps({**told, "all": len(self.known)}).encode() + b"\n")
        hits.clear()
        reporter.known.clear()
