"""Garbage among log lines: counted, never a traceback, and the lines around it are used."""

import base64
import gzip
import json
import random
import tracemalloc

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lumitrace.reassembly.events import Counts, LogEvent
from lumitrace.reassembly.problem import Problem
from lumitrace.reassembly.sources import text as texts
from lumitrace.reassembly.sources import values
from lumitrace.reassembly.sources.recognise import FORMS, events_of, form_of
from lumitrace.reassembly.sources.sandboxes import told_apart
from lumitrace.reassembly.sources.text import Text

A, B, C = (f"{letter * 8}-0000-4000-8000-000000000000" for letter in "abc")
OURS = '{"lumitrace":1,"record":"start"}'


def read(content, chunk=256):
    """Return the messages that *content* holds, read in pieces of *chunk* bytes, and the counts."""
    content = content.encode() if isinstance(content, str) else content
    counts = Counts()
    chunks = (content[at : at + chunk] for at in range(0, len(content), chunk))
    return [event.message for event in events_of("x", chunks, counts)], counts


def envelope(*messages):
    """Return an envelope of *messages*."""
    said = [{"id": "", "timestamp": 1, "message": message} for message in messages]
    head = {"messageType": "DATA_MESSAGE", "logGroup": "g", "logStream": "s"}
    return json.dumps({**head, "logEvents": said})


def event(message):
    """Return one log event as a JSON line."""
    return json.dumps({"logStreamName": "s", "timestamp": 1, "message": message})


GARBAGE = [
    b"\x00\x01\x02\xff\xfe garbage",
    "half an event {",
    "\u202e\x1b]0;title\x07",
    '{"messageType": "DATA_MESSAGE", "logEvents": [{"message": "ha',
    "[" * 100_000,
    "9" * 5000,
    '{"message": 1e999, "timestamp": NaN}',
    '{"a":' * 2000,
]


@pytest.mark.parametrize("garbage", GARBAGE, ids=range(len(GARBAGE)))
@pytest.mark.parametrize("spell", [event, envelope], ids=["events", "envelopes"])
def test_what_stands_around_garbage_is_used(spell, garbage):
    """Each piece of garbage is counted, and costs no neighbour."""
    garbage = garbage if isinstance(garbage, bytes) else garbage.encode()
    content = b"\n".join([spell("one").encode(), garbage, spell("two").encode()])

    found, counts = read(content)

    assert found == ["one", "two"]
    assert counts.skipped + counts.broken >= 1


def test_half_a_line_of_ours_is_counted_as_broken():
    """Of what is skipped, one may have been a line of ours."""
    half = event(OURS)[:70]
    assert "lumitrace" in half

    _, counts = read(f"{event('one')}\n{half}\n{event('two')}\nno event\n")

    assert (counts.broken, counts.skipped) == (1, 1)


@pytest.mark.parametrize(
    "data",
    ["no base64!", base64.b64encode(b"\x1f\x8brubbish").decode(), "H4sIAAAAAAAA"],
)
def test_data_of_a_subscription_that_do_not_unpack_are_counted(data):
    """The others are read."""
    good = base64.b64encode(gzip.compress(envelope("one").encode())).decode()

    found, counts = read(
        "\n".join(json.dumps({"awslogs": {"data": one}}) for one in (good, data, good))
    )

    assert found == ["one", "one"]
    assert counts.broken == 1


def test_a_line_that_no_event_can_be_long_as_is_skipped(monkeypatch):
    """The lines around it are read; where it held one of ours, it counts as broken."""
    monkeypatch.setattr(texts, "MAX_LINE", 100_000)
    long = "x" * 200_000

    assert read(f"one\n{long}\ntwo\n")[0] == ["one", "two"]
    assert read(f"one\n{long}\ntwo\n")[1].skipped == 1
    assert read(f"one\n{OURS}{long}\ntwo\n")[1].broken == 1


def test_a_value_that_never_ends_is_given_up(monkeypatch):
    """8 MB of it are not kept; the envelopes before it are read."""
    monkeypatch.setattr(values, "MAX_VALUE", 100_000)
    endless = envelope("").partition('"message": "')[0] + '"message": "'
    chunks = [envelope("one").encode(), endless.encode(), *[b"x" * 64_000] * 128]
    counts = Counts()

    tracemalloc.start()
    try:
        found = [one.message for one in events_of("x", chunks, counts)]
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert found == ["one"]
    assert counts.broken == 1
    assert peak < 2_000_000


# Which form it is


@pytest.mark.parametrize(
    ("content", "form"),
    [
        ('{"level": "INFO", "message": "an application\'s own JSON"}\n', "plain"),
        ('["a", "list", "that", "was", "printed"]\nSTART\n', "plain"),
        ('[{"a": 1}]\nSTART\n', "plain"),
        ('{"events": [1, 2]}\nSTART\n', "plain"),
        ("[ERROR] KeyError: 'x'\nTraceback\n", "plain"),
        (f"START RequestId: {A} Version: 1\n2026-11-21T02:00:00.000Z x\n", "plain"),
        (f"2026-11-21T02:00:00.000Z {A} Task timed out after 3.00 seconds\n", "plain"),
        ("timestamp,message\n1,hello\n", "insights_csv"),
        ("hello, timestamp and message\n", "plain"),
        ("2026-11-21T02:00:00.000Z hello\n", "export"),
        ("2026-11-21T02:00:00 hello\n", "tail"),
        ("2026-11-21T02:00:00.000000+00:00 s hello\n", "tail"),
        ("s 2026-11-21T02:00:00.000000 hello\n", "sam"),
        ('{"queryLanguage": "CWLI", "results": [], "status": "Complete"}', "insights_json"),
        ('{"events": [], "searchedLogStreams": []}', "log_events"),
    ],
)
def test_a_form_is_told_by_its_content(content, form):
    """What an application prints is no form of AWS's."""
    found = form_of(Text("x", [content], Counts()))

    assert found.__name__.rpartition(".")[2] == form


