"""UpdateItem: where the mark goes in an expression, and which expressions are left as they are."""

import copy
import time

import pytest

from lumitrace.capture.services import _dynamodb_update, _update_expression
from lumitrace.wire.mark import ATTRIBUTE

MARK = {"S": "mark"}
BASE = {"TableName": "t", "Key": {"id": {"S": "1"}}}
OURS = "#_lumitrace = :_lumitrace"


def marked(expression=None, values=(), names=None, **more):
    """Return the parameters with the mark, and the reason where there is none."""
    params = {**BASE, **more}
    if expression is not None:
        params["UpdateExpression"] = expression
    if values:
        params["ExpressionAttributeValues"] = {name: {"S": "x"} for name in values}
    if names is not None:
        params["ExpressionAttributeNames"] = names
    before = copy.deepcopy(params)
    ours, reason = _dynamodb_update.with_mark(params, MARK)
    assert params == before
    if reason is not None:
        assert ours is params
    return ours, reason


@pytest.mark.parametrize(
    ("expression", "values", "names", "ours"),
    [
        ("SET a = :a", [":a"], None, f"SET {OURS}, a = :a"),
        ("set a=:a", [":a"], None, f"set {OURS}, a=:a"),
        ("SeT\n\ta = :a", [":a"], None, f"SeT {OURS},\n\ta = :a"),
        ("SET #SET=:SET", [":SET"], {"#SET": "s"}, f"SET {OURS}, #SET=:SET"),
        ("ADD n :n", [":n"], None, f"ADD n :n SET {OURS}"),
        ("REMOVE b SET a = :a", [":a"], None, f"REMOVE b SET {OURS}, a = :a"),
        (
            "DELETE s :s ADD n :n REMOVE r SET address = :offset",
            [":s", ":n", ":offset"],
            None,
            f"DELETE s :s ADD n :n REMOVE r SET {OURS}, address = :offset",
        ),
        (
            "SET settle = :a, s.offset[0].#b = if_not_exists(x, :a) - (:a + y) ADD z :a",
            [":a"],
            {"#b": "b"},
            f"SET {OURS}, settle = :a, s.offset[0].#b = if_not_exists(x, :a) - (:a + y) ADD z :a",
        ),
        (
            "SET a = list_append(if_not_exists(a, :e), :v) REMOVE removed",
            [":e", ":v"],
            None,
            f"SET {OURS}, a = list_append(if_not_exists(a, :e), :v) REMOVE removed",
        ),
    ],
)
def test_the_mark_is_one_more_assignment(expression, values, names, ours):
    """Behind the keyword SET, wherever it stands, or in a section of its own."""
    found, reason = marked(expression, values, names)

    assert reason is None
    assert found["UpdateExpression"] == ours
    assert found["ExpressionAttributeNames"] == {**(names or {}), "#_lumitrace": ATTRIBUTE}
    assert found["ExpressionAttributeValues"][":_lumitrace"] == MARK


@pytest.mark.parametrize(
    ("expression", "values", "names"),
    [
        ("", (), None),
        (" \n", (), None),
        ("SET", (), None),
        ("SET a = :a,", [":a"], None),
        ("SET a = :a SET b = :a", [":a"], None),
        ("SET a := :a", [":a"], None),
        ("SET a = :a b = :a", [":a"], None),
        ("SET a = :a + ", [":a"], None),
        ("SET a. = :a", [":a"], None),
        ("SET a[x] = :a", [":a"], None),
        ("SET a[-1] = :a", [":a"], None),
        ("SET a = size(:a)", [":a"], None),
        ("SET a = IF_NOT_EXISTS(a, :a)", [":a"], None),
        ("SET a = list_append(:a)", [":a"], None),
        ("SET a = (:a", [":a"], None),
        ("SET _a = :a", [":a"], None),
        ("SET 1 = :a", [":a"], None),
        ("SET remove = :a", [":a"], None),
        ("SET a.Set[0] = :a", [":a"], None),
        ("SET # = :a", [":a"], None),
        ("SET a = :", [":a"], None),
        ("SET ä = :a", [":a"], None),
        ("SET a = " + "(" * 40 + ":a" + ")" * 40, [":a"], None),
        ("ADD a b", (), None),
        ("SET#a = :a", [":a"], {"#a": "a"}),
        ("ADD a:a", [":a"], None),
        ("REMOVE a b", (), None),
        ("REMOVE a, set,", (), None),
        ("UPSERT a = :a", [":a"], None),
        ("SET a = :a;", [":a"], None),
        ("SET a = :a", [":b"], None),
        ("SET a = :a", [":a", ":b"], None),
        ("SET a = :a", (), None),
        ("SET #a = :a", [":a"], None),
        ("SET #a = :a", [":a"], {}),
        ("SET a = :a", [":a"], {"#b": "b"}),
        ("SET " + ", ".join(f"a{n:0500} = :a" for n in range(8)) + " " * 40, [":a"], None),
    ],
)
def test_what_is_wrong_is_left_as_it_is(expression, values, names):
    """An expression that AWS refuses is refused in the very same words."""
    assert marked(expression, values, names)[1] == "expression"


