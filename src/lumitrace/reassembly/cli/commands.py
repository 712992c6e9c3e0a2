"""The commands: read, ask, print."""

import argparse
import functools
import json
import shlex
import sys
from typing import Any

from lumitrace.reassembly.answers.find import NAMED, find
from lumitrace.reassembly.answers.show import invocations, shown
from lumitrace.reassembly.answers.transactions import transactions
from lumitrace.reassembly.answers.why import why
from lumitrace.reassembly.aws import Account
from lumitrace.reassembly.cli import asking, items, show_page, transactions_page, why_page
from lumitrace.reassembly.cli.screen import Screen
from lumitrace.reassembly.model import Attempt
from lumitrace.reassembly.problem import FAILURE, Problem
from lumitrace.reassembly.read import Where, read
from lumitrace.reassembly.sources.window import parse_window
from lumitrace.reassembly.transaction import Assembled
from lumitrace.reassembly.whole import make_whole


def run(asked: argparse.Namespace) -> int:
    """Answer what was *asked* and return the exit code: 1 where a source could not be read whole.

    Raises:
        Problem: there is no answer.
    """
    if asked.command == "dynamodb":
        return items.run_dynamodb(asked)
    if asked.command == "blame":
        return items.run_blame(asked)
    if getattr(asked, "store", ""):
        from lumitrace.reassembly.cli import store  # noqa: PLC0415  # what others can spare

        return store.run(asked)
    where = Where(
        paths=tuple(asked.paths),
        log_groups=tuple(asked.log_group),
        window=parse_window(asked.since, asked.until),
        account=Account(asked.region, asked.profile, asked.endpoint_url),
        asked=asking.asked(asked),
        state_machines=tuple(asked.state_machine),
        executions=tuple(asked.execution),
    )
    assembled = read(where)
    asked.where = where
    for sentence in assembled.incomplete:
        print(f"lumitrace: {sentence}", file=sys.stderr)  # noqa: T201  # it is a command
    _COMMANDS[asked.command](assembled, asked)
    if asked.log_group and not asked.json:
        Screen().line((where.asked.money.told, "dim"))
    return FAILURE if assembled.incomplete else 0


def _transactions(assembled: Assembled, asked: argparse.Namespace) -> None:
    answer = transactions(assembled, limit=asked.limit, failed=asked.failed)
    if asked.json:
        _json(answer, asked)
    else:
        transactions_page.show(Screen(), answer)


def _show(assembled: Assembled, asked: argparse.Namespace) -> None:
    matches = find(assembled, asked.id)
    _make_whole(assembled, asked, invocations(assembled, matches))
    answer = shown(assembled, matches, raw=asked.raw)
    if answer is None:
        wider = ", or a wider --since" if asked.since else ""
        sentence = f"nothing here is called {asked.id!r}; {NAMED}{wider}"
        raise Problem(sentence)
    if asked.json:
        _json(answer, asked)
    else:
        show_page.show(Screen(), answer)


def _why(assembled: Assembled, asked: argparse.Namespace) -> None:
    whole = functools.partial(_make_whole, assembled, asked)
    answer = why(assembled, id_tag=asked.id_tag, sum_tag=asked.sum_tag, whole=whole)
    answer["seen"] |= {"since": asked.since, "until": asked.until}
    if asked.log_group and not asked.paths:
        answer["seen"]["coverage"] = asking.covered(asked.where, assembled)
    if asked.json:
        _json(answer, asked)
    else:
        why_page.show(Screen(), answer, shlex.join(asked.source))


def _make_whole(assembled: Assembled, asked: argparse.Namespace, attempts: list[Attempt]) -> None:
    """Read all lines of *attempts* where only ours were, and tell of what could not be read."""
    for sentence in make_whole(asked.where, attempts):
        print(f"lumitrace: {sentence}", file=sys.stderr)  # noqa: T201  # it is a command
        assembled.incomplete.append(sentence)


def _json(answer: dict[str, Any], asked: argparse.Namespace) -> None:
    if asked.log_group:
        answer["scanned"] = asked.where.asked.money.answer()
    print(json.dumps(answer, indent=2))  # noqa: T201  # it is a command


_COMMANDS = {"transactions": _transactions, "show": _show, "why": _why}
