"""What can be asked of a store, and how it is spelt on the command line."""

import argparse
import os
import re
from collections.abc import Callable
from typing import Any

from lumitrace.reassembly.problem import MISUSE, Problem

STORE = "LUMITRACE_STORE"  # read by the command line alone
KEEP = re.compile(r"([1-9]\d{0,4})d\Z")
SPAN = re.compile(r"(\d{1,6})(s|m|h|d)\Z")
OF_STORES = {  # answers that only a store gives
    "functions": "out of a store: what each function took, how often it failed",
    "issues": "out of a store: which functions failed, of what",
}
SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


def add(
    commands: "argparse._SubParsersAction[Any]",
    source_arguments: Callable[[argparse.ArgumentParser], None],
) -> None:
    """Add ``fetch``, ``functions``, ``issues`` and ``store`` to *commands*."""
    _add_fetch(commands, source_arguments)
    for name, purpose in OF_STORES.items():
        command = commands.add_parser(name, help=purpose, description=_sentence(purpose))
        store_argument(command)
        command.add_argument("--since", metavar="TIME", help="15m, 2h, 3d or 2026-11-22T02:00 UTC")
        command.add_argument("--until", metavar="TIME", help="the same; default: now")
        command.add_argument("--json", action="store_true", help="the answer as JSON")
    purpose = "what a store holds, and taking something out of it"
    store = commands.add_parser("store", help=purpose, description=_sentence(purpose))
    actions = store.add_subparsers(dest="action", required=True, metavar="ACTION")
    _action(actions, "info", "which hours it holds, and how large they are")
    forget = _action(actions, "forget", "remove all lines that concern one value of a tag")
    forget.add_argument(
        "--where", required=True, type=_pair, metavar="TAG=VALUE", help="customerId=c-17, say"
    )


def _add_fetch(
    commands: "argparse._SubParsersAction[Any]",
    source_arguments: Callable[[argparse.ArgumentParser], None],
) -> None:
    purpose = "read logs into a store, from which answers come at once"
    fetch = commands.add_parser("fetch", help=purpose, description=_sentence(purpose))
    source_arguments(fetch)
    for action in fetch._actions:  # noqa: SLF001  # the help texts that differ
        if action.dest == "since":
            action.help = (
                "15m, 2h, 3d or 2026-11-22T02:00 UTC (default for what AWS is asked: as far back "
            )
            action.help += "as the store keeps)"
    group = fetch.add_argument_group("store")
    store_argument(group)
    group.add_argument(
        "--keep",
        type=_keep,
        metavar="DAYS",
        help="how long lines are kept: 14d, or forever (default: as before; at first 14d)",
    )
    group.add_argument(
        "--overlap",
        type=_span,
        default="10m",
        metavar="TIME",
        help="log groups: read the last so long again the next time, as events come late "
        "(default 10m)",
    )
    group.add_argument("--payloads", action="store_true", help="keep events, results, parameters")
    group.add_argument(
        "--memory",
        default="",
        metavar="SIZE",
        help="what DuckDB may keep in memory, 2GB (default: a quarter of the machine)",
    )


def store_argument(group: "argparse._ActionsContainer") -> None:
    """Add ``--store``."""
    group.add_argument(
        "--store",
        default="",
        metavar="FOLDER",
        help=f"the folder of a store (default: the variable {STORE})",
    )


def choose(asked: argparse.Namespace) -> bool:
    """Put into *asked* which store is meant, and tell whether the answer comes from it.

    Raises:
        Problem: a store and other sources are asked for at once, or there is none where one is
            needed.
    """
    if "store" not in asked:  # a command that has no answer from a store
        return False
    histories = [*getattr(asked, "state_machine", ()), *getattr(asked, "execution", ())]
    no_others = asked.command in {"store", *OF_STORES}
    others = [] if no_others else [*asked.paths, *asked.log_group, *histories]
    if asked.command == "fetch" or no_others:
        asked.store = asked.store or os.environ.get(STORE, "")
        if not asked.store:
            message = f"no store to use: give --store FOLDER, or set {STORE}"
            raise Problem(message, MISUSE)
        if asked.command == "fetch" and not others:
            message = "nothing to fetch: give files, s3://bucket/prefix, --log-group NAME, or "
            message += "--state-machine NAME"
            raise Problem(message, MISUSE)
        return True
    if asked.store and others:
        message = "--store and other sources at once; fetch these into the store, or leave it out"
        raise Problem(message, MISUSE)
    if not others:
        asked.store = asked.store or os.environ.get(STORE, "")
    return bool(asked.store)


def _action(
    actions: "argparse._SubParsersAction[Any]", name: str, purpose: str
) -> argparse.ArgumentParser:
    action: argparse.ArgumentParser = actions.add_parser(
        name, help=purpose, description=_sentence(purpose)
    )
    store_argument(action)
    action.add_argument("--json", action="store_true", help="the answer as JSON")
    return action


def _sentence(purpose: str) -> str:
    return f"{purpose[0].upper()}{purpose[1:]}."


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not name or not equals or not value:
        message = f"{text!r} is no TAG=VALUE"
        raise argparse.ArgumentTypeError(message)
    return name, value


def _keep(text: str) -> int:
    match = KEEP.match(text)
    if match is None and text != "forever":
        message = f"{text!r} is neither a number of days, 14d, nor forever"
        raise argparse.ArgumentTypeError(message)
    return int(match[1]) if match else 0


def _span(text: str) -> int:
    match = SPAN.match(text)
    if match is None:
        message = f"{text!r} is no time; write 10m, 2h or 1d"
        raise argparse.ArgumentTypeError(message)
    return int(match[1]) * SECONDS[match[2]]
