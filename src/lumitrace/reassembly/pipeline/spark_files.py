"""Files at whichever address Spark knows, as its own library of file systems finds them."""

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from lumitrace.reassembly.problem import MISUSE, Problem

if TYPE_CHECKING:
    from pyspark import SparkContext

_SPECIAL = re.compile(r"[\\*?\[\]{}]")  # of Hadoop's patterns


def files_at(context: "SparkContext", path: str) -> Iterator[str]:
    """Yield the files that *path* stands for: itself, those of a folder, or of a pattern, by name.

    Those whose names begin with a dot are left out, as from a folder of this machine.

    Raises:
        Problem: there is none, or Spark cannot be told its name.
    """
    system, at = _at(context, path)
    if system.exists(at):
        names = [*_below(system, system.getFileStatus(at), path)]
    else:
        found = system.globStatus(at) or []
        names = [name for one in found for name in _below(system, one, _name(one, path))]
    if not names:
        sentence = f"{path}: there is no such file; give the address of logs, or of their folder"
        raise Problem(sentence)
    for name in sorted(names):
        if "," in name or name.rpartition("/")[2].startswith("_"):
            sentence = (
                f"{name}: Spark reads no file with a comma in its name, or whose name begins "
            )
            sentence += "with _; give it another"
            raise Problem(sentence, MISUSE)
        yield name


def head_of(context: "SparkContext", path: str, length: int) -> bytes:
    """Return the first *length* bytes of the file at *path*."""
    system, at = _at(context, path)
    stream = system.open(at)
    try:
        return bytes(stream.readNBytes(length))
    finally:
        stream.close()


def spelt(path: str) -> str:
    """Return *path* as a pattern that means this file alone."""
    return _SPECIAL.sub(r"\\\g<0>", path)


def _at(context: "SparkContext", path: str) -> tuple[Any, Any]:
    """Return the file system of *path*, and the path as it knows it."""
    java: Any = context._jvm  # noqa: SLF001  # there is no other way to its file systems
    at = java.org.apache.hadoop.fs.Path(path)
    return at.getFileSystem(context._jsc.hadoopConfiguration()), at  # noqa: SLF001


def _below(system: Any, file: Any, name: str) -> Iterator[str]:
    """Yield the *name* of a *file*, or of those in it."""
    if not file.isDirectory():
        yield name
        return
    for one in system.listStatus(file.getPath()):
        last = str(one.getPath().getName())
        if not last.startswith("."):
            yield from _below(system, one, f"{name.rstrip('/')}/{last}")


def _name(file: Any, asked: str) -> str:
    """Return the address of *file*, without ``file:`` where nobody *asked* for it so."""
    address = file.getPath().toUri()
    if address.getScheme() == "file" and not asked.startswith("file:"):
        return str(address.getPath())
    return str(file.getPath().toString())
