"""What can be asked, and how it is spelt on the command line."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from lumitrace.reassembly.cli import assemble, items_arguments, layer, setup, store_arguments
from lumitrace.reassembly.cli.items_arguments import account_arguments, amount, positive
from lumitrace.reassembly.prices.logs import AS_OF, INSIGHTS_USD_PER_GB
from lumitrace.reassembly.problem import MISUSE, Problem
from lumitrace.reassembly.sources.cloudwatch.ways import AUTO, WAYS
from lumitrace.reassembly.sources.path import S3_SCHEME, STANDARD_INPUT

DEFAULT_LIMIT = 50
_ASKED_OF_AWS = ("log_group", "state_machine", "execution")
DEFAULT_SINCE = "15m"  # of log groups; files are read whole


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
    if unknown:
        parser.error(f"unrecognized arguments: {' '.join(unknown)}")
    of_store = asked.command in {"store", *store_arguments.OF_STORES}
    if of_store or asked.command in {"assemble", "dynamodb", "layer", "setup"}:
        if rest:
            parser.error(f"unrecognized arguments: {' '.join(rest)}")
        if of_store:
            store_arguments.choose(asked)
        return asked
    return _with_source(asked, rest)


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
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    listing = _command(commands, "transactions", "list transactions, oldest first")
    listing.add_argument("--failed", action="store_true", help="only those that failed")
    listing.add_argument(
        "--limit",
        type=positive,
        default=DEFAULT_LIMIT,
        metavar="N",
        help=f"the latest N of them (default {DEFAULT_LIMIT})",
    )
    show = commands.add_parser("show", help="one transaction: stack, spans, all log lines")
    show.add_argument(
        "id",
        metavar="ID",
        help="a trace, span, request or message id or its beginning, tag=value, or a tag's value",
    )
    _source_arguments(show)
    store_arguments.store_argument(show)
    show.add_argument("--raw", action="store_true", help="show lumitrace's own span lines too")
    why = _command(commands, "why", "what is broken, whom it hurts, what caused it")
    for command in (listing, why):
        store_arguments.store_argument(command)
    why.add_argument("--id-tag", default="", metavar="TAG", help="the tag that names a sale")
    why.add_argument("--sum-tag", default="", metavar="TAG", help="the tag that holds the money")
    items_arguments.add(commands, _source_arguments)
    store_arguments.add(commands, _source_arguments)
    assemble.add(commands)
    layer.add(commands)
    setup.add(commands)
    return parser


def _command(
    commands: "argparse._SubParsersAction[Parser]", name: str, purpose: str
) -> argparse.ArgumentParser:
    command = commands.add_parser(
        name, help=purpose, description=f"{purpose[0].upper()}{purpose[1:]}."
    )
    _source_arguments(command)
    return command


def _source_arguments(command: argparse.ArgumentParser) -> None:
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
        default=[],
        metavar="NAME",
        help="a log group; again for more; a * stands for any text",
    )
    account_arguments(source)
    _way_arguments(source)
    states = command.add_argument_group("Step Functions")
    states.add_argument(
        "--state-machine",
        action="append",
        default=[],
        metavar="NAME",
        help="the executions of a state machine, by its name or ARN; again for more",
    )
    states.add_argument(
        "--execution",
        action="append",
        default=[],
        metavar="ARN",
        help="one execution; again for more",
    )
    window = command.add_argument_group("window")
    window.add_argument(
        "--since",
        metavar="TIME",
        help=f"15m, 2h, 3d or 2026-11-22T02:00 UTC (default {DEFAULT_SINCE} for what AWS is asked)",
    )
    window.add_argument("--until", metavar="TIME", help="the same; default: now")
    command.add_argument("--json", action="store_true", help="the answer as JSON")


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
    if asked.log_group and asked.by != AUTO:
        again += ["--by", asked.by]
    for option in ("region", "profile", "endpoint_url", "since", "until"):
        value = getattr(asked, option)
        if value:
            again += [f"--{option.replace('_', '-')}", value]
    return again
