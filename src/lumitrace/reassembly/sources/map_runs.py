"""Histories of executions with those of their children: the items of a distributed Map.

A child is an execution of its own. The history of its parent names the Map's run, and AWS lists the
children of a run; no event of a child names it, so its events are given it as they are read.
https://docs.aws.amazon.com/step-functions/latest/dg/concepts-examine-map-run.html
"""

import json
from collections import deque
from collections.abc import Iterator

from lumitrace.reassembly.events import LogEvent
from lumitrace.reassembly.problem import Problem
from lumitrace.reassembly.sources.file import until_it_fails
from lumitrace.reassembly.sources.step_functions import StateMachines
from lumitrace.reassembly.step_functions.history import RUN_BEGAN

_EXPRESS = ":express:"  # in its ARN: of such a child AWS keeps no history
MOST = 1000  # children of one question: those that failed first of each run


class Histories:
    """The histories that one question reads of one account and region.

    Attributes:
        left: how many children may still be read.
        left_out: children that were not read.
        unasked: runs that were not asked for theirs.
    """

    def __init__(self, machines: StateMachines, problems: list[Problem]) -> None:
        self.machines, self.problems = machines, problems
        self.left, self.left_out, self.unasked = MOST, 0, 0
        self.denied = False
        self.seen: set[tuple[str, str]] = set()

    def of(self, arn: str) -> Iterator[Iterator[LogEvent]]:
        """Yield the history of an execution, then those of its children, and of theirs.

        Each is read to its end before the next; what ends one early is put into the problems.
        """
        waiting = deque([(arn, "")])
        while waiting:
            arn, run = waiting.popleft()
            if (arn, run) in self.seen:
                continue
            self.seen.add((arn, run))
            runs: dict[str, None] = {}
            events = self.machines.history(arn, run)
            yield until_it_fails(_noting(events, runs), self.problems)
            for one in runs:
                waiting.extend((child, one) for child in self._children(one))

    def _children(self, run: str) -> list[str]:
        """Return the children of a *run* that are to be read."""
        if self.denied or not self.left:
            self.unasked += 1
            return []
        found: dict[str, None] = {}
        more = False
        try:
            for child in self.machines.children(run):
                if (len(found) == self.left and child not in found) or _EXPRESS in child:
                    more = True
                    break
                found[child] = None
            self.left -= len(found)
            if more or not found:
                self.left_out += max(int(more), self.machines.counted(run) - len(found))
        except Problem as problem:
            self.denied = problem.denied
            self.problems.append(problem)
        return list(found)

    def tell(self) -> None:
        """Put into the problems what was not read of the children."""
        if self.left_out:
            more = "more children" if self.left_out > 1 else "more child"
            were = "were" if self.left_out > 1 else "was"
            self._say(f"{self.left_out:,} {more} of distributed Maps {were} not read")
        if self.unasked > 1:
            self._say(
                f"{self.unasked:,} runs of distributed Maps were not asked for their children"
            )
        elif self.unasked:
            self._say("1 run of a distributed Map was not asked for its children")

    def _say(self, what: str) -> None:
        asked = "ask for a smaller window, or for one execution by --execution"
        self.problems.append(Problem(f"{what}; {asked}"))


def _noting(events: Iterator[LogEvent], runs: dict[str, None]) -> Iterator[LogEvent]:
    """Yield *events*; the Map runs that they name are put into *runs*."""
    for event in events:
        if RUN_BEGAN in event.message:
            said = json.loads(event.message)
            run = (said.get("details") or {}).get("mapRunArn")
            if said.get("type") == RUN_BEGAN and isinstance(run, str):
                runs[run] = None
        yield event
