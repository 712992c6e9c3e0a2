"""From when until when a log group was fetched, and what AWS counted of it was asked."""

from collections.abc import Iterable
from typing import Any

from lumitrace.reassembly.store.folder import Folder

FILE = "groups.json"

Stretch = tuple[int, int]  # Unix milliseconds, both included


class Covered:
    """The stretches of time of one log group that a store holds whole."""

    def __init__(self, folder: Folder, name: str, file: str = FILE) -> None:
        self.folder, self.name, self.file = folder, name, file
        self.stretches = stretches(folder.said(file).get(name))

    def missing(self, since_ms: int, until_ms: int) -> list[Stretch]:
        """Return what lies between two moments and is not covered."""
        found, at = [], since_ms
        for begin, end in sorted(self.stretches):
            if begin > until_ms:
                break
            if begin > at:
                found.append((at, begin - 1))
            at = max(at, end + 1)
        if at <= until_ms:
            found.append((at, until_ms))
        return found

    def add(self, since_ms: int, until_ms: int) -> None:
        """Note that all from *since_ms* to *until_ms* is safe."""
        if until_ms < since_ms:
            return
        together = joined([*self.stretches, (since_ms, until_ms)])
        if together != self.stretches:
            self.stretches = together
            self.folder.say(self.file, {**self.folder.said(self.file), self.name: together})


def joined(several: Iterable[Stretch]) -> list[Stretch]:
    """Return *several* with those as one that touch or overlap."""
    found: list[Stretch] = []
    for begin, end in sorted(several):
        if found and begin <= found[-1][1] + 1:
            found[-1] = (found[-1][0], max(found[-1][1], end))
        else:
            found.append((begin, end))
    return found


def stretches(said: Any) -> list[Stretch]:
    """Return the stretches that a file says."""
    return [one for item in said or () if (one := _stretch(item))]


def _stretch(item: Any) -> Stretch | None:
    if isinstance(item, list) and len(item) == 2 and all(isinstance(one, int) for one in item):
        return item[0], item[1]
    return None
