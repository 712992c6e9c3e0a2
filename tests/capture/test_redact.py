"""What may never be written."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lumitrace.capture.redact import MAX_MESSAGE, message


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("password=hunter2 for bob", "password=**** for bob"),
        ('{"apiKey": "12345", "a": 1}', '{"apiKey": "****", "a": 1}'),
        ("Authorization: Bearer abc.def", "Authorization: Bearer ****"),
        ("Authorization: Basic dXNlcjpwYXNz", "Authorization: Basic ****"),
        ("key AKIAIOSFODNN7EXAMPLE is bad", "key **** is bad"),
        ("https://x/?X-Amz-Signature=abc&b=1", "https://x/?X-Amz-Signature=****&b=1"),
        ("The security token included in the request is expired", None),
        ("Type mismatch for key amount expected: N actual: S", None),
    ],
)
def test_secrets_are_masked_and_the_rest_stays(text, masked):
    """What is assigned to a secret's name, and what looks like a credential, is taken out."""
    assert message(text) == (masked or text)


def test_a_mask_comes_before_the_cut():
    """No half of a secret is left at the end."""
    text = "x" * (MAX_MESSAGE - 12) + " password=verysecretindeed"

    assert "very" not in message(text)


@given(st.text(max_size=600))
def test_any_text_is_cut_and_told(text):
    """256 characters at most, whatever it is."""
    assert len(message(text)) <= MAX_MESSAGE


def test_a_hostile_text_takes_linear_time():
    """Ten megabytes of separators are looked at only in part."""
    began = time.perf_counter()

    message("token=" * 2_000_000)

    assert time.perf_counter() - began < 5
