"""The catalogue's rows of reassembly, R01 to R08: what is wrong with lines, files and brackets.

Each row is played to the reading of ``why`` and ``show``, and to the engine, which has to find the
same (both.py).
"""

import gzip
import importlib.util
import json
from pathlib import Path

import pytest

from lumitrace.reassembly.pipeline import sources
from lumitrace.reassembly.pipeline.duckdb import DuckDb

_SPEC = importlib.util.spec_from_file_location("both", Path(__file__).with_name("both.py"))
both = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(both)


@pytest.fixture
def alike(night, tmp_path):
    """What the reading makes of the night; it fails where the engine makes something else."""
    return lambda: both.of_night(night, tmp_path)


def one(night, function="pay", ms=0, **said):
    """Write one invocation that went well, and return it."""
    run = night.begin(function, ms)
    night.end(run, ms + 10, began=ms, lasted=9, **said)
    return run


def each_span(assembled):
    """Return the id of every span of every attempt, as often as it is there."""
    return sorted(span.span_id for attempt in assembled.attempts for span in attempt.spans)


def spans_of(assembled):
    """Return the function, start and duration of each invocation that has spans."""
    handlers = [attempt.invocation for attempt in assembled.attempts if attempt.invocation]
    return sorted((span.name, span.start_us, span.duration_us) for span in handlers)


def change(night, index, **fields):
    """Change fields of the span line in the event at *index*."""
    event = night.events[index]
    event["message"] = json.dumps({**json.loads(event["message"]), **fields}, separators=(",", ":"))


def test_r01_every_beginning_of_a_line_is_counted_and_costs_no_neighbour(night, alike):
    """A line broken off at each of its bytes, between whole ones."""
    before = one(night)
    run = night.begin("cut", 1000)
    whole = night.events[-1]["message"].rstrip("\n")
    for length in range(1, len(whole)):
        night.say("cut", "s1", 1002, whole[:length])
    night.end(run, 1010, began=1000, lasted=9)
    after = one(night, ms=2000)

    assembled = alike()

    marks = len(whole) - len('{"lumitrace":1,')
    assert assembled.counts.broken == marks
    assert {span.span_id for span in assembled.span_by_id.values()} == {
        run.span for run in (before, run, after)
    }


def test_r02_a_line_in_several_log_events_is_one_that_broke_off(night, alike):
    """A line has 32 KiB at most, and a log event holds more: nothing is put together by guess."""
    before = one(night)
    run = night.begin("long", 1000)
    call = [night.span(), "s3.GetObject", "k" * 150_000, 1, 2, 200, []]
    for ms, pieces, between in ((2, 2, ""), (3, 3, ""), (4, 2, "a line of somebody else")):
        night.line(run, 1000 + ms, "calls", startUs=night.us(1001), calls=[call])
        text = night.events.pop()["message"]
        length = len(text) // pieces + 1
        for at in range(0, len(text), length):
            night.say("long", "s1", 1000 + ms, text[at : at + length])
            if between:
                night.say("long", "s1", 1000 + ms, between)
    night.end(run, 1010, began=1000, lasted=9)
    after = one(night, ms=2000)

    assembled = alike()

    assert assembled.counts.broken == 3
    assert set(assembled.span_by_id) == {before.span, run.span, after.span}


def test_r03_text_around_lines_and_two_in_one_are_all_read(night, alike):
    """Text before and behind a line of ours, and two lines without a newline between."""
    run = night.begin("mixed", 0)
    start = night.events[-1]
    start["message"] = "half a line " + start["message"].rstrip("\n") + " and more"
    calls = [[[night.span(), "s3.GetObject", "b", 1000 * n, 500, 200, []]] for n in range(1, 3)]
    for listed in calls:
        night.line(run, 5, "calls", startUs=night.us(1), calls=listed)
    second, first = night.events.pop(), night.events.pop()
    night.say("mixed", "s1", 5, first["message"].rstrip("\n") + second["message"])
    night.end(run, 10, began=0, lasted=9)

    assembled = alike()

    assert set(assembled.span_by_id) == {run.span, calls[0][0][0], calls[1][0][0]}
    assert assembled.counts.broken == assembled.counts.untrusted == 0


