"""What can be asked, and how it is spelt on the command line."""

import argparse
import functools
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from lumitrace import __version__
from lumitrace.reassembly.cli import assemble, items_arguments, layer, setup, store_arguments
from lumitrace.reassembly.cli.examples import show_examples
from lumitrace.reassembly.cli.items_arguments import account_arguments, amount, positive
from lumitrace.reassembly.prices.logs import AS_OF, INSIGHTS_USD_PER_GB
from lumitrace.reassembly.problem import MISUSE, Problem
from lumitrace.reassembly.sources.path import S3_SCHEME, STANDARD_INPUT
from lumitrace.reassembly.sources.ways import AUTO, WAYS

DEFAULT_LIMIT = 50
_ASKED_OF_AWS = ("log_group", "state_machine", "execution")
DEFAULT_SINCE = "15m"  # of log groups; files are read whole
# https://docs.aws.amazon.com/step-functions/latest/apireference/API_GetExecutionHistory.html
_EXECUTION = re.compile(r"arn:aws[a-z-]*:states:[a-z0-9-]+:\d{12}:(?:execution|express):\S+")


class Parser(argparse.ArgumentParser):
    """An argument parser whose complaint is one sentence."""

    def error(self, message: str) -> NoReturn:
        """Raise what is wrong with the command line as a problem."""
        sentence = f"{message}; see {self.prog} --help"
        raise Problem(sentence, MISUSE)


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """Return what *arguments* ask for.

    Raises:
        Problem: they ask for nothing that can be answered.
    """
    parser = _parser()
    asked, rest = parser.parse_known_args(arguments)
    # argparse takes positional arguments in one run: paths behind an option come back as the rest.
    unknown = [word for word in rest if word.startswith("-") and word != STANDARD_INPUT]
    of_store = asked.command in {"store", *store_arguments.OF_STORES}
    if asked.command == "assemble":
        asked.paths, rest = [*asked.paths, *rest], []
    if unknown or (rest and (of_store or asked.command in {"dynamodb", "layer", "setup"})):
        raise _unknown(asked, unknown or rest)
    if of_store:
        store_arguments.choose(asked)
    if of_store or asked.command in {"assemble", "dynamodb", "layer", "setup"}:
        return asked
    return _with_source(asked, rest)


def _unknown(asked: argparse.Namespace, words: Sequence[str]) -> Problem:
    """Return that *words* say nothing to the command that was *asked*."""
    if asked.command in store_arguments.OF_STORES and not words[0].startswith("-"):
        message = f"{asked.command} answers out of a store alone; fill one: lumitrace fetch "
        return Problem(f"{message}--store FOLDER {' '.join(words)}", MISUSE)
    action = asked.action if asked.command in {"dynamodb", "layer", "store"} else ""
    command = f"lumitrace {asked.command} {action}".rstrip()
    return Problem(f"unrecognized arguments: {' '.join(words)}; see {command} --help", MISUSE)


def _with_source(asked: argparse.Namespace, rest: list[str]) -> argparse.Namespace:
    """Return *asked* with what is to be read; *rest* are paths behind an option."""
    asked.paths += rest
    if asked.command != "blame" and store_arguments.choose(asked):
        asked.source = _source(asked)
        return asked
    if asked.command == "blame":
        asked.key = [word for word in asked.paths if "=" in word and not _is_path(word)]
        asked.paths = [word for word in asked.paths if word not in asked.key]
    elif not asked.paths and not any(getattr(asked, one) for one in _ASKED_OF_AWS):
        if sys.stdin is None or sys.stdin.isatty():
            sentence = "no log lines to read: give files, - for stdin, or --log-group NAME"
            raise Problem(sentence, MISUSE)
        asked.paths = [STANDARD_INPUT]
    of_aws = asked.log_group or asked.state_machine
    if of_aws and not asked.since and asked.command != "blame":
        asked.since = DEFAULT_SINCE
    asked.source = _source(asked)
    return asked


def _is_path(word: str) -> bool:
    return word.startswith(S3_SCHEME) or Path(word).exists()


