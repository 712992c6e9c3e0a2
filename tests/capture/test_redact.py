"""What may never be written."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lumitrace.capture.config import settings
from lumitrace.capture.error import describe
from lumitrace.capture.redact import MAX_INPUT, MAX_MESSAGE, message, refusal
from lumitrace.capture.variables import names


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("password=hunter2 for bob", "password=**** for bob"),
        ('{"apiKey": "12345", "a": 1}', '{"apiKey": "****", "a": 1}'),
        ("Authorization: Bearer abc.def", "Authorization: Bearer ****"),
        ("sent bearer abc.def twice", "sent bearer **** twice"),
        ("Authorization: Basic dXNlcjpwYXNz", "Authorization: Basic ****"),
        ("key AKIAIOSFODNN7EXAMPLE is bad", "key **** is bad"),
        ("https://x/?X-Amz-Signature=abc&b=1", "https://x/?****"),
        ("The security token included in the request is expired", None),
        (
            "refused https://x/a?sale=7 and /b?c=d (why?)",
            "refused https://x/a?**** and /b?**** (why?)",
        ),
        ("postgres://ada:hunter2@db:5432/sales", "postgres://****@db:5432/sales"),
        ("postgres://ada:hun/ter2@db/sales", "postgres://****@db/sales"),
        ("redis://:hunter2@cache:6379", "redis://****@cache:6379"),
        ("http://shop:8080/a http://[::1]:80/b", None),
        ('{"password": "correct horse", "a": 1}', '{"password": "****", "a": 1}'),
        ("{'password': 'it\\'s', 'a': 1}", "{'password': '****', 'a': 1}"),
        (r"{\"api_key\": \"a b\", \"c\": 1}", r"{\"api_key\": \"****\", \"c\": 1}"),
        ('{"password":"","name":"Ada"}', None),
        ('{"tokens": ["a", {"b": "c"}], "d": 1', '{"tokens": [****], "d": 1'),
        ("Cookie: a=b; c=d\nHost: x", "Cookie: ****\nHost: x"),
        ("user=ada&client_secret=a:b/c&x=1", "user=ada&client_secret=****&x=1"),
        ("api key: 12345, monkey: 7, passenger=8", "api key: ****, monkey: 7, passenger=8"),
        ("secret access key = abc", "secret access key = ****"),
        ("at /x/AKIAIOSFODNN7EXAMPLE/y", "at /x/****"),
        ("jwt eyJhbGciOi.eyJzdWIi.c2ln end", "jwt **** end"),
        (
            "Authorization: AWS4-HMAC-SHA256 Credential=AK, Signature=7",
            "Authorization: AWS4-HMAC-SHA256****",
        ),
        ("card 4111 1111 1111 1111 or 4111111111111111", "card **** or ****"),
        ("order 4111111111111112 at 1795383700000000", None),
        ("-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY----- x", "**** x"),
        ("-----BEGIN PRIVATE KEY-----\nMIIE", "****"),
        ("pin=1234 spinning=1", "pin=**** spinning=1"),
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


def test_more_names(monkeypatch):
    """LUMITRACE_MASK adds names, however they are spelt."""
    monkeypatch.setattr(settings, "mask", names("customer-no, x")[0])

    assert message("customerNo=7 and CUSTOMER_NO: 8") == "customerNo=**** and CUSTOMER_NO: ****"


def test_a_text_that_is_too_long_to_be_read_ends_before_a_word():
    """What of a secret lies within the part that is read is not taken for another word."""
    text = f'password="{"x" * (MAX_INPUT - 18)}" AKIAIOSFODNN7EXAMPLE'

    assert message(text) == 'password="****" '


def test_errors_without_texts(monkeypatch):
    """LUMITRACE_ERRORS=type: the class and AWS's code, and nothing that anybody wrote."""
    monkeypatch.setattr(settings, "errors", False)

    assert describe(ValueError("secret")) == {"type": "ValueError"}
    told = refusal({"Error": {"Code": "Throttled", "Message": "secret"}}, "PutItem")
    assert told == {"type": "Throttled", "code": "Throttled"}


@given(st.text(max_size=600))
def test_any_text_is_cut_and_told(text):
    """256 characters at most, whatever it is."""
    assert len(message(text)) <= MAX_MESSAGE


def test_a_hostile_text_is_looked_at_only_in_part():
    """What stands behind the first part of ten megabytes changes nothing."""
    hostile = "token=" * 2_000_000

    assert message(hostile + "the end") == message(hostile[: MAX_INPUT + 1])