def test_an_expression_may_be_as_long_as_aws_takes():
    """4,096 bytes with our assignment in it, and not one more."""
    for length, wanted in (
        (4096 - len(f" {OURS},"), None),
        (4097 - len(f" {OURS},"), "expression"),
    ):
        expression = "SET a = :a"
        expression += " " * (length - len(expression))
        found, reason = marked(expression, [":a"])
        assert reason == wanted
        assert len(found["UpdateExpression"]) in (4096, length)


@pytest.mark.parametrize("empty", ["ExpressionAttributeNames", "ExpressionAttributeValues"])
def test_an_empty_map_is_a_mistake_that_stays(empty):
    """AWS refuses it, so that what we would put in must not mend it."""
    assert marked(None, **{empty: {}})[1] == "expression"


def test_names_of_ours_that_the_caller_uses_are_not_taken():
    """Defined or not, in the expression or in the condition."""
    found, reason = marked("SET #_lumitrace = :a", [":a"], {"#_lumitrace": "b"})
    assert reason is None
    assert found["UpdateExpression"] == "SET #_lumitrace_ = :_lumitrace_, #_lumitrace = :a"
    found, reason = marked(
        "SET a = :a", [":a"], ConditionExpression="attribute_exists(#_lumitrace)"
    )
    assert found["ExpressionAttributeNames"] == {"#_lumitrace_": ATTRIBUTE}


def test_the_callers_own_attribute_wins():
    """A name that stands for ours says that it is theirs."""
    assert marked("SET #a = :a", [":a"], {"#a": ATTRIBUTE})[1] == "own-attribute"


def test_an_update_without_an_expression_makes_an_item_of_a_key():
    """That is legal, with and without a condition, and carries the mark."""
    assert marked()[0]["UpdateExpression"] == f"SET {OURS}"
    found, reason = marked(None, names={"#a": "a"}, ConditionExpression="attribute_not_exists(#a)")
    assert reason is None
    assert found["UpdateExpression"] == f"SET {OURS}"
    assert found["ExpressionAttributeNames"] == {"#a": "a", "#_lumitrace": ATTRIBUTE}


@pytest.mark.parametrize("expression", ["REMOVE a", "REMOVE a, b.c DELETE s :s", "DELETE s :s"])
@pytest.mark.parametrize(
    ("condition", "wanted"),
    [
        ({}, "only-removes"),
        ({"ConditionExpression": "attribute_not_exists(b)"}, "only-removes"),
        ({"ConditionExpression": "NOT attribute_exists(b)"}, "only-removes"),
        ({"ConditionExpression": "attribute_exists(b) or a = b"}, "only-removes"),
        ({"ConditionExpression": "attribute_exists(b)"}, None),
        ({"ConditionExpression": "attribute_exists(b) AND a = b"}, None),
    ],
)
def test_a_mark_never_makes_an_item(expression, condition, wanted):
    """An update that only takes away makes no item where there is none, and a SET would."""
    values = [":s"] if ":s" in expression else ()

    assert marked(expression, values, **condition)[1] == wanted


PUT = {"a": {"Action": "PUT", "Value": {"S": "x"}}}


def test_the_legacy_form_has_its_own_place_for_the_mark():
    """``AttributeUpdates``, also with ``Expected`` and a ``ConditionalOperator``."""
    expected = {"Expected": {"a": {"Exists": False}}, "ConditionalOperator": "AND"}
    found, reason = marked(None, AttributeUpdates=PUT, **expected)

    assert reason is None
    ours = {**PUT, ATTRIBUTE: {"Action": "PUT", "Value": MARK}}
    assert found == {**BASE, **expected, "AttributeUpdates": ours}


@pytest.mark.parametrize(
    ("params", "wanted"),
    [
        ({"AttributeUpdates": {}}, "expression"),
        ({"AttributeUpdates": PUT, "UpdateExpression": "SET a = b"}, "expression"),
        ({"AttributeUpdates": PUT, "ConditionExpression": "a = b"}, "expression"),
        ({"Expected": {"a": {"Exists": False}}}, "expression"),
        ({"ConditionalOperator": "AND"}, "expression"),
        ({"AttributeUpdates": {"a": {"Action": "DELETE"}}}, "only-removes"),
        ({"AttributeUpdates": {**PUT, ATTRIBUTE: PUT["a"]}}, "own-attribute"),
    ],
)
def test_a_legacy_update_that_a_mark_would_change_is_left_as_it_is(params, wanted):
    """What AWS refuses, what only takes away, and what is the caller's own."""
    assert marked(None, **params)[1] == wanted


def test_reading_an_expression_never_raises():
    """Whatever its length and depth."""
    for text in (
        "SET a = " + "(" * 4000,
        "SET " * 1000,
        "#" * 4096,
        "[" * 4096,
        "\x00",
        "a" * 4096,
    ):
        assert _update_expression.read(text) is None


def test_spaces_take_no_time():
    """4 KB of them are read in linear time: 0.1 ms of CPU, where each searched them anew 1 s."""
    began = time.process_time()

    for _ in range(3):
        assert _update_expression.read("SET a = :a" + " " * 4080) is not None

    assert time.process_time() - began < 0.5
