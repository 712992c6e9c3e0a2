"""The Lambda layer: capture, wire and their own wrapt, the same bytes every time.

Layers are merged into one ``/opt``, so that nothing lies at the top but what bears our name.
https://docs.aws.amazon.com/lambda/latest/dg/packaging-layers.html

The modules lie in two files, which `packed` reads: a zip of 220 files took 415 KB, of which their
names alone were 38, and finding a file a module was half of the time that loading them took.
"""

import base64
import hashlib
import io
import json
import shutil
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path

from lumitrace.reassembly.deploy.blank import blank
from lumitrace.reassembly.problem import MISUSE, Problem

PACKAGE = Path(__file__).resolve().parents[2]
PYTHONS = ("3.10", "3.11", "3.12", "3.13", "3.14")
FOLDERS = ("wire", "capture", "_vendor")
OPT = "/opt/python/lumitrace"
MOMENT = (1980, 1, 1, 0, 0, 0)  # the first that a zip can hold
UNIX = 3  # who made it: permissions are Unix's
COMPILE_S = 120  # seconds

# Where python/lumitrace.pth lies, Lambda's bootstrap reads it before it loads the handler; that is
# so unless PYTHONPATH is set, when it also leaves python/ off the path.
WRAPPER = """\
#!/bin/sh
# AWS_LAMBDA_EXEC_WRAPPER=/opt/lumitrace: the handler is traced without a change to its code.
if [ "${LUMITRACE_ENABLED-}" = 0 ]; then
    exec "$@"
fi
if [ -z "${PYTHONPATH+set}" ]; then
    export LUMITRACE_AUTO=1  # python/lumitrace.pth looks for it
else  # then Lambda reads no .pth file, and looks for no package in a layer
    export PYTHONPATH="${PYTHONPATH:+$PYTHONPATH:}${0%/*}/python"
    export LUMITRACE_HANDLER="$_HANDLER" _HANDLER=lumitrace.handler
fi
exec "$@"
"""

# One line: what begins with "import" is run, https://docs.python.org/3/library/site.html
PTH = (
    'import os; os.environ.get("LUMITRACE_AUTO", "").strip() == "1" and '
    '__import__("lumitrace.capture.auto", fromlist=("start",)).start()\n'
)

# Of wrapt, what the door to botocore does not need: all but its ObjectProxy.
LEFT_OUT = frozenset(
    f"_vendor/wrapt/{name}.py"
    for name in ("__wrapt__", "arguments", "decorators", "importer", "patches", "weakrefs")
)
PROXY = "_vendor/wrapt/wrappers.py"
BEHIND_PROXY = "class CallableObjectProxy("  # the first line of what is cut off there
# Source alone, compiled where they are first needed, at 1 to 4 ms: what few functions use.
SELDOM = (
    "capture/chosen.py",
    "capture/hang.py",
    "capture/integrations/aiobotocore.py",
    "capture/integrations/aiohttp.py",
    "capture/integrations/httpcore.py",
    "capture/integrations/logs.py",
    "capture/integrations/loguru.py",
    "capture/integrations/opentelemetry.py",
    "capture/integrations/powertools_batch.py",
    "capture/integrations/structlog.py",
    "capture/integrations/threads.py",
    "capture/integrations/xray.py",
    "capture/loops.py",
    "capture/mask.py",
    "capture/partial.py",
    "capture/payload.py",
    "capture/picture.py",
    "capture/picture_text.py",
    "capture/secret.py",
    "capture/services/_canonical.py",
    "capture/services/_fingerprint.py",
    "capture/services/_written.py",
    "capture/services/alb.py",
    "capture/services/appsync.py",
    "capture/services/durable.py",
    "capture/services/firehose.py",
    "capture/services/kafka.py",
    "capture/services/lambda_authorizer.py",
    "capture/services/lambda_destination.py",
    "capture/services/step_functions.py",
    "capture/sums.py",
    "capture/thin.py",
)
FRONT_DOOR = "__init__.py"
# On the front door's first line, where its docstring was; then no folder is looked into.
OPEN = (
    "from lumitrace import _code, _packed; _packed.install(_code.CODE, _code.SOURCE); __path__ = []"
)
CODE = "_code.py"
HERE = Path(__file__).parent
# Under another Python than the bytecode's: these modules, which the front door asks for, are inert.
INERT = "capture/handler.py"
INERT_TOO = ("capture/api.py", "capture/auto.py")
INERT_PACKAGE = "capture/__init__.py"

# Run by the Python whose bytecode it is: the texts of all modules in, the bytecode of three out.
COMPILE = """\
import importlib.util, json, marshal, sys
if "%d.%d" % sys.version_info[:2] != sys.argv[1]:
    sys.exit("another version")
def compiled(source, name):
    return marshal.dumps(compile(source, name, "exec", dont_inherit=True, optimize=2))
given = json.load(sys.stdin)
code = {name: compiled(*given["packed"][name]) for name in given["packed"]}
for name, (source, path, beside) in given["files"].items():
    if name == "_code.py":
        source = source.replace("CODE = {}", f"CODE = {code!r}", 1)
    content = importlib.util.MAGIC_NUMBER + (1).to_bytes(4, "little")
    content += importlib.util.source_hash(beside.encode()) + compiled(source, path)
    print(name, content.hex())
"""


