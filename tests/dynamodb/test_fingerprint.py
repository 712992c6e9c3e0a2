"""Fingerprints: the same for what DynamoDB holds for the same, different for all else."""

import base64
from decimal import Context, Decimal

import pytest

pytest.importorskip("hypothesis")
from hypothesis import HealthCheck, example, given
from hypothesis import settings as how
from hypothesis import strategies as st

from lumitrace.capture.config import settings
from lumitrace.capture.services import _fingerprint
from lumitrace.capture.services._assigned import assigned
from lumitrace.capture.services._canonical import Speller, UnknownValueError, number
from lumitrace.capture.services._fingerprint import KEY, Table

DIGITS = Context(prec=38)  # DynamoDB's own
SECRET = "correct horse battery"  # noqa: S105  # a test's
QUICK = how(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@pytest.fixture(autouse=True)
def _secret(_fresh):
    """One secret in force."""
    settings.load({"LUMITRACE_FINGERPRINT_KEY": SECRET})
    yield
    _fingerprint._key_names.clear()


def spelt(value, *, encoded=False):
    """Return the one spelling of *value*."""
    return Speller(encoded=encoded).value(value)


numbers = st.decimals(
    min_value=Decimal("-1e38"), max_value=Decimal("1e38"), allow_nan=False, places=None
).filter(lambda n: len(n.as_tuple().digits) <= 38)


def spellings(n):
    """Return ways in which a writer may spell *n*."""
    plain = format(n, "f")
    longer = (plain if "." in plain else f"{plain}.") + "000"
    sign, rest = ("-", longer[1:]) if longer[0] == "-" else ("", longer)
    return [
        str(n),
        plain,
        longer,
        f"{sign}00{rest}",
        format(n, "E"),
        format(n.normalize(DIGITS), "e"),
    ]


@QUICK
@given(numbers)
@example(Decimal("1E+2"))
@example(Decimal("-0.0"))
def test_a_number_has_one_spelling(n):
    """1, 1.0 and 1E0 are one number to DynamoDB, with all of its 38 digits."""
    assert len({number(spelling) for spelling in spellings(n)}) == 1


@QUICK
@given(numbers, numbers)
def test_different_numbers_are_spelt_differently(one, other):
    """No digit is lost."""
    assert (number(str(one)) == number(str(other))) == (one == other)


@pytest.mark.parametrize(
    "text", ["", ".", "e5", "1e", "0x1", "\uff11", "1 ", "NaN", None, 1, "1" * 300]
)
def test_what_is_no_number_is_not_spelt(text):
    """DynamoDB refuses it."""
    with pytest.raises(UnknownValueError):
        number(text)


scalars = st.one_of(
    st.builds(lambda t: {"S": t}, st.text(max_size=6)),
    st.builds(lambda n: {"N": str(n)}, numbers),
    st.builds(lambda b: {"B": b}, st.binary(max_size=6)),
    st.builds(lambda b: {"BOOL": b}, st.booleans()),
    st.just({"NULL": True}),
    st.builds(lambda s: {"SS": list(s)}, st.sets(st.text(max_size=3), min_size=1, max_size=3)),
    st.builds(lambda s: {"BS": list(s)}, st.sets(st.binary(max_size=3), min_size=1, max_size=3)),
    st.builds(lambda s: {"NS": [str(n) for n in s]}, st.sets(numbers, min_size=1, max_size=3)),
)
values = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.builds(lambda v: {"L": v}, st.lists(inner, max_size=3)),
        st.builds(lambda v: {"M": v}, st.dictionaries(st.text(max_size=3), inner, max_size=3)),
    ),
    max_leaves=8,
)


def stored(value):
    """Return *value* as a stream hands it over: trimmed numbers, sets anyhow, binary in Base64."""
    [(kind, inner)] = value.items()
    if kind == "N":
        return {"N": format(Decimal(inner).normalize(DIGITS), "f")}
    if kind == "B":
        return {"B": base64.b64encode(inner).decode()}
    if kind in {"SS", "NS", "BS"}:
        return {kind: [stored({kind[0]: one})[kind[0]] for one in reversed(inner)]}
    if kind == "L":
        return {"L": [stored(one) for one in inner]}
    if kind == "M":
        return {"M": {name: stored(one) for name, one in reversed(inner.items())}}
    return value


@QUICK
@given(values)
def test_a_stored_value_is_the_one_that_was_written(value):
    """Whatever DynamoDB does to its spelling."""
    assert spelt(value) == spelt(stored(value), encoded=True)


