"""From when until when a log group was fetched."""

from typing import Any

from lumitrace.reassembly.store.folder import Folder

FILE = "groups.json"

Stretch = tuple[int, int]  # Unix milliseconds, both included


class Covered:
    """The stretches of time of one log group that a store holds whole."""

    def __init__(self, folder: Folder, name: str, stretches: list[Stretch]) -> None:
        self.folder, self.name, self.stretches = folder, name, stretches

    @classmethod
    def read(cls, folder: Folder, name: str) -> "Covered":
        """Return what *folder* knows of the group *name*."""
        said = folder.said(FILE).get(name)
        return cls(folder, name, [one for item in said or () if (one := _stretch(item))])

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
        joined: list[Stretch] = []
        for begin, end in sorted([*self.stretches, (since_ms, until_ms)]):
            if joined and begin <= joined[-1][1] + 1:
                joined[-1] = (joined[-1][0], max(joined[-1][1], end))
            else:
                joined.append((begin, end))
        if joined != self.stretches:
            self.stretches = joined
            self.folder.say(FILE, {**self.folder.said(FILE), self.name: joined})


def _stretch(item: Any) -> Stretch | None:
    if isinstance(item, list) and len(item) == 2 and all(isinstance(one, int) for one in item):
        return item[0], item[1]
    return None
