"""A loopback server that plays Step Functions: executions, their histories, the runs of Maps.

moto lists no children of a run, and the times of its executions are its own.
https://docs.aws.amazon.com/step-functions/latest/apireference/API_ListExecutions.html
https://docs.aws.amazon.com/step-functions/latest/apireference/API_DescribeMapRun.html
"""

from tests.cloudwatch.server import CloudWatch, Refused
from tests.reassembly.histories import ACCOUNT

SERVICE = "AWSStepFunctions"


class States(CloudWatch):
    """The server: ``with States() as play: …``, as CloudWatch is played; with *data* both are.

    Attributes:
        histories: every execution, and the run whose child it is, or "".
        lists: whether it lists the children of runs.
    """

    def __init__(self, data=None):
        super().__init__(data)
        self.histories, self.lists = [], True

    def hold(self, history, run=""):
        """Play the execution *history*, a child of *run*; return it."""
        self.histories.append((history, run))
        return history

    def answer(self, target, request, scope=""):
        """Return what is answered to *request*."""
        service, _, operation = target.partition(".")
        if service != SERVICE and self.data is not None:
            return super().answer(target, request, scope)
        with self.lock:
            self.calls.append(operation)
            self.requests.append((operation, request))
            if self.faults[operation]:
                raise Refused(*self.faults[operation].pop(0))
            if operation in self.denied:
                raise Refused("AccessDeniedException", f"not authorized to perform {operation}")
            play = _OPERATIONS.get(operation)
            if service != SERVICE or play is None:
                raise Refused("UnknownOperationException", target)
            return play(self, request)

    def list_state_machines(self, request):
        """All of them."""
        names = sorted({history.machine for history, run in self.histories if not run})
        return {"stateMachines": [{"name": name, **_machine(name)} for name in names]}

    def describe_state_machine(self, request):
        """A STANDARD one."""
        return {"stateMachineArn": request["stateMachineArn"], "type": "STANDARD"}

    def list_executions(self, request):
        """Those of a state machine or of a run, the latest first: a page."""
        if ("mapRunArn" in request) == ("stateMachineArn" in request):
            raise Refused("ValidationException", "one of stateMachineArn and mapRunArn")
        run, machine = request.get("mapRunArn", ""), request.get("stateMachineArn", "")
        found = [
            _listed(history, own)
            for history, own in self.histories
            if own == run
            and (self.lists if run else _machine(history.machine)["stateMachineArn"] == machine)
        ]
        found = [one for one in found if one["status"] == request["statusFilter"]]
        found.sort(key=lambda one: -one["startDate"])
        at = int(request.get("nextToken", "0"))
        page = {"executions": found[at : at + request["maxResults"]]}
        more = at + request["maxResults"]
        return page | ({"nextToken": str(more)} if more < len(found) else {})

    def describe_map_run(self, request):
        """How many children a run has."""
        total = sum(run == request["mapRunArn"] for _, run in self.histories)
        return {"mapRunArn": request["mapRunArn"], "executionCounts": {"total": total}}

    def get_execution_history(self, request):
        """A page of events."""
        arn = request["executionArn"]
        known = [history for history, _ in self.histories if history.arn == arn]
        if not known:
            raise Refused("ExecutionDoesNotExist", f"Execution Does Not Exist: '{arn}'")
        at, most = int(request.get("nextToken", "0")), request["maxResults"]
        events = [{**one, "timestamp": one["timestamp"] / 1000} for one in known[0].events]
        more = {"nextToken": str(at + most)} if at + most < len(events) else {}
        return {"events": events[at : at + most], **more}


_OPERATIONS = {
    "ListStateMachines": States.list_state_machines,
    "DescribeStateMachine": States.describe_state_machine,
    "ListExecutions": States.list_executions,
    "DescribeMapRun": States.describe_map_run,
    "GetExecutionHistory": States.get_execution_history,
}


def _machine(name):
    return {"stateMachineArn": f"arn:aws:states:{ACCOUNT}:stateMachine:{name}"}


def _listed(history, run):
    """Return what a list says of an execution."""
    last = history.events[-1]
    ended = last["type"].removeprefix("Execution")
    said = {"executionArn": history.arn, "name": history.arn.rpartition(":")[2]}
    said |= {"startDate": history.events[0]["timestamp"] / 1000}
    said |= {"mapRunArn": run} if run else _machine(history.machine)
    if ended not in {"Succeeded", "Failed", "Aborted"}:
        return {**said, "status": "RUNNING"}
    return {**said, "status": ended.upper(), "stopDate": last["timestamp"] / 1000}
