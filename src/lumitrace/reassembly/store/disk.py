"""Files that are there as a whole or not at all, whatever happens meanwhile."""

import os
from pathlib import Path


def write(path: Path, content: str) -> None:
    """Let *path* hold *content*: all of it or what it held before, whatever happens."""
    new = path.with_name(f"{path.name}.new")
    handle = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "wb") as file:  # it goes on after a part: a full disk takes one, no more
        file.write(content.encode())
        file.flush()
        os.fsync(handle)
    new.replace(path)
    _sync(path.parent)


def flush(path: Path) -> None:
    """Wait until *path* is on the disk: a file, or a folder and the files in it."""
    if path.is_dir():
        for one in path.iterdir():
            _sync(one)
    _sync(path)


def _sync(path: Path) -> None:
    if path.is_file() and path.stat().st_mode & 0o077:
        path.chmod(0o600)
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
