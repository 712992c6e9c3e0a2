"""What a filter makes of our lines, by AWS's own TestMetricFilter.

https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_TestMetricFilter.html
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from lumitrace.reassembly.aws import AWS
from lumitrace.reassembly.deploy.check.found import allowed
from lumitrace.reassembly.deploy.check.pattern import APPLICATION, examples, exclusions
from lumitrace.reassembly.sources.cloudwatch.pace import Pace

PER_SECOND = 4  # AWS is believed to take 5
MOST_MESSAGES = 50  # of one request
SAMPLES = Path(__file__).with_name("samples.txt")


@cache
def samples() -> dict[str, str]:
    """Return one of our lines of each kind, as functions wrote them, by what it is called."""
    lines = SAMPLES.read_text("ascii").splitlines()
    return {name: line for name, _, line in (row.partition("\t") for row in lines)}


@dataclass(frozen=True)
class Verdict:
    """What TestMetricFilter says of a pattern.

    Attributes:
        counts: the kinds of our lines that it takes.
        instead: what takes none of them and all others, as one pattern or several; empty where
            nothing was found.
        kept: of how many example lines that is known.
        lost: example lines that *instead* also leaves out.
    """

    counts: tuple[str, ...] = ()
    instead: tuple[str, ...] = ()
    kept: int = 0
    lost: tuple[str, ...] = ()


class Judge:
    """Asks about patterns, each once."""

    def __init__(self, logs: AWS) -> None:
        self.aws = allowed(logs, "logs:TestMetricFilter")
        self.pace = Pace(PER_SECOND)
        self.known: dict[str, Verdict] = {}

    def verdict(self, pattern: str) -> Verdict:
        """Return what becomes of our lines.

        Raises:
            Problem: AWS may not be asked, or does not know the pattern.
        """
        if pattern not in self.known:
            self.known[pattern] = self._verdict(pattern)
        return self.known[pattern]

    def _verdict(self, pattern: str) -> Verdict:
        ours = samples()
        others = [*APPLICATION, *examples(pattern)][: MOST_MESSAGES - len(ours)]
        lines = [*ours.values(), *others]
        with self.aws.told(f"asking TestMetricFilter about the pattern {pattern!r}"):
            taken = self._taken(pattern, lines)
        names = list(ours)
        counts = tuple(names[at] for at in sorted(taken) if at < len(names))
        if not counts:
            return Verdict()
        before = {at for at in taken if at >= len(names)}
        best: Verdict | None = None
        for candidate in exclusions(pattern):
            after = self._taken_by_one(candidate, lines)
            if after is None or not after <= before:
                continue
            lost = tuple(lines[at] for at in sorted(before - after))
            if best is None or len(lost) < len(best.lost):
                best = Verdict(counts, candidate, len(after), lost)
            if not lost:
                break
        return best or Verdict(counts)

    def _taken_by_one(self, candidate: Sequence[str], lines: list[str]) -> set[int] | None:
        """Return the lines that one of *candidate* takes; None where two do, or AWS refuses."""
        taken: set[int] = set()
        for pattern in candidate:
            try:
                own = self._taken(pattern, lines)
            except self.aws.client.exceptions.InvalidParameterException:
                return None
            if own & taken:
                return None
            taken |= own
        return taken

    def _taken(self, pattern: str, lines: list[str]) -> set[int]:
        self.pace.wait()
        answer = self.aws.client.test_metric_filter(filterPattern=pattern, logEventMessages=lines)
        return {found["eventNumber"] - 1 for found in answer["matches"]}
