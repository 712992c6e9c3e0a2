"""The catalogue's rows R12 to R14: JSON and archives that are bombs, fields of other types."""

import gzip
import importlib.util
import json
import random
from pathlib import Path

import pytest

from lumitrace.reassembly.pipeline import sources
from lumitrace.reassembly.pipeline.duckdb import DuckDb
from lumitrace.reassembly.sources import packed

_SPEC = importlib.util.spec_from_file_location("both", Path(__file__).with_name("both.py"))
both = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(both)

WRONG = [
    *(None, True, -1, 1.5, "", "x", [], {}, [[]], [[1, 2]], {"a": 1}, "\ud800", "\0", 10**30),
    *("f" * 32, "12", [None] * 9, [["b" * 32, "c" * 16, "claimed"]], [["a" * 16, "x.Y"]]),
    [["a" * 16, "x.Y", 5, None, "z", {}, 7, {"kind": 3}]],
    [["a" * 16, "x.Y", "z", "5", 2, 200, ["sns:m"]]],
    [["0" * 16, "x.Y", "z", 5, 2, 200, ["sns:m"]]],
    [["a" * 16, "d" * 32, "", "m", 1, 2, "", {"links": [["b" * 32, "c" * 16]]}]],
    ['a","b', "", '["x"]'],
]
LISTS = ("calls", "records", "open", "links", "linkIn", "linkOut", "summary", "tags", "error")


def spoilt(event, dice):
    """Return *event* with some fields of its span line of another shape, or new ones."""
    if not event["message"].startswith('{"lumi') or dice.random() < 0.5:
        return event
    line = json.loads(event["message"])
    for field in [*line, *dice.sample(LISTS, 2), "later"]:
        if field not in {"lumitrace", "requestId"} and dice.random() < 0.15:
            line[field] = dice.choice(WRONG)
    return {**event, "message": json.dumps(line, separators=(",", ":"))}


@pytest.mark.parametrize("seed", range(4))
def test_r14_a_field_of_any_other_type_is_read_alike(night, seed):
    """Half of all lines with fields of another type: the engine and the reading say the same."""
    for number in range(6):
        night.sale(number, number * 1000, bad=number % 2 == 0)
    dice = random.Random(seed)  # noqa: S311  # dice that fall the same each time

    _, differ = both.of_events([spoilt(event, dice) for event in night.events])

    assert differ == {}


def test_r14_wrong_types_in_a_plain_file_cost_no_neighbour(night, tmp_path):
    """DuckDB reads such a line as it casts it, or leaves it to Python; beside it all is well."""
    good = [night.sale(number, number * 1000) for number in range(3)]
    dice = random.Random(1)  # noqa: S311  # as above
    for number in range(10, 20):
        began = len(night.events)
        night.sale(number, number * 1000, bad=True)
        night.events[began:] = [spoilt(event, dice) for event in night.events[began:]]

    said = both.run(*both.streams(night.events, tmp_path))

    kept = {row[0] for row in said.rows("SELECT span_id FROM invocations WHERE status = 0")}
    assert {run.span for run in good} <= kept


BOMBS = {
    "deep": '{"a":' * 100_000 + "1" + "}" * 100_000,
    "deep list": "[" * 100_000 + "]" * 100_000,
    "digits": "9" * 5000,
    "1e999": "1e999",
    "NaN": "NaN",
    "many names": json.dumps({f"n{number}": number for number in range(50_000)}),
    "a million": '"' + "x" * 1_000_000 + '"',
}


def test_r12_json_that_is_a_bomb_costs_no_neighbour(night, tmp_path):
    """Nested too deep it is broken; numbers out of all bounds and endless lists are read past."""
    for number, bomb in enumerate(BOMBS.values()):
        run = night.begin("bombed", number * 1000)
        event = night.events[-1]
        event["message"] = event["message"].rstrip("\n")[:-1] + f',"later":{bomb}}}'
        night.end(run, number * 1000 + 10, began=number * 1000, lasted=9)

    assembled, differ = both.of_events(night.events)
    fast = both.run(*both.streams(night.events, tmp_path))

    assert differ == {}
    assert assembled.counts.broken == 3  # nested too deep, and more digits than Python reads
    assert [attempt.invocation.duration_us for attempt in assembled.attempts] == [9000] * len(BOMBS)
    assert fast.number("SELECT COUNT(*) FROM invocations WHERE duration_us = 9000") == len(BOMBS)


def test_r12_of_a_name_that_comes_twice_one_is_read(night, tmp_path):
    """The reading takes the last, as Python does; a plain file's line the first, as DuckDB does."""
    run = night.begin("twice", 0)
    night.end(run, 10, began=0, lasted=9)
    event = night.events[2]
    event["message"] = event["message"].replace('"durationUs":', '"durationUs":1,"durationUs":')

    assembled, differ = both.of_events(night.events)
    fast = both.run(*both.streams(night.events, tmp_path))

    assert differ == {}
    assert assembled.attempts[0].invocation.duration_us == 9000
    assert fast.rows("SELECT duration_us FROM invocations") in ([(1,)], [(9000,)])


def test_r13_a_bomb_is_told_to_the_engine_too(tmp_path, monkeypatch):
    """What unpacks to far more than logs do ends in a sentence, not in memory."""
    monkeypatch.setattr(packed, "FREE", 1024 * 1024)
    (tmp_path / "bomb.gz").write_bytes(gzip.compress(b"x" * 12_000_000))

    loaded = sources.load(DuckDb(), [str(tmp_path / "bomb.gz")])

    assert ["which no log does" in problem.sentence for problem in loaded.problems] == [True]
