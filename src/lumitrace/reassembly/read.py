"""All sources of one question read into log events, each event once."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timezone
from itertools import chain
from typing import TypeVar

from lumitrace.reassembly.assemble import assemble
from lumitrace.reassembly.aws import Account
from lumitrace.reassembly.events import Counts, LogEvent
from lumitrace.reassembly.problem import DECORATE, Problem
from lumitrace.reassembly.sources.cloudwatch import CloudWatch
from lumitrace.reassembly.sources.cloudwatch.ways import Asked
from lumitrace.reassembly.sources.file import of_files, until_it_fails
from lumitrace.reassembly.sources.map_runs import Histories
from lumitrace.reassembly.sources.path import S3_SCHEME
from lumitrace.reassembly.sources.s3 import Bucket
from lumitrace.reassembly.sources.step_functions import StateMachines
from lumitrace.reassembly.sources.window import Window
from lumitrace.reassembly.transaction import Assembled

T = TypeVar("T")


@dataclass(frozen=True)
class Where:
    """Where to read.

    Attributes:
        paths: files, folders and ``s3://bucket/prefix``; ``-`` is standard input.
        log_groups: names of log groups; a ``*`` stands for any text.
        account: the account and region of the log groups; several, parted by commas, of each.
            Objects of S3 are read with the first.
        asked: which way they are read.
        state_machines: names or ARNs; their executions in the window are read whole.
        executions: ARNs; read whole, whenever they ran.
    """

    paths: tuple[str, ...] = ()
    log_groups: tuple[str, ...] = ()
    window: Window = field(default_factory=Window)
    account: Account = field(default_factory=Account)
    asked: Asked = field(default_factory=Asked)
    state_machines: tuple[str, ...] = ()
    executions: tuple[str, ...] = ()


def read(where: Where) -> Assembled:
    """Return what all sources add up to.

    A source that cannot be read, or only in part, is told in ``incomplete``; the others are used.

    Raises:
        Problem: nothing at all could be read, or it holds no span lines.
    """
    counts = Counts()
    problems = where.asked.problems
    outside: list[int] = []
    sources = (_within(one, where.window, outside) for one in _sources(where, counts, problems))
    events = list(_once(chain(sources, _histories(where, problems))))
    if problems and not events:
        raise problems[0]
    if not events:
        raise Problem(_no_events(outside))
    assembled = assemble(events)
    assembled.counts.skipped += counts.skipped
    assembled.counts.broken += counts.broken
    assembled.incomplete = [problem.sentence for problem in problems]
    assembled.counted = where.asked.counted
    if not assembled.span_by_id:
        if problems:
            raise problems[0]
        raise Problem(_no_span_lines(assembled))
    return assembled


def _no_events(outside: list[int]) -> str:
    """Return that there is nothing in the window, and when the events lie that were read."""
    if not outside:
        return "no log events in this window; widen --since, or check the names"
    times = [datetime.fromtimestamp(ms / 1000, timezone.utc) for ms in outside]
    first, last = (f"{moment:%Y-%m-%dT%H:%M:%S}" for moment in times)
    return (
        f"no log events in this window: those that were read lie between {first} and {last} (UTC); "
        f"ask without --since, or --since {first}"
    )


def _no_span_lines(assembled: Assembled) -> str:
    counts = assembled.counts
    what = f"no span lines in {counts.events:,} log events"
    unusable = [
        f"{number:,} {name}"
        for name, number in (("broken", counts.broken), ("untrusted", counts.untrusted))
        if number
    ]
    if unusable:
        return f"{what} ({', '.join(unusable)}); give whole logs, with Lambda's START and END lines"
    return f"{what}; {DECORATE}"


def _sources(where: Where, counts: Counts, problems: list[Problem]) -> Iterator[Iterable[LogEvent]]:
    for path in dict.fromkeys(where.paths):
        if path.startswith(S3_SCHEME):
            yield from _objects(path, where, counts, problems)
        else:
            yield from of_files(path, counts, problems)
    if not where.log_groups:
        return
    accounts = where.account.each()
    for account in accounts:
        sources = _log_groups(account, where, problems)
        yield from (apart(one, account) for one in sources) if len(accounts) > 1 else sources


def _log_groups(
    account: Account, where: Where, problems: list[Problem]
) -> Iterator[Iterator[LogEvent]]:
    groups: dict[str, str] = {}
    try:
        logs = CloudWatch(account)
    except Problem as problem:
        problems.append(problem)
        return
    for name in where.log_groups:
        groups.update(until_it_fails(logs.groups(name), problems))
    yield from where.asked.read(logs, groups, where.window)


def apart(events: Iterator[LogEvent], account: Account) -> Iterator[LogEvent]:
    """Yield *events* so that a stream of the same name in another account is another stream."""
    for event in events:
        event.stream = f"{event.stream} ({account.name})"
        yield event


def _histories(where: Where, problems: list[Problem]) -> Iterator[Iterable[LogEvent]]:
    """Yield the histories of executions, each whole: its events name each other."""
    if not where.state_machines and not where.executions:
        return
    for account in where.account.each():
        try:
            machines = StateMachines(account)
        except Problem as problem:
            problems.append(problem)
            continue
        histories = Histories(machines, problems)
        for arn in where.executions:
            yield from histories.of(arn)
        for name in where.state_machines:
            for arn in until_it_fails(machines.executions(name, where.window), problems):
                yield from histories.of(arn)
            if machines.left_out:
                more = f"{machines.left_out:,} more executions of {name} were not read"
                problems.append(Problem(f"{more}; ask for a smaller window"))
        histories.tell()


def _objects(
    address: str, where: Where, counts: Counts, problems: list[Problem]
) -> Iterator[Iterable[LogEvent]]:
    try:
        bucket = Bucket(address, where.account.each()[0])
    except Problem as problem:
        problems.append(problem)
        return
    found = bucket.events(bucket.objects(where.window), counts)
    for _, events in until_it_fails(found, problems):
        yield until_it_fails(events, problems)


def _within(events: Iterable[LogEvent], window: Window, outside: list[int]) -> Iterator[LogEvent]:
    """Yield *events* within *window*; *outside* takes when the first and the last other one was."""
    for event in events:
        time_ms = event.time_ms
        if time_ms is None or window.holds(time_ms):
            yield event
        elif outside:
            outside[:] = min(outside[0], time_ms), max(outside[1], time_ms)
        else:
            outside += [time_ms, time_ms]


def _once(sources: Iterable[Iterable[LogEvent]]) -> Iterator[LogEvent]:
    """Yield each event once, numbered in the order of reading.

    CloudWatch's own id tells two deliveries of an event apart from two events. Without it, a source
    may hold the same line twice, and that counts; a second source that holds it again does not.
    """
    most: Counter[tuple[str, str, int | None, str]] = Counter()
    ids: set[str] = set()
    order = 0
    for source in sources:
        here: Counter[tuple[str, str, int | None, str]] = Counter()
        for event in source:
            if event.event_id:
                if event.event_id in ids:
                    continue
                ids.add(event.event_id)
            key = (event.group, event.stream, event.time_ms, event.message)
            here[key] += 1
            if not event.event_id and here[key] <= most[key]:
                continue
            order += 1
            event.order = order
            yield event
        most |= here
