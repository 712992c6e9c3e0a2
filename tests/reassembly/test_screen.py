"""What a stranger logged must not command a terminal (faults.md S02)."""

import pytest

from lumitrace.reassembly.cli.screen import percent, safe, total

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


def test_sums_and_shares_read_well():
    """Thousands are parted, cents stay exact."""
    assert total("38510.4") == "38,510.40"
    assert total("0.125") == "0.125"
    assert percent(381, 475) == "80.2 %"
    assert percent(4, 5) == "80 %"
