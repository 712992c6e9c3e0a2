"""The walls of the house, as tests.

A wall is a function from a checkout to the places where the checkout breaks it. Each one is run on
this checkout, and on a small sample that it has to refuse: a wall nobody has seen fail may be
painted on. To change a wall, change it here first, and say why in the commit.
"""

import ast
import functools
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

FILE_LINES = {"wire": 200, "capture": 200}
FILE_LINES_ELSEWHERE = 300
FUNCTION_LINES = 40
VENDORED = "_vendor"  # what others wrote, as they wrote it, with its licence beside it
DOOR_TO_WRAPT = "lumitrace.capture._wrapt"
LAMBDA_FILE_LINES = 60  # a function of the shop, read as an ordinary Lambda

# What may be loaded beyond what Lambda's runtime client has loaded before: a cold start pays for
# each, 0.2 ms of CPU. By `import lumitrace` and `traced`, and by the first event, of a REST API.
MODULES_LOADED = 10
MODULES_OF_AN_EVENT = 19
OF_THE_EVENT = ("lumitrace.capture.services.", "lumitrace.capture.path", "lumitrace.wire.")

COSTLY = {"dataclasses", "enum", "typing"}  # 450 us a class, 55 us a class, 2.4 ms an import
ROOMS_FOR_ANYTHING = {"common", "helpers", "misc", "utils"}
NAMESPACES = (
    "aws|client|cloud|code|db|error|exception|faas|host|http|lumitrace|messaging|network|os|process"
    "|rpc|server|service|session|telemetry|thread|url|user_agent"
)
ATTRIBUTE = re.compile(rf"(?:{NAMESPACES})\.[a-z0-9_]+(?:\.[a-z0-9_]+)*")
CONFLICT = ("<" * 7 + " ", ">" * 7 + " ")
MODULE_NAMES = re.compile(
    r"http\.(?:client|server)|os\.path|lumitrace\.(?:handler|capture|wire|reassembly|testing)(?:\..*)?"
)
# Spelt in two parts, so that this file does not hold what it looks for.
MACHINE_PATH = re.compile(r"(?<![\w.}*-])/(?:" + "root|work|home|" + r"Users)/[\w.]")


@dataclass(frozen=True)
class Import:
    """One imported name: where it stands, and when it runs.

    Attributes:
        target: The module, by its full name.
        symbol: What is taken from it, or an empty text.
        line: Counted from 1.
        deferred: It stands in a function, and runs when that is called.
        types_only: It stands under ``if TYPE_CHECKING``, and never runs.
    """

    target: str
    symbol: str
    line: int
    deferred: bool
    types_only: bool

    @property
    def package(self):
        """The first part of the module's name."""
        return self.target.partition(".")[0]


class Module:
    """A source file: its name, its wing, its text and its syntax tree."""

    def __init__(self, path, name, text):
        self.path = path
        self.name = name
        self.text = text
        self.tree = ast.parse(text)
        parts = name.split(".")
        inside = len(parts) > 1 and parts[0] == "lumitrace"
        self.wing = parts[1] if inside else ("front" if parts[0] == "lumitrace" else "elsewhere")

    @property
    def loads_in_a_function(self):
        """Whether a Lambda function may load it."""
        return self.wing in {"front", "wire", "capture"}

    def at(self, line, what):
        """Return *what* is wrong, and where."""
        return f"{self.path.name}:{line} ({self.name}) {what}"

    @functools.cache  # noqa: B019  # modules live as long as this file's tests
    def imports(self):
        """Return all imports, wherever they stand."""
        return list(self._imports(self.tree.body, deferred=False, types_only=False))

    def _imports(self, nodes, *, deferred, types_only) -> Iterator[Import]:
        for node in nodes:
            if isinstance(node, ast.Import):
                for alias in node.names:
                    yield Import(alias.name, "", node.lineno, deferred, types_only)
            elif isinstance(node, ast.ImportFrom):
                for alias in node.names:
                    base = self._base(node)
                    yield Import(base, alias.name, node.lineno, deferred, types_only)
            elif isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING"):
                yield from self._imports(node.body, deferred=deferred, types_only=True)
                yield from self._imports(node.orelse, deferred=deferred, types_only=types_only)
            else:
                inner = isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda))
                children = ast.iter_child_nodes(node)
                yield from self._imports(
                    children, deferred=deferred or inner, types_only=types_only
                )

    def _base(self, node):
        if not node.level:
            return node.module
        is_package = self.path.name == "__init__.py"
        parts = self.name.split(".")
        kept = parts[: len(parts) - node.level + is_package]
        return ".".join([*kept, *([node.module] if node.module else [])])


