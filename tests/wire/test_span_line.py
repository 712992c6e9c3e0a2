"""The span line, written and found again."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lumitrace.wire import span_line

LINE = '{"lumitrace":1,"record":"start","name":"f","tags":{"total":42.50}}'


def test_a_line_is_found_behind_text_without_a_newline():
    """What the application printed without a newline does not hide our line, and stays readable."""
    found = span_line.find(f"half a sentence{LINE}")

    assert [each["name"] for each in found.objects] == ["f"]
    assert (found.first, found.rest, found.broken) == (False, "half a sentence", 0)


def test_two_lines_in_one_are_both_found():
    """Lines that a shipper joined are taken apart."""
    found = span_line.find(LINE + LINE)

    assert len(found.objects) == 2
    assert found.first


def test_numbers_keep_their_own_digits():
    """42.50 is not 42.5: money is read as it was written."""
    assert span_line.find(LINE).objects[0]["tags"] == {"total": "42.50"}


@given(st.integers(1, len(LINE) - 1))
def test_a_cut_line_is_counted_not_guessed(length):
    """A line cut at any byte is broken once its mark is there, and never half an object."""
    found = span_line.find(LINE[:length])

    assert found.objects == []
    assert found.broken == (length >= len(span_line.MARK))


def test_a_cut_line_does_not_take_the_next_one_with_it():
    """What follows a torn line on the same log line is read."""
    found = span_line.find(LINE[:40] + LINE)

    assert (len(found.objects), found.broken) == (1, 1)


@pytest.mark.parametrize("record", ["17", "null", "[]", "{}", '"other"'])
def test_a_line_of_an_unknown_record_is_broken(record):
    """Whatever stands where the record's name should, it is counted."""
    found = span_line.find(f'{{"lumitrace":1,"record":{record}}}')

    assert (found.objects, found.broken) == ([], 1)


def test_deep_nesting_is_broken_not_an_error():
    """A line made to overflow the parser counts as broken."""
    found = span_line.find('{"lumitrace":1,"record":' + "[" * 100_000)

    assert (found.objects, found.broken) == ([], 1)


@given(st.text(max_size=200))
def test_no_text_makes_it_raise(text):
    """Any log line may be looked at."""
    assert span_line.find(text).rest == text or span_line.MARK in text


@given(st.text(), st.sampled_from(["ERROR", "FATAL", "Task timed out", "\\ERROR", '"ERROR']))
def test_alarm_words_are_hidden_from_filters_not_from_parsers(text, word):
    """A metric filter on ERROR does not count our line, and a JSON parser still reads it."""
    value = {"message": text + word + text}

    line = span_line.quiet(span_line.encode(value))

    assert json.loads(line) == value
    assert not any(alarm in line for alarm, _ in span_line.ALARMS)
