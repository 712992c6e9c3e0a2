"""Histories of executions, written as Step Functions answers and logs them.

The shapes are those of botocore's service model, and of AWS's page on logging.
https://docs.aws.amazon.com/step-functions/latest/apireference/API_HistoryEvent.html
https://docs.aws.amazon.com/step-functions/latest/dg/cw-logs.html
"""

import json
from datetime import datetime, timezone

START_MS = 1_795_226_400_000  # when the night begins
ACCOUNT = "eu-west-1:123456789012"
INVOKE = {"resourceType": "lambda", "resource": "invoke"}


def function_arn(name):
    """Return the ARN of the function *name*."""
    return f"arn:aws:lambda:{ACCOUNT}:function:{name}"


def answered(request, status=200):
    """Return what the service integration of Lambda gives back: the answer and its metadata."""
    return {
        "ExecutedVersion": "$LATEST",
        "Payload": {"ok": True},
        "SdkHttpMetadata": {
            "AllHttpHeaders": {"x-amzn-RequestId": [request]},
            "HttpHeaders": {"Connection": "keep-alive", "x-amzn-RequestId": request},
            "HttpStatusCode": status,
        },
        "SdkResponseMetadata": {"RequestId": request},
        "StatusCode": status,
    }


def raised(request, kind="ValueError", message="card refused"):
    """Return what a task says of a function of Python that raised."""
    cause = {"errorMessage": message, "errorType": kind, "requestId": request, "stackTrace": []}
    return {"error": kind, "cause": json.dumps(cause)}


class History:
    """The events of one execution; each method returns the id of its last event."""

    def __init__(self, machine="ushop_fulfil", name="sale-0001", kind="execution"):
        self.machine = machine
        self.arn = f"arn:aws:states:{ACCOUNT}:{kind}:{machine}:{name}"
        self.events = []

    def add(self, ms, kind, previous, **details):
        """Add an event; *details* are its own, by the name that the API gives them."""
        self.events.append(
            {
                "timestamp": START_MS + ms,
                "type": kind,
                "id": len(self.events) + 1,
                "previousEventId": previous,
                **{f"{name}EventDetails": value for name, value in details.items()},
            }
        )
        return len(self.events)

    def start(self, ms):
        """Begin."""
        role = f"arn:aws:iam::{ACCOUNT.split(':')[1]}:role/fulfil"
        told = {"input": "{}", "inputDetails": {"truncated": False}, "roleArn": role}
        return self.add(ms, "ExecutionStarted", 0, executionStarted=told)

    def enter(self, ms, name, previous=0, kind="Task"):
        """Enter a state."""
        told = {"name": name, "input": "{}", "inputDetails": {"truncated": False}}
        return self.add(ms, f"{kind}StateEntered", previous, stateEntered=told)

    def leave(self, ms, name, previous, kind="Task"):
        """Leave a state."""
        told = {"name": name, "output": "{}", "outputDetails": {"truncated": False}}
        return self.add(ms, f"{kind}StateExited", previous, stateExited=told)

    def call(self, ms, previous, function, pattern="", **integration):
        """Schedule and start a task, a function unless told otherwise."""
        told = integration or {**INVOKE, "parameters": {"FunctionName": function_arn(function)}}
        told["resource"] += pattern
        said = {**told, "region": ACCOUNT.split(":", maxsplit=1)[0]}
        said["parameters"] = json.dumps(said["parameters"])
        at = self.add(ms, "TaskScheduled", previous, taskScheduled=said)
        began = {name: told[name] for name in ("resourceType", "resource")}
        return self.add(ms + 1, "TaskStarted", at, taskStarted=began)

    def done(self, ms, previous, output, kind="Succeeded", **integration):
        """End a try well."""
        told = integration or INVOKE
        said = {**told, "output": json.dumps(output), "outputDetails": {"truncated": False}}
        return self.add(ms, f"Task{kind}", previous, **{f"task{kind}": said})

    def failed(self, ms, previous, failure, kind="Failed"):
        """End a try badly."""
        return self.add(ms, f"Task{kind}", previous, **{f"task{kind}": {**INVOKE, **failure}})

    def end(self, ms, previous, failure=None, kind="Succeeded"):
        """End the execution."""
        told = failure if failure is not None else {"output": "{}"}
        return self.add(ms, f"Execution{kind}", previous, **{f"execution{kind}": told})

    # As files

    def answer(self):
        """Return what `aws stepfunctions get-execution-history` prints."""
        said = [{**one, "timestamp": _moment(one["timestamp"])} for one in self.events]
        return json.dumps({"events": said}, indent=4)

    def logged(self, *, data=True, level="ALL"):
        """Return the messages that the log of the state machine holds, with their times."""
        found = []
        for one in self.events:
            details = next((v for k, v in one.items() if k.endswith("EventDetails")), {})
            if not data:
                hidden = ("input", "output", "inputDetails", "outputDetails", "parameters")
                details = {name: value for name, value in details.items() if name not in hidden}
            if level != "ALL" and not one["type"].endswith(("Failed", "TimedOut", "Aborted")):
                continue
            line = {"id": str(one["id"]), "type": one["type"], "details": details}
            line["previous_event_id"] = str(one["previousEventId"])
            line["event_timestamp"] = str(one["timestamp"])
            line |= {"execution_arn": self.arn, "redrive_count": "0"}
            found.append((one["timestamp"], json.dumps(line, separators=(",", ":"))))
        return found


def charge(night):
    """Play an execution with one task; return its history, and the run of the task's function."""
    run = night.begin("ushop_charge", 2000, trigger="other")
    night.end(run, 2008, began=2000, lasted=7)
    history = History()
    history.start(1990)
    last = history.call(1992, history.enter(1991, "Charge"), "ushop_charge")
    last = history.done(2014, last, answered(run.request))
    history.end(2020, history.leave(2015, "Charge", last))
    return history, run


def _moment(ms):
    at = datetime.fromtimestamp(ms // 1000, timezone.utc).replace(microsecond=ms % 1000 * 1000)
    return at.isoformat(timespec="microseconds")
