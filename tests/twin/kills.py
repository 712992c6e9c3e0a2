"""Kills a function at random moments, and compares what its log says with what happened."""

import json
import os
import random
import re
import threading
import time
from dataclasses import replace

from tests.twin.servers import Recorder
from tests.twin.twins import PATIENCE_S

from local_aws.platform_lines import Report, TextLines
from lumitrace.reassembly.answers.path import stopped_in
from lumitrace.reassembly.assemble import assemble
from lumitrace.reassembly.events import LogEvent

WINDOW_NS = 25_000_000  # what a kill may hide: docs/span-line.md
STOPPED = re.compile(
    r"in (?P<after>a call after )?[\w.]+ (?P<name>[\w-]+), "
    r"or in (what began right after it|its own code)\Z"
)
NAME = re.compile(rb"t\d+-(\d+)(?:-\w+)*")
PLATFORM = TextLines("function", "stream", "python3.13", "us-east-1")
ENDS = {  # how it dies: what Lambda's report says
    "hang": ("timeout", None),
    "spin": ("timeout", None),
    "put": ("timeout", None),
    "http": ("timeout", None),
    "eat": ("error", "Runtime.OutOfMemory"),
}
NOWHERE = ("", "before any call that it wrote down")
EXIT = ("error", "Runtime.ExitError")


class Slow(Recorder):
    """AWS in small; each request takes the milliseconds that its table's name says."""

    def __init__(self):
        self.arrived, self.answered, self.over = {}, {}, threading.Event()
        super().__init__()

    def answer(self, request):
        found = NAME.search(request.body + request.path)
        if found is None:
            return super().answer(request)
        name = found[0].decode()
        self.arrived[name] = time.perf_counter_ns()
        self.over.wait(int(found[1]) / 1000)
        answer = super().answer(request)
        self.answered[name] = time.perf_counter_ns()
        return answer


def play(chance, number):
    """Return the steps of round *number*: calls, pauses, and an end."""
    if chance.random() < 0.4:  # two writes 5 ms apart
        steps = [["put", 1], ["work", 5], ["put", 1]]
    else:
        kinds = chance.choices(
            ["put", "http", "pair", "within", "work", "tag", "refuse"], [6, 2, 2, 2, 6, 1, 1], k=8
        )
        steps = [[kind, chance.choice([0, 1, 4, 12, 30, 60])] for kind in kinds]
    named = []
    for place, (kind, ms) in enumerate(steps):
        name = f"t{number}{place:02}-{ms}"
        if kind == "refuse":
            named.append(["put", f"{name}-refuse"])
        elif kind == "http":
            named.append(["http", f"{name}-http"])
        else:
            named.append([kind, ms if kind == "work" else name])
    end = chance.choice(["hang", "hang", "spin", "eat", "exit", "_exit", "signal", "put", "http"])
    argument = {
        "exit": 3,
        "_exit": 3,
        "signal": 11,
        "put": f"t{number}99-10000",
        "http": f"t{number}99-10000-http",
    }.get(end)
    return [*named, [end, argument]]


class Death:
    """One function that died.

    Attributes:
        steps: what it was told to do.
        ids: request ids; of the last one it did not see the end.
        journal: name of a call to [begun, ended] in nanoseconds, None where it has not.
        writes: [before, after] of each write to standard output.
        killed_ns: when it was killed at the latest.
        text: its standard output.
    """

    def __init__(self, folder, steps, ids, killed_ns):
        self.steps, self.ids, self.killed_ns = steps, ids, killed_ns
        self.request_id = ids[-1]
        self.journal, self.writes = {}, []
        for line in (folder / "journal").read_text("ascii").splitlines():
            letter, name, ns = line.split(" ")
            if letter == "b":
                self.journal[name] = [int(ns), None]
            elif letter == "e":
                self.journal[name][1] = int(ns)
            elif letter == "v":
                self.writes.append([int(ns), None])
            else:
                self.writes[-1][1] = int(ns)
        self.text = (folder / "stdout").read_text("ascii")

    def window(self):
        """Return from and until when a call may begin or end without being told."""
        before, after = self.writes[-1]
        if after is None:  # killed while it wrote, which may have been too late
            before, after = (self.writes[-2:] or [[0, 0]])[0][0], self.killed_ns
        return before, after + WINDOW_NS

    def is_near(self, moments):
        """Tell whether what happened between two *moments* may be hidden."""
        window = self.window()
        return window[0] <= moments[1] and moments[0] <= window[1]

    def times(self, *moments):
        """Return *moments* for people: milliseconds since the last write began."""
        since = self.window()[0]
        return [[round((it - since) / 1e6, 2) for it in pair] for pair in moments]

    def events(self, number):
        """Return the log of its sandbox, as Lambda has it."""
        status, error = ENDS.get(self.steps[-1][0], EXIT)
        for request_id in self.ids:
            yield from PLATFORM.start(request_id)
            yield from (line for line in self.text.splitlines() if f'"{request_id}"' in line)
            dead = request_id == self.request_id
            report = Report(request_id, 1000, memory_mb=128, used_mb=64)
            if dead:
                report = replace(report, status=status, error_type=error)
            yield from PLATFORM.end(report)