# Forms without streams


def places(*lines):
    """Return the number of the sandbox of each of *lines*."""
    events = [LogEvent("", "x", None, line, 0) for line in lines]
    return [event.stream.removeprefix("x").strip(" ()") for event in told_apart(events)]


def test_sandboxes_are_told_apart_by_the_requests_that_they_name():
    """A START while another invocation runs is another sandbox's, in both log formats."""
    start, report = "START RequestId: {} Version: 1", "REPORT RequestId: {}\tDuration: 1 ms"
    as_json = '{{"time":"t","type":"platform.{}","record":{{"requestId":"{}"}}}}'
    log = "[INFO]\t2026-11-21T02:00:00.000Z\t{}\thello"
    ours = '{{"lumitrace":1,"record":"start","requestId":"{}"}}'

    text = places(
        *("INIT_START", start.format(A), "INIT_START x", start.format(B), "of B", log.format(A)),
        *("of A", ours.format(B), report.format(A), start.format(C), report.format(B)),
    )
    json_format = places(
        *(as_json.format("start", A), as_json.format("start", B), log.format(A)),
        *(as_json.format("report", A), as_json.format("start", C)),
    )

    assert text == ["", "", "2", "2", "2", "", "", "2", "", "", "2"]
    assert json_format == ["", "2", "", "", ""]


def test_a_request_that_nobody_started_opens_nothing():
    """A line that names one belongs to whoever spoke last."""
    assert places(f"START RequestId: {A} Version: 1", f"[INFO]\tt\t{B}\tx") == ["", ""]


# Anything


@settings(max_examples=60, deadline=None)
@given(
    content=st.one_of(
        st.binary(max_size=300),
        st.tuples(st.sampled_from([event("one"), envelope("one"), OURS]), st.text(max_size=80)).map(
            "".join
        ),
    ),
    chunk=st.integers(1, 64),
)
def test_whatever_it_is_it_is_read_or_told(content, chunk):
    """Log events or one sentence; the size of the pieces it comes in changes nothing."""
    content = content if isinstance(content, bytes) else content.encode("utf-8", "replace")

    assert outcome(content, chunk) == outcome(content, 4096)


def outcome(content, chunk):
    """Return what comes of *content*."""
    try:
        return read(content, chunk)
    except Problem as problem:
        return problem.sentence


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.__name__.rpartition(".")[2])
def test_each_form_bears_any_text(form):
    """Also text that another form would have known."""
    dice = random.Random(1)  # noqa: S311  # a shuffle that can be repeated
    pieces = [event("one"), envelope("one"), OURS, "2026-11-21T02:00:00.000Z x", "a,b", '"', "\n"]
    for _ in range(50):
        dice.shuffle(pieces)
        text = Text("x", ["".join(pieces)], Counts())
        assert all(isinstance(one, LogEvent) for one in form.events(text))


# However it is split


WRITERS = {
    "events": lambda events: "".join(json.dumps(one) + "\n" for one in events).encode(),
    "envelopes": lambda events: "".join(
        json.dumps(
            {
                "messageType": "DATA_MESSAGE",
                "logGroup": one["logGroupName"],
                "logStream": one["logStreamName"],
                "logEvents": [{"timestamp": one["timestamp"], "message": one["message"]}],
            }
        )
        for one in events
    ).encode(),
    "packed": lambda events: gzip.compress(WRITERS["events"](events)),
}


@settings(
    max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(seed=st.integers(0, 10_000), doubled=st.integers(0, 3))
def test_files_forms_order_and_duplicates_do_not_change_the_answer(
    tmp_path_factory, answer, whole, seed, doubled
):
    """The night in any split into files, each in any form, in any order, some of them twice."""
    dice = random.Random(seed)  # noqa: S311  # a shuffle that can be repeated
    events = list(whole.events)
    dice.shuffle(events)
    parts = [events[number::4] for number in range(4)]
    parts += dice.choices(parts, k=doubled)
    dice.shuffle(parts)
    folder = tmp_path_factory.mktemp("split")
    for number, part in enumerate(parts):
        (folder / f"{number}").write_bytes(dice.choice(list(WRITERS.values()))(part))

    assert kept(answer("why", folder)[1]) == whole.said


class Whole:
    """A night, and what it says."""

    def __init__(self, events, said):
        self.events, self.said = events, said


@pytest.fixture
def whole(night, log_file, answer):
    """A night in which no two events of a stream share a millisecond."""
    for number in range(4):
        night.sale(number, number * 1000, bad=number == 1)
    taken = set()
    for one in night.events:
        while (one["logGroupName"], one["timestamp"]) in taken:
            one["timestamp"] += 1
        taken.add((one["logGroupName"], one["timestamp"]))
    return Whole(night.events, kept(answer("why", night.write(log_file))[1]))


def kept(said):
    """Return what must not depend on how the events came in."""
    kept = {name: said[name] for name in ("issue", "impact", "cause", "stack", "example")}
    return {**kept, "logEvents": said["seen"]["logEvents"]}
