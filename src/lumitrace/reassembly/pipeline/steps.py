"""In which order the parts of steps.sql run, on whichever engine."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from importlib import resources
from typing import Protocol

MAX_ROUNDS = 64  # of a walk; what is left then is cut, and said to be

_STEP = re.compile(r"^-- (part|make|see|add) (\w+)$")


class Engine(Protocol):
    """Where the statements run. Tables are its own, and go with it."""

    def make(self, table: str, select: str) -> None:
        """Let the rows of *select* become *table*."""

    def see(self, table: str, select: str) -> None:
        """Let *table* be the rows of *select*, which may be found anew at each reading."""

    def add(self, table: str, select: str) -> None:
        """Add the rows of *select* to *table*."""

    def number(self, query: str) -> int:
        """Return the one number that *query* asks for."""

    def read_apart(self) -> None:
        """Make the tables of pipeline/apart.py: what has to be read line by line."""


@dataclass
class Step:
    """One statement of a part."""

    verb: str
    table: str
    select: str


def parts(text: str) -> dict[str, list[Step]]:
    """Return the steps of steps.sql by the part that they stand in."""
    found: dict[str, list[Step]] = {}
    steps: list[Step] = []
    for line in text.splitlines():
        header = _STEP.match(line)
        if header and header[1] == "part":
            steps = found.setdefault(header[2], [])
        elif header:
            steps.append(Step(header[1], header[2], ""))
        elif steps and not line.startswith("--"):
            steps[-1].select += f"{line}\n"
    return found


class Steps:
    """The parts of steps.sql, run on *engine*."""

    def __init__(
        self,
        engine: Engine,
        max_rounds: int = MAX_ROUNDS,
        progress: Callable[[str], None] = lambda _: None,
    ) -> None:
        self.engine = engine
        self.parts = parts(resources.files(__package__).joinpath("steps.sql").read_text("utf-8"))
        self.max_rounds = max_rounds
        self.progress = progress

    def unfold(self) -> None:
        """Make spans and what joins them of ``lines`` and ``platform``."""
        for part in ("frames", "odd"):
            self.part(part)
        if self.count("dropped"):
            self.part("drop")
        for part in ("invocations", "unfold"):
            self.part(part)
        if self._doubled("listed") or self._doubled("batched"):
            self.part("once")
        for part in ("open", "details"):
            self.part(part)
        self.engine.read_apart()
        for part in ("told", "keys", "rows"):
            self.part(part)

    def join(self) -> None:
        """Make hops and transactions of spans and what joins them."""
        self.part("hops")
        self.part("entries")
        self._walk()
        for _ in range(self.max_rounds):
            self.part("unreached")
            if not self.count("unreached"):
                break
            self._repeat("spread")
            self.part("rings")
            self._walk()
        self.part("unreached")
        if self.count("unreached"):
            self.part("leftovers")
            self._walk()
        self.part("fans")

    def part(self, name: str) -> None:
        """Run every step of the part *name*."""
        self.progress(name)
        for step in self.parts[name]:
            getattr(self.engine, step.verb)(step.table, step.select)

    def count(self, table: str) -> int:
        """Return how many rows *table* has."""
        return self.engine.number(f"SELECT COUNT(*) FROM {table}")  # noqa: S608  # of steps.sql

    def _doubled(self, table: str) -> bool:
        query = f"SELECT COUNT(*) - COUNT(DISTINCT span_id) FROM {table}"  # noqa: S608  # as above
        return self.engine.number(query) > 0

    def _walk(self) -> None:
        self.part("begin")
        self._repeat("walk")
        self.part("settle")

    def _repeat(self, part: str) -> None:
        """Run *part* until its frontier is empty, or the guard stops it."""
        for _ in range(self.max_rounds + 1):
            self.part(part)
            if not self.count("frontier"):
                return
