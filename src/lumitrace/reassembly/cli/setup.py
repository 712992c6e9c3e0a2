"""``lumitrace setup``: what an account needs once, printed or made; and what is there, checked."""

import argparse
import json
import re
import sys
from typing import TYPE_CHECKING, Any

from lumitrace.reassembly.cli.items_arguments import account_arguments
from lumitrace.reassembly.deploy.setup.part import PARTS, Json
from lumitrace.reassembly.problem import FAILURE, MISUSE, Problem

if TYPE_CHECKING:
    from lumitrace.reassembly.aws import Account
    from lumitrace.reassembly.deploy.setup.template import Wanted

STACK = "lumitrace"
CHECK = "check"
CHECKED = "/aws/lambda/*"  # the log groups, unless others are named
# https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_LogGroup.html
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
_FORMS = {
    "log_group": re.compile(r"[.\-_/#A-Za-z0-9*]{1,512}"),
    "bucket": re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]"),
    "stack_name": re.compile(r"[A-Za-z][A-Za-z0-9-]{0,127}"),
    "table": re.compile(r"[A-Za-z0-9_.-]{3,255}"),
    "notify": re.compile(r"arn:aws[a-z-]*:sns:[a-z0-9-]+:\d{12}:[\w-]{1,256}"),
}


def add(commands: "argparse._SubParsersAction[Any]") -> None:
    """Add ``setup`` to *commands*."""
    purpose = "what an account needs once: an archive of the logs, a policy to read, an alarm"
    sentence = f"{purpose[0].upper()}{purpose[1:]}."
    command = commands.add_parser("setup", help=purpose, description=sentence)
    command.add_argument(
        "action",
        nargs="?",
        metavar=CHECK,
        help="which alarms and forwarders that are there would take our lines for others",
    )
    command.add_argument("--apply", action="store_true", help="create it; otherwise it is printed")
    command.add_argument(
        "--part", action="append", choices=PARTS, help="this part; again for more (default: all)"
    )
    _named(command, "--log-group", "of this log group; again for more; a * stands for any text")
    command.add_argument("--bucket", default="", metavar="NAME", help="the archive's bucket")
    _named(command, "--table", "a DynamoDB table whose items may be read; again for more")
    command.add_argument(
        "--notify", default="", metavar="ARN", help="the SNS topic that the alarm tells"
    )
    command.add_argument(
        "--stack-name", default=STACK, metavar="NAME", help=f"CloudFormation's (default {STACK})"
    )
    account_arguments(command.add_argument_group("AWS"))
    command.add_argument("--json", action="store_true", help="the answer as JSON")


def _named(command: argparse.ArgumentParser, option: str, text: str) -> None:
    command.add_argument(option, action="append", default=[], metavar="NAME", help=text)


def run(asked: argparse.Namespace) -> int:
    """Print the template, apply it, or check the account; return the exit code.

    Raises:
        Problem: a name is none, or CloudFormation refused.
    """
    from lumitrace.reassembly.deploy.setup.cost import cost  # noqa: PLC0415  # --help spares it
    from lumitrace.reassembly.deploy.setup.template import template  # noqa: PLC0415  # as above

    if asked.action not in {None, CHECK}:
        sentence = f"setup does nothing called {asked.action!r}; write lumitrace setup {CHECK}, or "
        sentence += "lumitrace setup alone"
        raise Problem(sentence, MISUSE)
    _valid(asked)
    if asked.action == CHECK:
        return _check(asked)
    made, notes = template(_wanted(asked))
    for note in notes:
        _say(note)
    if not made.get("Resources"):
        sentence = "nothing is left to set up; name other log groups or parts"
        raise Problem(sentence, MISUSE)
    if asked.apply:
        return _apply(asked, made, cost(made))
    print(json.dumps(made, indent=2))  # noqa: T201  # it is a command
    _say(f"it costs: {cost(made)}")
    _say("nothing was made; the same with --apply makes it")
    return 0


