"""Invocations of which only our lines were read are given all of theirs."""

from collections import defaultdict
from collections.abc import Iterable

from lumitrace.reassembly.attempts import cut_into_attempts
from lumitrace.reassembly.events import LogEvent
from lumitrace.reassembly.model import LAMBDA, Attempt
from lumitrace.reassembly.problem import Problem
from lumitrace.reassembly.read import Where
from lumitrace.reassembly.sources.cloudwatch.invocations import Invocations, Place

MOST = 500  # invocations of one question; a batch may be shared by many


def make_whole(where: Where, attempts: Iterable[Attempt]) -> list[str]:
    """Give *attempts* all their log lines, and return sentences about what could not be read.

    Those whose logs were read whole stay as they are.
    """
    told: list[str] = []
    wanted = [one for one in attempts if one.service == LAMBDA]
    several = len(where.account.each()) > 1
    for logs, groups in where.asked.queried:
        mark = f" ({logs.aws.account.name})" if several else ""
        own = [one for one in wanted if one.group in groups and one.stream.endswith(mark)]
        if len(own) > MOST:
            more = f"the applications' lines of {len(own) - MOST:,} more invocations were not read"
            told.append(f"{more}: {MOST} are, of one transaction")
            own = own[:MOST]
        found: list[LogEvent] = []
        reader = Invocations(logs, groups, where.asked.money)
        try:
            for event in reader.read(_place(one, mark) for one in own):
                event.stream += mark
                event.order = len(found)
                found.append(event)
        except Problem as problem:
            told.append(problem.sentence)
        _take(own, found)
    return told


def _place(attempt: Attempt, mark: str) -> Place:
    ended_ms = attempt.end_ms if attempt.ended else None
    return Place(attempt.group, attempt.stream.removesuffix(mark), attempt.start_ms, ended_ms)


def _take(attempts: list[Attempt], events: list[LogEvent]) -> None:
    """Give each of *attempts* the lines that *events* hold of it."""
    by_request: dict[tuple[str, str, str], list[Attempt]] = defaultdict(list)
    for one in cut_into_attempts(events)[0]:
        by_request[one.group, one.stream, one.request_id].append(one)
    for attempt in attempts:
        same = by_request.get((attempt.group, attempt.stream, attempt.request_id))
        if not same:
            continue
        read = min(same, key=lambda one: abs(one.start_ms - attempt.start_ms))
        if len(read.lines) < len(attempt.lines):
            continue  # reading broke off before its end
        attempt.lines, attempt.inits = read.lines, read.inits
        attempt.report = read.report or attempt.report
        attempt.raised = read.raised or attempt.raised