module_of = functools.cache(Module)  # many walls look at each


def package(checkout):
    """Return the modules of lumitrace itself."""
    return _modules(checkout / "src")


def stage(checkout):
    """Return the modules of the example's stage and of the scripts."""
    return [*_modules(checkout / "examples/ushop/local_aws"), *_modules(checkout / "scripts")]


def _modules(folder):
    found = []
    for path in sorted(folder.rglob("*.py")):
        if VENDORED in path.parts:
            continue
        parts = path.relative_to(folder).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        found.append(module_of(path, name, path.read_text("utf-8")))
    return found


def _points_to(an_import, names):
    """Return the module of this package that *an_import* loads."""
    full = f"{an_import.target}.{an_import.symbol}"
    return full if full in names else an_import.target


WALLS: list[Callable[[Path], list[str]]] = []


def wall(check):
    """Register *check* as a wall."""
    WALLS.append(check)
    return check


@wall
def wings_do_not_mix(checkout):
    """The wire imports no wing; capture and reassembly import the wire, never each other."""
    reach = {
        "wire": {"wire"},
        "capture": {"capture", "wire"},
        "reassembly": {"reassembly", "wire"},
        "testing": {"capture", "front", "testing", "wire"},
        "front": {"capture", "front", "wire"},
    }
    broken = []
    modules = package(checkout)
    names = {module.name for module in modules}
    for module in modules:
        for found in module.imports():
            target = _points_to(found, names)
            if found.package != "lumitrace" or found.symbol == "__version__":
                continue
            if target.startswith(f"lumitrace.{VENDORED}") and module.name == DOOR_TO_WRAPT:
                continue
            wing = target.split(".")[1] if "." in target else "front"
            if wing not in reach.get(module.wing, {wing}):
                broken.append(module.at(found.line, f"imports {target}"))
    return broken


@wall
def capture_stands_alone(checkout):
    """Wire and capture need the standard library; wrapt and botocore are capture/botocore.py's."""
    broken = []
    for module in package(checkout):
        if not module.loads_in_a_function:
            continue
        for found in module.imports():
            own = found.package in sys.stdlib_module_names or found.package == "lumitrace"
            if own or (found.types_only and module.wing == "capture"):
                continue
            if not _may_import(module, found):
                broken.append(module.at(found.line, f"imports {found.target}"))
    return broken


def _may_import(module, found):
    if module.name == "lumitrace.capture.auto":  # the runtime client, which has called it
        return found.package == "awslambdaric" and found.deferred
    if module.name == DOOR_TO_WRAPT:
        return found.package == "wrapt" and found.deferred
    if module.name == "lumitrace.capture.botocore":
        return found.package == "botocore" and found.deferred
    return module.name.startswith("lumitrace.capture.integrations.") and found.deferred


@wall
def services_are_strangers(checkout):
    """A service imports no other service; what two share begins with an underscore."""
    room = "lumitrace.capture.services."
    broken = []
    modules = package(checkout)
    names = {module.name for module in modules}
    for module in modules:
        if not module.name.startswith(room):
            continue
        for found in module.imports():
            target = _points_to(found, names)
            if target.startswith(room) and not target[len(room) :].startswith("_"):
                broken.append(module.at(found.line, f"imports {target}"))
    return broken


@wall
def no_import_cycles(checkout):
    """No module imports itself through others while it is being imported."""
    modules = package(checkout)
    names = {module.name for module in modules}
    edges = {
        module.name: {
            _points_to(found, names)
            for found in module.imports()
            if not found.deferred and not found.types_only
        }
        & names - {module.name}
        for module in modules
    }
    return sorted({" > ".join(ring) for name in names if (ring := _ring(name, edges))})


