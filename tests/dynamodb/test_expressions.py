"""Any update expression means the same with the mark in it, or is refused in the same words.

moto's parser, validator and executor are the referee. ``scripts/test --expressions`` tries 30,000
instead of 1,500.
"""

import copy
import os
import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lumitrace.capture.services import _dynamodb_update

pytest.importorskip("moto")

COUNT = int(os.environ.get("LUMITRACE_TEST_EXPRESSIONS", "1500"))
MARK = {"S": "mark"}
ITEM = {
    "id": {"S": "1"},
    "n": {"N": "7"},
    "a": {"S": "x"},
    "m": {"M": {"x": {"N": "1"}, "set": {"S": "y"}}},
    "l": {"L": [{"S": "p"}, {"M": {"q": {"N": "2"}}}]},
    "tags": {"SS": ["r", "s", "t"]},
    "settle": {"N": "3"},
}
NAMES = {
    "#SET": "set",
    "#remove": "n",
    "#a": "a",
    "#_lumitrace": "other",
    "#m": "m",
    "#ADD": "tags",
}
VALUES = {
    ":v": {"S": "v"},
    ":n": {"N": "5"},
    ":SET": {"N": "1.50"},
    ":l": {"L": [{"S": "z"}]},
    ":tags": {"SS": ["s", "u"]},
    ":_lumitrace": {"BOOL": True},
    ":offset": {"M": {"REMOVE": {"S": "SET"}}},
}
PLACEHOLDER = re.compile(r"[#:][A-Za-z0-9_]+")


def referee(params, item):
    """Return what moto makes of an update of *item*: the new item, or the text of its refusal."""
    from moto.dynamodb.exceptions import MockValidationException
    from moto.dynamodb.models import DynamoType, Item, UpdateExpressionExecutor
    from moto.dynamodb.models import UpdateExpressionParser as Parser
    from moto.dynamodb.models import UpdateExpressionValidator as Validator
    from moto.dynamodb.parsing.ast_nodes import ExpressionAttributeName, ExpressionAttributeValue
    from moto.dynamodb.responses import validate_attributes_used

    names = params.get("ExpressionAttributeNames", {})
    values = params.get("ExpressionAttributeValues", {})
    made = Item(DynamoType(item["id"]), None, copy.deepcopy(item))
    try:
        tree = Parser.make(params["UpdateExpression"])
        used = tree.find_clauses([ExpressionAttributeName])
        validate_attributes_used(names, [one.get_attribute_name_placeholder() for one in used])
        used = tree.find_clauses([ExpressionAttributeValue])
        validate_attributes_used(values, [one.get_value_name() for one in used], "Values")
        checked = Validator(tree, names, values, made, _table()).validate()
        checked.normalize()
        UpdateExpressionExecutor(checked, made, names).execute()
    except MockValidationException as error:
        return str(error)
    except (AttributeError, KeyError, TypeError, IndexError, ValueError, AssertionError) as error:
        return f"moto fails: {type(error).__name__}"  # on what AWS refuses in words
    return made.to_json()["Attributes"]


def _table():
    from types import SimpleNamespace

    return SimpleNamespace(attribute_keys=["id"], hash_key_attr="id", range_key_attr=None)


def defined(expression, more=()):
    """Return the parameters of an update by *expression*, with what it uses defined, and *more*."""
    used = {*PLACEHOLDER.findall(expression), *more}
    params = {"TableName": "t", "Key": {"id": {"S": "1"}}, "UpdateExpression": expression}
    names = {name: NAMES[name] for name in used if name in NAMES}
    values = {name: VALUES[name] for name in used if name in VALUES}
    if names:
        params["ExpressionAttributeNames"] = names
    if values:
        params["ExpressionAttributeValues"] = values
    return params


def settled(outcome):
    """Return *outcome* with sets in order, and without the mark."""
    if not isinstance(outcome, dict):
        return outcome
    return {
        name: {kind: sorted(inner) if kind == "SS" else inner for kind, inner in value.items()}
        for name, value in outcome.items()
        if name != "_lumitrace"
    }


