"""What a stranger logged must not command a terminal (faults.md S02)."""

import re

import pytest
from tests.reassembly.histories import History, raised

from lumitrace.reassembly.cli.screen import _breaks, percent, safe, total

ATTACKS = [
    "\x1b]0;owned\x07",
    "\x1b]52;c;cm0gLXJm\x07",
    "\x9b2J",
    "safe\x08\x08\x08\x08evil",
    "\u202eevil",
    "\u2066evil\u2069",
    "\x7f",
    "half \ud800 pair",
]


@pytest.mark.parametrize("attack", ATTACKS)
def test_controls_are_shown_as_pictures(attack):
    """C0, C1, DEL, bidi and halves of pairs: shown, not obeyed."""
    shown = safe(attack)

    assert all(ord(c) >= 0x20 and not 0x7F <= ord(c) < 0xA0 for c in shown)
    assert not set(shown) & set("\u202e\u2066\u2069\ud800")


def test_new_lines_and_tabs_stay_and_a_return_cannot_overwrite():
    """The runtime joins a traceback's lines with carriage returns."""
    assert safe("a\tb\r\nc\rd") == "a\tb\nc\nd"


@pytest.mark.parametrize("attack", ATTACKS)
def test_nothing_of_it_reaches_a_page(night, log_file, capsys, attack):
    """In a log line, a tag, an error and a name of a resource."""
    from lumitrace.reassembly.cli import main

    run = night.begin("pay", 0, trigger="api-gateway-rest", route=f"POST /{attack}")
    night.log(run, 3, attack)
    entry = [night.span(), f"s3.{attack}", attack, 1000, 1000, 200, []]
    error = {"type": attack, "message": attack}
    night.end(run, 9, began=0, lasted=8, calls=[entry], tags={"saleId": attack}, error=error)
    path = night.write(log_file)

    for command in (["show", run.trace, path], ["why", path], ["transactions", path]):
        assert main(command) == 0
        page = capsys.readouterr().out
        assert all(ord(c) >= 0x20 or c == "\n" for c in page)
        assert not any(0x7F <= ord(c) < 0xA0 or c in "\u202e\u2066\u2069" for c in page)


@pytest.mark.parametrize("columns", [80, 120])
def test_a_table_fits_the_terminal(night, log_file, capsys, monkeypatch, columns):
    """What has no room beside stands below, by its name; nothing is left out."""
    from lumitrace.reassembly.cli import main

    night.sale(1, 0)
    path = night.write(log_file)
    assert main(["transactions", path]) == 0
    piped = capsys.readouterr().out
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "dumb")

    assert main(["transactions", path]) == 0
    page = re.sub(r"\x1b\[[0-9;]*m", "", capsys.readouterr().out)

    assert max(map(len, piped.splitlines())) > columns
    assert max(len(line.rstrip()) for line in page.splitlines()) <= columns
    assert set(piped.split()) - {"issues", "-"} <= set(page.split())
    assert "\n    tags saleId=" in page


@pytest.mark.parametrize("columns", [60, 80, 120])
def test_answers_fit_the_terminal(night, log_file, capsys, monkeypatch, columns):
    """Words stay whole and in their order; in a pipe nothing is folded."""
    from lumitrace.reassembly.cli import main

    till = night.sale(1, 0, bad=True)
    night.log(till, 3, "word " * 60)
    path = night.write(log_file)
    asked = (["why", path], ["show", "sale-0001", path])
    piped = [(main(one), capsys.readouterr().out)[1] for one in asked]
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")  # a dumb one has 80 columns
    pages = [(main(one), capsys.readouterr().out)[1] for one in asked]
    pages = [re.sub(r"\x1b\[[0-9;]*m", "", page) for page in pages]

    for page, whole in zip(pages, piped, strict=True):
        lines = [line for line in page.splitlines() if path not in line]  # a command to copy
        assert max(map(len, lines)) <= columns
        assert max(map(len, whole.splitlines())) > columns
        assert sorted(page.split()) == sorted(whole.split())


def test_a_word_that_has_no_room_stays_whole():
    """A path can be copied; what stands before it is not left alone on a line."""
    text = "File /a/very/long/path/of/some/package.py, line 3"

    assert _breaks(text, 20, 4) == [text.index("line")]


def test_the_columns_of_a_stack_stand_below_each_other(tmp_path, capsys):
    """Step Functions is a longer name than that of any other service."""
    from lumitrace.reassembly.cli import main

    history = History()
    task = history.call(20, history.enter(10, "Charge", history.start(0)), "ushop_charge")
    refused = raised("00000001-0000-4000-8000-000000000000")
    history.end(40, history.failed(30, task, refused), refused, "Failed")
    (tmp_path / "history.json").write_text(history.answer(), "utf-8")

    assert main(["why", str(tmp_path / "history.json")]) == 0

    stack = capsys.readouterr().out.partition("virtual stack trace")[2].splitlines()[1:4]
    names = ("history ", "Charge ", "Invoke ")
    assert len({line.index(name) for line, name in zip(stack, names, strict=True)}) == 1, stack


def test_sums_and_shares_read_well():
    """Thousands are parted, cents stay exact."""
    assert total("38510.4") == "38,510.40"
    assert total("0.125") == "0.125"
    assert percent(381, 475) == "80.2 %"
    assert percent(4, 5) == "80 %"