def _ring(start, edges):
    """Return a way from *start* back to itself, or None."""
    waiting, seen = [[start]], set()
    while waiting:
        way = waiting.pop()
        for step in sorted(edges[way[-1]]):
            if step == start:
                return [*way, step]
            if step not in seen:
                seen.add(step)
                waiting.append([*way, step])
    return None


@wall
def files_are_short(checkout):
    """A file is read in one sitting."""
    broken = []
    for module in [*package(checkout), *stage(checkout)]:
        lines, limit = module.text.count("\n"), FILE_LINES.get(module.wing, FILE_LINES_ELSEWHERE)
        if lines > limit:
            broken.append(module.at(lines, f"has {lines} lines; {limit} is the limit"))
    for module in _modules(checkout / "examples/ushop/functions"):
        lines = module.text.count("\n")
        if lines > LAMBDA_FILE_LINES:
            broken.append(module.at(lines, f"has {lines} lines; {LAMBDA_FILE_LINES} is the limit"))
    return broken


@wall
def functions_are_short(checkout):
    """A function does one thing; its docstring does not count."""
    broken = []
    for module in [*package(checkout), *stage(checkout)]:
        for node in ast.walk(module.tree):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                lines = node.end_lineno - node.lineno + 1 - _docstring_lines(node)
                if lines > FUNCTION_LINES:
                    broken.append(module.at(node.lineno, f"{node.name} has {lines} lines"))
    return broken


def _docstring_lines(node):
    if not ast.get_docstring(node):
        return 0
    return node.body[0].end_lineno - node.body[0].lineno + 1


@wall
def rooms_have_a_purpose(checkout):
    """No file or folder is named for holding just anything."""
    return [
        f"{path.relative_to(checkout)}: a name that says nothing"
        for top in ("src", "examples", "scripts", "tests")
        for path in sorted((checkout / top).rglob("*"))
        if path.stem.lstrip("_") in ROOMS_FOR_ANYTHING
    ]


@wall
def nothing_costly_at_a_cold_start(checkout):
    """Wire and capture load no typing, dataclasses or enum when they run."""
    return [
        module.at(found.line, f"imports {found.package} at run time")
        for module in package(checkout)
        if module.loads_in_a_function
        for found in module.imports()
        if found.package in COSTLY and not found.types_only
    ]


@wall
def attribute_names_stand_in_semconv(checkout):
    """No attribute is spelt outside wire/semconv.py."""
    return [
        module.at(node.lineno, f"spells the attribute {node.value!r}")
        for module in package(checkout)
        if module.name != "lumitrace.wire.semconv"
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and ATTRIBUTE.fullmatch(node.value)
        and not MODULE_NAMES.fullmatch(node.value)
    ]


@wall
def capture_does_not_print(checkout):
    """The function's own output is the function's."""
    return [
        module.at(node.lineno, "calls print")
        for module in package(checkout)
        if module.loads_in_a_function
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "print"
    ]


@wall
def only_the_guard_catches_broadly(checkout):
    """Elsewhere a handler names what it expects, or looks and raises again."""
    return [
        module.at(node.lineno, "catches broadly")
        for module in package(checkout)
        if module.name != "lumitrace.capture.guard"
        for node in ast.walk(module.tree)
        if _catches_broadly(node)
    ]


def _catches_broadly(node):
    if isinstance(node, ast.ExceptHandler):
        last = node.body[-1]
        raises = isinstance(last, ast.Raise) and last.exc is None
        return not raises and (node.type is None or _is_broad(node.type))
    suppresses = isinstance(node, ast.Call) and ast.unparse(node.func).endswith("suppress")
    return suppresses and any(_is_broad(argument) for argument in node.args)


def _is_broad(expression):
    names = expression.elts if isinstance(expression, ast.Tuple) else [expression]
    return any(ast.unparse(name) in {"BaseException", "Exception"} for name in names)


@wall
def every_module_says_what_it_is_for(checkout):
    """A module begins with a docstring."""
    return [
        module.at(1, "has no docstring")
        for module in [*package(checkout), *stage(checkout)]
        if not ast.get_docstring(module.tree)
    ]