def same(params, item):
    """Check that *params* with the mark in them have the outcome that they have without."""
    before = copy.deepcopy(params)
    ours, reason = _dynamodb_update.with_mark(params, MARK)
    assert params == before
    if reason is not None:
        assert ours is params
        return reason
    plain, marked = referee(params, item), referee(ours, item)
    assert settled(plain) == settled(marked), ours["UpdateExpression"]
    if isinstance(marked, dict):
        assert marked["_lumitrace"] == MARK
        assert "_lumitrace" not in plain
    return plain if isinstance(plain, str) else None


PATHS = (
    "a settle address dataset offset removed n tags a1_b #SET #remove #a #_lumitrace "
    "m.x m.#SET #m.new l[0] l[1].q l[1].#remove"
)
OPERANDS = (
    ":v|:n|:SET|:l|:tags|:_lumitrace|:offset|n|settle|m.x|a|l|l[1].q|#remove|if_not_exists(n, :n)|"
    "if_not_exists(missing, :SET)|list_append(l, :l)|list_append(if_not_exists(gone, :l), :l)"
)
paths, operands = st.sampled_from(PATHS.split()), st.sampled_from(OPERANDS.split("|"))
sums = st.tuples(
    st.sampled_from(["n", ":n", ":SET", "m.x", "if_not_exists(c, :n)"]),
    st.sampled_from(["+", "-", " + ", " - "]),
    st.sampled_from([":n", ":SET", "n", "settle"]),
).map("".join)
spaces = st.sampled_from(["", " ", "\n ", "  "])
CLAUSES = {
    "SET": st.tuples(paths, spaces, st.just("="), spaces, operands | sums).map("".join),
    "REMOVE": paths,
    "ADD": st.tuples(paths, st.just(" "), st.sampled_from([":n", ":tags", ":SET"])).map("".join),
    "DELETE": st.tuples(st.sampled_from(["tags", "#ADD", "a"]), st.just(" :tags")).map("".join),
}


@st.composite
def expressions(draw):
    """Draw an expression that is whole: sections in any order and case."""
    sections = draw(st.lists(st.sampled_from(list(CLAUSES)), min_size=1, max_size=4, unique=True))
    text = draw(spaces)
    for section in sections:
        clauses = draw(st.lists(CLAUSES[section], min_size=1, max_size=3))
        word = draw(st.sampled_from([section, section.lower(), section.title()]))
        joint = draw(st.sampled_from([",", ", ", " ,\n"]))
        text += f"{word} {joint.join(clauses)}{draw(st.sampled_from([' ', '  ', chr(10)]))}"
    return text


@st.composite
def broken(draw):
    """Draw an expression in which something is missing, twice, or from elsewhere."""
    pieces = re.findall(r"[#:]?\w+|\s+|.", draw(expressions()))
    at = draw(st.integers(0, len(pieces) - 1))
    kind = draw(st.sampled_from(["out", "twice", "other", "in", "end"]))
    other = draw(
        st.sampled_from(["SET", " SET a = :v", ",", "set", "REMOVE ", "=", "(", ")", ".", "[", "]"])
        | st.sampled_from(["#", ":", "_x", "#_lumitrace", ":_lumitrace", "+", "add", "é", "0", "$"])
    )
    if kind == "out":
        del pieces[at]
    elif kind == "twice":
        pieces.insert(at, pieces[at])
    elif kind == "other":
        pieces[at] = other
    elif kind == "in":
        pieces.insert(at, other)
    else:
        pieces = pieces[:at]
    return "".join(pieces)


many = settings(
    max_examples=max(1, COUNT // 2),
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
)


@many
@given(expressions(), st.sampled_from([ITEM, {"id": ITEM["id"]}]))
def test_a_whole_expression_means_the_same(expression, item):
    """It is marked, unless it only takes away; what it does to an item is what it did."""
    outcome = same(defined(expression), item)

    only_removes = not re.search(r"(?:^|\s)(?:set|add)\s", expression, re.IGNORECASE)
    assert (outcome == "only-removes") == only_removes
    assert outcome != "expression"


@many
@given(broken(), st.lists(st.sampled_from([*NAMES, *VALUES]), max_size=1))
def test_a_broken_expression_is_refused_in_the_same_words(expression, more):
    """Whatever is wrong with it, and whatever is defined beside what it uses."""
    same(defined(expression, more), ITEM)
