"""What differs between a bare function and a wrapped one, as findings: a row, a place, a text."""

import difflib
import json
import re
import signal
from collections import Counter

import cases
from tests.twin.twins import CAUSE, TIME, where

NAMES = {  # of what `tests/twin/host.py` writes down of the process
    "environment": cases.ENVIRONMENT,
    "random": cases.RANDOM,
    "threads": cases.THREADS,
    "signals": cases.ALARM,
    "timer": cases.ALARM,
    "files": cases.FILES,
}
# What a message attribute or an expression is made of, beside its name.
FORM = {
    "MessageAttributes", "DataType", "StringValue", "BinaryValue", "ExpressionAttributeNames",
    "ExpressionAttributeValues",
}  # fmt: skip
LINE = re.compile(rb"\n|(?=<[0-9a-f]{2}>)")  # or a frame of the runtime client's
MAX_TEXT = 300  # characters of a finding


class Finding:
    """One difference.

    Attributes:
        row: what could be noticed.
        case: the handler and the event.
        short: a word or a number for the table.
        detail: all of it, for people.
    """

    __slots__ = ("case", "detail", "row", "short")

    def __init__(self, row, case, short, detail=""):
        self.row, self.case, self.short = row, case, short
        self.detail = str(detail)[:MAX_TEXT].replace("\n", " ")


def differences(case, bare, twin):
    """Return the findings of *case*: the `Outcome` *twin* against *bare*."""
    name = f"{case.handler}{list(case.events)[1:2] if case.row == cases.DEATHS else ''}"
    found = list(_answers(case, name, bare, twin))
    one, other = bare.seen["exit code"], twin.seen["exit code"]
    if one != other and (case.row == cases.DEATHS or not found):
        found.append(Finding(case.row, name, f"{one} → {other}", f"ends with {other}"))
    if case.row == cases.STACK:
        return [it for it in found if it.row == cases.STACK]
    found += _process(name, bare, twin)
    if case.is_said:
        found += _said(name, bare, twin)
    return [*found, *_requests(case, name, bare, twin)]


def _by_event(outcome):
    found = {}
    for path, told, body in outcome.seen["posted"]:
        *_, request, kind = path.split("/")
        found[request] = kind, told, body
    return found


def _answers(case, name, bare, twin):
    mine, theirs = _by_event(bare), _by_event(twin)
    for request, (kind, told, body) in mine.items():
        number = request.rpartition("-")[2]
        event = case.events[int(number) - 1] if number.isdigit() and int(number) else request
        at = f"{name} {str(event)[:60]}"
        if request not in theirs:
            yield Finding(case.row, at, "no answer", f"it ends with {twin.seen['exit code']}")
            continue
        their_kind, their_told, their_body = theirs[request]
        if (kind, their_kind) == ("response", "error"):
            row = cases.EVENT if case.row == cases.GIVEN else case.row
            yield Finding(row, at, "fails", their_body[:MAX_TEXT].decode("utf-8", "replace"))
        elif kind != their_kind:
            yield Finding(case.row, at, f"{kind} → {their_kind}", their_body[:MAX_TEXT])
        elif kind == "error":
            yield from _errors(at, (told, body), (their_told, their_body))
        elif body != their_body:
            short = cases.WORDS.get(case.handler, "differs")
            yield Finding(case.row, at, short, where(body, their_body))


def _errors(at, one, other):
    """Yield how the error that was posted differs: by frames, or by more."""
    (told, body), (their_told, their_body) = one, other
    mine, theirs = json.loads(body), json.loads(their_body)
    frames, their_frames = mine.pop("stackTrace", []), theirs.pop("stackTrace", [])
    more = [line for line in their_frames if line not in frames]
    if frames != their_frames:
        yield Finding(cases.FRAMES, at, len(their_frames) - len(frames), more)
    mine.pop("requestId", None)
    theirs.pop("requestId", None)
    if mine != theirs:
        yield Finding(cases.ERRORS, at, "differs", where(mine, theirs))
    elif frames == their_frames and told[CAUSE] != their_told[CAUSE]:
        yield Finding(cases.ERRORS, at, "cause", where(told[CAUSE], their_told[CAUSE]))


