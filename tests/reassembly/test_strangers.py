"""Span lines of any shape: fields of a wrong type, lines broken off, never a traceback."""

import json
import random

import pytest

WEIRD = [
    *(None, True, -1, 1.5, "", "x", [], {}, [[]], [[1, 2]], {"a": 1}, "\ud800", "\0", 10**30),
    *("f" * 32, "1e400", [None] * 9, [["b" * 32, "c" * 16, "claimed"]]),
    [["a" * 16, "x.Y", 5, None, "z", {}, 7, {"kind": 3}]],
]
LISTS = ("calls", "records", "open", "links", "linkIn", "tags", "error", "attributes", "dropped")


def spoilt(event, dice):
    """Return *event* as JSON with some fields of its span line, or of itself, of another shape."""
    event = dict(event)
    if event["message"].startswith('{"lumi') and dice.random() < 0.5:
        line = json.loads(event["message"])
        for field in [*line, *dice.sample(LISTS, 2)]:
            if field != "lumitrace" and dice.random() < 0.2:
                line[field] = dice.choice(WEIRD)
        event["message"] = json.dumps(line, separators=(",", ":"))
    if dice.random() < 0.05:
        event["message"] = event["message"][: dice.randrange(len(event["message"]))]
    if dice.random() < 0.03:
        event[dice.choice(list(event))] = dice.choice(WEIRD)
    return json.dumps(event)


@pytest.mark.parametrize("seed", range(5))
def test_no_shape_of_a_line_ends_a_command(night, log_file, capsys, seed):
    """Whatever stands in the fields: an answer, or one sentence."""
    from lumitrace.reassembly.cli import main

    for number in range(6):
        night.sale(number, number * 1000, bad=number % 2 == 0)
    dice = random.Random(seed)  # noqa: S311  # dice that fall the same each time
    log_file.write_text("\n".join(spoilt(event, dice) for event in night.events))

    for command in (["why"], ["transactions", "--json"], ["show", "sale-0002"]):
        assert main([*command, str(log_file)]) in {0, 1}
        assert "Traceback" not in capsys.readouterr().err
