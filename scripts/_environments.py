"""Virtual environments in the checkout: made once, found again, remade when what they hold changes.

``.venv/<purpose>-<python>`` holds one. A stamp inside it remembers what was asked for; a second run
that asks for the same answers at once. Only Python itself is needed on the machine: pip comes from
it, and the newest pip is fetched first, because it installs the rest in half the time of the one
that Python 3.11 brings (10 s against 19 s, measured on two cores with what the demo needs).
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import _interpreters
import _progress

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parent.parent
HOME = ROOT / ".venv"
STAGE_REQUIREMENTS = ROOT / "examples" / "ushop" / "local_aws" / "requirements.txt"
OLDEST = (3, 10)
IS_LINUX = sys.platform == "linux"

_BIN = "Scripts" if os.name == "nt" else "bin"
_STAMP = ".made-for"
# Settings of the caller that would change where pip or the environment's Python looks.
_UNWANTED = (
    "PIP_PREFIX",
    "PIP_REQUIRE_VIRTUALENV",
    "PIP_TARGET",
    "PIP_USER",
    "PYTHONDONTWRITEBYTECODE",  # nothing is compiled while installing, so the first import must
    "PYTHONHOME",
    "PYTHONPATH",
    "VIRTUAL_ENV",
)
_NO_NETWORK = (
    "Retrying (Retry(",
    "Failed to establish a new connection",
    "Temporary failure in name resolution",
    "Could not fetch URL",
    "No matching distribution found for pip",  # every index has pip
)


class SetupError(Exception):
    """What went wrong and what to do about it, as one sentence for a person."""


@dataclass(frozen=True)
class Contents:
    """What an environment holds.

    Attributes:
        purpose: What it is for; part of its folder's name.
        requirements: What pip installs, in pip's own spelling.
        files: Requirement files, installed too.
        extras: Extras of lumitrace, which is installed from this checkout; None only puts its
            source on the path, so that *requirements* alone say what is there.
    """

    purpose: str
    requirements: tuple[str, ...] = ()
    files: tuple[Path, ...] = ()
    extras: tuple[str, ...] | None = ()

    def digest(self, python: str) -> str:
        """Return a short text that changes when the environment has to be made anew."""
        seen = hashlib.sha256()
        project = (ROOT / "pyproject.toml").read_text("utf-8").partition("\n[tool.")[0]
        for part in (python, str(ROOT), project, repr(self.requirements), repr(self.extras)):
            seen.update(part.encode() + b"\0")
        for file in self.files:
            seen.update(file.read_bytes() + b"\0")
        return seen.hexdigest()

    def pip_arguments(self) -> list[str]:
        """Return what pip is told to install."""
        arguments = [*self.requirements]
        for file in self.files:
            arguments += ["-r", str(file)]
        if self.extras is None:
            return arguments
        extras = f"[{','.join(self.extras)}]" if self.extras else ""
        return [*arguments, "-e", f"{ROOT}{extras}"]


def demo() -> Contents:
    """Return what the demo needs: the tools, and the stage where it can run."""
    return Contents("demo", files=_stage(), extras=("tools",))


def dev() -> Contents:
    """Return what all tests and checks need."""
    return Contents("dev", files=_stage(), extras=("tools", "dev"))


def make(contents: Contents, python: str = sys.executable) -> Path:
    """Return the Python of an environment with *contents*, made if there is none yet.

    Raises:
        SetupError: The environment could not be made.
    """
    tag = _tag(python)
    folder = HOME / f"{contents.purpose}-{tag}"
    inside = folder / _BIN / ("python.exe" if os.name == "nt" else "python")
    HOME.mkdir(exist_ok=True)
    with _alone(HOME / f"{folder.name}.lock"):
        wanted = contents.digest(os.path.realpath(python))
        stamp = folder / _STAMP
        if inside.exists() and stamp.exists() and stamp.read_text("utf-8") == wanted:
            return inside
        began = time.monotonic()
        log = HOME / f"{folder.name}.log"
        log.write_bytes(b"")
        _fill(contents, python, folder, log)
        stamp.write_text(wanted, "utf-8")
        took = time.monotonic() - began
        _progress.say(f"{_shown(folder)} is ready ({took:.0f} s; next time at once)")
    return inside


def child_environment() -> dict[str, str]:
    """Return this process's environment without what would lead a child astray."""
    kept = {name: value for name, value in os.environ.items() if name not in _UNWANTED}
    return {**kept, "PIP_USER": "0", "PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_NO_INPUT": "1"}