class Kills:
    """Runs rounds on the interpreter of *twins*."""

    def __init__(self, twins, seed):
        self.twins, self.chance, self.aws = twins, random.Random(seed), Slow()  # noqa: S311  # the same in every run
        self.deaths = []

    def stop(self):
        """End the server, and the answers that nobody waits for."""
        self.aws.over.set()
        self.aws.stop()

    def round(self, number):
        """Let one function die."""
        chance, twins = self.chance, self.twins
        steps = play(chance, number)
        ids = [f"8a1c0000-0000-4000-{number:04}-{it:012}" for it in range(2)]
        warm = chance.random() < 0.5
        first = [[["put", f"t{number}98-0"], ["leave", None]]] if warm else []
        events = [
            (json.dumps(it).encode(), {"Lambda-Runtime-Aws-Request-Id": request_id})
            for it, request_id in zip([*first, steps], ids, strict=False)
        ]
        asked = threading.Semaphore(0)
        twins.count += 1
        folder = twins.folder / str(twins.count)
        folder.mkdir()
        twins.api.begin(events, asked.release)
        delay = chance.uniform(0, 0.25)
        journal = str(folder / "journal")
        environment = {"AWS_ENDPOINT_URL": self.aws.url, "JOURNAL": journal}
        pid = twins.start("kills.handler", folder, environment)
        exits = []
        reader = threading.Thread(target=lambda: exits.append(twins.host.stdout.readline()))
        reader.start()
        for _ in events:
            asked.acquire(timeout=PATIENCE_S)
        reader.join(delay)
        killed_ns = time.perf_counter_ns()
        if reader.is_alive():
            os.kill(pid, 9)
            killed_ns = time.perf_counter_ns()
        twins.api.over.put(None)
        reader.join(PATIENCE_S)
        assert exits, "the process hangs"
        self.deaths.append(Death(folder, steps, ids[: len(events)], killed_ns))


def judge(deaths, aws):
    """Return what the logs of *deaths* say that is not so, and how often they had to be silent."""
    events = [
        LogEvent("/aws/lambda/twin", f"s{number}", None, message, 0)
        for number, death in enumerate(deaths)
        for message in death.events(number)
    ]
    for order, event in enumerate(events):
        event.order = order
    assembled = assemble(events)
    attempts = {attempt.request_id: attempt for attempt in assembled.attempts}
    wrong, figures = [], dict.fromkeys(("rounds", "calls", "told", "open", "unsure", "hidden"), 0)
    for death in deaths:
        figures["rounds"] += 1
        for sentence in _judge(death, attempts, aws, figures):
            wrong.append(f"{sentence} in {death.steps}")
    return wrong, figures


def _judge(death, attempts, aws, figures):
    """Yield what the log says of *death* that is not so."""
    known = {
        span.resource: span
        for request_id in death.ids
        for span in attempts[request_id].spans
        if span.operation
    }
    for name in known.keys() - death.journal.keys():
        yield f"{name} is told and never was"
    for name, (begun, ended) in death.journal.items():
        figures["calls"] += 1
        # Each moment lies between two: what the function and what AWS wrote down.
        begins = (begun, aws.arrived.get(name, ended or death.killed_ns))
        ends = (aws.answered.get(name, death.killed_ns), ended or death.killed_ns)
        span = known.get(name)
        if span is None and name not in aws.arrived:
            continue  # killed before it was sent, or told
        if span is None:
            figures["hidden"] += 1
            near = death.is_near(begins) or (name in aws.answered and death.is_near(ends))
            if name.endswith("-http") or not near:  # HTTP calls are always announced
                yield f"{name} is not told: {death.times(begins, ends)}"
        elif not span.open:
            figures["told"] += 1
            if name not in aws.answered:
                yield f"{name} is told to have ended"
        elif ended is None:
            figures["open"] += 1
        else:
            figures["unsure"] += 1
            if not death.is_near(ends):
                yield f"{name} is told to go on: {death.times(begins, ends)}"
    yield from _blamed(known, stopped_in(attempts[death.request_id]))


def _blamed(known, said):
    """Yield *said*, where the function was last seen, if that is not so."""
    found = STOPPED.match(said)
    if found is None:
        if said not in NOWHERE:
            yield f"{said!r} is not understood"
        return
    if bool(found["after"]) == known[found["name"]].open:  # which was judged by what AWS saw
        yield f"{said!r}, but the call {'goes on' if found['after'] else 'had ended'}"
