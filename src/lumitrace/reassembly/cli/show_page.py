"""``lumitrace show``, printed."""

import json
from typing import Any

from lumitrace.reassembly.answers.describe import SHORT_ID
from lumitrace.reassembly.cli import stack_page
from lumitrace.reassembly.cli.screen import (
    Screen,
    clock,
    date,
    milliseconds,
    one_line,
    plural,
    safe,
)
from lumitrace.reassembly.model import INVOCATION, PLATFORM
from lumitrace.wire.span_line import LAST_WRITER

ORIGINS = {
    "ttl": "expired by TTL",
    "replica": "replicated from another region",
    "copy": "copied from another table",
}
OTHERS = 10  # matches listed by name
_SOURCE = 36  # columns, at most
_TIME = 14  # columns


def show(screen: Screen, answer: dict[str, Any]) -> None:
    """Print the transaction, its stack, its spans and its log lines."""
    _matches(screen, answer)
    transaction = answer["transaction"]
    if transaction is None:
        screen.line("No span lines: this function does not write them. Its log lines:")
    else:
        _head(screen, transaction, answer["traces"])
        _doubts(screen, answer["doubts"])
        _relations(screen, answer["relations"])
        _candidates(screen, answer["candidates"])
        _read_from(screen, answer["readFrom"])
        screen.line()
        stack_page.show(screen, answer["stack"])
        screen.line()
        _spans(screen, answer["spans"])
    screen.line()
    _logs(screen, answer["logs"])


def _matches(screen: Screen, answer: dict[str, Any]) -> None:
    matches = answer["matches"]
    if len(matches) < 2:
        return
    told = (
        f"{len(matches)} transactions match by {answer['matchedBy']}; the first of these is shown:"
    )
    screen.line(told)
    rows = [
        [one["id"][:SHORT_ID], date(one["startUs"]), one["state"], one["entry"]]
        for one in matches[:OTHERS]
    ]
    screen.columns(rows, ["cyan", "dim", "bold", ""])
    if len(matches) > OTHERS:
        screen.line((f"and {len(matches) - OTHERS} more: --json lists them all", "dim"))
    screen.line()


def _head(screen: Screen, transaction: dict[str, Any], traces: list[str]) -> None:
    style = "green" if transaction["state"] in {"ok", "recovered"} else "red"
    screen.line(("transaction  ", "bold"), transaction["id"], "  ", (transaction["state"], style))
    lasted = milliseconds(transaction["durationUs"])
    screen.line(f"{transaction['entry']}, {date(transaction['startUs'])} UTC, {lasted}")
    if transaction["tags"]:
        told = " ".join(f"{key}={value}" for key, value in transaction["tags"].items())
        screen.line(told, hang=4)
    if len(traces) > 1:
        screen.line((f"traces  {' '.join(traces)}", "dim"), hang=8)
    if transaction["cut"]:
        screen.line(("cut: the walk was stopped by its guard; more may belong to it", "yellow"))


def _doubts(screen: Screen, found: dict[str, Any]) -> None:
    """Print what the transaction leaves open."""
    if found["unread"]:
        senders = plural(len(found["unread"]), "span")
        screen.line((f"incomplete: {senders} named as sender or parent not read", "yellow"))
    if found["beginnings"]:
        requests = ", ".join(found["beginnings"][:OTHERS])
        told = f"{len(found['beginnings'])} requests begin here under one trace id"
        screen.line((f"{told}, and may be strangers: {requests}", "yellow"), hang=4)


def _relations(screen: Screen, found: list[dict[str, Any]]) -> None:
    """Print what the transaction relates to; it is not caused by it."""
    for one in found:
        named = one["key"] or f"trace {one['traceId']} span {one['spanId']}"
        held = ", ".join(other[:SHORT_ID] for other in one["transactions"][:OTHERS])
        told = f" (transaction {held})" if held else ""
        how = "item last written by" if one["relation"] == LAST_WRITER else f"{one['relation']} of"
        said = f"{one['function']}: {how} {named}{told}; joins nothing"
        screen.line((one_line(said), "dim"), hang=4)


def _candidates(screen: Screen, found: list[dict[str, Any]]) -> None:
    """Print who may have written what a stream showed, where several may; none is picked."""
    for one in found:
        writers = one["writers"]
        told = [
            f"{writer['function']} {writer['call']}"
            f" ({', '.join(other[:SHORT_ID] for other in writer['transactions'][:OTHERS])})"
            for writer in writers[:OTHERS]
        ]
        more = f" and {len(writers) - OTHERS} more" if len(writers) > OTHERS else ""
        several = f"one of {len(writers)} possible writers"
        alone = "a possible writer, which fits another change too"
        how = several if len(writers) > 1 else alone
        said = f"{one['function']}: {how}: {', '.join(told)}{more}"
        screen.line((one_line(said), "yellow"), hang=4)


