"""``lumitrace fetch``, ``lumitrace store``, and answers from a store."""

import argparse
import json
import shlex
import sys
from typing import Any

from lumitrace.reassembly.answers import transactions as listed
from lumitrace.reassembly.answers import why as whys
from lumitrace.reassembly.answers.find import NAMED
from lumitrace.reassembly.answers.show import show, shown
from lumitrace.reassembly.aws import Account
from lumitrace.reassembly.cli import figures_page, show_page, transactions_page, why_page
from lumitrace.reassembly.cli.assemble import check_memory
from lumitrace.reassembly.cli.screen import Screen, plural
from lumitrace.reassembly.problem import FAILURE, Problem
from lumitrace.reassembly.sources.cloudwatch.money import size
from lumitrace.reassembly.sources.window import parse_window
from lumitrace.reassembly.store import figures, whole
from lumitrace.reassembly.store.coverage import coverage
from lumitrace.reassembly.store.fetch import Wanted, fetch
from lumitrace.reassembly.store.folder import Folder
from lumitrace.reassembly.store.forget import forget
from lumitrace.reassembly.store.one import one
from lumitrace.reassembly.store.reading import Reading
from lumitrace.reassembly.store.why import why


def run(asked: argparse.Namespace) -> int:
    """Do what was *asked* and return the exit code.

    Raises:
        Problem: it cannot be done.
    """
    try:
        return _run(asked)
    except BrokenPipeError:  # standard output's, no matter of the store
        raise
    except OSError as error:
        if "Out of Memory" in str(error):
            message = "the memory does not suffice for this; give more with --memory 2GB, say"
            raise Problem(message) from None
        said = (error.strerror or str(error)).partition("\n")[0][:200]
        message = f"{asked.store} cannot be used as a store ({said}); make room, or check its "
        message += "permissions"
        raise Problem(message) from None


def _run(asked: argparse.Namespace) -> int:
    if asked.command == "fetch":
        return _fetch(asked)
    folder = Folder.opened(asked.store)
    if asked.command == "store":
        return (_forget if asked.action == "forget" else _info)(folder, asked)
    reading = Reading(folder, parse_window(asked.since, asked.until))
    missing = reading.unmade
    if missing:
        _say(missing)
    _ANSWERS[asked.command](reading, asked)
    return FAILURE if missing else 0


def _fetch(asked: argparse.Namespace) -> int:
    check_memory(asked.memory)
    folder = Folder.created(asked.store)
    if asked.keep is not None:
        folder.set_settings({**folder.settings(), "keepDays": asked.keep})
    wanted = Wanted(
        paths=tuple(asked.paths),
        log_groups=tuple(asked.log_group),
        state_machines=tuple(asked.state_machine),
        executions=tuple(asked.execution),
        window=parse_window(asked.since, asked.until),
        account=Account(asked.region, asked.profile, asked.endpoint_url),
        overlap_ms=asked.overlap * 1000,
        payloads=asked.payloads,
        memory=asked.memory,
    )
    fetched = fetch(folder, wanted, _say if sys.stderr.isatty() else lambda _: None)
    for problem in fetched.problems:
        _say(problem.sentence)
    came = fetched.came
    answer = {
        "read": came.events,
        "new": came.new,
        "older": came.old,
        "unplaced": came.unplaced,
        "skipped": fetched.counts.skipped,
        "broken": fetched.counts.broken,
        "hoursRemoved": fetched.removed,
        "metrics": fetched.money.metrics,
        "usd": f"{fetched.money.usd:f}",
        "incomplete": [problem.sentence for problem in fetched.problems],
    }
    if asked.json:
        _json(answer)
    else:
        _told(Screen(), answer, folder)
    return FAILURE if fetched.problems else 0


def _told(screen: Screen, answer: dict[str, Any], folder: Folder) -> None:
    screen.line(f"{plural(answer['read'], 'log event')} read, {answer['new']:,} new")
    days = folder.settings()["keepDays"]
    if answer["older"]:
        told = f"{answer['older']:,} are older than the {days} days that the store keeps, and were "
        screen.line((f"{told}left out; --keep says how long", "yellow"))
    if answer["unplaced"]:
        told = f"{answer['unplaced']:,} say no time or are too long, and were left out"
        screen.line((told, "yellow"))
    if answer["skipped"]:
        screen.line((f"{answer['skipped']:,} pieces are no log events", "yellow"))
    if folder.hours():
        again = shlex.join(["lumitrace", "why", "--store", str(folder.path)])
        screen.line("ask:  ", (again, "cyan"))


