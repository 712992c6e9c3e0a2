"""Executions of state machines on their way into a store: each history whole, ended ones once.

An execution that still runs, that was redriven, or of which something could not be read, is read
again by the next fetch; its events are known by their texts, so none comes twice.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from lumitrace.reassembly.aws import Account
from lumitrace.reassembly.events import LogEvent
from lumitrace.reassembly.problem import Problem
from lumitrace.reassembly.sources.file import until_it_fails
from lumitrace.reassembly.sources.map_runs import Histories
from lumitrace.reassembly.sources.step_functions import StateMachines
from lumitrace.reassembly.sources.window import Window
from lumitrace.reassembly.store.folder import Folder
from lumitrace.reassembly.store.incoming import Incoming
from lumitrace.reassembly.store.payloads import without_data

ENDED = "executions.json"  # when the executions ended that are in the store: Unix ms by their ARNs


@dataclass
class Executions:
    """Puts executions into *folder*, through *incoming*."""

    folder: Folder
    incoming: Incoming
    problems: list[Problem] = field(default_factory=list)

    def take(
        self,
        account: Account,
        state_machines: tuple[str, ...],
        executions: tuple[str, ...],
        window: Window,
    ) -> None:
        """Take *executions*, and those of *state_machines* that ran in *window* and are not in."""
        try:
            machines = StateMachines(account)
        except Problem as problem:
            self.problems.append(problem)
            return
        histories = Histories(machines, self.problems)
        for arn in dict.fromkeys(executions):
            self._take(histories, arn)
        for name in state_machines:
            known = {arn: int(at) for arn, at in self.folder.said(ENDED).items()}
            whole = [
                arn
                for arn in until_it_fails(machines.executions(name, window, known), self.problems)
                if self._take(histories, arn)
            ]
            self.incoming.put_away()
            self._note(known | {arn: at for arn in whole if (at := machines.ended.get(arn))})
            if machines.left_out:
                more = f"{machines.left_out:,} more executions of {name} were not read"
                self.problems.append(Problem(f"{more}; fetch again, and they will be"))
        histories.tell()

    def _take(self, histories: Histories, arn: str) -> bool:
        """Take one history and those of its children, and tell whether they came whole."""
        before = (len(self.problems), histories.left_out, histories.unasked)
        for events in histories.of(arn):
            self.incoming.take(self._kept(events))
        return (len(self.problems), histories.left_out, histories.unasked) == before

    def _kept(self, events: Iterator[LogEvent]) -> Iterator[LogEvent]:
        for event in events:
            if not self.incoming.payloads:
                event.message = without_data(event.message)
            yield event

    def _note(self, ended: dict[str, int]) -> None:
        """Note which executions need not be read again; of what is too old nobody asks."""
        kept = {arn: at for arn, at in ended.items() if at >= self.incoming.keep_from_ms}
        if kept != self.folder.said(ENDED):
            self.folder.say(ENDED, kept)