def _read_from(screen: Screen, found: list[dict[str, Any]]) -> None:
    """Print who wrote last what the transaction read: it was not caused by them."""
    for one in found[:OTHERS]:
        writer = one["writer"]
        release = f" release {writer['release']}" if writer["release"] else ""
        held = ", ".join(other[:SHORT_ID] for other in one["transactions"][:OTHERS])
        who = f"{writer['function']}{release}" if writer["function"] else "a writer not read here"
        which = f"transaction {held}" if held else f"trace {one['traceId']}"
        items = f"{one['items']:,} items" if one["items"] > 1 else "an item"
        said = f"{one['function']}: {one['call']} read {items} last written by {who} ({which})"
        screen.line((one_line(said), "dim"), hang=4)
    if len(found) > OTHERS:
        screen.line((f"and {len(found) - OTHERS} more writers: --json lists them all", "dim"))


def _spans(screen: Screen, spans: list[dict[str, Any]]) -> None:
    screen.line(("spans", "bold"))
    told = {_cause(span) for span in spans if span["failure"] and span["role"] != INVOCATION}
    for span in spans:
        times = f"  {span['offsetUs'] / 1000:>+10,.1f}  {milliseconds(span['durationUs']):>12}  "
        indent = "  " * min(span["depth"], 40)
        style = "bold" if span["role"] == "invocation" else ""
        name = f"{span['service']} {span['name']}"
        screen.line(
            (times, "dim"),
            indent,
            (one_line(name), style),
            _notes(span),
            _failure(span, told),
            hang=len(times) + len(indent) + 2,
        )
        for field, text in span["payloads"].items():
            head = f"{'':{len(times)}}{indent}  {field:7}"
            screen.line((head, "dim"), one_line(_readable(text)), hang=len(head))


def _readable(text: str) -> str:
    """Return a JSON text with its letters as they are; what is none stays as it is."""
    try:
        return json.dumps(json.loads(text), ensure_ascii=False)
    except (ValueError, RecursionError):
        return text


def _notes(span: dict[str, Any]) -> tuple[str, str]:
    notes = [
        f"attempt {span['attempt']}" if span["attempt"] else "",
        f"shared by {span['sharedBy']}" if span["sharedBy"] else "",
        f"received {span['received']} times" if span["received"] > 1 else "",
        f"[{span['witness']}]" if span["witness"] else "",
        *span["init"],
        *(_origin(origin, count) for origin, count in span["origins"].items()),
        f"{span['tries']} tries" if span["tries"] > 1 else "",
        f"{span['count']:,} in all, told in a sum" if span["count"] else "",
        "the history names no request" if span["unnamed"] else "",
        "announced, end not written" if span["open"] else "",
        "suspended, goes on later" if span["suspended"] else "",
        "" if span["ended"] else "not ended yet",
        "writes no span lines" if span["silent"] else "",
    ]
    told = "  ".join(note for note in notes if note)
    return (f"  {told}" if told else "", "cyan")


def _origin(origin: str, count: int) -> str:
    """Say what caused a change that no call to its table did."""
    told = ORIGINS.get(origin, origin)
    return f"{count} {told}" if count > 1 else told


def _cause(span: dict[str, Any]) -> tuple[str, str]:
    return span["requestId"], span["failure"]["message"]


def _failure(span: dict[str, Any], told: set[tuple[str, str]]) -> tuple[str, str]:
    """Return why *span* failed; a handler does not repeat what its call has *told*."""
    failure = span["failure"]
    if not failure:
        return ("", "")
    if span["role"] == INVOCATION and _cause(span) in told:
        return (f"  ✗ {failure['type']}", "red")
    stopped = f" ({span['stopped']})" if span["stopped"] else ""
    said = f"{failure['type']}: {one_line(failure['message'])}".rstrip(": ")
    return (f"  ✗ {said}{stopped}", "red")


def _logs(screen: Screen, lines: list[dict[str, Any]]) -> None:
    screen.line(("logs", "bold"))
    sources = [_source(line) for line in lines]
    width = min(_SOURCE, max(map(len, sources), default=0))
    screen.line((f"{'time (UTC)':12}  {'source':{width}}  message", "dim"))
    for line, source in zip(lines, sources, strict=True):
        style = "dim" if line["origin"] == PLATFORM else ""
        first, *rest = safe(line["message"]).expandtabs(4).split("\n")
        head = f"{clock(line['timeMs'] * 1000):12}  {source:{width}}  "
        room = screen.width
        hang = len(head) if room is None or 2 * len(head) <= room else _TIME
        screen.line((head, "dim"), (first, style), hang=hang)
        for more in rest:
            indent = len(more) - len(more.lstrip())
            screen.line(" " * hang, (more, style), hang=hang + indent + 2)


def _source(line: dict[str, Any]) -> str:
    attempt = f" {line['attempt']}" if line["attempt"] else ""
    return one_line(f"{line['source']}{attempt}")
