"""Which objects were read and kept: a file of JSON lines, so that a later run leaves them out.

A line is added when what the object held is safe. A line that breaks off, because the program was
killed, counts as none: that object is read again.
"""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path

from lumitrace.reassembly.platform_events import json_object
from lumitrace.reassembly.problem import Problem
from lumitrace.reassembly.sources.s3 import StoredObject


class Manifest:
    """The objects that are named in the file *path*; it may not be there yet."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._known: set[tuple[str, str, str]] = set()
        try:
            content = path.read_text("utf-8", errors="replace") if path.exists() else ""
        except OSError as error:
            message = f"{path} cannot be read: {error.strerror}; check its permissions"
            raise Problem(message) from None
        self._whole = content.endswith("\n") or not content
        for line in content.splitlines():
            said = json_object(line) or {}
            known = (said.get("bucket"), said.get("key"), said.get("etag"))
            if all(isinstance(word, str) for word in known):
                self._known.add(known)  # type: ignore[arg-type]  # all text

    def without_known(self, objects: Iterable[StoredObject]) -> Iterator[StoredObject]:
        """Yield those of *objects* that were not read, or were written anew since."""
        for one in objects:
            if (one.bucket, one.key, one.etag) not in self._known:
                yield one

    def add(self, one: StoredObject) -> None:
        """Note that what *one* held is safe.

        Raises:
            Problem: it cannot be noted.
        """
        line = json.dumps({"bucket": one.bucket, "key": one.key, "etag": one.etag})
        try:
            with self.path.open("a", encoding="utf-8") as written:
                written.write(f"{line}\n" if self._whole else f"\n{line}\n")
        except OSError as error:
            message = f"{self.path} cannot be written: {error.strerror}; make room, or check it"
            raise Problem(message) from None
        self._whole = True
        self._known.add((one.bucket, one.key, one.etag))
