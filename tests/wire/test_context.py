"""The span context and its spelling."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lumitrace.wire.context import (
    SpanContext,
    format_traceparent,
    new_span_id,
    new_trace_id,
    parse_traceparent,
    parse_xray_root,
)

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


def test_what_format_writes_parse_reads():
    """A context survives being spelt as a traceparent."""
    context = SpanContext(TRACE, SPAN)

    assert parse_traceparent(format_traceparent(context)) == context


@pytest.mark.parametrize(
    "header",
    [
        None,
        17,
        b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "",
        f"00-{TRACE.upper()}-{SPAN}-01",
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"ff-{TRACE}-{SPAN}-01",
        f"00-{TRACE}-{SPAN}-01-more",
        f"00-{TRACE}-{SPAN}-0x",
        f" 0-{TRACE}-{SPAN}-01",
        f"00-{TRACE[:31]}-{SPAN}--01",
    ],
)
def test_what_is_no_traceparent_is_none(header):
    """A stranger's header that is not exactly version 00 says nothing."""
    assert parse_traceparent(header) is None


@given(st.one_of(st.text(max_size=80), st.from_regex(r"[0-9a-f-]{55}", fullmatch=True)))
def test_no_text_makes_it_raise(text):
    """Whatever stands in a header, reading it answers."""
    parsed = parse_traceparent(text)

    assert parsed is None or format_traceparent(parsed)[:53] == text[:53]


def test_ids_are_new_each_time():
    """Two ids never are the same, nor all zero."""
    assert len({new_trace_id() for _ in range(1000)}) == 1000
    assert len({new_span_id() for _ in range(1000)}) == 1000


@pytest.mark.parametrize(
    ("header", "root"),
    [
        ("Root=1-5759e988-bd862e3fe1be46a994272793", "5759e988bd862e3fe1be46a994272793"),
        (
            "Sampled=1; Root=1-5759e988-bd862e3fe1be46a994272793;Lineage=1:a:0",
            "5759e988bd862e3fe1be46a994272793",
        ),
        ("Root=2-5759e988-bd862e3fe1be46a994272793", None),
        ("Root=1-5759e988", None),
        ("Parent=53995c3f42cd8ad8", None),
        ("x" * 2000, None),
        (None, None),
    ],
)
def test_the_root_of_an_xray_header(header, root):
    """X-Ray's root is read as 32 hex digits, and nothing else is."""
    assert parse_xray_root(header) == root