@wall
def no_path_of_one_machine(checkout):
    """Nothing in the checkout knows where somebody keeps it."""
    return [
        f"{place} holds a path of one machine"
        for place, line in _lines_of_text(checkout)
        if MACHINE_PATH.search(line)
    ]


@wall
def no_conflict_is_left(checkout):
    """Nothing in the checkout waits for somebody to choose between two versions."""
    return [
        f"{place} is left of a merge"
        for place, line in _lines_of_text(checkout)
        if line.startswith(CONFLICT)
    ]


def _lines_of_text(checkout):
    """Yield where each line stands, and the line, of all that somebody wrote."""
    tops = ("src", "examples", "scripts", "tests", "docs", "benchmarks", ".ci")
    paths = [path for top in tops for path in (checkout / top).rglob("*")]
    paths += [*checkout.glob("*.md"), *checkout.glob("*.toml")]
    for path in sorted(paths):
        name = path.relative_to(checkout)
        if path.is_file() and _is_source(name):
            for number, line in enumerate(path.read_text("utf-8", "replace").splitlines(), 1):
                yield f"{name}:{number}", line


def _is_source(path):
    """Tell whether *path* is somebody's work, and not what a tool keeps beside it."""
    kept = [part for part in path.parts if part.startswith(".") and part != ".ci"]
    return not kept and "__pycache__" not in path.parts


@pytest.mark.parametrize("check", WALLS, ids=lambda check: check.__name__)
def test_the_wall_stands(check):
    """This checkout breaks no wall."""
    broken = check(ROOT)

    assert not broken, "\n".join(broken)


SERVICES = "src/lumitrace/capture/services"
LONG_FUNCTION = "def f():\n" + "    f()\n" * FUNCTION_LINES

REFUSED = [
    (wings_do_not_mix, "src/lumitrace/wire/a.py", "from lumitrace.capture import guard"),
    (wings_do_not_mix, "src/lumitrace/wire/a.py", "import lumitrace.reassembly.store"),
    (wings_do_not_mix, "src/lumitrace/capture/a.py", "def f():\n    import lumitrace.reassembly"),
    (wings_do_not_mix, "src/lumitrace/reassembly/a.py", "from lumitrace.capture.span import Span"),
    (wings_do_not_mix, "src/lumitrace/reassembly/cli/a.py", "from lumitrace import traced"),
    (wings_do_not_mix, "src/lumitrace/reassembly/a.py", "from ..capture import span"),
    (wings_do_not_mix, "src/lumitrace/testing/a.py", "from lumitrace.reassembly import store"),
    (wings_do_not_mix, "src/lumitrace/__init__.py", "import lumitrace.reassembly"),
    (wings_do_not_mix, "src/lumitrace/capture/a.py", "from lumitrace._vendor import wrapt"),
    (capture_stands_alone, "src/lumitrace/capture/auto.py", "import awslambdaric"),
    (capture_stands_alone, "src/lumitrace/wire/a.py", "import wrapt"),
    (capture_stands_alone, "src/lumitrace/capture/a.py", "import wrapt"),
    (capture_stands_alone, "src/lumitrace/capture/_wrapt.py", "import wrapt"),
    (capture_stands_alone, "src/lumitrace/capture/botocore.py", "def f():\n    import wrapt"),
    (capture_stands_alone, "src/lumitrace/capture/botocore.py", "import botocore.client"),
    (capture_stands_alone, f"{SERVICES}/sqs.py", "def f():\n    from botocore import client"),
    (capture_stands_alone, "src/lumitrace/capture/integrations/xray.py", "import aws_xray_sdk"),
    (services_are_strangers, f"{SERVICES}/sns.py", "from lumitrace.capture.services.sqs import x"),
    (services_are_strangers, f"{SERVICES}/sns.py", "from . import sqs"),
    (no_import_cycles, "src/lumitrace/wire/a.py", "from lumitrace.wire import b"),
    (files_are_short, "src/lumitrace/wire/a.py", "a = 1\n" * 201),
    (files_are_short, "src/lumitrace/reassembly/a.py", "a = 1\n" * 301),
    (files_are_short, "examples/ushop/local_aws/a.py", "a = 1\n" * 301),
    (files_are_short, "examples/ushop/functions/a.py", "a = 1\n" * 61),
    (functions_are_short, "src/lumitrace/reassembly/a.py", LONG_FUNCTION),
    (functions_are_short, "scripts/_a.py", "async " + LONG_FUNCTION),
    (rooms_have_a_purpose, "src/lumitrace/wire/utils.py", ""),
    (rooms_have_a_purpose, "tests/_helpers.py", ""),
    (nothing_costly_at_a_cold_start, "src/lumitrace/wire/a.py", "from typing import Any"),
    (nothing_costly_at_a_cold_start, "src/lumitrace/capture/a.py", "def f():\n    import enum"),
    (nothing_costly_at_a_cold_start, "src/lumitrace/__init__.py", "import dataclasses"),
    (attribute_names_stand_in_semconv, "src/lumitrace/capture/a.py", "A = {'faas.trigger': 1}"),
    (attribute_names_stand_in_semconv, "src/lumitrace/reassembly/a.py", "x['lumitrace.shared']"),
    (capture_does_not_print, "src/lumitrace/capture/a.py", "def f():\n    print('hello')"),
    (only_the_guard_catches_broadly, f"{SERVICES}/sqs.py", "try:\n    f()\nexcept:\n    pass"),
    (
        only_the_guard_catches_broadly,
        "src/lumitrace/reassembly/a.py",
        "try:\n    f()\nexcept (KeyError, Exception) as error:\n    raise ValueError from error",
    ),
    (
        only_the_guard_catches_broadly,
        "src/lumitrace/capture/a.py",
        "with contextlib.suppress(Exception):\n    f()",
    ),
    (every_module_says_what_it_is_for, "src/lumitrace/wire/a.py", "a = 1"),
    (no_path_of_one_machine, "docs/a.md", "cd /" + "home/ada/lumitrace"),
    (no_path_of_one_machine, "tests/a.py", "ROOT = '/" + "work/x'"),
    (no_conflict_is_left, "docs/a.md", "one\n" + "<" * 7 + " HEAD\ntwo"),
]


