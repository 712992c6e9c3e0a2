"""In which order the parts of steps.sql run, on whichever engine.

Most tables of most logs are empty: no request was tried again, nobody was killed, nobody claimed
anything. What is joined with an empty table has no rows. So a statement's branches, what stands
between its UNIONs, are left out where that is known of them; and a table of none but such, or one
that may be found anew at each reading, is not made before a statement asks for it. In a log of a
thousand spans planning is most of the time.
"""

import functools
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from importlib import resources
from typing import Protocol

MAX_ROUNDS = 64  # of a walk; what is left then is cut, and said to be

JOINING = (
    *("hops", "entries", "unreached", "spread", "rings", "leftovers"),
    *("begin", "walk", "settle", "fans"),
)
FIGURES = ("transactions", "functions", "calls", "edges")
OUT = ("invocations", "details", "spans", "hops", "candidates", "members", "cut", "fans")
RESULTS = (*OUT, *FIGURES)

_STEP = re.compile(r"^-- (part|make|see|add) (\w+)$")
_BETWEEN = re.compile(r"^(UNION|UNION ALL)\n", re.MULTILINE)
# What a branch must have rows of: outermost, or within the FROM ( that it has. Not so LEFT JOIN.
_NEEDS = re.compile(r"^(?:  )?(?:SELECT .+ )?(?:FROM|JOIN) .+$", re.MULTILINE)
_NAMES = re.compile(r"\b(?:FROM|JOIN) (\w+)")
_UNION_WITHIN = re.compile(r"^ +UNION", re.MULTILINE)


class Engine(Protocol):
    """Where the statements run. Tables are its own, and go with it."""

    def make(self, table: str, select: str) -> bool:
        """Let the rows of *select* become *table*; tell whether it is known that there are none."""

    def see(self, table: str, select: str) -> bool:
        """Let *table* be the rows of *select*, which may be found anew at each reading.

        Tell whether it is known that there are none.
        """

    def add(self, table: str, select: str) -> None:
        """Add the rows of *select* to *table*."""

    def number(self, query: str) -> int:
        """Return the one number that *query* asks for."""

    def read_apart(self) -> None:
        """Make the tables of pipeline/apart.py: what has to be read line by line."""


@dataclass
class Branch:
    """What stands between two UNIONs of a statement.

    Attributes:
        needs: tables without rows of which it has none.
        names: all tables that it reads.
    """

    select: str
    needs: frozenset[str]
    names: frozenset[str]


@dataclass
class Step:
    """One statement of a part."""

    verb: str
    table: str
    select: str
    branches: list[Branch] = field(default_factory=list)
    distinct: bool = False

    def split(self) -> None:
        """Find the branches."""
        first, *more = _BETWEEN.split(self.select)
        self.distinct = "UNION" in more[::2]
        self.branches = [_branch(text) for text in (first, *more[1::2])]


def _branch(text: str) -> Branch:
    needs = "" if _UNION_WITHIN.search(text) else "\n".join(_NEEDS.findall(text))
    return Branch(text, frozenset(_NAMES.findall(needs)), frozenset(_NAMES.findall(text)))


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
    for several in found.values():
        for step in several:
            step.split()
    return found


@functools.cache
def _known() -> dict[str, list[Step]]:
    """Return the parts of steps.sql; who reads them changes nothing."""
    return parts(resources.files(__package__).joinpath("steps.sql").read_text("utf-8"))