def _stage() -> tuple[Path, ...]:
    return (STAGE_REQUIREMENTS,) if IS_LINUX and STAGE_REQUIREMENTS.exists() else ()


def _shown(path: Path) -> str:
    return str(path.relative_to(ROOT))


def _fill(contents: Contents, python: str, folder: Path, log: Path) -> None:
    what = f"{_shown(folder)}: installing what it needs"
    pip_home = _pip_home(python)
    # Without pip and ensurepip: 0.1 s against 5.5 s, and Debian ships no ensurepip.
    _run([python, "-m", "venv", "--clear", "--without-pip", str(folder)], what, log, {})
    inside = str(folder / _BIN / "python")
    pip = [inside, "-m", "pip", "install", "--prefer-binary", "--no-compile"]
    _run([*pip, "--ignore-installed", "pip"], what, log, {"PYTHONPATH": pip_home})
    _run([*pip, "--progress-bar", "off", *contents.pip_arguments()], what, log, {})
    if contents.extras is None:
        packages = next(folder.glob("lib/python*/site-packages"), folder / "Lib" / "site-packages")
        (packages / "lumitrace.pth").write_text(f"{ROOT / 'src'}\n", "utf-8")


def _pip_home(python: str) -> str:
    """Return the folder or wheel from which *python* can import a pip, of whatever age."""
    find = (
        "import pathlib, sys\n"
        "try:\n"
        "    import pip\n"
        "    print(pathlib.Path(pip.__file__).resolve().parent.parent)\n"
        "except ImportError:\n"
        "    import ensurepip\n"
        "    bundled = pathlib.Path(ensurepip.__file__).parent / '_bundled'\n"
        "    print(max(bundled.glob('pip-*.whl')))\n"
    )
    found = subprocess.run(
        [python, "-c", find], capture_output=True, text=True, check=False, env=child_environment()
    )
    if found.returncode:
        message = (
            f"{python} has neither pip nor ensurepip: install one of them "
            "(on Debian and Ubuntu: apt-get install python3-pip), then run this again."
        )
        raise SetupError(message)
    return found.stdout.strip()


def _run(command: list[str], what: str, log: Path, more: dict[str, str]) -> None:
    code, output = _progress.run(command, what, {**child_environment(), **more})
    with log.open("a", encoding="utf-8") as file:
        file.write(output)
    if not code:
        return
    last = next((x for x in reversed(output.splitlines()) if "error" in x.lower()), "no reason")
    message = f"Installing failed: {last.strip()} ({_shown(log)} holds all of it)."
    if any(sign in output for sign in _NO_NETWORK):
        message = (
            "The package index could not be reached: check the network (or PIP_INDEX_URL and the "
            f"proxy), then run this again; {_shown(log)} holds what pip said."
        )
    raise SetupError(message)


def _tag(python: str) -> str:
    version = _interpreters.version_of(python)
    if version is None:
        message = f"{python} is not a Python that runs here with ssl and venv: name another one."
        raise SetupError(message)
    major, minor = (int(part) for part in version.split("."))
    if (major, minor) < OLDEST:
        message = f"{python} is Python {version}; lumitrace needs 3.10 or newer."
        raise SetupError(message)
    return f"cp{major}{minor}"


@contextlib.contextmanager
def _alone(lock: Path) -> Iterator[None]:
    """Hold *lock* while the body runs, so that two scripts do not fill one environment."""
    try:
        import fcntl  # noqa: PLC0415  # absent on Windows
    except ImportError:
        yield
        return
    with lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