@pytest.mark.parametrize(
    ("check", "path", "text"), REFUSED, ids=lambda x: getattr(x, "__name__", None)
)
def test_the_wall_refuses(check, path, text, tmp_path):
    """Each wall is seen to fail on a sample that breaks it."""
    _write(tmp_path, f"{SERVICES}/sqs.py", '"""Queues."""\n')
    _write(tmp_path, "src/lumitrace/wire/b.py", "import lumitrace.wire.a\n")
    _write(tmp_path, path, text)

    assert check(tmp_path) != []


ACCEPTED = [
    (wings_do_not_mix, "src/lumitrace/reassembly/a.py", "from lumitrace.wire import span_line"),
    (wings_do_not_mix, "src/lumitrace/reassembly/a.py", "from lumitrace import __version__"),
    (wings_do_not_mix, "src/lumitrace/testing/a.py", "import lumitrace.capture.span"),
    (capture_stands_alone, "src/lumitrace/capture/_wrapt.py", "def f():\n    import wrapt"),
    (capture_stands_alone, "src/lumitrace/capture/botocore.py", "def f():\n    import botocore"),
    (files_are_short, "src/lumitrace/_vendor/wrapt/a.py", "a = 1\n" * 301),
    (capture_stands_alone, "src/lumitrace/reassembly/a.py", "import duckdb"),
    (services_are_strangers, f"{SERVICES}/sns.py", "from lumitrace.capture.services import _x"),
    (
        no_import_cycles,
        "src/lumitrace/wire/a.py",
        "TYPE_CHECKING = False\nif TYPE_CHECKING:\n    import lumitrace.wire.b",
    ),
    (no_import_cycles, "src/lumitrace/wire/a.py", "def f():\n    import lumitrace.wire.b"),
    (
        nothing_costly_at_a_cold_start,
        "src/lumitrace/wire/a.py",
        "TYPE_CHECKING = False\nif TYPE_CHECKING:\n    from typing import Any",
    ),
    (attribute_names_stand_in_semconv, "src/lumitrace/wire/semconv.py", "A = 'faas.trigger'"),
    (
        attribute_names_stand_in_semconv,
        "src/lumitrace/capture/a.py",
        "A = 'aws:sqs', 'sns.Publish'",
    ),
    (
        only_the_guard_catches_broadly,
        "src/lumitrace/capture/guard.py",
        "try:\n    f()\nexcept:\n    p",
    ),
    (
        only_the_guard_catches_broadly,
        "src/lumitrace/capture/a.py",
        "try:\n    f()\nexcept BaseException:\n    g()\n    raise",
    ),
    (no_path_of_one_machine, "docs/a.md", "docs/" + "work/notes.md, /var/task/app.py"),
]


