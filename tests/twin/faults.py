"""In the traced process: makes functions of lumitrace's raise, another one for each event."""

import gc
import importlib
import inspect
import json
import os
import pkgutil
import random
import sys
import threading
import types
from contextlib import suppress
from pathlib import Path

ROOMS = ("lumitrace.capture", "lumitrace.wire")
DEFAULTS = "config.py __init__"
hits = set()


class Fault(Exception):  # noqa: N818  # it is no error
    """What a broken function raises."""

    def __init__(self, name):
        super().__init__(name)
        hits.add(name)


class NoMemory(Fault, MemoryError):  # noqa: N818  # as above
    """What Python raises where there is no memory left."""


class NoStack(Fault, RecursionError):  # noqa: N818  # as above
    """What Python raises where there is no frame left."""


KINDS = {"": Fault, "memory": NoMemory, "stack": NoStack}


def watch(profile):
    """Have *profile* told of every call, in this thread and in those that begin."""
    threading.setprofile(profile)
    sys.setprofile(profile)


def name_of(code):
    """Return ``handler.py:83 _wrapper`` for *code* of ours, "" for all other code.

    What a wrapper of ours wears is left out, what Python makes of a comprehension, and the bodies
    of modules and classes.
    """
    if not code.co_flags & inspect.CO_OPTIMIZED:
        return ""
    for room, short in (("/lumitrace/capture/", ""), ("/lumitrace/wire/", "wire/")):
        path = code.co_filename.partition(room)[2]
        if path and path != "bootstrap.py" and not code.co_name.endswith(("expr>", "comp>")):
            return f"{short}{path}:{code.co_firstlineno} {code.co_name}"
    return ""


def functions():
    """Return every function of ours by its name, and the names of those that stand in others."""
    found, inner = {}, set()
    for function in gc.get_objects():
        if type(function) is types.FunctionType:
            name = name_of(function.__code__)
            if name and (function.__globals__.get("__name__") or "").startswith(ROOMS):
                found.setdefault(name, []).append(function)
                inner.update(_inner(function.__code__))
    return found, inner - found.keys()


def _inner(code):
    for one in code.co_consts:
        if isinstance(one, types.CodeType):
            yield from filter(None, [name_of(one)])
            yield from _inner(one)


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


class Watch:
    """What is common to both: notes what is called, or has a call raise."""

    def __init__(self, job):
        self.doors = set(job["doors"])
        opened = os.open(Path(job["folder"], "faults"), os.O_WRONLY | os.O_CREAT)
        self.out = os.dup2(opened, 99)  # so that the function's files have their usual numbers
        os.close(opened)
        self.called = set()

    def tell(self, **more):
        """Write down what was called and what was hit, and forget it."""
        told = {"called": sorted(self.called), "hit": sorted(hits), **more}
        os.write(self.out, json.dumps(told).encode() + b"\n")
        hits.clear()
        self.called = set()

    def note(self, frame, what, _):
        """Be a profiler that notes what is called."""
        if what == "call":
            self.called.add(name_of(frame.f_code))
            self.called.discard("")

    def breaks(self, names):
        """Return a profiler that has each call of the functions *names* raise."""

        def profile(frame, what, _):
            if what == "call" and (name := name_of(frame.f_code)) in names:
                raise Fault(name)

        return profile

    def at_random(self, chance, odds, kind):
        """Return a profiler that has one call in *odds* raise a fault of this *kind*."""

        def profile(frame, what, _):
            name = name_of(frame.f_code) if what == "call" else ""
            # A generator is called again to be closed; then an error is printed instead.
            if name and door_of(name) not in self.doors and chance.randrange(odds) == 0:
                raise KINDS[kind](name)

        return profile


def door_of(name):
    """Return ``handler.py _wrapper``, the name without the line."""
    place, _, function = name.partition(" ")
    return f"{place.partition(':')[0]} {function}"


class Faults(Watch):
    """The faults of one process, while it handles events.

    For each event the job says None, ``"look"`` for the functions that are called, a list of the
    functions that shall raise, or odds, a seed and a kind: one call of ours in that many raises, at
    random, what `KINDS` says.
    """

    def __init__(self, job):
        super().__init__(job)
        self.plan, self.undo = job["faults"], []
        for room in ROOMS:
            package = importlib.import_module(room)
            for module in pkgutil.walk_packages(package.__path__, room + "."):
                with suppress(ImportError):
                    importlib.import_module(module.name)
        self.known, self.inner = functions()
        gathered = (getattr(module, "__dict__", {}) for module in list(sys.modules.values()))
        self.caches = {
            id(one): one
            for names in gathered
            if str(names.get("__name__")).startswith(ROOMS)
            for one in names.values()
            if hasattr(one, "cache_clear")
        }.values()
        self.tell(known=sorted(self.known), inner=sorted(self.inner))

    def begins(self, number):
        """Break what is to be broken while event *number* is handled."""
        plan = self.plan[number] if number < len(self.plan) else None
        if plan == "look":
            watch(self.note)
        elif isinstance(plan, list) and isinstance(plan[0], int):
            odds, seed, kind = plan
            watch(self.at_random(random.Random(seed), odds, kind))  # noqa: S311  # repeatable
        elif plan:
            for name in plan:
                for function in self.known.get(name, ()):
                    self.undo.append((function, function.__code__))
                    function.__code__ = broken(function, name)
            if self.inner.intersection(plan):
                watch(self.breaks(self.inner.intersection(plan)))

    def ended(self, number):
        """Mend everything; say what was hit, and what of ours was left behind."""
        watch(None)
        if not number:
            return
        while self.undo:
            function, code = self.undo.pop()
            function.__code__ = code
        from lumitrace.capture.current import process

        stuck, process.active = process.active is not None, None
        self.tell(stuck=stuck)
        self._forget()

    def _forget(self):
        """Have the next event begin as the first did."""
        from lumitrace.capture import resend
        from lumitrace.capture.current import process
        from lumitrace.capture.guard import reporter
        from lumitrace.capture.services import _dynamodb_repeats, _item_places

        for kept in (
            reporter.known,
            resend.guilty,
            resend.innocent,
            _dynamodb_repeats._begun,
            _dynamodb_repeats._writes,
            _item_places._known,
        ):
            kept.clear()
        process.invocations = 0
        for one in self.caches:
            one.cache_clear()


class AtStart(Watch):
    """The fault of one process, while the runtime client starts and the function is imported."""

    def __init__(self, job):
        super().__init__(job)
        name = job["start"]
        watch(self.note if name == "look" else self.breaks({name}))

    def breaks(self, names):
        """Return the profiler, which spares the defaults: they are constants of our own."""
        profile = super().breaks(names)

        def spares(frame, what, of):
            caller = frame.f_back if name_of(frame.f_code) in names else None
            while caller is not None and door_of(name_of(caller.f_code)) != DEFAULTS:
                caller = caller.f_back
            if caller is None:
                profile(frame, what, of)

        return spares

    def begins(self, number):
        """Say nothing: events are handled as usual."""

    def ended(self, number):
        """The start is over when the first event is asked for."""
        if not number:
            watch(None)
            self.tell()
