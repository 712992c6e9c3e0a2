"""Another tracer alone, and with lumitrace beside it: what could be told, and what is twice."""

import json
import re
from collections import Counter
from urllib.parse import parse_qsl

from tests.twin.injection import asked
from tests.twin.servers import ROOT
from tests.twin.twins import ALIVE, where

CONTRACT = ROOT / "benchmarks" / "contract"
FOLDERS = (CONTRACT / "apps", CONTRACT / "functions")
APP = "app.handler"
# How `apps/app.py` puts lumitrace there: when it patches, and where it stands. `layer` is first and
# outermost too.
ORDERS = ("first inside", "first outside", "last inside", "last outside", "layer")
SETTINGS = {
    "_HANDLER": APP,
    "LUMITRACE_AUTO": "1",
    "LUMITRACE_HTTP_HOSTS": "127.0.0.1",
    "CONTRACT_CLIENTS": "sqs sns lambda events",
    # Datadog tells which modules took long to load, and ours are some of them.
    "DD_COLD_START_TRACING": "false",
}
MAX_ATTRIBUTES = (
    10  # a message: https://docs.aws.amazon.com/sns/latest/dg/sns-message-attributes.html
)
# What a tracer draws or measures anew: ids, times, durations, sizes; and the numbers of sockets.
ANEW = re.compile(
    rb"\b[0-9a-fA-F]{8,32}(?:-[0-9a-f]{4,}){0,5}\b|\b\d+\.\d+(?:e-\d+)?\b|\b\d{6,}\b|\b0x[0-9a-f]+"
    rb'|eyJ[\w+/=]{20,}|tracer-info-\w+|\d+ (?=socket)|(?<="process_id": )\d+'
)
TRACEPARENT = re.compile(rb"00-[0-9a-f]{32}-[0-9a-f]{16}-([0-9a-f]{2})(?![0-9a-f])")
LINES = re.compile(rb"\n|(?=<[0-9a-f]{2}>)")
CONTEXTS = {"traceparent", "_datadog"}


def environment(handler, peer, ours=""):
    """Return what is set for *handler*, wrapped by *peer*, with lumitrace as *ours* says."""
    named = {"CONTRACT_CASE": handler, "CONTRACT_PEER": peer, "CONTRACT_LUMITRACE": ours}
    return {**SETTINGS, **named}


def differences(alone, both):
    """Yield what somebody could tell of *both* against *alone*, and what is there twice."""
    for what, mine in alone.seen.items():
        one, other = (_plain(what, it) for it in (mine, both.seen[what]))
        if one != other:
            yield f"{what}: {where(one, other)}"
    records = Counter(line["record"] for line in both.lines)
    begun = any("/invocation/" in path for path, _, _ in both.posted)
    ended = begun and alone.seen["exit code"] == ALIVE
    if begun > records["start"] or ended > records["invocation"]:
        yield f"lumitrace does not tell of it: {records}"
    yield from (f"health: {it['message']}" for it in both.lines if it["record"] == "health")
    if len(alone.requests) != len(both.requests):
        yield f"{len(both.requests)} requests to AWS, alone: {len(alone.requests)}"
        return
    for one, other in zip(alone.requests, both.requests, strict=True):
        mine, theirs = (ANEW.sub(b"#", repr(it).encode()) for it in asked(one, other))
        if mine != theirs:
            yield f"a request: {where(mine, theirs)}"
        if _flags(one) - _flags(other):
            yield f"{other.operation}: another context stands where the other tracer's stood"
        yield from twice(other)


def _flags(request):
    """Return the flags of each context in *request*; ours are never those of OpenTelemetry."""
    return Counter(TRACEPARENT.findall(repr((request.headers, request.body)).encode()))


def _plain(what, value):
    """Return *value* without what is anew each time; of output, the lines in no order."""
    data = ANEW.sub(b"#", value if isinstance(value, bytes) else repr(value).encode())
    if what in ("stdout", "stderr", "runtime's log"):
        return sorted(LINES.split(data))
    return data


def twice(request):
    """Yield what stands more than once in *request* and may stand there once."""
    names = Counter(name.lower() for name, _ in request.headers)
    yield from (f"the header {name} is there twice" for name, n in names.items() if n > 1)
    for members in _members(request.body):
        again = [name for name, n in Counter(map(str.lower, members)).items() if n > 1]
        if again:
            yield f"{request.operation}: {again} are there twice"
        if len(members) > MAX_ATTRIBUTES and CONTEXTS & set(members):
            yield f"{request.operation}: {len(members)} attributes"


def _members(body):
    """Return the names in each object of a JSON *body*, or in each map of a form."""
    found = []
    if body.startswith(b"{"):
        json.loads(body, object_pairs_hook=lambda pairs: found.append([key for key, _ in pairs]))
        return found
    places = {}
    for key, value in parse_qsl(body.decode("latin-1")):
        place, entry, rest = key.rpartition(".entry.")
        if entry and rest.endswith(".Name"):
            places.setdefault(place, []).append(value)
    return list(places.values())
