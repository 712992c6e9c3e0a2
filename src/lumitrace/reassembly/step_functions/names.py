"""What executions and their state machines are called: by their ARN, or by the file they lie in.

``arn:aws:states:<region>:<account>:execution:<state machine>:<execution>``; of an EXPRESS state
machine ``express``, and one part more.
"""

import re


def machine_of(arn: str) -> str:
    """Return the state machine's name in the ARN of an execution, or ""."""
    parts = arn.split(":")
    return parts[6] if len(parts) > 7 and parts[5] in {"execution", "express"} else ""


def execution_of(arn: str) -> str:
    """Return the execution's own name in its ARN; what is none is itself."""
    parts = arn.split(":")
    return ":".join(parts[7:]) if machine_of(arn) else arn


def name_of_file(place: str) -> str:
    """Return the name of a file without its folders and its ending."""
    last = re.split(r"[/\\!]", place)[-1]
    return last.split(".")[0] or "state machine"
