"""Every function of the capture is made to raise, and the host does not notice."""

import contextlib
import itertools
import json
import os
import random
import zlib
from importlib.util import find_spec

import pytest
from tests.twin.faults import KINDS, ROOMS, door_of
from tests.twin.injection import asked, is_marked
from tests.twin.plays import ENVIRONMENT, LIBRARIES, PLAYS, headers_of
from tests.twin.seams import BUILT, DOORS, TELLING, UNREACHED, WORN
from tests.twin.servers import ROOT
from tests.twin.twins import ALIVE, Twins, pieces, same, where

from lumitrace.reassembly.deploy.layer import PTH

SWEEP = os.environ.get("TWIN_SWEEP", "")  # "all": every function in every play that calls it
# Another sample with each change of what is broken, and the same in each run of the same code.
BROKEN = [ROOT / "src" / room.replace(".", "/") for room in ROOMS]
SOURCES = b"".join(path.read_bytes() for room in BROKEN for path in sorted(room.rglob("*.py")))
SEED = int(os.environ.get("TWIN_SEED", zlib.crc32(SOURCES)))
ROUNDS = int(os.environ.get("TWIN_ROUNDS", "60"))  # of random faults
ODDS = (5, 30, 200)
EARLY = [{}, {"fails": True}]
STARTING = {**ENVIRONMENT, "LUMITRACE_HANDLER": "zero.handler", "LUMITRACE_AUTO": "1"}
WAYS = {
    "decorated": ("early.handler", {}),
    "layer": ("zero.handler", {"pth": PTH}),
    "by name": ("lumitrace.handler", {}),
}


@pytest.fixture(scope="module")
def stage(tmp_path_factory):
    """Return twins that have loaded the libraries of every play."""
    twins = Twins(tmp_path_factory.mktemp("faults"), LIBRARIES)
    yield twins
    twins.stop()


def run(stage, events, *, traced, **more):
    """Run the handler that does everything."""
    events = [(json.dumps(it).encode(), headers_of(it)) for it in events]
    return stage.run(
        "wide.handler", events, traced=traced, environment=ENVIRONMENT, marked=True, **more
    )


@pytest.fixture(scope="module")
def bare(stage):
    """Return what each play looks like without us, and the state of the process."""
    outcome = run(stage, [*PLAYS, *PLAYS[-1:]], traced=False)
    assert outcome.seen["exit code"] == ALIVE, outcome.seen["stderr"]
    return list(pieces(outcome)), unnumbered(outcome.noted[-1])


def unnumbered(state):
    """Return the *state* of a process; which number a file has depends on what ran before."""
    known = json.loads(state)
    names = [name.split(" ", 1)[1] for name in known["files"]]
    files = [name for name in names if name not in ("socket", "anon_inode")]  # kept by libraries
    return {**known, "files": sorted(files)}


@pytest.fixture(scope="module")
def looked(stage):
    """Return the names of all functions of ours, those in others, and what each play calls."""
    plan = ["look"] * len(PLAYS)
    outcome = run(stage, PLAYS, traced=True, faults=plan, doors=sorted(DOORS))
    first, *records = _records(outcome)
    return first["known"], first["inner"], [it["called"] for it in records]


def _records(outcome):
    text = (outcome.folder / "faults").read_text("utf-8")
    return [json.loads(line) for line in text.splitlines()]


def play(stage, bare, steps):
    """Run the *steps*, pairs of a play's number and its faults; return what went wrong."""
    wrong = []
    plan = [*(faults for _, faults in steps), None]
    events = [*(PLAYS[number] for number, _ in steps), PLAYS[-1]]
    outcome = run(stage, events, traced=True, faults=plan, doors=sorted(DOORS))
    if outcome.seen["exit code"] != ALIVE:
        wrong.append(f"the process has ended: {outcome.seen['exit code']}")
    records, found = _records(outcome)[1:], pieces(outcome)
    for (number, faults), (texts, requests), record in zip(steps, found, records, strict=False):
        what = f"{faults} in play {number} {PLAYS[number]['does']}"
        seen, asked_for = bare[0][number]
        if texts != seen:
            wrong.append(f"{what}: {_first(seen, texts)}")
        wrong += [f"{what}: {it}" for it in differences(asked_for, requests)]
        if record["stuck"]:
            wrong.append(f"{what}: the invocation is not over")
    left = unnumbered(outcome.noted[-1])
    if not wrong and left != bare[1]:
        wrong.append(f"the process is another: {where(bare[1], left)}")
    return outcome, records, wrong


def differences(bare, twin):
    """Yield how the requests of the *twin* differ; one that was refused with our mark may."""
    twice = [pair for pair in itertools.pairwise(twin) if again(*pair)]
    twin = [one for one in twin if one not in [first for first, _ in twice]]
    if len(twin) != len(bare):
        yield f"{len(twin)} requests, not {len(bare)}: {[it.operation for it in twin]}"
        return
    for first, second in zip(bare, twin, strict=True):
        one, other = asked(first, second)
        if second in [after for _, after in twice]:  # it says that it is the second attempt
            one, other = ((*it[:2], _uncounted(it[2]), *it[3:]) for it in (one, other))
        if one != other:
            yield f"another request: {where(one, other)}"


def _uncounted(headers):
    return [pair for pair in headers if pair[0] != b"amz-sdk-request"]