@pytest.mark.parametrize(
    ("check", "path", "text"), ACCEPTED, ids=lambda x: getattr(x, "__name__", None)
)
def test_the_wall_has_a_door(check, path, text, tmp_path):
    """No wall refuses what the house is meant to do."""
    _write(tmp_path, f"{SERVICES}/_x.py", '"""Shared by two services."""\n')
    _write(tmp_path, "src/lumitrace/wire/b.py", "import lumitrace.wire.a\n")
    _write(tmp_path, path, text)

    assert check(tmp_path) == []


def _write(checkout, path, text):
    file = checkout / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, "utf-8")


IMPORT_LUMITRACE = """
import importlib, sys
sys.path.insert(0, sys.argv[1])
for name in sys.argv[2:]:
    importlib.import_module(name)
before = set(sys.modules)
import lumitrace
handler = lumitrace.traced(lambda event, context: None)
print("\\n".join(sorted(set(sys.modules) - before)))
"""
HANDLE = """
loaded = set(sys.modules)
handler({"httpMethod": "GET", "resource": "/", "requestContext": {}, "headers": {}}, None)
sys.stderr.write(" ".join(sorted(set(sys.modules) - loaded)))
"""


def loaded_by_lumitrace(*before):
    """Return the modules that `traced` adds to a bare interpreter with *before*."""
    return ran(IMPORT_LUMITRACE, *before).stdout.split()


def ran(program, *before, **environment):
    """Run *program* in a bare interpreter that has imported *before*, as in Lambda."""
    return subprocess.run(
        [sys.executable, "-I", "-S", "-c", program, str(ROOT / "src"), *before],
        capture_output=True,
        text=True,
        check=True,
        env={"AWS_LAMBDA_FUNCTION_NAME": "f", **environment},
    )


@pytest.mark.parametrize(
    "costly",
    ["wrapt", "botocore", "boto3", "typing", "dataclasses", "inspect", "importlib.metadata"],
)
def test_importing_lumitrace_does_not_load(costly):
    """What costs a cold start milliseconds is loaded when it is needed, if it ever is."""
    assert costly not in loaded_by_lumitrace()


def test_importing_lumitrace_loads_nothing_of_reassembly():
    """The wing that never runs in a Lambda is not loaded there."""
    loaded = loaded_by_lumitrace()

    assert [name for name in loaded if name.startswith("lumitrace.reassembly")] == []


def test_importing_lumitrace_loads_few_modules():
    """The budget is counted in modules, because modules repeat and milliseconds do not."""
    loaded = loaded_by_lumitrace("json", "logging")  # the runtime client has imported both

    assert len(loaded) <= MODULES_LOADED, loaded


@pytest.mark.parametrize("kind", ["provisioned-concurrency", "snap-start"])
def test_what_starts_before_its_first_event_loads_what_every_event_needs(kind):
    """Nobody waits for such a start, and after a snapshot each copy would load it again."""
    kind = {"AWS_LAMBDA_INITIALIZATION_TYPE": kind}

    answer = ran(IMPORT_LUMITRACE + HANDLE, "json", "logging", **kind)

    assert "lumitrace.capture.invocation" in answer.stdout.split()
    later = [name for name in answer.stderr.split() if not name.startswith(OF_THE_EVENT)]
    assert later == []


def test_a_first_event_loads_few_modules():
    """What every invocation needs, and the files of the one service that the event is of."""
    loaded = ran(IMPORT_LUMITRACE + HANDLE, "json", "logging").stderr.split()

    assert "lumitrace.capture.services.api_gateway" in loaded
    assert len(loaded) <= MODULES_OF_AN_EVENT, loaded
