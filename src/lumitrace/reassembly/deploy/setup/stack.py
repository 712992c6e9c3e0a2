"""The stack: the template as CloudFormation has made it.

https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_CreateStack.html
"""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from lumitrace.reassembly.aws import AWS, Account, Service
from lumitrace.reassembly.deploy.setup.part import Json
from lumitrace.reassembly.problem import MISUSE, Problem

CLOUDFORMATION = Service(
    "cloudformation",
    "CloudFormation",
    "cloudformation:CreateStack, cloudformation:UpdateStack, cloudformation:DescribeStacks and "
    "cloudformation:DescribeStackEvents",
    "stack",
    retry="see the events of the stack in the console",
)
MAX_BODY = 51_200  # bytes of a template that is sent with the request
EVERY_S, LONGEST_S = 5, 1800  # between two looks; then somebody else may wait
CREATED, UPDATED, UNCHANGED = "created", "updated", "unchanged"
OURS = "lumitrace setup: "  # a stack of that name that is another's is left alone


@dataclass(frozen=True)
class Applied:
    """What was done.

    Attributes:
        did: `CREATED`, `UPDATED` or `UNCHANGED`.
        outputs: what the template says of what it made.
    """

    did: str
    region: str
    outputs: dict[str, str]


class Stack:
    """A stack of an account and region."""

    def __init__(self, account: Account, name: str, say: Callable[[str], None]) -> None:
        self.aws, self.name, self.say = AWS(account, CLOUDFORMATION), name, say
        self.region = self.aws.client.meta.region_name

    def apply(self, template: Json) -> Applied:
        """Create the stack, or bring it to what *template* says, and wait until that is done.

        Raises:
            Problem: it is another's, is being changed, or CloudFormation refused.
        """
        body = json.dumps(template, separators=(",", ":"))
        if len(body.encode()) > MAX_BODY:
            sentence = (
                f"the template has {len(body):,} bytes, and CloudFormation takes {MAX_BODY:,}; "
                "name fewer log groups, and the others in a stack of their own (--stack-name)"
            )
            raise Problem(sentence, MISUSE)
        found = self._found(self.name)
        if found is None:
            return self._create(template, body)
        self._check(found, template)
        return self._update(found, template, body)

    def _create(self, template: Json, body: str) -> Applied:
        defaults = [
            {"ParameterKey": name, "ParameterValue": str(one["Default"])}
            for name, one in template.get("Parameters", {}).items()
        ]
        with self.aws.told(f"creating the stack {self.name}"):
            made = self.aws.client.create_stack(
                StackName=self.name,
                TemplateBody=body,
                Parameters=defaults,
                Capabilities=["CAPABILITY_IAM"],
                OnFailure="DELETE",
                Tags=[{"Key": "lumitrace", "Value": "setup"}],
            )
        return self._done(made["StackId"], CREATED)

    def _update(self, found: Json, template: Json, body: str) -> Applied:
        kept = [
            {"ParameterKey": one["ParameterKey"], "UsePreviousValue": True}
            for one in found.get("Parameters", ())
            if one["ParameterKey"] in template.get("Parameters", {})
        ]
        try:
            with self.aws.told(f"updating the stack {self.name}"):
                self.aws.client.update_stack(
                    StackName=self.name,
                    TemplateBody=body,
                    Capabilities=["CAPABILITY_IAM"],
                    Parameters=kept,
                )
        except Problem as problem:
            if "No updates are to be performed" not in problem.sentence:
                raise
            return Applied(UNCHANGED, self.region, _outputs(found))
        return self._done(found["StackId"], UPDATED)

    def _found(self, name: str) -> Json | None:
        with self.aws.told(f"looking for the stack {self.name}"):
            try:
                stacks = self.aws.client.describe_stacks(StackName=name)["Stacks"]
            except self.aws.exceptions.ClientError as error:
                if "does not exist" not in error.response["Error"].get("Message", ""):
                    raise
                return None
        return stacks[0] if stacks else None

    def _check(self, found: Json, template: Json) -> None:
        """Raise where the stack is not to be changed."""
        description = found.get("Description") or ""
        if not description.startswith(OURS):
            sentence = f"the stack {self.name} is not lumitrace's; give another --stack-name"
            raise Problem(sentence, MISUSE)
        before = description.removeprefix(OURS).split(", ")
        lost = set(before) - set(template["Description"].removeprefix(OURS).split(", "))
        if lost:
            sentence = (
                f"the stack {self.name} also holds {', '.join(sorted(lost))}, which would be "
                f"removed; name every part, or give another --stack-name"
            )
            raise Problem(sentence, MISUSE)
        status = found["StackStatus"]
        if status.endswith("_IN_PROGRESS"):
            sentence = f"the stack {self.name} is being changed ({status}); try again later"
            raise Problem(sentence)
        if status == "ROLLBACK_COMPLETE" or status.endswith("_FAILED"):
            sentence = (
                f"the stack {self.name} is broken ({status}); remove it first: {self.removal}"
            )
            raise Problem(sentence)

    @property
    def removal(self) -> str:
        """Return the command that removes the stack."""
        return f"aws cloudformation delete-stack --stack-name {self.name} --region {self.region}"

    def _done(self, stack_id: str, did: str) -> Applied:
        """Wait until CloudFormation has done it.

        Raises:
            Problem: it failed; CloudFormation has taken back what it made.
        """
        until = time.monotonic() + LONGEST_S
        while True:
            found = self._found(stack_id)
            status = found["StackStatus"] if found else "DELETE_COMPLETE"
            if found and status in {"CREATE_COMPLETE", "UPDATE_COMPLETE"}:
                return Applied(did, self.region, _outputs(found))
            if not status.endswith("_IN_PROGRESS"):
                sentence = (
                    f"the stack {self.name} failed: {self._reason(stack_id)}; CloudFormation has "
                    "taken back what it made"
                )
                raise Problem(sentence)
            if time.monotonic() > until:
                sentence = f"the stack {self.name} is still {status}; see its events in the console"
                raise Problem(sentence)
            self.say(f"{self.name}: {status}")
            time.sleep(EVERY_S)

    def _reason(self, stack_id: str) -> str:
        """Return the first failure that the events of the stack tell of, in their order of time."""
        with self.aws.told(f"asking why the stack {self.name} failed"):
            events = self.aws.client.describe_stack_events(StackName=stack_id)["StackEvents"]
        said: list[Any] = [
            f"{one.get('LogicalResourceId')}: {' '.join(one['ResourceStatusReason'].split())}"
            for one in events  # the latest first
            if one.get("ResourceStatus", "").endswith("_FAILED") and one.get("ResourceStatusReason")
        ]
        return said[-1] if said else "it says not why"


def _outputs(found: Json) -> dict[str, str]:
    return {one["OutputKey"]: one["OutputValue"] for one in found.get("Outputs", ())}