def _valid(asked: argparse.Namespace) -> None:
    for name, form in _FORMS.items():
        given = getattr(asked, name)
        for word in given if isinstance(given, list) else [given] * bool(given):
            if not form.fullmatch(word):
                option = name.replace("_", "-")
                sentence = f"--{option} {word!r} is no name that AWS takes"
                raise Problem(sentence, MISUSE)
    if "," in asked.region + asked.profile:
        sentence = "setup is for one region and profile; call it once for each"
        raise Problem(sentence, MISUSE)


def _check(asked: argparse.Namespace) -> int:
    from lumitrace.reassembly.cli import setup_page  # noqa: PLC0415  # rich
    from lumitrace.reassembly.cli.screen import Screen  # noqa: PLC0415  # as above
    from lumitrace.reassembly.deploy.check.check import check  # noqa: PLC0415  # boto3

    unused = {"--apply": asked.apply, "--part": asked.part, "--bucket": asked.bucket}
    unused |= {"--table": asked.table, "--notify": asked.notify}
    given = [option for option, value in unused.items() if value]
    if given:
        sentence = f"setup check makes nothing; leave out {', '.join(given)}"
        raise Problem(sentence, MISUSE)
    live = sys.stderr.isatty() and not asked.json
    answer = check(_account(asked), asked.log_group or [CHECKED], _say if live else _silent)
    if asked.json:
        print(json.dumps(answer, indent=2))  # noqa: T201  # it is a command
    else:
        setup_page.show(Screen(), answer)
    return FAILURE if answer["notChecked"] else 0


def _wanted(asked: argparse.Namespace) -> "Wanted":
    from lumitrace.reassembly.deploy.setup.template import Wanted  # noqa: PLC0415  # as above

    parts = tuple(part for part in PARTS if not asked.part or part in asked.part)
    return Wanted(parts, _groups(asked), asked.bucket, tuple(asked.table), asked.notify)


def _groups(asked: argparse.Namespace) -> tuple[str, ...]:
    """Return the names of the log groups; those that a ``*`` stands for are asked of AWS."""
    if not any("*" in name for name in asked.log_group):
        return tuple(dict.fromkeys(asked.log_group))
    from lumitrace.reassembly.sources.cloudwatch.logs import CloudWatch  # noqa: PLC0415  # boto3

    logs = CloudWatch(_account(asked))
    found = [
        group
        for name in asked.log_group
        for group in ([name] if "*" not in name else [one for one, _ in logs.groups(name)])
    ]
    return tuple(dict.fromkeys(found))


def _account(asked: argparse.Namespace) -> "Account":
    from lumitrace.reassembly.aws import Account  # noqa: PLC0415  # what other commands can spare

    return Account(asked.region, asked.profile, asked.endpoint_url)


def _apply(asked: argparse.Namespace, made: Json, costs: str) -> int:
    from lumitrace.reassembly.deploy.setup.stack import Stack  # noqa: PLC0415  # boto3

    stack = Stack(_account(asked), asked.stack_name, _say)
    done = stack.apply(made)
    answer = {
        "stack": asked.stack_name,
        "region": done.region,
        "did": done.did,
        "resources": sorted({one["Type"] for one in made["Resources"].values()}),
        "outputs": done.outputs,
        "cost": costs,
        "remove": stack.removal,
    }
    print(json.dumps(answer, indent=2) if asked.json else _page(answer))  # noqa: T201  # a command
    return 0


def _page(answer: dict[str, Any]) -> str:
    kinds = ", ".join(kind.removeprefix("AWS::") for kind in answer["resources"])
    lines = [f"{answer['did']}  the stack {answer['stack']} in {answer['region']}: {kinds}"]
    lines += [f"{name}  {value}" for name, value in answer["outputs"].items()]
    lines += [f"it costs: {answer['cost']}", f"to remove it: {answer['remove']}"]
    path = answer["outputs"].get("LogsPath", "")
    if path:
        bucket = path.removeprefix("s3://").partition("/")[0]
        lines.append(f"the bucket stays then, with its logs: aws s3 rb s3://{bucket} --force")
    return "\n".join(lines)


def _say(sentence: str) -> None:
    print(f"lumitrace: {sentence}", file=sys.stderr)  # noqa: T201  # it is a command


def _silent(_: str) -> None:
    pass
