"""A part of a CloudFormation template."""

from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]
ARCHIVE, READER, ALARM = PARTS = ("archive", "reader", "alarm")


@dataclass
class Part:
    """What one part adds to the template.

    Attributes:
        notes: what it leaves out of what was asked for, in sentences.
    """

    parameters: Json = field(default_factory=dict)
    resources: Json = field(default_factory=dict)
    outputs: Json = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def sub(text: str) -> Json:
    """Return *text* with ``${Name}`` filled in by CloudFormation."""
    return {"Fn::Sub": text}


def ref(name: str) -> Json:
    """Return what the parameter or resource *name* is called."""
    return {"Ref": name}


def arn_of(name: str) -> Json:
    """Return the ARN of the resource *name*."""
    return {"Fn::GetAtt": [name, "Arn"]}


def policy(*statements: Json) -> Json:
    """Return an IAM policy of *statements*."""
    return {"Version": "2012-10-17", "Statement": list(statements)}


def allow(actions: "list[str]", resource: Any, sid: str = "") -> Json:
    """Return a statement that allows *actions* on *resource*."""
    named = {"Sid": sid} if sid else {}
    return {**named, "Effect": "Allow", "Action": actions, "Resource": resource}
