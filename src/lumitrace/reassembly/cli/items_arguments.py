"""What can be asked of DynamoDB tables, and how it is spelt on the command line."""

import argparse
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from typing import Any

from lumitrace.reassembly.items.amounts import RATE, SAMPLE


def add_dynamodb(commands: "argparse._SubParsersAction[Any]") -> None:
    """Add ``dynamodb`` to *commands*."""
    purpose = "marks in the items of a DynamoDB table"
    dynamodb = commands.add_parser("dynamodb", help=purpose, description=_sentence(purpose))
    actions = dynamodb.add_subparsers(dest="action", required=True, metavar="ACTION")
    _add_marks(actions)
    _add_clean(actions)


def add_blame(
    commands: "argparse._SubParsersAction[Any]",
    source_arguments: Callable[[argparse.ArgumentParser], None],
) -> None:
    """Add ``blame`` to *commands*; it reads logs too."""
    purpose = "who wrote an item of a DynamoDB table last"
    blame = commands.add_parser("blame", help=purpose, description=_sentence(purpose))
    blame.add_argument("table", metavar="TABLE", help="the table's name")
    source_arguments(blame)
    for action in blame._actions:  # noqa: SLF001  # the help texts that differ
        if action.dest == "paths":
            action.metavar = "KEY=VALUE or PATH"
            action.help = "the item's key, and log files that may tell of the write; - is stdin"
        if action.dest == "since":
            action.help = "15m, 2h, 3d or 2026-11-22T02:00 UTC (default for log groups: 15 minutes "
            action.help += "before and after the write)"


def _add_marks(actions: "argparse._SubParsersAction[Any]") -> None:
    marks = _action(actions, "marks", "count the items that bear a mark")
    marks.add_argument(
        "--sample",
        type=positive,
        default=SAMPLE,
        metavar="N",
        help=f"look at about N items of random parts of the table (default {SAMPLE:,})",
    )
    marks.add_argument("--all", action="store_true", help="look at every item")


def _add_clean(actions: "argparse._SubParsersAction[Any]") -> None:
    clean = _action(actions, "clean", "take the marks off; without --apply, say what it would do")
    clean.add_argument("--apply", action="store_true", help="write; otherwise nothing is changed")
    clean.add_argument(
        "--rate",
        type=positive,
        default=RATE,
        metavar="N",
        help=f"writes a second, at most (default {RATE})",
    )
    clean.add_argument(
        "--from",
        dest="start",
        default="",
        metavar="KEY",
        help="where an earlier run stopped, as it printed it",
    )


def _action(
    actions: "argparse._SubParsersAction[Any]", name: str, purpose: str
) -> argparse.ArgumentParser:
    action: argparse.ArgumentParser = actions.add_parser(
        name, help=purpose, description=_sentence(purpose)
    )
    action.add_argument("table", metavar="TABLE", help="the table's name")
    account_arguments(action.add_argument_group("DynamoDB"))
    action.add_argument("--json", action="store_true", help="the answer as JSON")
    return action


def _sentence(purpose: str) -> str:
    return f"{purpose[0].upper()}{purpose[1:]}."


def account_arguments(group: "argparse._ArgumentGroup") -> None:
    """Add the options that say which account is meant."""
    group.add_argument("--region", default="", help="the AWS region")
    group.add_argument("--profile", default="", help="a profile of ~/.aws/config")
    group.add_argument("--endpoint-url", default="", metavar="URL", help="instead of AWS's own")


def positive(text: str) -> int:
    """Return the number above 0 that *text* is."""
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        message = f"{text!r} is no number above 0"
        raise argparse.ArgumentTypeError(message)
    return int(text)


def amount(text: str) -> Decimal:
    """Return the amount of money, 0 or more, that *text* is."""
    try:
        found = Decimal(text)
    except InvalidOperation:
        found = Decimal(-1)
    if not found.is_finite() or found < 0:
        message = f"{text!r} is no amount"
        raise argparse.ArgumentTypeError(message)
    return found