TAKEN = {  # by DuckDB itself
    "CRLF": lambda text: text.replace("\n", "\r\n").encode(),
    "a BOM": lambda text: b"\xef\xbb\xbf" + text.encode(),
    "NUL": lambda text: text.replace("\n", "\n\0\0\n").encode(),
}
LEFT = {  # to Python
    "UTF-16": lambda text: text.encode("utf-16"),
    "invalid UTF-8": lambda text: text.replace("New sale", "\udcff\udcfe sale").encode(
        "utf-8", "surrogateescape"
    ),
    "binary": lambda text: text.encode().replace(b"\n", b"\n" + bytes(range(256)) + b"\n"),
    "a line of 3 MB": lambda text: text.replace("\n", "\n" + "x" * 3_000_000 + "\n", 1).encode(),
    "times before the lines": lambda text: "".join(
        f"2026-11-21T02:00:00.{n:03}Z {line}\n" for n, line in enumerate(text.splitlines())
    ).encode(),
    "gzip": lambda text: gzip.compress(text.encode()),
}


def spoil(night, folder, ways):
    """Write a sale into *folder* in each of the *ways*, and return the files and their spans."""
    paths, spans = [], set()
    for number, (name, way) in enumerate(ways.items()):
        till = night.sale(number, number * 1000)
        shop = [event for event in night.events if "new-sale" in event["logGroupName"]]
        [clean] = both.streams(shop, folder)
        paths.append(clean.rename(folder / name.replace(" ", "-")))
        paths[-1].write_bytes(way(paths[-1].read_text("utf-8")))
        spans.add(till.span)
        night.events.clear()
    return paths, spans


@pytest.mark.parametrize("ways", [TAKEN, LEFT], ids=["taken", "left"])
def test_r04_what_a_file_is_spoilt_with_costs_no_span(night, ways, tmp_path):
    """Every way a file of log lines may come in holds the spans that the clean one holds."""
    paths, spans = spoil(night, tmp_path, ways)

    assembled, differ = both.of_files(*paths)

    assert differ == {}
    assert {one.invocation.span_id for one in assembled.attempts if one.invocation} == spans
    assert len(assembled.span_by_id) == 3 * len(ways)


@pytest.mark.parametrize("way", LEFT.values(), ids=LEFT)
def test_r04_one_spoilt_file_takes_nothing_from_the_plain_ones_beside_it(night, way, tmp_path):
    """Each way alone, beside a file that DuckDB reads."""
    paths, spans = spoil(night, tmp_path, {"plain": TAKEN["CRLF"], "spoilt": way})
    engine = DuckDb()

    sources.load(engine, [str(path) for path in paths])

    said = {row[0] for row in engine.rows("SELECT line_span FROM lines WHERE record = 'start'")}
    assert said == spans


def test_r05_the_same_lines_many_times_are_one_span(night, alike):
    """As often as they come, and in as many streams: each span once."""
    night.sale(1, 0, bad=True)
    once = each_span(alike())
    night.events = [event for event in night.events for _ in range(3)]
    night.events += [{**event, "logStreamName": "exported again"} for event in night.events]

    assert each_span(alike()) == once


def test_r05_of_two_ends_of_one_invocation_one_is_picked_whatever_came_first(night, alike):
    """In one stream, or in two: the longer and the failed one counts, and it is told."""
    for name, ms in (("pay", 0), ("ship", 1000)):
        run = one(night, name, ms)
        times = {"startUs": night.us(ms + 1), "durationUs": 77_000}
        failed = {"status": 2, "error": {"type": "ValueError", "message": "no"}}
        night.line(run, ms + 9, "invocation", name=name, **times, **failed)
    night.events.insert(2, night.events.pop(5))
    twice = [{**event, "logStreamName": "other"} for event in night.events[6:]]
    del night.events[-1], twice[2]
    night.events += twice

    assembled = alike()

    assert spans_of(assembled) == [
        ("pay", night.us(1), 77_000),
        ("ship", night.us(1001), 77_000),
    ]
    assert {attempt.failure.type for attempt in assembled.attempts} == {"ValueError"}
    assert assembled.counts.conflicting == 2


def test_r07_without_its_start_line_an_invocation_is_whole(night, alike):
    """The line of its end says what is needed."""
    one(night)
    del night.events[1]

    assert spans_of(alike()) == [("pay", night.us(1), 9000)]


