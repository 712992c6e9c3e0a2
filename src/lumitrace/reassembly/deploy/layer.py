"""The Lambda layer: capture, wire and their own wrapt, the same bytes every time.

Layers are merged into one ``/opt``, so that nothing lies at the top but what bears our name.
https://docs.aws.amazon.com/lambda/latest/dg/packaging-layers.html
"""

import base64
import hashlib
import io
import shutil
import subprocess
import sys
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

from lumitrace.reassembly.problem import MISUSE, Problem

PACKAGE = Path(__file__).resolve().parents[2]
PYTHONS = ("3.10", "3.11", "3.12", "3.13", "3.14")
FOLDERS = ("wire", "capture", "_vendor")
OPT = "/opt"
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

# Run by the Python whose bytecode it is. Docstrings and columns are left out: nobody sees them.
COMPILE = """\
import py_compile, sys
if "%d.%d" % sys.version_info[:2] != sys.argv[1]:
    sys.exit("another version")
for line in sys.stdin.read().splitlines():
    source, name, target = line.split("\\t")
    py_compile.compile(source, target, name, doraise=True, optimize=2,
                       invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH)
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
    sources = {f"python/lumitrace/{name}": content for name, content in _sources().items()}
    compiled, interpreter = _bytecode(sources, python)
    files = {**sources, **compiled, "python/lumitrace.pth": PTH.encode()}
    files["lumitrace"] = WRAPPER.encode()
    return Layer(_zip(files), python, interpreter)


def _sources() -> dict[str, bytes]:
    """Return what a function needs of the package, by its path."""
    paths = [*PACKAGE.glob("*.py")]
    for folder in FOLDERS:
        paths += [*(PACKAGE / folder).rglob("*.py"), *(PACKAGE / folder).rglob("LICENSE")]
    sources = {path.relative_to(PACKAGE).as_posix(): path.read_bytes() for path in sorted(paths)}
    origin = "capture/origin.py"
    sources[origin] = sources[origin].replace(b"IN_LAYER = False", b"IN_LAYER = True")
    return sources


def _bytecode(sources: dict[str, bytes], python: str) -> tuple[dict[str, bytes], str]:
    """Return the bytecode of *sources* and who made it; nothing where no such Python is found.

    Its hash is never checked: ``/opt`` is read-only, and the source beside it is never newer.
    """
    modules = [name for name in sources if name.endswith(".py")]
    for interpreter in _interpreters(python):
        with tempfile.TemporaryDirectory() as folder:
            lines = []
            for number, name in enumerate(modules):
                source = Path(folder) / f"{number}.py"
                source.write_bytes(sources[name])
                lines.append(f"{source}\t{OPT}/{name}\t{source}c\n")
            if _run(interpreter, python, "".join(lines)):
                return {
                    _cached(name, python): (Path(folder) / f"{number}.pyc").read_bytes()
                    for number, name in enumerate(modules)
                }, interpreter
    return {}, ""


def _interpreters(python: str) -> list[str]:
    found = shutil.which(f"python{python}")
    own = [sys.executable] if python == f"{sys.version_info[0]}.{sys.version_info[1]}" else []
    return [*([found] if found else []), *own]


def _run(interpreter: str, python: str, lines: str) -> bool:
    # Without -I, which would not let the order of sets be fixed.
    command = [interpreter, "-s", "-S", "-X", "no_debug_ranges", "-c", COMPILE, python]
    try:
        done = subprocess.run(  # noqa: S603  # a Python of this machine, and our own program
            command,
            input=lines.encode(),
            env={"PYTHONHASHSEED": "0"},
            capture_output=True,
            timeout=COMPILE_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


def _cached(name: str, python: str) -> str:
    folder, _, file = name.rpartition("/")
    tag = python.replace(".", "")
    return f"{folder}/__pycache__/{file.removesuffix('.py')}.cpython-{tag}.pyc"


def _zip(files: dict[str, bytes]) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name, MOMENT)
            entry.create_system = UNIX
            entry.external_attr = (0o100755 if name == "lumitrace" else 0o100644) << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, files[name], compresslevel=9)
    return content.getvalue()