def _process(name, bare, twin):
    """Yield what of the process is not as in the bare one, each thing once."""
    seen = set()
    for number, pair in enumerate(zip(bare.seen["process"], twin.seen["process"], strict=False)):
        mine, theirs = map(json.loads, pair)
        for what in mine:
            if mine[what] == theirs[what] or what in seen:
                continue
            seen.add(what)
            short, detail = _state(mine[what], theirs[what])
            row = NAMES.get(what, cases.PROCESS)
            when = "when loaded" if not number else f"after event {number}"
            word = what if row == cases.PROCESS else cases.WORDS.get(what, short)
            yield Finding(row, f"{name}, {when}", word, f"{what}: {detail}")


def _state(mine, theirs):
    """Return a word or number and the whole of what differs."""
    if isinstance(mine, dict):
        names = [key for key in {**mine, **theirs} if mine.get(key) != theirs.get(key)]
        told = {key: (mine.get(key), theirs.get(key)) for key in names}
        shown = [signal.Signals(int(it)).name if it.isdigit() else it for it in names]
        return ", ".join(sorted(shown)), told
    if isinstance(mine, list) and all(isinstance(it, str) for it in [*mine, *theirs]):
        more, less = Counter(theirs) - Counter(mine), Counter(mine) - Counter(theirs)
        return more.total() - less.total(), f"more: {sorted(more)}, fewer: {sorted(less)}"
    return "changed", (mine, theirs)


def _lines(outcome):
    for what in ("stdout", "stderr", "runtime's log"):
        yield from (it for it in LINE.split(TIME.sub(b"<time>", outcome.seen[what])) if it)


def _said(name, bare, twin):
    """Yield the lines of the function's own that are missing or not the same."""
    mine, theirs = list(_lines(bare)), list(_lines(twin))
    less = list((Counter(mine) - Counter(theirs)).elements())
    for line in less:
        near = difflib.get_close_matches(repr(line), map(repr, set(theirs) - set(mine)), 1, 0.5)
        yield Finding(cases.OUTPUT, name, "line", f"{line!r} is {(near or ['missing'])[0]}")


def own_lines(case, bare, twin):
    """Return how many lines and bytes *twin* wrote beyond those of *bare*, an invocation."""
    more = list((Counter(_lines(twin)) - Counter(_lines(bare))).elements())
    written = len(b"".join(more)) + len(more)
    lines = len(more) + len(twin.lines)
    written += sum(len(json.dumps(it, separators=(",", ":"))) + 1 for it in twin.lines)
    return lines / len(case.events), written / len(case.events)


def _requests(case, name, bare, twin):
    """Yield how the requests to AWS differ: how many, by headers, and by what is in the body."""
    one, other = len(bare.requests), len(twin.requests)
    if one != other and case.row == cases.STRICT:
        return  # it failed before
    if one != other:
        yield Finding(cases.COUNTED, name, f"{other} for {one}", f"{other} requests, bare: {one}")
        return
    for mine, theirs in zip(bare.requests, twin.requests, strict=True):
        at = f"{name} {mine.service} {mine.operation}"
        (*_, kept, body), (*_, their_kept, their_body) = (
            mine.same_for_each(),
            theirs.same_for_each(),
        )
        sized = body != their_body
        names = _names(kept, their_kept, sized=sized)
        for header in names:
            yield Finding(cases.HEADERS, at, header, f"{header}: {theirs.header(header.encode())}")
        if sized:
            added = sorted(_keys(theirs.params) - _keys(mine.params) - FORM) or ["differs"]
            for word in added:
                yield Finding(cases.BODIES, at, word, where(body, their_body))


def _names(kept, theirs, *, sized):
    """Return the names of headers that are not the same."""
    out = {b"content-length", b"x-amz-content-sha256", b"content-md5"} if sized else set()
    out.add(b"x-amz-checksum-crc32")
    differing = {key.lower() for key, _ in set(kept) ^ set(theirs)}
    return sorted(name.decode() for name in differing - out)


def _keys(value):
    """Return the names of members, at any depth, that are not the SDK's own."""
    if isinstance(value, dict):
        return set(value) | {name for inner in value.values() for name in _keys(inner)}
    return {name for inner in value for name in _keys(inner)} if isinstance(value, list) else set()
