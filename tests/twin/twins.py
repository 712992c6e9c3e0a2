"""Runs a function twice through Lambda's own runtime client, bare and traced, and compares.

The Runtime API and AWS are servers in the test's own process, the same for both twins.
"""

import contextlib
import itertools
import json
import os
import queue
import re
import subprocess
import sys
from pathlib import Path

from tests.twin.injection import asked
from tests.twin.servers import CAUSE, ROOT, Recorder, RuntimeApi

FUNCTIONS = Path(__file__).parent / "functions"
MARK = '{"lumitrace":1,'
OUTPUTS = ("stdout", "stderr", "telemetry")
PATIENCE_S = 120  # of a machine that has other work
ALIVE = "waits for work"
# What the two runs cannot have in common: the time, and where objects lie in memory.
TIME = re.compile(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z|\[\d{13}\]")
ADDRESS = re.compile(rb"0x[0-9a-f]{6,}")
# Our frame is one of those that fit on the stack; nothing else says so.
ID = re.compile(rb"8a1c0000-0000-4000-8000-\d{12}")
DEPTH = re.compile(rb"(?<=Previous line repeated )\d+(?= more times)")
REPEATED = re.compile(rb'(\{"label": [^}]*\}, )\1+')
# On Python 3.10 one frame of ours stays where something stands outside ours: DESIGN, P1.
FILE = rb"/lumitrace/capture/bootstrap\.py"
OUR_FRAME = re.compile(
    rb'(?:, )?\{"label": "\w+", "path": "%s", "line": \d+\}|"%s", |(?:, )?"%s"'
    rb'|[ \xc2\xa0]*File \\?"%s\\?", line \d+, in \w+(?:\\n|\n)' % (FILE, FILE, FILE, FILE)
)
FRAME = re.compile(rb"\xa5\x5a\x00(.)(....)........", re.DOTALL)

# What a health line may be about here: a wrong setting, or an exception that cannot be spelt.
KNOWN = frozenset(("capture.config", "capture.error"))


class Outcome:
    """All that can be seen of one process from outside.

    Attributes:
        seen: what is compared.
        lines: our span lines, as dictionaries.
        requests: every request to AWS.
        marks: how much there was of everything each time the process asked for an event.
    """

    def __init__(self, folder, exit_code, posted, requests):
        stdout, self.lines = _apart((folder / "stdout").read_bytes())
        self.requests = requests
        self.folder, self.posted = folder, posted
        state = folder / "state"
        self.noted = state.read_text("utf-8").splitlines() if state.exists() else []
        self.seen = {
            "exit code": exit_code,
            "posted": [(path, told, _settled(body)) for path, told, body in posted],
            "stdout": _settled(stdout),
            "stderr": _settled((folder / "stderr").read_bytes()),
            "runtime's log": _settled(_frames((folder / "telemetry").read_bytes())),
            "process": [_settled(line.encode()) for line in self.noted],
        }
        for _, told, _ in self.seen["posted"]:
            told[CAUSE] = told[CAUSE] and _settled(told[CAUSE].encode())


def pieces(outcome):
    """Return what *outcome* says of each event by itself, and the requests of each."""
    files = [(outcome.folder / name).read_bytes() for name in OUTPUTS]
    for before, after in itertools.pairwise(outcome.marks):
        cut = [data[a:b] for data, a, b in zip(files, before, after, strict=False)]
        cut[0], cut[2] = _apart(cut[0])[0], _frames(cut[2])
        posted = [[told, body, path] for path, told, body in outcome.posted[before[3] : after[3]]]
        texts = [*cut, repr(posted).encode()]
        yield (
            [ID.sub(b"<id>", _settled(text)) for text in texts],
            outcome.requests[before[4] : after[4]],
        )


def _settled(data):
    if sys.version_info < (3, 11):
        data = OUR_FRAME.sub(b"", data)
    data = REPEATED.sub(rb"\1", data)
    return DEPTH.sub(b"<n>", ADDRESS.sub(b"0x", TIME.sub(b"<time>", data)))


def _frames(data):
    return FRAME.sub(lambda it: b"<" + it[1].hex().encode() + b">", data)


def _apart(data):
    """Return what the function printed, and our lines."""
    text, lines, rest = data.decode("utf-8", "surrogateescape"), [], []
    objects, at = [], 0
    kept = json.JSONDecoder(object_pairs_hook=lambda it: objects.append(it) or dict(it))
    while (begin := text.find(MARK, at)) >= 0:
        line, end = kept.raw_decode(text, begin)
        assert text[end : end + 1] == "\n", "a line of ours has no end"
        assert len(line) == len(objects[-1]), "a name stands in a line of ours twice"
        objects.clear()
        lines.append(line)
        rest.append(text[at:begin])
        at = end + 1
    return "".join([*rest, text[at:]]).encode("utf-8", "surrogateescape"), lines


class Twins:
    """One interpreter that forks a process for each run, and the servers that it talks to.

    *libraries* are loaded before it forks; *python* is another interpreter than this one, and
    *folders* are where it finds further functions.
    """

    def __init__(self, folder, libraries=(), *, python=sys.executable, folders=()):
        self.folder, self.count = folder, 0
        self.api, self.aws = RuntimeApi(), Recorder()
        paths = [*map(str, folders), str(ROOT / "src"), os.environ.get("PYTHONPATH", "")]
        self.host = subprocess.Popen(
            [python, Path(__file__).with_name("host.py"), *libraries],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={
                "AWS_LAMBDA_RUNTIME_API": self.api.address,  # the client reads it when imported
                "PATH": os.environ["PATH"],
                "PYTHONHASHSEED": "0",
                "PYTHONPATH": os.pathsep.join(paths),
            },
            text=True,
        )

    def stop(self):
        """End the interpreter and the servers."""
        self.host.stdin.close()
        self.host.wait(PATIENCE_S)
        self.host.stdout.close()
        self.api.stop()
        self.aws.stop()

    def run(self, handler, events, *, traced, environment=None, marked=False, **more):
        """Return the `Outcome` of a process that is given *events*, one after another.

        *marked*: items that the traced one reads bear a mark of ours.
        """
        self.count += 1
        folder = self.folder / str(self.count)
        folder.mkdir()
        self.aws.requests, self.aws.marked = [], traced and marked
        told = [it if isinstance(it, tuple) else (body_of(it), {}) for it in events]
        self.api.begin(told, lambda: self._sizes(folder))
        pid = self.start(handler, folder, environment, traced=traced, **more)
        code = self._end(pid)
        outcome = Outcome(folder, code, self.api.posted, self.aws.requests)
        outcome.marks = self.api.marks
        return outcome

    def start(self, handler, folder, environment, *, traced=True, **more):
        """Start a process that asks for events; return its id."""
        job = {
            "handler": handler,
            "folder": str(folder),
            "root": str(FUNCTIONS),
            "traced": traced,
            "environment": {**self._environment(), **(environment or {})},
            **more,
        }
        self.host.stdin.write(json.dumps(job) + "\n")
        self.host.stdin.flush()
        return int(self.host.stdout.readline().removeprefix("pid "))

    def _sizes(self, folder):
        """Return how much there is by now of all that a process leaves."""
        sizes = [(folder / name).stat().st_size for name in OUTPUTS]
        return [*sizes, len(self.api.posted), len(self.aws.requests)]

    def _end(self, pid):
        """Wait until the process *pid* has no more to do, or has ended by itself."""
        import threading

        exits = queue.SimpleQueue()
        reader = threading.Thread(target=lambda: exits.put(self.host.stdout.readline()))
        reader.start()
        reader.join(0)
        idle = self.api.idle
        waited = seen = 0
        while reader.is_alive() and waited < PATIENCE_S * 200:
            with contextlib.suppress(queue.Empty):
                idle.get(timeout=0.005)
                break
            waited += 1
            if len(self.api.marks) != seen:  # it has asked for another event
                waited, seen = 0, len(self.api.marks)
        was_alive = reader.is_alive()
        if was_alive:
            os.kill(pid, 9)
        self.api.over.put(None)
        reader.join(PATIENCE_S)
        code = int(exits.get(timeout=PATIENCE_S).removeprefix("exit "))
        assert waited < PATIENCE_S * 200, "the process hangs"
        return ALIVE if was_alive and code == -9 else code

    def _environment(self):
        version = f"{sys.version_info.major}.{sys.version_info.minor}"
        return {
            "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE",
            "AWS_SECRET_ACCESS_KEY": "none",
            "AWS_REGION": "eu-west-1",
            "AWS_DEFAULT_REGION": "eu-west-1",
            "AWS_ENDPOINT_URL": self.aws.url,
            "AWS_EXECUTION_ENV": f"AWS_Lambda_python{version}",
            "AWS_LAMBDA_FUNCTION_NAME": "twin",
            "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256",
            "AWS_LAMBDA_LOG_STREAM_NAME": "2026/11/22/[$LATEST]0123456789abcdef",
            "AWS_LAMBDA_RUNTIME_API": self.api.address,
            "LAMBDA_TASK_ROOT": str(FUNCTIONS),
            "PATH": os.environ["PATH"],
            "_LAMBDA_TELEMETRY_LOG_FD": "5",
            "_HANDLER": "twin",
        }

    def compare(
        self, handler, events, *, written=True, dies=False, environment=None, healthy=KNOWN
    ):
        """Run *handler* bare and traced; fail where anybody could tell. Return the traced one."""
        bare = self.run(handler, events, traced=False, environment=environment)
        twin = self.run(handler, events, traced=True, environment=environment)
        same(bare, twin)
        assert not bare.lines
        assert dies or bare.seen["exit code"] == ALIVE, "it died in both twins"
        if written:
            assert any(line["record"] == "start" for line in twin.lines), "it is not traced"
        broken = [line for line in twin.lines if line["record"] == "health"]
        assert all(line["component"] in healthy for line in broken), broken
        return twin


def same(bare, twin):
    """Fail where *twin* differs from *bare* in anything that is not documented."""
    for what, value in bare.seen.items():
        assert twin.seen[what] == value, f"{what}: {where(value, twin.seen[what])}"
    assert len(twin.requests) == len(bare.requests), "requests to AWS"
    for pair in zip(bare.requests, twin.requests, strict=True):
        one, other = asked(*pair)
        assert one == other, f"a request to AWS: {where(one, other)}"


def where(one, other):
    """Return the first place at which *one* and *other* are not the same, for people."""
    if isinstance(one, (list, tuple)) and isinstance(other, type(one)) and len(one) == len(other):
        return next(where(*pair) for pair in zip(one, other, strict=True) if pair[0] != pair[1])
    one, other = repr(one), repr(other)
    pairs = enumerate(zip(one, other, strict=False))
    at = next((at for at, pair in pairs if pair[0] != pair[1]), min(len(one), len(other)))
    return f"{one[max(0, at - 80) : at + 200]}\nbut traced: {other[max(0, at - 80) : at + 200]}"


def body_of(event):
    """Return *event* as Lambda hands it over."""
    return event if isinstance(event, bytes) else json.dumps(event).encode()
