"""Executions of state machines through boto3: those of a window, and the history of each.

Histories are kept for 90 days after an execution has ended; those of EXPRESS state machines not at
all, these have a log alone.
https://docs.aws.amazon.com/step-functions/latest/apireference/API_ListExecutions.html
https://docs.aws.amazon.com/step-functions/latest/apireference/API_GetExecutionHistory.html
"""

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

from lumitrace.reassembly.aws import AWS, Account, Service
from lumitrace.reassembly.events import LogEvent
from lumitrace.reassembly.problem import Problem
from lumitrace.reassembly.sources.cloudwatch.pace import Pace
from lumitrace.reassembly.sources.event import group_of
from lumitrace.reassembly.sources.window import Window
from lumitrace.reassembly.step_functions.history import as_logged, moment_ms

STATES = Service(
    "stepfunctions",
    "Step Functions",
    "states:ListStateMachines, states:DescribeStateMachine, states:ListExecutions, "
    "states:GetExecutionHistory, states:DescribeMapRun",
    "state machine or execution",
    retry_mode="adaptive",
    retries=5,
)
# What is refilled a second in the smaller regions: ListExecutions 5, GetExecutionHistory 15.
# https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html
LISTS_PER_SECOND, HISTORIES_PER_SECOND = 4, 12
PAGE = 1000  # of executions and of events
MOST = 1000  # executions of a state machine: those that failed first
LOOK_BACK_MS = 24 * 60 * 60 * 1000  # how long before the window an execution may have begun
FAILED = ("FAILED", "TIMED_OUT", "ABORTED")
EXPRESS = "EXPRESS"


class StateMachines:
    """The state machines of one account and region."""

    def __init__(self, account: Account) -> None:
        self.aws = AWS(account, STATES)
        self.lists, self.histories = Pace(LISTS_PER_SECOND), Pace(HISTORIES_PER_SECOND)
        self.left_out = 0  # executions beyond MOST
        self.ended: dict[str, int] = {}  # when executions that were listed ended, Unix ms

    def executions(
        self, named: str, window: Window, known: Mapping[str, int] | None = None
    ) -> Iterator[str]:
        """Yield the ARNs of the executions of a state machine that ran within *window*.

        Args:
            named: its ARN, or its name.
            window: when; what began more than a day before it is not looked for.
            known: executions that are left out unless they ended at another time, or run.

        Raises:
            Problem: there is no such state machine, it is EXPRESS, or AWS did not answer.
        """
        arn = named if named.startswith("arn:") else self._arn_of(named)
        with self.aws.told(f"reading the state machine {named}"):
            self.lists.wait()
            machine = self.aws.client.describe_state_machine(stateMachineArn=arn)
        if machine.get("type") == EXPRESS:
            message = f"{named} is an EXPRESS state machine, of which AWS keeps no histories; "
            raise Problem(message + _log_of(machine))
        found: dict[str, None] = {}
        for status in (*FAILED, "RUNNING", "SUCCEEDED"):
            found.update(dict.fromkeys(self._listed(arn, named, status, window)))
        for one, ended_ms in (known or {}).items():
            if self.ended.get(one) == ended_ms:
                found.pop(one, None)
        yield from islice(found, MOST)
        self.left_out = max(0, len(found) - MOST)

    def _arn_of(self, name: str) -> str:
        request: dict[str, Any] = {"maxResults": PAGE}
        while True:
            with self.aws.told(f"looking for the state machine {name}"):
                self.lists.wait()
                page = self.aws.client.list_state_machines(**request)
            for one in page["stateMachines"]:
                if one["name"] == name:
                    return str(one["stateMachineArn"])
            if not page.get("nextToken"):
                message = f"no state machine is called {name!r}; check the name and --region"
                raise Problem(message)
            request["nextToken"] = page["nextToken"]

    def _listed(self, arn: str, named: str, status: str, window: Window) -> Iterator[str]:
        """Yield the executions of one *status*, the latest first."""
        request = {"stateMachineArn": arn, "statusFilter": status, "maxResults": PAGE}
        for one in self._pages(request, f"listing the executions of {named}"):
            began_ms = moment_ms(one["startDate"]) or 0
            ended_ms = moment_ms(one.get("stopDate"))
            if window.since_ms is not None and began_ms < window.since_ms - LOOK_BACK_MS:
                return
            late = window.until_ms is not None and began_ms > window.until_ms
            over = ended_ms is not None and ended_ms < (window.since_ms or 0)
            if not late and not over:
                if ended_ms is not None:
                    self.ended[str(one["executionArn"])] = ended_ms
                yield str(one["executionArn"])

    def _pages(self, request: dict[str, Any], doing: str) -> Iterator[dict[str, Any]]:
        """Yield the executions that *request* lists, page after page."""
        while True:
            with self.aws.told(doing):
                self.lists.wait()
                page = self.aws.client.list_executions(**request)
            yield from page["executions"]
            if not page.get("nextToken"):
                return
            request["nextToken"] = page["nextToken"]

    def children(self, run: str) -> Iterator[str]:
        """Yield the ARNs of the executions of a distributed Map's *run*, those that failed first.

        Raises:
            Problem: AWS did not answer.
        """
        for status in (*FAILED, "PENDING_REDRIVE", "RUNNING", "SUCCEEDED"):
            request = {"mapRunArn": run, "statusFilter": status, "maxResults": PAGE}
            for one in self._pages(request, f"listing the children of {run}"):
                yield str(one["executionArn"])

    def counted(self, run: str) -> int:
        """Return how many children a *run* has.

        Raises:
            Problem: AWS did not answer.
        """
        with self.aws.told(f"counting the children of {run}"):
            self.lists.wait()
            said = self.aws.client.describe_map_run(mapRunArn=run)
        return int(said["executionCounts"]["total"])

    def history(self, arn: str, run: str = "") -> Iterator[LogEvent]:
        """Yield all events of an execution, as Step Functions would have logged them.

        Args:
            arn: of the execution.
            run: of the distributed Map whose child it is, or "".

        Raises:
            Problem: there is none, or AWS did not answer.
        """
        request = {"executionArn": arn, "maxResults": PAGE, "includeExecutionData": True}
        while True:
            with self.aws.told(f"reading the history of {arn}"):
                self.histories.wait()
                page = self.aws.client.get_execution_history(**request)
            for event in page["events"]:
                yield LogEvent(
                    "", arn, moment_ms(event["timestamp"]), as_logged(event, arn, run), 0
                )
            if not page.get("nextToken"):
                return
            request["nextToken"] = page["nextToken"]


def _log_of(machine: dict[str, Any]) -> str:
    """Return what to read instead: the log group that a state machine writes to."""
    for one in machine.get("loggingConfiguration", {}).get("destinations", ()):
        group = group_of(one.get("cloudWatchLogsLogGroup", {}).get("logGroupArn", ""))
        if group:
            return f"read its log: --log-group {group}"
    return "let it log at the level ALL, and give that log group"
