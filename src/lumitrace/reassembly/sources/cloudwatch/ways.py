"""Which way log groups are read: whole where they are small, else by Logs Insights."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone

from lumitrace.reassembly.attempts import LOOKED_AT, is_other_service
from lumitrace.reassembly.counted import Counted
from lumitrace.reassembly.events import LogEvent
from lumitrace.reassembly.problem import Problem
from lumitrace.reassembly.sources.cloudwatch.cold import Cold
from lumitrace.reassembly.sources.cloudwatch.insights import Insights
from lumitrace.reassembly.sources.cloudwatch.logs import CloudWatch, Position, TooManyPages
from lumitrace.reassembly.sources.cloudwatch.money import Money
from lumitrace.reassembly.sources.cloudwatch.queries import INFREQUENT, STANDARD
from lumitrace.reassembly.sources.ways import AUTO, FILTER, INSIGHTS
from lumitrace.reassembly.sources.window import Window
from lumitrace.reassembly.stream import LAMBDA_GROUP

# FilterLogEvents gives whole logs and is free, a megabyte a page and five pages a second.
FEW_GROUPS = 10
FEW_PAGES = 10
LOOKED_INTO = 20  # groups that may be of another service: a request each

Question = Callable[[Cold], Iterator[LogEvent]]


@dataclass
class Asked:
    """How log groups are to be read, and what came of it.

    Attributes:
        by: one of ``WAYS``.
        question: what is asked of Logs Insights.
        counted: what CloudWatch counted, where it was asked.
        groups: the log groups that were read.
        problems: what could not be read.
        queried: the accounts, and their log groups and classes, of which Logs Insights gave no
            more than our lines.
    """

    by: str = FILTER
    question: Question = Cold.lines
    money: Money = field(default_factory=Money)
    counted: Counted | None = None
    groups: set[str] = field(default_factory=set)
    problems: list[Problem] = field(default_factory=list)
    queried: list[tuple[CloudWatch, dict[str, str]]] = field(default_factory=list)

    def read(
        self, logs: CloudWatch, groups: dict[str, str], window: Window
    ) -> Iterator[Iterator[LogEvent]]:
        """Yield the sources that *groups*, names and their classes, make."""
        groups = self._readable(groups)
        self.groups.update(groups)
        if not groups:
            return
        if self.by == FILTER:
            for group in groups:
                yield self._whole(logs, group, window)
            return
        if self.by == AUTO and len(groups) <= FEW_GROUPS and INFREQUENT not in groups.values():
            found = self._few(logs, groups, window)
            if found is not None:
                yield iter(found)
                return
        for group in self._of_other_services(logs, groups, window):
            del groups[group]
            yield self._whole(logs, group, window)
        if groups:
            yield self._insights(logs, groups, window)

    @staticmethod
    def _of_other_services(
        logs: CloudWatch, groups: dict[str, str], window: Window
    ) -> Iterator[str]:
        """Yield the groups of state machines and the access logs: no query asks for their lines."""
        others = [one for one, kind in groups.items() if kind == STANDARD]
        others = [one for one in others if not one.startswith(LAMBDA_GROUP)]
        for group in others[:LOOKED_INTO]:
            try:
                first = logs.first(group, window, LOOKED_AT)
            except Problem:
                continue  # what the query says of it counts
            if first and is_other_service(first):
                yield group

    def _readable(self, groups: dict[str, str]) -> dict[str, str]:
        """Leave out the groups of a class that cannot be read this way, and say so."""
        kept = {}
        for name, kind in groups.items():
            if kind == STANDARD or (kind == INFREQUENT and self.by != FILTER):
                kept[name] = kind
                continue
            how = "it is kept for delivery alone; read what it is delivered to"
            if kind == INFREQUENT:
                how = f"FilterLogEvents does not serve it; ask by --by {INSIGHTS}"
            self.problems.append(Problem(f"the log group {name} is of the class {kind}: {how}"))
        return kept

    def _whole(
        self, logs: CloudWatch, group: str, window: Window, position: Position | None = None
    ) -> Iterator[LogEvent]:
        position = position or Position()
        try:
            yield from logs.read(group, window, position)
        except Problem as problem:
            if position.time_ms is not None:
                moment = datetime.fromtimestamp(position.time_ms / 1000, timezone.utc)
                sentence = (
                    f"{problem.sentence}; it was read to {moment:%Y-%m-%dT%H:%M:%S}."
                    f"{position.time_ms % 1000:03d}"
                )
                problem = Problem(sentence, problem.exit_code)  # told further
            self.problems.append(problem)

    def _few(
        self, logs: CloudWatch, groups: dict[str, str], window: Window
    ) -> list[LogEvent] | None:
        """Return all events where they are few pages; None where they are more."""
        told = len(self.problems)
        logs.most_pages = logs.pages + FEW_PAGES
        try:
            return [event for group in groups for event in self._whole(logs, group, window)]
        except TooManyPages:
            del self.problems[told:]
            return None
        finally:
            logs.most_pages = None

    def _insights(
        self, logs: CloudWatch, groups: dict[str, str], window: Window
    ) -> Iterator[LogEvent]:
        """Yield what answers the question; whole groups where Insights is not allowed."""
        insights = Insights(logs.aws, self.money)
        self.queried.append((logs, groups))
        now_ms = int(datetime.now(timezone.utc).timestamp() * 1000)
        window = replace(window, until_ms=window.until_ms or now_ms)
        cold = Cold(insights, groups, window.since_ms or 0, window.until_ms or now_ms)
        try:
            yield from self.question(cold)
        except Problem as problem:
            if not problem.denied or self.by != AUTO:
                self.problems.append(problem)
                return
            cold.counted.functions.clear()
            self.queried.pop()
            for group, kind in groups.items():
                if kind == STANDARD:
                    yield from self._whole(logs, group, window)
        finally:
            if cold.counted.functions:
                self.counted = cold.counted
            self.problems += [Problem(sentence) for sentence in insights.incomplete]