@dataclass(frozen=True)
class Layer:
    """A layer as built.

    Attributes:
        content: the bytes of the zip.
        python: the version of Python that it is for.
        compiled_by: the interpreter that made the bytecode, or "" where there is source only.
    """

    content: bytes
    python: str
    compiled_by: str

    @property
    def sha256(self) -> str:
        """The hash, as ``sha256sum`` prints it."""
        return hashlib.sha256(self.content).hexdigest()

    @property
    def code_sha256(self) -> str:
        """The same hash as Lambda tells it, ``CodeSha256``."""
        return base64.b64encode(hashlib.sha256(self.content).digest()).decode()


def build(python: str) -> Layer:
    """Return the layer for Lambda's runtime of Python *python*, such as ``3.13``.

    Raises:
        Problem: lumitrace does not run on that Python.
    """
    if python not in PYTHONS:
        sentence = f"{python!r} is no Python of Lambda's that lumitrace knows: {', '.join(PYTHONS)}"
        raise Problem(sentence, MISUSE)
    packed = _sources()
    front_door = OPEN + packed.pop(FRONT_DOOR)
    often = {name: text for name, text in packed.items() if not name.startswith(SELDOM)}
    seldom = {name: text for name, text in packed.items() if name not in often}
    loader = blank((HERE / "packed.py").read_text("utf-8"))
    files = {FRONT_DOOR: front_door, "_packed.py": loader}
    files[CODE] = _code_text(_inert(python))
    bytecode, interpreter = _bytecode(files, often, _code_text(seldom), python)
    if not interpreter:
        files[CODE] = _code_text(packed)
    content: dict[str, str | bytes] = {"python/lumitrace.pth": PTH, "lumitrace": WRAPPER}
    content.update((f"python/lumitrace/{name}", text) for name, text in files.items())
    content.update((f"python/lumitrace/{name}", code) for name, code in bytecode.items())
    content["python/lumitrace/LICENSE.wrapt"] = (PACKAGE / "_vendor/wrapt/LICENSE").read_bytes()
    return Layer(_zip(content), python, interpreter)


def _sources() -> dict[str, str]:
    """Return the source of every module that a function needs, by its path in the package."""
    paths = [*PACKAGE.glob("*.py")]
    for folder in FOLDERS:
        paths += [*(PACKAGE / folder).rglob("*.py")]
    names = [(path.relative_to(PACKAGE).as_posix(), path) for path in sorted(paths)]
    sources = {name: blank(path.read_text("utf-8")) for name, path in names if name not in LEFT_OUT}
    sources[PROXY] = sources[PROXY].partition(BEHIND_PROXY)[0]
    origin = "capture/origin.py"
    sources[origin] = sources[origin].replace("IN_LAYER = False", "IN_LAYER = True")
    return sources


def _inert(python: str) -> dict[str, str]:
    """Return the modules of a layer for *python* under another one."""
    text = blank((HERE / "inert.py").read_text("utf-8")).replace("another version", python)
    same = "from lumitrace.capture.handler import *\n"
    return {INERT: text, INERT_PACKAGE: "", **dict.fromkeys(INERT_TOO, same)}


def _code_text(sources: dict[str, str]) -> str:
    """Return ``_code`` as source: no bytecode, and *sources*."""
    return f"CODE = {{}}\nSOURCE = {sources!r}\n"


def _bytecode(
    files: dict[str, str], often: dict[str, str], code: str, python: str
) -> tuple[dict[str, bytes], str]:
    """Return the bytecode of *files* and who made it; nothing where no such Python is found.

    That of the modules *often* is within that of ``_code``, whose text is *code* there. Its hash is
    never checked: ``/opt`` is read-only, and the source beside it is never newer.
    """
    given = {
        "packed": {name: [text, f"{OPT}/{name}"] for name, text in often.items()},
        "files": {
            name: [code if name == CODE else text, f"{OPT}/{name}", text]
            for name, text in files.items()
        },
    }
    for interpreter in _interpreters(python):
        told = _run(interpreter, python, json.dumps(given))
        if told:
            pairs = (line.split(" ") for line in told.splitlines())
            return {_cached(name, python): bytes.fromhex(text) for name, text in pairs}, interpreter
    return {}, ""


def _interpreters(python: str) -> list[str]:
    found = shutil.which(f"python{python}")
    own = [sys.executable] if python == f"{sys.version_info[0]}.{sys.version_info[1]}" else []
    return [*([found] if found else []), *own]


def _run(interpreter: str, python: str, given: str) -> str:
    """Return what `COMPILE` prints, run by *interpreter*, or "" where it does not run there."""
    # Without -I, which would not let the order of sets be fixed.
    command = [interpreter, "-s", "-S", "-X", "no_debug_ranges", "-c", COMPILE, python]
    try:
        done = subprocess.run(  # noqa: S603  # a Python of this machine, and our own program
            command,
            input=given,
            env={"PYTHONHASHSEED": "0"},
            capture_output=True,
            encoding="ascii",
            timeout=COMPILE_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout if done.returncode == 0 else ""


def _cached(name: str, python: str) -> str:
    tag = python.replace(".", "")
    return f"__pycache__/{name.removesuffix('.py')}.cpython-{tag}.pyc"


def _zip(files: "dict[str, str | bytes]") -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name, MOMENT)
            entry.create_system = UNIX
            entry.external_attr = (0o100755 if name == "lumitrace" else 0o100644) << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, files[name], compresslevel=9)
    return content.getvalue()