def _info(folder: Folder, asked: argparse.Namespace) -> int:
    hours = folder.hours()
    rows = [
        {
            "hour": hour.name,
            "bytes": _bytes(folder, hour.number),
            "transactions": hour.facts.get("transactions", 0),
            "events": hour.facts.get("events", 0),
            "upToDate": not hour.stale,
        }
        for hour in hours
    ]
    keep = folder.settings()["keepDays"]
    if asked.json:
        _json({"keepDays": keep, "hours": rows})
        return 0
    screen = Screen()
    kept = f"kept for {plural(keep, 'day')}" if keep else "kept for ever"
    total = size(sum(int(row["bytes"]) for row in rows))
    screen.line(f"{plural(len(rows), 'hour')}, {total}, {kept}")
    if rows:
        cells = [
            [
                str(row["hour"]),
                size(int(row["bytes"])),
                f"{row['events']:,}",
                f"{row['transactions']:,}",
                "" if row["upToDate"] else "not put together yet",
            ]
            for row in rows
        ]
        screen.columns([["hour (UTC)", "size", "events", "transactions", ""], *cells], [""] * 5)
    return 0


def _forget(folder: Folder, asked: argparse.Namespace) -> int:
    name, value = asked.where
    forgotten = forget(folder, name, value)
    answer = {"transactions": forgotten.transactions, "events": forgotten.events}
    if asked.json:
        _json(answer)
    else:
        told = f"{plural(forgotten.transactions, 'transaction')} had {name}={value}; "
        Screen().line(f"{told}{plural(forgotten.events, 'log event')} removed")
    return 0


def _bytes(folder: Folder, hour: int) -> int:
    return sum(one.stat().st_size for one in folder.place(hour).rglob("*") if one.is_file())


def _show(reading: Reading, asked: argparse.Namespace) -> None:
    read = whole.beside(reading, asked.id)
    if read is not None:
        answer = show(read, asked.id, raw=asked.raw)
    else:
        named, assembled = one(reading, asked.id)
        answer = shown(assembled, named, raw=asked.raw)
    if answer is None:
        sentence = f"nothing in {asked.store} is called {asked.id!r}; {NAMED}, or fetch the hour "
        sentence += "in which it happened"
        raise Problem(sentence)
    if asked.json:
        _json(answer)
    else:
        show_page.show(Screen(), answer)


def _why(reading: Reading, asked: argparse.Namespace) -> None:
    tags = {"id_tag": asked.id_tag, "sum_tag": asked.sum_tag}
    if whole.needed(reading):
        answer = whys.why(whole.assembled(reading), **tags)
    else:
        answer = why(reading, **tags)
    answer["seen"] |= {"since": asked.since, "until": asked.until, "coverage": coverage(reading)}
    if asked.json:
        _json(answer)
    else:
        why_page.show(Screen(), answer, shlex.join(asked.source))


def _transactions(reading: Reading, asked: argparse.Namespace) -> None:
    many = {"limit": asked.limit, "failed": asked.failed}
    if whole.needed(reading):
        answer = listed.transactions(whole.assembled(reading), **many)
    else:
        answer = figures.transactions(reading, **many)
    if asked.json:
        _json(answer)
    else:
        transactions_page.show(Screen(), answer)


def _functions(reading: Reading, asked: argparse.Namespace) -> None:
    answer = figures.functions(reading)
    if asked.json:
        _json(answer)
    else:
        figures_page.functions(Screen(), answer)


def _issues(reading: Reading, asked: argparse.Namespace) -> None:
    if whole.needed(reading):
        answer = whole.issues(whole.assembled(reading))
    else:
        answer = figures.issues(reading)
    if asked.json:
        _json(answer)
    else:
        figures_page.issues(Screen(), answer)


def _json(answer: dict[str, Any]) -> None:
    print(json.dumps(answer, indent=2))  # noqa: T201  # it is a command


def _say(sentence: str) -> None:
    print(f"lumitrace: {sentence}", file=sys.stderr)  # noqa: T201  # it is a command


_ANSWERS = {
    "functions": _functions,
    "issues": _issues,
    "show": _show,
    "transactions": _transactions,
    "why": _why,
}