@QUICK
@given(values, values)
@example({"S": "1"}, {"N": "1"})
@example({"SS": ["a"]}, {"L": [{"S": "a"}]})
@example({"SS": ["ab"]}, {"SS": ["a", "b"]})
@example({"M": {"a": {"S": ""}}}, {"M": {"": {"S": "a"}}})
@example({"L": [{"L": []}, {"S": "x"}]}, {"L": [{"L": [{"S": "x"}]}]})
def test_different_values_are_spelt_differently(one, other):
    """Types, lengths and levels are all in it."""
    same = plain(one) == plain(other)

    assert (spelt(one) == spelt(other)) == same


def plain(value):
    """Return what *value* means, to be compared."""
    [(kind, inner)] = value.items()
    if kind == "N":
        return kind, Decimal(inner)
    if kind in {"SS", "BS"}:
        return kind, frozenset(inner)
    if kind == "NS":
        return kind, frozenset(map(Decimal, inner))
    if kind == "L":
        return kind, tuple(map(plain, inner))
    if kind == "M":
        return kind, frozenset((name, plain(one)) for name, one in inner.items())
    return kind, inner


def test_a_deep_or_large_value_is_not_spelt():
    """A fingerprint costs no more than a millisecond or two; the key is still told."""
    deep = {"S": ""}
    for _ in range(60):
        deep = {"L": [deep]}
    table = Table("eu-west-1", "t")

    assert table.image({"a": deep}) == []
    assert table.image({"a": {"L": [{"NULL": True}] * 5_000}}) == []
    assert table.image({"a": {"B": open}}) == []


ITEM = {"saleId": {"S": "1"}, "n": {"N": "1"}}


def test_table_region_key_and_secret_are_in_a_fingerprint(monkeypatch):
    """The same item elsewhere, or to somebody with another secret, is another."""
    found = [
        Table("eu-west-1", "t").image(ITEM),
        Table("eu-west-1", "u").image(ITEM),
        Table("us-east-1", "t").image(ITEM),
        Table("eu-west-1", "t").image({**ITEM, "saleId": {"S": "2"}}),
        Table("eu-west-1", "t").image(ITEM, ("removed",)),
        Table("eu-west-1", "t").key(ITEM, KEY),
    ]
    monkeypatch.setattr(settings, "fingerprint_key", (b"another secret of ours",))
    found.append(Table("eu-west-1", "t").image(ITEM))

    assert len({one[1:] for [one] in found}) == len(found)


def test_every_secret_in_force_is_used(monkeypatch):
    """While secrets are rolled both sides meet, also where one knows the old or the new alone."""
    old, new = b"o" * 16, b"n" * 100

    def of(*secrets):
        monkeypatch.setattr(settings, "fingerprint_key", secrets)
        return Table("eu-west-1", "t").image(ITEM)

    assert of(old, new) == of(old) + of(new)


def test_a_mark_and_the_replications_attributes_are_not_in_it():
    """Only what the application wrote counts."""
    ours = {"S": f"00-{'a' * 32}-{'b' * 16}-01-1a200e1affb-1-c7009018"}
    table = Table("eu-west-1", "t")
    more = {"_lumitrace": ours, "aws:rep:updateregion": {"S": "x"}}

    assert table.image({**ITEM, **more}) == table.image(ITEM)
    assert table.image({**ITEM, "_lumitrace": {"S": "theirs"}}) != table.image(ITEM)


NAMES, VALUES = {"#a": "a b", "#c": "c"}, {":v": {"N": "1"}, ":w": {"S": "x"}}


@pytest.mark.parametrize(
    ("expression", "wanted"),
    [
        ("SET #a = :v", ({"a b": VALUES[":v"]}, ())),
        ("set b=:v,#c =:w remove d, e", ({"b": VALUES[":v"], "c": VALUES[":w"]}, ("d", "e"))),
        ("REMOVE d\nSET\tb = :v", ({"b": VALUES[":v"]}, ("d",))),
        *(
            (expression, None)
            for expression in [
                *("SET b = :v + :w", "SET b = c", "SET b.c = :v", "SET b[0] = :v", "SET #x = :v"),
                *("SET #a.b = :v", "SET b = if_not_exists(b, :v)", "ADD b :v", "DELETE b :v"),
                *("SET b = :v ADD c :w", "REMOVE b[1]", "SET", "SET b = :nope", "SET remove = :v"),
                *("SET b = :v,", "b = :v", "SET b = list_append(b, :v)", "SET a-b = :v"),
            ]
        ),
    ],
)
def test_only_literal_assignments_count(expression, wanted):
    """What the item itself decides about cannot be foretold."""
    params = {"UpdateExpression": expression}
    names = {"ExpressionAttributeNames": NAMES, "ExpressionAttributeValues": VALUES}

    assert assigned({**params, **names}) == wanted
