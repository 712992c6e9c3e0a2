"""All log lines of single invocations, once the span lines have told which ones are asked about.

FilterLogEvents reads the very log streams at the very times, free of charge; Logs Insights does
where that is not served or not allowed.
https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_FilterLogEvents.html
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from lumitrace.reassembly.events import LogEvent
from lumitrace.reassembly.problem import Problem
from lumitrace.reassembly.sources.cloudwatch import queries
from lumitrace.reassembly.sources.cloudwatch.cold import Cold
from lumitrace.reassembly.sources.cloudwatch.insights import Ask, Insights
from lumitrace.reassembly.sources.cloudwatch.logs import CloudWatch, TooManyPages
from lumitrace.reassembly.sources.cloudwatch.money import Money
from lumitrace.reassembly.sources.window import Window

STREAMS = 100  # of one FilterLogEvents
MOST_PAGES = 100  # of one question: 25 s at four a second
BEFORE_MS = 15_000  # a function's code starts before START, for ten seconds at most
AFTER_MS = 2_000  # REPORT comes behind the handler's end
LONGEST_MS = 900_000  # of an invocation whose end nobody saw
# https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html
# https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html


@dataclass
class Piece:
    """Some log streams of a log group, and a time.

    Attributes:
        invocations: how many of those asked about it holds.
    """

    group: str
    since_ms: int
    until_ms: int
    streams: set[str] = field(default_factory=set)
    invocations: int = 0


@dataclass(frozen=True)
class Place:
    """Where and when one invocation ran; *until_ms* is None where its end was not seen."""

    group: str
    stream: str
    since_ms: int
    until_ms: int | None


def pieces(places: Iterable[Place]) -> list[Piece]:
    """Return what is to be read for all *places*: those of one log group at one time together."""
    by_group: dict[str, list[Piece]] = defaultdict(list)
    for place in sorted(places, key=lambda one: (one.since_ms, one.group, one.stream)):
        since_ms = place.since_ms - BEFORE_MS
        ended_ms = place.since_ms + LONGEST_MS if place.until_ms is None else place.until_ms
        known = by_group[place.group]
        last = known[-1] if known else None
        full = last is not None and len(last.streams | {place.stream}) > STREAMS
        if last is None or full or since_ms > last.until_ms:
            last = Piece(place.group, max(0, since_ms), 0)
            known.append(last)
        last.until_ms = max(last.until_ms, ended_ms + AFTER_MS)
        last.streams.add(place.stream)
        last.invocations += 1
    return [piece for group in by_group.values() for piece in group]


class Invocations:
    """The lines of single invocations in one account's log groups, names and their classes."""

    def __init__(self, logs: CloudWatch, groups: dict[str, str], money: Money) -> None:
        self.logs, self.groups, self.money = logs, groups, money
        self.filtered = True

    def read(self, places: Iterable[Place]) -> Iterator[LogEvent]:
        """Yield all lines of the log streams at the times of *places*.

        Raises:
            Problem: CloudWatch did not answer, or the budget is spent; what came was yielded.
        """
        self.logs.most_pages = self.logs.pages + MOST_PAGES
        wanted = pieces(places)
        left = sum(piece.invocations for piece in wanted)
        try:
            for piece in wanted:
                yield from self._piece(piece)
                left -= piece.invocations
        except Problem as problem:
            whose = f"the lines of the applications: {left} invocations were not read whole"
            sentence = f"{problem.sentence}; {whose}"
            raise Problem(sentence, problem.exit_code, denied=problem.denied) from None
        finally:
            self.logs.most_pages = None

    def _piece(self, piece: Piece) -> Iterator[LogEvent]:
        if self.filtered and self.groups[piece.group] == queries.STANDARD:
            window = Window(piece.since_ms, piece.until_ms)
            try:
                yield from self.logs.read(piece.group, window, streams=tuple(sorted(piece.streams)))
            except TooManyPages:
                sentence = f"reading the log group {piece.group}: more than {MOST_PAGES} pages"
                raise Problem(sentence) from None
            except Problem as problem:
                if not problem.denied:
                    raise
                self.filtered = False
            else:
                return
        yield from self._asked(piece)

    def _asked(self, piece: Piece) -> Iterator[LogEvent]:
        """Yield the lines of *piece* by Logs Insights."""
        odd = [one for one in sorted(piece.streams) if not queries.can_be_quoted(one)]
        if odd:
            sentence = f"the log stream {odd[0]!r} has a name that no query can hold"
            raise Problem(sentence)
        insights = Insights(self.logs.aws, self.money)
        kind = self.groups[piece.group]
        cold = Cold(insights, {piece.group: kind}, piece.since_ms, piece.until_ms)
        text = queries.of_streams(sorted(piece.streams))
        ask = Ask(text, (piece.group,), cold.since_s, cold.until_s, whole=True)
        for event in cold.lines_of([ask]):
            if piece.since_ms <= (event.time_ms or 0) <= piece.until_ms:
                yield event
        for sentence in insights.incomplete:
            raise Problem(sentence)
