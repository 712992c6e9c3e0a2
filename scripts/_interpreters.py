"""The Pythons of this machine: on the path, from pyenv, from uv."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

SUPPORTED = ("3.10", "3.11", "3.12", "3.13", "3.14")

# A found command may be a shim that only says it cannot run, or a Python built without TLS.
_PROBE = "import ssl, sys, venv; print('%d.%d' % sys.version_info[:2])"


def running() -> str:
    """Return the version of the Python that runs this, as ``3.11``."""
    return f"{sys.version_info[0]}.{sys.version_info[1]}"


def find_all() -> dict[str, str | None]:
    """Return, for each supported version, a command that runs it, or None where there is none."""
    return {version: find(version) for version in SUPPORTED}


def find(version: str) -> str | None:
    """Return a command that runs Python *version*, or None where this machine has none."""
    return next((x for x in _candidates(version) if version_of(x) == version), None)


def version_of(command: str) -> str | None:
    """Return the version of the Python that *command* runs, or None where it runs none of use."""
    try:
        answer = subprocess.run(
            [command, "-c", _PROBE], capture_output=True, text=True, check=True, timeout=30
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return answer.stdout.strip()


def _candidates(version: str) -> Iterator[str]:
    if version == running():
        yield sys.executable
    on_path = shutil.which(f"python{version}")
    if on_path:
        yield on_path
    home = Path.home()
    pyenv = Path(os.environ.get("PYENV_ROOT") or home / ".pyenv") / "versions"
    uv = home / ".local" / "share" / "uv" / "python"
    for folder in (pyenv, uv):
        yield from map(str, sorted(folder.glob(f"*/bin/python{version}"), reverse=True))