def _parser() -> Parser:
    parser = Parser(
        prog="lumitrace",
        description="End-to-end transactions from the log lines of AWS Lambda functions.",
    )
    parser.add_argument(
        "--version",
        action="version",
        help="print the version",
        version=f"lumitrace {__version__}",
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    why = _command(commands, "why", "what is broken, whom it hurts, what caused it")
    why.add_argument("--id-tag", default="", metavar="TAG", help="the tag that names a sale")
    why.add_argument("--sum-tag", default="", metavar="TAG", help="the tag that holds the money")
    show = _command(commands, "show", "one transaction: stack, spans, all log lines", by_id=True)
    show.add_argument("--raw", action="store_true", help="show lumitrace's own span lines too")
    listing = _command(commands, "transactions", "list transactions, oldest first")
    listing.add_argument("--failed", action="store_true", help="only those that failed")
    listing.add_argument(
        "--limit",
        type=positive,
        default=DEFAULT_LIMIT,
        metavar="N",
        help=f"the latest N of them (default {DEFAULT_LIMIT})",
    )
    read_whole = functools.partial(_source_arguments, ways=False)
    items_arguments.add_blame(commands, read_whole)
    store_arguments.add(commands, read_whole)
    assemble.add(commands)
    setup.add(commands)
    layer.add(commands)
    items_arguments.add_dynamodb(commands)
    show_examples(parser)
    return parser


def _command(
    commands: "argparse._SubParsersAction[Parser]", name: str, purpose: str, *, by_id: bool = False
) -> argparse.ArgumentParser:
    command = commands.add_parser(
        name, help=purpose, description=f"{purpose[0].upper()}{purpose[1:]}."
    )
    if by_id:
        command.add_argument(
            "id",
            metavar="ID",
            help="a trace, span, request or message id or its first six characters, tag=value, or "
            "a tag's value",
        )
    _source_arguments(command)
    store_arguments.store_argument(command)
    return command


def _source_arguments(command: argparse.ArgumentParser, *, ways: bool = True) -> None:
    """Add what says where lines come from; *ways*: and how log groups are read."""
    command.add_argument(
        "paths",
        nargs="*",
        metavar="PATH",
        help="a log file in any form, an archive, a folder or s3://bucket/prefix; - is stdin",
    )
    source = command.add_argument_group("CloudWatch Logs")
    source.add_argument(
        "--log-group",
        action="append",
        type=_name,
        default=[],
        metavar="NAME",
        help="a log group; again for more; a * stands for any text",
    )
    account_arguments(source)
    if ways:
        _way_arguments(source)
    _state_arguments(command.add_argument_group("Step Functions"))
    window = command.add_argument_group("window")
    window.add_argument(
        "--since",
        metavar="TIME",
        help=f"15m, 2h, 3d or 2026-11-22T02:00 UTC (default {DEFAULT_SINCE} for what AWS is asked)",
    )
    window.add_argument("--until", metavar="TIME", help="the same; default: now")
    command.add_argument("--json", action="store_true", help="the answer as JSON")


def _state_arguments(states: "argparse._ArgumentGroup") -> None:
    states.add_argument(
        "--state-machine",
        action="append",
        type=_name,
        default=[],
        metavar="NAME",
        help="the executions of a state machine, by its name or ARN; again for more",
    )
    states.add_argument(
        "--execution",
        action="append",
        type=_execution,
        default=[],
        metavar="ARN",
        help="one execution; again for more",
    )


def _name(text: str) -> str:
    if not text.strip():
        message = "an empty text is no name"
        raise argparse.ArgumentTypeError(message)
    return text


def _execution(text: str) -> str:
    if not _EXECUTION.fullmatch(text):
        message = f"{text!r} is no ARN of an execution; --state-machine takes names"
        raise argparse.ArgumentTypeError(message)
    return text


def _way_arguments(source: "argparse._ArgumentGroup") -> None:
    source.add_argument(
        "--by",
        choices=WAYS,
        default=AUTO,
        help="how log groups are read (default: whole where they are small, else by Insights)",
    )
    source.add_argument(
        "--budget-usd",
        type=amount,
        metavar="USD",
        help="stop where the queries have cost so much",
    )
    source.add_argument(
        "--usd-per-gb",
        type=amount,
        metavar="USD",
        default=INSIGHTS_USD_PER_GB,
        help=f"what a scanned GB costs (default {INSIGHTS_USD_PER_GB}, of {AS_OF})",
    )


def _source(asked: argparse.Namespace) -> list[str]:
    """Return the arguments that name the source again, for a command to try next."""
    again: list[str] = [*asked.paths]
    if getattr(asked, "store", ""):
        again += ["--store", asked.store]
    for name in _ASKED_OF_AWS:
        for one in getattr(asked, name):
            again += [f"--{name.replace('_', '-')}", one]
    if asked.log_group and getattr(asked, "by", AUTO) != AUTO:
        again += ["--by", asked.by]
    for option in ("region", "profile", "endpoint_url", "since", "until"):
        value = getattr(asked, option)
        if value:
            again += [f"--{option.replace('_', '-')}", value]
    return again
