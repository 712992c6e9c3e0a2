"""Histories and access logs that a stranger may have written, in any order, any part of them."""

import contextlib
import json
import random

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from tests.reassembly.histories import History, answered, raised

from lumitrace.reassembly.api_gateway import entry
from lumitrace.reassembly.assemble import assemble
from lumitrace.reassembly.events import Counts, LogEvent
from lumitrace.reassembly.sources.recognise import events_of
from lumitrace.reassembly.sources.text import NoText
from lumitrace.reassembly.step_functions import history as histories

REQUEST = "00000001-0000-4000-8000-000000000000"
ENTRY = {
    "requestId": REQUEST,
    "extendedRequestId": "Cti7VYJ4qQHYmHw=",
    "requestTimeEpoch": "1795226400000",
    "httpMethod": "POST",
    "resourcePath": "/sales",
    "status": "502",
    "responseLatency": "12",
    "integration": {"requestId": REQUEST, "status": "200"},
    "error": {"message": "Internal server error", "responseType": "-"},
}
ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=8),
    st.just("\ud800"),
    st.just([]),
    st.just({}),
    st.just([{}, None, "x"]),
)
FEW = settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def sale():
    """Return a history with a Map, a retry and a failure."""
    one = History()
    one.start(0)
    many = one.enter(10, "Each", kind="Map")
    begun = one.add(11, "MapStateStarted", many, mapStateStarted={"length": 2})
    for index in range(2):
        told = {"name": "Each", "index": index}
        at = one.add(12, "MapIterationStarted", begun, mapIterationStarted=told)
        at = one.failed(
            30, one.call(14, one.enter(13, "Charge", at), "ushop_charge"), raised(REQUEST)
        )
        at = one.done(60, one.call(50, at, "ushop_charge"), answered(REQUEST))
        at = one.leave(61, "Charge", at)
        begun = one.add(62, "MapIterationSucceeded", at, mapIterationSucceeded=told)
    at = one.leave(71, "Each", one.add(70, "MapStateSucceeded", begun), kind="Map")
    one.end(80, at, {"error": "Sold.Out", "cause": "none left"}, "Failed")
    return one


def places(value, way=()):
    """Yield the way to every value within *value*."""
    inner = value.items() if isinstance(value, dict) else ()
    for key, one in inner:
        yield (*way, key)
        yield from places(one, (*way, key))


def put(value, way, odd):
    """Return a copy of *value* in which *odd* stands at *way*."""
    copied = json.loads(json.dumps(value))
    at = copied
    for key in way[:-1]:
        at = at[key]
    at[way[-1]] = odd
    return copied


def logged(group, messages):
    """Return log events, one a millisecond."""
    return [
        LogEvent(group, "s", 1_795_226_400_000 + number, message, number)
        for number, message in enumerate(messages)
    ]


def summary(assembled):
    """Return what must not depend on the order."""
    spans = sorted(
        (one.span_id, one.parent_id, one.name, one.start_us, one.duration_us or 0, one.status)
        for one in assembled.span_by_id.values()
    )
    return spans, sorted(one.id for one in assembled.transactions)


@FEW
@given(data=st.data())
def test_a_strange_history_costs_no_answer(data):
    """Any value of any event may be anything."""
    lines = [json.loads(message) for _, message in sale().logged()]
    index = data.draw(st.integers(0, len(lines) - 1))
    way = data.draw(st.sampled_from(list(places(lines[index]))))
    lines[index] = put(lines[index], way, data.draw(ODD))

    assembled = assemble(logged("states", map(json.dumps, lines)))

    counts = assembled.counts
    assert counts.events == len(lines)
    assert [one.name for one in assembled.span_by_id.values()].count("Charge") >= 1


@FEW
@given(data=st.data())
def test_a_strange_entry_costs_no_answer(data):
    """What is none any more is counted."""
    way = data.draw(st.sampled_from(list(places(ENTRY))))
    odd = json.dumps(put(ENTRY, way, data.draw(ODD)))

    counts = assemble(logged("access", [json.dumps(ENTRY), odd])).counts

    assert counts.events == 2


@FEW
@example(text="\0", seed=0)
@given(text=st.text(max_size=200), seed=st.integers(0, 1000))
def test_pieces_of_both_are_read_without_a_traceback(text, seed):
    """Cut anywhere, with anything put in; what is no text is told."""
    chance = random.Random(seed)  # noqa: S311  # no secret
    for whole in (sale().answer(), json.dumps(ENTRY)):
        at = chance.randrange(len(whole))
        cut = f"{whole[:at]}{text}{whole[at:]}".encode("utf-8", "replace")
        counts = Counts()
        found = []
        with contextlib.suppress(NoText):
            found = list(events_of("x", [cut], counts))
        assemble([one for one in found if one.message])
        histories.parse(whole[:at])
        entry.parse(whole[:at] + text)


def test_the_order_of_events_and_streams_changes_nothing():
    """The log of an execution may lie in several streams."""
    messages = [message for _, message in sale().logged()]
    expected = summary(assemble(logged("states", messages)))
    for seed in range(5):
        events = logged("states", messages) + logged("states", messages[::2])
        random.Random(seed).shuffle(events)  # noqa: S311  # as above
        for number, one in enumerate(events):
            one.stream = f"s{number % 3}"

        assert summary(assemble(events)) == expected


@pytest.mark.parametrize("spell", ["seconds", "number", "zone"])
def test_times_of_a_history_in_every_spelling(spell):
    """The first program of AWS prints seconds, the second the zone of the machine."""
    said = json.loads(sale().answer())
    spelt = {
        "seconds": 1_795_226_400.5,
        "number": 1_795_226_400,
        "zone": "2026-11-20T21:00:00-05:00",
    }
    said["events"][0]["timestamp"] = spelt[spell]

    first = next(events_of("x", [json.dumps(said).encode()], Counts()))

    assert first.time_ms == 1_795_226_400_000 + (500 if spell == "seconds" else 0)


def test_several_histories_in_one_file_are_several_executions():
    """Printed one after another; the pages of one are one."""
    said = json.loads(sale().answer())
    half = {"events": said["events"][:6]}, {"events": said["events"][6:]}
    text = json.dumps(said) + "\n" + "\n".join(map(json.dumps, half))

    assembled = assemble(list(events_of("sales.json", [text.encode()], Counts())))

    assert [len(one.spans) for one in assembled.transactions] == [10, 10]
