"""The mark in a DynamoDB item."""

import re

from hypothesis import given
from hypothesis import strategies as st

from lumitrace.wire.context import SpanContext
from lumitrace.wire.mark import (
    MAX_LENGTH,
    MAX_TABLES,
    are_marks,
    format_mark,
    is_mark,
    mark_ms,
    parse_mark,
    table_hash,
)

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
HEX = st.text("0123456789abcdef", min_size=8, max_size=8)


@given(st.lists(HEX, max_size=9), st.integers(0, 15), st.integers(0, 2**45), HEX)
def test_what_format_writes_parse_reads(tables, hops, ms, table):
    """Context, hops and the latest four tables survive, in 120 bytes at most."""
    mark = format_mark(SpanContext(TRACE, SPAN, tuple(tables), hops), table, ms)

    parsed = parse_mark(mark)

    assert parsed == SpanContext(TRACE, SPAN)
    assert parsed.hops == hops + 1
    assert parsed.tables == (*tables, table)[-MAX_TABLES:]
    assert mark_ms(mark) == ms
    assert len(mark.encode()) <= MAX_LENGTH


@given(
    st.one_of(
        st.none(),
        st.integers(),
        st.text(max_size=130),
        st.from_regex(rf"00-{TRACE}-{SPAN}-01[0-9a-f-]{{0,66}}", fullmatch=True),
    )
)
def test_no_value_makes_it_raise(value):
    """Whatever another writer put there, reading it answers."""
    parsed = parse_mark(value)

    assert parsed is None or (len(parsed.tables) <= MAX_TABLES and value.startswith("00-"))


def test_a_plain_traceparent_is_no_mark():
    """An attribute of the application's that holds a traceparent is not taken for ours."""
    assert parse_mark(f"00-{TRACE}-{SPAN}-01") is None


def test_a_table_of_another_region_is_another_table():
    """What a global table copied bears the hash of the region it was written in."""
    here, there = table_hash("eu-west-1", "ushop_sales"), table_hash("us-east-1", "ushop_sales")

    assert here != there
    assert len(here) == len(there) == 8


SPELT = re.compile(
    r"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}"
    r"-[0-9a-f]{1,12}-[0-9a-f]{1,4}(?:-[0-9a-f]{8}){1,4}"
)
RIGHT = f"00-{TRACE}-{SPAN}-01-19aacb90d7b-1-4c89c6ea"
WRONG = st.one_of(
    st.text(max_size=80),
    st.builds(
        lambda at, letter: RIGHT[:at] + letter + RIGHT[at + 1 :],
        st.integers(0, len(RIGHT) - 1),
        st.sampled_from("0123456789abcdefABFG- \n\tä"),
    ),
    st.sampled_from(
        [
            f"00-{'0' * 32}-{SPAN}-01-1-1-4c89c6ea",
            f"00-{TRACE}-{'0' * 16}-01-1-1-4c89c6ea",
            f"00-{'0' * 31}1-{SPAN}-01-1-1-4c89c6ea",
            f"{RIGHT}-4c89c6ea-4c89c6ea-4c89c6ea-4c89c6ea",
            RIGHT + "\n",
        ]
    ),
)


@given(st.lists(st.one_of(st.just(RIGHT), WRONG), max_size=12), st.integers(0, 12))
def test_many_are_marks_where_each_of_them_is(texts, more):
    """What is looked at together is judged as one by one, and as the format is spelt."""
    texts = [*texts, *[RIGHT] * more]
    spelt = [bool(SPELT.fullmatch(text)) for text in texts]

    assert list(map(is_mark, texts)) == spelt
    assert [parse_mark(text) is not None for text in texts] == spelt
    assert are_marks(texts) == all(spelt)