def again(one, after):
    """Tell whether *after* is the request *one*, refused, sent again without our mark."""
    if not is_marked(one) or is_marked(after):
        return False
    refused = any(word in one.path + one.body for word in (b"deny", b'"cancel"'))
    return refused and one.path == after.path and one.operation == after.operation


def _first(one, other):
    return next(
        (f"{b[-300:]} not {a[-300:]}" for a, b in zip(one, other, strict=True) if a != b), ""
    )


def _place(name):
    return name.partition(" ")[0].rpartition("/")[2]


def steps_of(called):
    """Return pairs of a play and a function to break in it: every pair, or a sample of functions.

    The sample is a third of all, another by `SEED`; each function in one play that calls it.
    """
    chance, steps = random.Random(SEED), []  # noqa: S311  # repeatable
    for number, name in enumerate(sorted(set().union(*called))):
        where = [play for play, names in enumerate(called) if name in names]
        if door_of(name) in DOORS:
            continue
        if SWEEP == "all":
            steps += [(play, [name]) for play in where]
        elif (number + SEED) % 3 == 0:
            steps.append((chance.choice(where), [name]))
    return sorted(steps)


def test_each_function_raises(stage, bare, looked):
    """One at a time: the twins stay alike, and a line names it."""
    _, inner, called = looked
    steps = steps_of(called)

    outcome, records, wrong = play(stage, bare, steps)

    assert wrong == [], f"TWIN_SEED={SEED}"
    hit = {name for record in records for name in record["hit"]}.difference(inner)
    told = " ".join(line["message"] for line in outcome.lines if line["record"] == "health")
    silent = [name for name in sorted(hit) if f"Fault in {_place(name)}" not in told]
    assert {door_of(name) for name in silent} <= TELLING
    assert len(hit) > 100


@pytest.mark.parametrize("kind", KINDS)
def test_functions_raise_at_random(stage, bare, kind):
    """Calls of ours fail here and there, another one each time; memory and stack run out too."""
    chance = random.Random(SEED)  # noqa: S311  # repeatable
    count = 40 * len(PLAYS) if SWEEP == "all" else ROUNDS
    chosen = [(chance.randrange(len(PLAYS)), chance.choice(ODDS)) for _ in range(count)]
    steps = [(number, [odds, chance.randrange(1 << 30), kind]) for number, odds in chosen]

    _, records, wrong = play(stage, bare, steps)

    assert wrong == [], f"TWIN_SEED={SEED}"
    assert any(record["hit"] for record in records)


def test_two_functions_raise_at_once(stage, bare, looked):
    """What writes down that one has failed may fail itself."""
    known, _, called = looked
    telling = [name for name in known if door_of(name) in TELLING]
    [broken] = [name for name in known if door_of(name) == "invocation.py begin"]
    where = next(number for number, names in enumerate(called) if broken in names)

    _, records, wrong = play(stage, bare, [(where, [broken, name]) for name in telling])

    assert wrong == []
    assert [len(record["hit"]) for record in records[:3]] == [2, 2, 2]


@pytest.fixture(scope="module")
def started(twins):
    """Return what each way in calls while the function starts."""
    return {way: at_start(twins, way, "look")[0]["called"] for way in WAYS}


def at_start(twins, way, name):
    """Start the function by *way* with the function *name* broken; return records and outcome."""
    handler, more = WAYS[way]
    outcome = twins.run(
        handler, EARLY, traced=True, environment=STARTING, start=name, doors=sorted(DOORS), **more
    )
    return *_records(outcome), outcome


def test_functions_raise_while_the_function_starts(twins, started):
    """Decorated, by the layer and by name: it is imported and runs as without us."""
    chance, spared = random.Random(SEED), DOORS | BUILT | WORN  # noqa: S311  # repeatable
    pairs = [(way, name) for way, names in started.items() for name in names]
    pairs = [(way, name) for way, name in pairs if door_of(name) not in spared]
    chosen = pairs if SWEEP == "all" else chance.sample(pairs, 6)
    bare = {
        handler: twins.run(handler, EARLY, traced=False, environment=STARTING)
        for handler in ("zero.handler", "early.handler")
    }

    for way, name in chosen:
        record, outcome = at_start(twins, way, name)
        assert record["hit"] == [name]
        theirs = bare["early.handler" if way == "decorated" else "zero.handler"]
        with explained(f"{way}, {name}, TWIN_SEED={SEED}"):
            same(theirs, outcome)


@contextlib.contextmanager
def explained(what):
    """Say in which case it fails."""
    try:
        yield
    except AssertionError as error:
        error.args = (f"{what}: {error}",)
        raise


def test_what_no_play_calls(looked, started):
    """Each function is called, or stands in a list with the reason; the list shall not grow."""
    if not all(find_spec(name.partition(".")[0]) for name in LIBRARIES):
        pytest.skip("a library that plays need is not installed")
    known, inner, called = looked
    reached = set().union(*called, *started.values())

    missing = {door_of(name) for name in {*known, *inner} - reached}

    missing = missing - DOORS - BUILT - WORN
    assert missing - UNREACHED.keys() == set(), "write a play in plays.py, or say why in seams.py"
    assert UNREACHED.keys() - missing == set(), "these are called by now: take them off the list"
