"""The commands that read DynamoDB tables: marks, clean, blame."""

import argparse
import base64
import json
import shlex
import sys
from typing import Any

from lumitrace.reassembly.answers.blame import blame
from lumitrace.reassembly.aws import Account
from lumitrace.reassembly.cli import blame_page, marks_page
from lumitrace.reassembly.cli.screen import Screen, one_line
from lumitrace.reassembly.items import marks
from lumitrace.reassembly.items.table import Item, Table
from lumitrace.reassembly.problem import FAILURE, MISUSE, Problem
from lumitrace.reassembly.read import Where, read
from lumitrace.reassembly.sources.window import Window, parse_window
from lumitrace.wire.mark import ATTRIBUTE, mark_ms, parse_mark

AROUND_MS = 15 * 60_000  # the logs around the write that are read where no window is given


def run_dynamodb(asked: argparse.Namespace) -> int:
    """Count the marks of a table, or take them off; return the exit code.

    Raises:
        Problem: there is no such table, or DynamoDB refused.
    """
    table = Table(_account(asked), asked.table)
    if asked.action == "marks":
        census = marks.count(table, 0 if asked.all else asked.sample)
    else:
        start = _start(asked.start)
        live = sys.stderr.isatty() and not asked.json
        census = marks.clean(
            table,
            start=start,
            apply=asked.apply,
            rate=asked.rate,
            progress=_progress if live else _silent,
        )
        if live:
            print(file=sys.stderr)  # noqa: T201  # it is a command
    answer = marks_page.answer(table.facts, census, cleaned=asked.action == "clean" and asked.apply)
    again = _again(asked, census.next_key) if census.stopped else ""
    answer |= {"stopped": census.stopped, "goOn": again}
    if asked.json:
        print(json.dumps(answer, indent=2))  # noqa: T201  # it is a command
    elif asked.action == "marks":
        marks_page.show_count(Screen(), answer)
    else:
        marks_page.show_clean(Screen(), answer, apply=asked.apply, rate=asked.rate)
    return FAILURE if census.stopped else 0


def run_blame(asked: argparse.Namespace) -> int:
    """Say who wrote an item last; return the exit code: 1 where logs could not be read whole.

    Raises:
        Problem: there is no such item, it bears no mark, or a source refused.
    """
    account = _account(asked)
    table = Table(account, asked.table)
    item = _item(table, asked.key)
    named = one_line(table.spelt(item))
    mark: Any = item.get(ATTRIBUTE, {}).get("S")
    if parse_mark(mark) is None:
        sentence = (
            f"the item {named} of {table.name} bears no mark: a writer without lumitrace, or one "
            "whose context stayed out, wrote it"
        )
        raise Problem(sentence)
    assembled = None
    if asked.paths or asked.log_group or asked.state_machine or asked.execution:
        window = parse_window(asked.since, asked.until)
        of_aws = asked.log_group or asked.state_machine
        if of_aws and not asked.since and not asked.until:
            written = mark_ms(mark)
            window = Window(written - AROUND_MS, written + AROUND_MS)
        where = Where(
            tuple(asked.paths),
            tuple(asked.log_group),
            window,
            account,
            state_machines=tuple(asked.state_machine),
            executions=tuple(asked.execution),
        )
        assembled = read(where)
        for sentence in assembled.incomplete:
            print(f"lumitrace: {sentence}", file=sys.stderr)  # noqa: T201  # it is a command
    answer = blame(table.facts, named, mark, assembled)
    if asked.json:
        print(json.dumps(answer, indent=2))  # noqa: T201  # it is a command
    else:
        blame_page.show(Screen(), answer, shlex.join(asked.source))
    return FAILURE if assembled is not None and assembled.incomplete else 0


def _item(table: Table, words: list[str]) -> Item:
    """Return the one item that *words* name.

    Raises:
        Problem: there is none, or more than one.
    """
    found, said = table.named(words), one_line(" ".join(words))
    if not found:
        sentence = f"{table.name} has no item {said}; check the key and --region"
        raise Problem(sentence)
    if len(found) > 1:
        keys = one_line(", or ".join(map(table.spelt, found)))  # strangers may have chosen them
        sentence = f"{table.name} has several items {said}; which one: {keys}"
        raise Problem(sentence, MISUSE)
    return found[0]


def _account(asked: argparse.Namespace) -> Account:
    return Account(asked.region, asked.profile, asked.endpoint_url)


def _start(text: str) -> Item | None:
    if not text:
        return None
    try:
        found = json.loads(text)
        key = {
            name: {kind: _bytes(kind, one)}
            for name, of in found.items()
            for kind, one in of.items()
        }
    except (ValueError, AttributeError):
        sentence = "--from takes the key that an earlier run printed, in quotes"
        raise Problem(sentence, MISUSE) from None
    return key


def _bytes(kind: str, value: Any) -> Any:
    return base64.b64decode(value) if kind == "B" else value


def _again(asked: argparse.Namespace, key: Item | None) -> str:
    """Return the command that goes on where this one stopped."""
    words = ["lumitrace", "dynamodb", asked.action, asked.table]
    words += ["--apply", "--rate", str(asked.rate)] if asked.apply else []
    for option in ("region", "profile", "endpoint_url"):
        if getattr(asked, option):
            words += [f"--{option.replace('_', '-')}", getattr(asked, option)]
    if key is not None:
        spelt = json.dumps(key, default=lambda one: base64.b64encode(one).decode())
        words += ["--from", spelt]
    return shlex.join(words)


def _silent(census: marks.Census) -> None:
    del census


def _progress(census: marks.Census) -> None:
    told = f"\r{census.items:,} items, {census.marked:,} marked, {census.removed:,} cleaned "
    print(told, end="", file=sys.stderr, flush=True)  # noqa: T201  # it is a command
