"""The engine says the same however its input comes in: any order, any files, any duplicates."""

import functools
import hashlib
import random
import tempfile
from pathlib import Path

from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from tests.reassembly import both, forms
from tests.reassembly.conftest import Night
from tests.reassembly.test_engine import RESULTS, odd_streams, shop_with_deaths

from lumitrace.reassembly.pipeline.steps import FIGURES

ROUNDS = 2  # of a walk: a short chain is cut
TABLES = RESULTS | dict.fromkeys(FIGURES, "*")


def doubtful():
    """Return a change that two may have made, and a chain of four messages."""
    night = Night()
    key = "k" + "1" * 15
    hops = [
        *[({}, f"dynamodb:{key}")] * 2,
        ({"trigger": "dynamodb", "linkIn": [f"dynamodb:1795226400:{key}:eeeeee"]}, "sqs:m0"),
        *[({"trigger": "sqs", "linkIn": [f"sqs:m{n}"]}, f"sqs:m{n + 1}") for n in range(4)],
    ]
    for number, (received, key) in enumerate(hops):
        run = night.begin("doubtful", number * 100, **received)
        call = [night.span(), "dynamodb.UpdateItem", "table", 1000, 2000, 200, [key]]
        night.end(run, number * 100 + 10, began=number * 100, lasted=9, calls=[call])
    return night.events


@functools.cache
def log():
    """Return log events: a shop of which some are killed, odd streams, and what is in doubt.

    No two of a stream share a millisecond: those CloudWatch gives in their order.
    """
    others = [
        {
            "logGroupName": one.group,
            "logStreamName": one.stream,
            "timestamp": one.time_ms,
            "message": one.message,
        }
        for one in [*shop_with_deaths(40), *odd_streams()]
    ]
    taken = set()
    events = [*others, *doubtful()]
    for one in events:
        stream = (one["logGroupName"], one["logStreamName"])
        while (stream, one["timestamp"]) in taken:
            one["timestamp"] += 1
        taken.add((stream, one["timestamp"]))
    return events


# What a log without times has instead: the numbers of lines.
TIMELESS = TABLES | {
    "invocations": "* EXCLUDE (at_stream, first_moment)",
    "details": "* EXCLUDE (at_stream, said_moment)",
}


def said(paths, results=TABLES):
    """Return the rows of each of *results* of the files at *paths*: how many, and their hash."""
    engine = both.run(*paths, max_rounds=ROUNDS, figures=True)
    found = {}
    for table, columns in results.items():
        rows = sorted(map(repr, engine.rows(f"SELECT {columns} FROM {table}")))  # noqa: S608
        found[table] = len(rows), hashlib.sha256("\n".join(rows).encode()).hexdigest()
    return found


@functools.cache
def as_written():
    """Return what is said of all events in one file, in their order."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "whole")
        path.write_bytes(forms.listed(log()))
        return said([path])


def test_every_result_has_rows():
    """What is compared below is not nothing."""
    assert {table for table, (rows, _) in as_written().items() if not rows} == set()


QUICKLY = [Phase.explicit, Phase.generate]  # to shrink a failure would take minutes


@settings(max_examples=5, deadline=None, phases=QUICKLY)
@given(
    seed=st.integers(0, 10**6),
    count=st.integers(1, 5),
    doubled=st.sampled_from([0, 0.1, 1]),
    twice=st.integers(0, 2),
)
def test_any_order_any_files_and_any_duplicates_give_the_same_rows(seed, count, doubled, twice):
    """R05, R06: shuffled, in up to five files of different forms, read twice in part or wholly."""
    dice = random.Random(seed)  # noqa: S311  # a shuffle that can be repeated
    files = [[] for _ in range(count)]
    for event in log():
        for _ in range(1 + (dice.random() < doubled)):
            dice.choice(files).append(event)
    files += dice.choices(files, k=twice)

    with tempfile.TemporaryDirectory() as folder:
        paths = []
        for number, events in enumerate(files):
            dice.shuffle(events)
            paths.append(Path(folder, str(number)))
            paths[-1].write_bytes(dice.choice(forms.CARRY_ALL)(events))
        now = said([*paths, *dice.choices(paths, k=twice)])

    assert now == as_written()


@functools.cache
def sandboxes():
    """Return what each sandbox of a shop prints."""
    streams = {}
    for event in shop_with_deaths(60):
        streams[event.stream] = streams.get(event.stream, "") + f"{event.message}\n"
    return list(streams.values())


def written(folder, files):
    """Write each of *files*, lists of texts, into *folder*, and return their paths."""
    paths = [Path(folder, str(number)) for number, texts in enumerate(files) if texts]
    for path in paths:
        path.write_text("".join(files[int(path.name)]), "utf-8")
    return paths


@functools.cache
def as_printed():
    """Return what is said of all sandboxes in one plain file."""
    with tempfile.TemporaryDirectory() as folder:
        return said(written(folder, [sandboxes()]), TIMELESS)


@settings(max_examples=3, deadline=None, phases=QUICKLY)
@given(seed=st.integers(0, 10**6), count=st.integers(1, 5), twice=st.booleans())
def test_sandboxes_in_any_plain_files_give_the_same_rows(seed, count, twice):
    """As functions print them: no stream, no time. Whole sandboxes in any order, and some twice."""
    dice = random.Random(seed)  # noqa: S311  # as above
    files = [[] for _ in range(count)]
    for sandbox in dice.sample(sandboxes(), len(sandboxes())):
        dice.choice(files).append(sandbox)
    files += dice.choices(files, k=int(twice))

    with tempfile.TemporaryDirectory() as folder:
        assert said(written(folder, files), TIMELESS) == as_printed()
