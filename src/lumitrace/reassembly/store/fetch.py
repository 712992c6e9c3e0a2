"""Fills a store: files, S3, log groups, executions; what was fetched is not fetched again."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from lumitrace.reassembly.aws import Account
from lumitrace.reassembly.events import Counts, LogEvent
from lumitrace.reassembly.problem import Problem
from lumitrace.reassembly.read import apart
from lumitrace.reassembly.sources.cloudwatch import CloudWatch, Position
from lumitrace.reassembly.sources.cloudwatch.money import Money
from lumitrace.reassembly.sources.cloudwatch.queries import STANDARD
from lumitrace.reassembly.sources.file import of_files, until_it_fails
from lumitrace.reassembly.sources.manifest import Manifest
from lumitrace.reassembly.sources.path import S3_SCHEME
from lumitrace.reassembly.sources.s3 import Bucket, StoredObject
from lumitrace.reassembly.sources.window import Window
from lumitrace.reassembly.store import counted
from lumitrace.reassembly.store.covered import Covered, Stretch
from lumitrace.reassembly.store.database import Database
from lumitrace.reassembly.store.derive import Deriving
from lumitrace.reassembly.store.folder import DAY_MS, HOUR_MS, Folder
from lumitrace.reassembly.store.histories import Executions
from lumitrace.reassembly.store.incoming import Came, Incoming

OVERLAP_MS = 10 * 60_000
FOREVER = 0  # days


@dataclass(frozen=True)
class Wanted:
    """What is to be fetched.

    Attributes:
        overlap_ms: what is younger than this is asked of CloudWatch again by the next fetch: events
            come late.
        payloads: keep them.
        memory: what DuckDB may use, ``2GB``; "" for a quarter of the machine.
    """

    paths: tuple[str, ...] = ()
    log_groups: tuple[str, ...] = ()
    state_machines: tuple[str, ...] = ()
    executions: tuple[str, ...] = ()
    window: Window = field(default_factory=Window)
    account: Account = field(default_factory=Account)
    overlap_ms: int = OVERLAP_MS
    payloads: bool = False
    memory: str = ""


@dataclass
class Fetched:
    """What came of it.

    Attributes:
        removed: hours that were older than what the store keeps.
        problems: what could not be read.
        groups: the log groups that were asked for, and which of their lines the store holds.
        money: what asking AWS cost.
    """

    came: Came
    counts: Counts
    removed: int = 0
    problems: list[Problem] = field(default_factory=list)
    groups: list[counted.Fetched] = field(default_factory=list)
    money: Money = field(default_factory=Money)


def fetch(
    folder: Folder, wanted: Wanted, progress: Callable[[str], None] = lambda _: None
) -> Fetched:
    """Put what is *wanted* into *folder*, and make the tables of the hours that changed.

    Raises:
        Problem: another writes to it, or there is no room. What was put away before stays.
    """
    with folder.writing(), Database.bounded(wanted.memory, folder.path / "spill") as database:
        kept_ms = keep_from_ms(folder)
        with Incoming(folder, database, kept_ms, payloads=wanted.payloads) as incoming:
            fetched = Fetched(incoming.came, Counts(), forget_old(folder, kept_ms))
            Fetching(folder, wanted, incoming, fetched, progress).run()
            incoming.put_away()
        if fetched.came.new:  # what was pending may have been tried again, or be lost by now
            for hour in folder.hours():
                if hour.facts.get("pending"):
                    folder.mark_stale(hour.number)
        Deriving(folder, database, progress).run()
        if fetched.groups:
            progress("asking what AWS counted")
            counted.keep_counted(folder, database, fetched.groups, fetched.money)
    return fetched


def keep_from_ms(folder: Folder) -> int:
    """Return from when on *folder* keeps lines, Unix milliseconds."""
    days = int(folder.settings().get("keepDays", FOREVER))
    return 0 if days == FOREVER else int(time.time() * 1000) - days * DAY_MS


def forget_old(folder: Folder, kept_ms: int) -> int:
    """Remove the hours that ended before *kept_ms*, and return how many they were."""
    old = [number for number in folder.numbers() if (number + 1) * HOUR_MS <= kept_ms]
    held = {hour.number for hour in folder.hours()}
    for number in old:
        folder.remove(number)
    return len(held.intersection(old))


class Fetching:
    """One fetch."""

    def __init__(
        self,
        folder: Folder,
        wanted: Wanted,
        incoming: Incoming,
        fetched: Fetched,
        progress: Callable[[str], None],
    ) -> None:
        self.folder, self.wanted, self.incoming = folder, wanted, incoming
        self.fetched, self.progress = fetched, progress

    def run(self) -> None:
        """Take every source."""
        for path in dict.fromkeys(self.wanted.paths):
            if path.startswith(S3_SCHEME):
                self._objects(path)
                continue
            for source in of_files(path, self.fetched.counts, self.fetched.problems):
                self.incoming.take(self._within(source))
        if self.wanted.log_groups:
            accounts = self.wanted.account.each()
            for account in accounts:
                self._log_groups(account, several=len(accounts) > 1)
        if self.wanted.state_machines or self.wanted.executions:
            self._histories()

    def _within(self, events: Iterator[LogEvent]) -> Iterator[LogEvent]:
        return (event for event in events if self.wanted.window.holds(event.time_ms))

    def _histories(self) -> None:
        wanted, kept_ms = self.wanted, self.incoming.keep_from_ms
        since_ms = max(wanted.window.since_ms or 0, kept_ms) or None
        window = Window(since_ms, wanted.window.until_ms)
        self.progress("reading executions")
        executions = Executions(self.folder, self.incoming, self.fetched.problems)
        for account in wanted.account.each():
            executions.take(account, wanted.state_machines, wanted.executions, window)

    # S3

    def _objects(self, address: str) -> None:
        """Take the objects that were not taken yet, each whole: it is not opened again."""
        problems = self.fetched.problems
        try:
            bucket = Bucket(address, self.wanted.account.each()[0])
        except Problem as problem:
            problems.append(problem)
            return
        manifest = Manifest(self.folder.path / "objects.jsonl")
        taken: list[StoredObject] = []
        new = manifest.without_known(bucket.objects(self.wanted.window))
        for stored, events in until_it_fails(bucket.events(new, self.fetched.counts), problems):
            told = len(problems)
            self.incoming.take(until_it_fails(events, problems))
            if len(problems) == told:
                taken.append(stored)
        self.incoming.put_away()
        for stored in taken:
            manifest.add(stored)
            manifest.path.chmod(0o600)

    # Log groups

    def _log_groups(self, account: Account, *, several: bool) -> None:
        problems = self.fetched.problems
        groups: dict[str, str] = {}
        try:
            logs = CloudWatch(account)
        except Problem as problem:
            problems.append(problem)
            return
        for name in self.wanted.log_groups:
            groups.update(until_it_fails(logs.groups(name), problems))
        for group, kind in groups.items():
            if kind != STANDARD:
                sentence = f"the log group {group} is of the class {kind}: FilterLogEvents does "
                sentence += "not serve it, so a store cannot hold it"
                problems.append(Problem(sentence))
                continue
            self.progress(f"reading {group}")
            self._group(logs, group, account, several=several)

    def _group(self, logs: CloudWatch, group: str, account: Account, *, several: bool) -> None:
        now_ms = int(time.time() * 1000)
        window, name = self.wanted.window, f"{account.name} {group}".strip()
        until_ms = now_ms if window.until_ms is None else min(window.until_ms, now_ms)
        covered, read = Covered(self.folder, name), list[Stretch]()
        safe_ms = now_ms - self.wanted.overlap_ms
        first_ms = max(window.since_ms or 0, self.incoming.keep_from_ms)
        for since_ms, end_ms in covered.missing(first_ms, until_ms):
            position = Position()

            def note(since_ms: int = since_ms, position: Position = position) -> None:
                if position.time_ms is not None:
                    covered.add(since_ms, min(position.time_ms - 1, safe_ms))

            self.incoming.put_away()
            self.incoming.safe = note
            events = logs.read(group, Window(since_ms, end_ms), position)
            self.incoming.take(
                until_it_fails(apart(events, account) if several else events, self.fetched.problems)
            )
            self.incoming.put_away()
            self.incoming.safe = lambda: None
            if position.done:
                covered.add(since_ms, min(end_ms, safe_ms))
                read.append((since_ms, end_ms))
            elif position.time_ms is not None:
                read.append((since_ms, position.time_ms - 1))
        read += covered.stretches
        within = ((max(begin, first_ms), min(end, until_ms)) for begin, end in read)
        held = tuple(one for one in within if one[0] <= one[1])
        self.fetched.groups.append(counted.Fetched(account, group, held))
