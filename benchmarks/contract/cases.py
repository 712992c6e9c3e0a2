"""What is tried: a handler, the events it is given, and what could be noticed by it."""

import sys
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from tests.twin.servers import MARK  # noqa: E402  # after the path is set
from tests.twin.shapes import DEEP, EVENTS, HUGE, recorded  # noqa: E402

LAST = (
    "exit 3", "exit 0", "exit text", "keyboard", "generator exit", "cancelled", "custom",
    "os exit", "term",
)  # fmt: skip
WAYS = (
    "value", "empty", "class", "unicode", "long", "args", "repr", "noisy", "chained", "suppressed",
    "cycle", "recursion", "group", "noted", "again", "os", "import", "syntax", "unicode error",
    "stop", "assert", "memory", "value",
)  # fmt: skip
RESULTS = (
    "none", "set", "nan", "decimal", "bytes", "object", "generator", "huge", "surrogate", "big",
    "keys", "status", "failures", "cycle", "noisy",
)  # fmt: skip
CALLS = (
    "send", "put", "attributes", "get", "query", "publish", "stream", "presigned", "threaded",
    "listened", "hooked", "unreachable", "refuse", "busy", "invalid", "unknown", "type", "nowhere",
    "breakdown", "send",
)  # fmt: skip
STRANGE = tuple(
    ({"a": 1}, {name: value})
    for name, value in {
        "Lambda-Runtime-Deadline-Ms": "1",
        "Lambda-Runtime-Client-Context": '{"custom": 3}',
        "Lambda-Runtime-Trace-Id": "nonsense",
        "Lambda-Runtime-Invoked-Function-Arn": "nonsense",
        "Lambda-Runtime-Aws-Request-Id": "r-1",
    }.items()
)

# The rows, in their order; the first words are what the table says.
KINDS = "handlers: functions, methods, objects, partials"
ANSWERS = "results"
EVENT = "events that make the handler fail"
GIVEN = "event and result objects"
FRAMES = "stack trace that Lambda reports"
ERRORS = "type, message and X-Ray cause of an error"
DEATHS = "sys.exit, KeyboardInterrupt, signals and the like"
INSIDE = "what the function sees of boto3: answers, errors, hooks"
HEADERS = "requests to AWS: headers"
BODIES = "requests to AWS: bodies"
COUNTED = "requests to AWS: how many"
OUTPUT = "what the function prints and logs"
OWN = "log lines of its own, an invocation"
SENT = "sent from the function, an invocation"
ALARM = "the function's SIGALRM handler and timer"
RANDOM = "the function's seeded random numbers"
ENVIRONMENT = "environment variables"
THREADS = "threads left running"
FILES = "open files and sockets left"
PROCESS = "the process: hooks, filters, logging, collector"
CONTEXT = "the context object"
STRICT = "where warnings are errors, and decimals exact"
STDOUT = "where standard output is closed or broken"
FORKS = "forks and threads of the function's own"
STACK = "room on the stack"
TOLD = "strange words of the runtime"
# What the table says of a handler, or of a part of the process, that differs.
WORDS = {
    "own.alarm": "handler lost",
    "own.timer": "timer stopped",
    "own.drawn": "other numbers",
    "own.variables": "while it runs",
    "own.around": "what it sees",
    "random": "drawn from",
    "timer": "timer left",
}


@dataclass(frozen=True, eq=False)
class Case:
    """A handler and its events.

    Attributes:
        row: what it is about, where an answer is not the same.
        handler: ``module.name``.
        events: what it is given, one after another.
        environment: variables that are set.
        is_said: whether its output is compared.
        sums: whether its log lines and what is sent are counted; events are alike then.
    """

    row: str
    handler: str
    events: tuple
    environment: dict[str, str] = field(default_factory=dict)
    is_said: bool = False
    sums: bool = False


def cases():
    """Return all cases."""
    marked = [it for it in recorded() if MARK not in str(it)]
    return [
        *(Case(KINDS, f"plain.{it}", ({"a": [1]}, {}))
          for it in ("echo", "bound", "app", "slots", "partial", "anonymous", "builtin")),
        Case(ANSWERS, "plain.result", RESULTS),
        Case(EVENT, "plain.echo", (*EVENTS, *marked, HUGE, DEEP)),
        Case(GIVEN, "own.given", ({"a": 1}, {"headers": {"a": "b"}}, {"Records": []})),
        Case(ERRORS, "failing.function", WAYS),
        *(Case(DEATHS, "failing.function", ("value", it, "value")) for it in LAST),
        Case(INSIDE, "calls.handler", CALLS),
        Case(INSIDE, "calls.handler", ("caught", "caught")),
        Case(OUTPUT, "hosts.logs", (1, 2), is_said=True),
        Case(OUTPUT, "hosts.logs", (1, 2), {"AWS_LAMBDA_LOG_FORMAT": "JSON"}, is_said=True),
        Case(OWN, "own.quiet", (1,) * 6, is_said=True, sums=True),
        Case(ALARM, "own.alarm", (1, 2)),
        Case(ALARM, "own.timer", (1, 2)),
        Case(ALARM, "failing.function", ("alarm", "alarm")),
        Case(RANDOM, "own.drawn", (1, 2)),
        Case(ENVIRONMENT, "own.variables", (1, 2)),
        Case(CONTEXT, "own.context", (1, 2)),
        Case(PROCESS, "own.around", (1, 2)),
        Case(STRICT, "own.strict", (1, 2)),
        *(Case(STDOUT, "hosts.replaced", ("", it, "after")) for it in ("close", "none", "broken")),
        Case(FORKS, "own.threads", (1, 2)),
        *(Case(FORKS, "hosts.forks", (it,), is_said=True) for it in ("prints", "exits")),
        Case(PROCESS, "hosts.watched", ("settrace", "setprofile", "stay", "")),
        Case(STACK, "hosts.low", (*range(900, 990),)),
        Case(TOLD, "hosts.times", STRANGE),
    ]  # fmt: skip