class Steps:
    """The parts of steps.sql, run on *engine*.

    Attributes:
        read: the tables that somebody reads afterwards: they are there, with rows or without.
    """

    def __init__(
        self,
        engine: Engine,
        max_rounds: int = MAX_ROUNDS,
        progress: Callable[[str], None] = lambda _: None,
        read: Iterable[str] = OUT,
    ) -> None:
        self.engine = engine
        self.parts = _known()
        self.max_rounds = max_rounds
        self.progress = progress
        self.read = frozenset(read)
        self.empty: set[str] = set()  # known to have no rows
        self.made: set[str] = set()
        self.owed: dict[str, Step] = {}  # not made yet
        steps = [step for several in self.parts.values() for step in several]
        named = {name for step in steps for branch in step.branches for name in branch.names}
        self.apart = {name for name in named if name.startswith("odd_")}  # of pipeline/apart.py
        self.apart -= {step.table for step in steps}

    def unfold(self) -> None:
        """Make spans and what joins them of ``lines`` and ``platform``."""
        if not self.count("platform"):
            self.empty.add("platform")
        for part in ("frames", "odd"):
            self.part(part)
        self._part_where("drop", "dropped")
        self.part("invocations")
        self._part_where("unlike", "unlike_handlers")
        for part in ("handlers", "unfold"):
            self.part(part)
        if self._doubled("listed") or self._doubled("batched"):
            self.part("once")
        for part in ("open", "details"):
            self.part(part)
        self._part_where("apart", "told_apart")
        self._read_apart()
        for part in ("told", "keys", "rows"):
            self.part(part)
        self._pay(self.read)

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
        self._pay(self.read)

    def figures(self) -> None:
        """Make a row of each transaction, function, called resource and edge of what was joined."""
        self.part("figures")
        self._pay(FIGURES)

    def after_unfolding(self) -> set[str]:
        """Return the tables that are still read once all is unfolded; none of them is owed."""
        steps = [step for several in self.parts.values() for step in several]
        seen = {step.table: step for step in steps if step.verb == "see"}
        needed = set(self.read).union(
            *(one.names for part in JOINING for step in self.parts[part] for one in step.branches)
        )
        self._pay(needed - {step.table for part in JOINING for step in self.parts[part]})
        waiting = [*needed]
        while waiting:
            step = seen.get(waiting.pop())
            more = {name for one in step.branches for name in one.names} - needed if step else set()
            needed |= more
            waiting += more
        return needed

    def part(self, name: str) -> None:
        """Run every step of the part *name*."""
        self.progress(name)
        for step in self.parts[name]:
            self._step(step)

    def _part_where(self, name: str, table: str) -> None:
        """Run the part *name* where *table* has rows."""
        if self.count(table):
            self.part(name)

    def _step(self, step: Step) -> None:
        """Run what has rows of *step*."""
        alive = self._alive(step)
        if step.verb == "add":
            if alive:
                self._pay([step.table])
                self.engine.add(step.table, self._select(step, alive))
                self.empty.discard(step.table)
        elif alive and step.verb == "make":
            self._made(step.table, none=self.engine.make(step.table, self._select(step, alive)))
        else:
            (self.empty.discard if alive else self.empty.add)(step.table)
            self.owed[step.table] = step
            if step.table in self.made and not alive:  # its rows of before
                self._pay([step.table])

    def _alive(self, step: Step) -> list[Branch]:
        return [branch for branch in step.branches if self.empty.isdisjoint(branch.needs)]

    def _select(self, step: Step, alive: list[Branch]) -> str:
        self._pay(name for branch in alive for name in branch.names)
        if not step.distinct:
            return "UNION ALL\n".join(branch.select for branch in alive)
        if len(alive) == 1:
            select = alive[0].select.removeprefix("SELECT ").removeprefix("DISTINCT ")
            return f"SELECT DISTINCT {select}"
        return "UNION\n".join(branch.select for branch in alive)

    def _pay(self, tables: Iterable[str]) -> None:
        """Make those of *tables* that are owed."""
        for table in tables:
            if step := self.owed.pop(table, None):
                if table in self.empty:
                    first = step.branches[0]
                    select = self._select(step, [first])  # for the columns
                    none = f"SELECT * FROM (\n{select}) none_of_these WHERE 1 = 0"  # noqa: S608  # of steps.sql
                    self.engine.make(table, none)
                    self._made(table, none=True)
                else:
                    select = self._select(step, self._alive(step))
                    self._made(table, none=self.engine.see(table, select))

    def _made(self, table: str, *, none: bool) -> None:
        self.made.add(table)
        self.owed.pop(table, None)
        (self.empty.add if none else self.empty.discard)(table)

    def _read_apart(self) -> None:
        """Have read line by line what is to be, and know where nothing is."""
        apart = self.count("stretches") > 0
        self._pay(["stretches", *(("plain_requests", "stream_names") if apart else ())])
        self.engine.read_apart()
        if not apart:
            self.empty |= self.apart

    def count(self, table: str) -> int:
        """Return how many rows *table* has."""
        if table in self.empty:
            return 0
        self._pay([table])
        return self.engine.number(f"SELECT COUNT(*) FROM {table}")  # noqa: S608  # of steps.sql

    def _doubled(self, table: str) -> bool:
        query = f"SELECT COUNT(*) - COUNT(DISTINCT span_id) FROM {table}"  # noqa: S608  # as above
        return table not in self.empty and self.engine.number(query) > 0

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