def test_r07_without_an_end_it_is_unfinished_and_lasts_no_time(night, alike):
    """Nothing says that it failed: it is neither well nor lost."""
    run = night.begin("pay", 0)
    night.line(run, 5, "calls", startUs=night.us(1), calls=[])
    cut = night.begin("cut", 1000)

    assembled = alike()

    assert spans_of(assembled) == [("cut", night.us(1001), None), ("pay", night.us(1), None)]
    assert {attempt.ended for attempt in assembled.attempts} == {False}
    assert not any(attempt.failed for attempt in assembled.attempts)
    assert cut.span in assembled.span_by_id


def test_r07_ends_that_come_twice_and_before_the_start_last_no_negative_time(night, alike):
    """END twice; an end line that stands before the start line; a duration below nothing."""
    one(night)
    night.events += [dict(event) for event in night.events[-2:]]
    early = night.begin("early", 1000)
    night.end(early, 1010, began=1000, lasted=9)
    start, end = night.events[-4], night.events[-3]
    start["timestamp"], end["timestamp"] = end["timestamp"], start["timestamp"]
    one(night, "below", 2000)
    change(night, -3, durationUs=-5)

    assembled = alike()

    assert spans_of(assembled) == [
        ("below", night.us(2001), 0),
        ("early", night.us(1001), 9000),
        ("pay", night.us(1), 9000),
    ]


def test_r07_where_start_and_end_line_differ_the_earlier_beginning_holds(night, alike):
    """What the end line says may lie before or behind, or be no time at all."""
    for number, (name, said) in enumerate({"later": 5, "earlier": -5, "never": None}.items()):
        ms = number * 1000
        one(night, name, ms)
        change(night, -3, startUs=-5 if said is None else night.us(ms + said))

    assert spans_of(alike()) == [
        ("earlier", night.us(995), 9000),
        ("later", night.us(1), 9000),
        ("never", night.us(2001), 9000),
    ]


@pytest.mark.parametrize("flushed", [False, True], ids=["two lines", "three"])
@pytest.mark.parametrize("first", ["start", "end"])
def test_r07_how_it_ended_says_the_line_of_its_end_alone(night, alike, flushed, first):
    """What a start line says of a duration, an outcome or an error counts for nothing."""
    wrong = {"durationUs": 77_000, "status": 2, "error": {"type": "Zero", "message": "no"}}
    failed = {"type": "KeyError", "message": "yes"}
    for number, (name, error) in enumerate({"well": None, "failed": failed}.items()):
        ms = number * 1000
        run = night.begin(name, ms)
        change(night, -1, **wrong)
        start = night.events[-1]
        if flushed:
            night.line(run, ms + 5, "calls", startUs=night.us(ms + 1), calls=[], **wrong)
        night.end(run, ms + 10, began=ms, lasted=9, **({"error": error} if error else {}))
        if first == "end":
            end = next(
                one for one in night.events[::-1] if '"record":"invocation"' in one["message"]
            )
            start["timestamp"], end["timestamp"] = end["timestamp"], start["timestamp"]

    assembled = alike()

    assert spans_of(assembled) == [("failed", night.us(1001), 9000), ("well", night.us(1), 9000)]
    assert {one.function: one.failed for one in assembled.attempts} == {
        "well": False,
        "failed": True,
    }
    assert {one.failure.type for one in assembled.attempts if one.failed} == {"KeyError"}


def test_r08_a_parent_that_was_not_read_keeps_its_trace_together(night, alike, log_file, command):
    """Two receivers of one sender that nobody read: one transaction, said to be incomplete."""
    trace, parent = "9" * 32, "8" * 16
    for number in range(2):
        run = night.begin("mail", number * 1000, trace=trace, trigger="sns", parentSpanId=parent)
        ended = {"began": number * 1000, "lasted": 9, "parentSpanId": parent}
        night.end(run, number * 1000 + 10, **ended)

    [transaction] = alike().transactions
    page = command("show", trace, night.write(log_file)).stdout.decode()

    assert transaction.id == trace
    assert len(transaction.attempts) == 2
    assert "incomplete: 1 span named as sender or parent not read" in page
