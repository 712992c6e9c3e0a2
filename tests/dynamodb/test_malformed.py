"""Parameters that no validation has seen yet: they go on as they came, and nothing is raised.

botocore validates after we have seen them, so that what is wrong is told to the caller by botocore.
"""

import copy

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lumitrace import traced
from lumitrace.capture.guard import reporter
from lumitrace.capture.services._call import Call
from lumitrace.capture.services.dynamodb import service
from lumitrace.wire.context import SpanContext

CONTEXT = SpanContext("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7")
WORDS = (
    "TableName Item Key UpdateExpression ConditionExpression ExpressionAttributeNames Expected "
    "ExpressionAttributeValues AttributeUpdates ConditionalOperator RequestItems PutRequest "
    "TransactItems Put Update Delete Action Value S N B M L SS NS BOOL NULL _lumitrace #a :a a t "
    "SET ADD PUT DELETE"
)
words = st.sampled_from(WORDS.split())
scalars = st.none() | st.booleans() | st.integers(-3, 3) | words | st.just(b"x")
anything = st.recursive(
    scalars | st.just("SET a = :a") | st.just("REMOVE #a"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words | st.integers(0, 1), inner),
    max_leaves=20,
)
maps = st.dictionaries(words | st.integers(0, 1), anything, max_size=4)
expressions = anything | st.sampled_from(["SET a = :a", "SET #a = :a", "ADD a :a"])
PUT = st.fixed_dictionaries({"TableName": st.just("t"), "Item": maps})
UPDATE = st.fixed_dictionaries(
    {"TableName": st.just("t"), "Key": maps},
    optional={
        "UpdateExpression": expressions,
        "ExpressionAttributeNames": anything | maps,
        "ExpressionAttributeValues": anything | maps,
        "ConditionExpression": anything,
        "AttributeUpdates": anything | maps,
        "Expected": anything,
    },
)
wrapped = st.fixed_dictionaries({}, optional={"PutRequest": PUT | anything, "Item": anything})
actions = st.fixed_dictionaries({}, optional={"Put": PUT | anything, "Update": UPDATE | anything})
lists = st.lists(wrapped | anything, max_size=3)
CALLS = (
    PUT.map(lambda params: ("PutItem", params))
    | UPDATE.map(lambda params: ("UpdateItem", params))
    | st.dictionaries(words | st.none(), lists | anything, max_size=2).map(
        lambda tables: ("BatchWriteItem", {"RequestItems": tables})
    )
    | (st.lists(actions | anything, max_size=3) | anything).map(
        lambda found: ("TransactWriteItems", {"TransactItems": found})
    )
)


@settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))
@given(CALLS, st.booleans())
def test_no_parameters_make_it_raise(call, fed):
    """Neither what has the wrong type nor what is nested wrongly, and nothing is changed."""
    operation, params = call
    before = copy.deepcopy(params)
    call = Call("dynamodb", operation, params, "eu-west-1")
    call.fed = fed

    service.describe(call, ("TableName",))
    service.inject(call, CONTEXT)

    assert params == before


WRONG = [
    ("put_item", {"TableName": "t", "Item": {"id": "S"}}),
    ("put_item", {"TableName": "t", "Item": {"id": 5}}),
    ("put_item", {"TableName": "t", "Item": {"id": {"S": 5}}}),
    ("put_item", {"TableName": "t", "Item": {"id": {"M": [1]}}}),
    ("put_item", {"TableName": "t", "Item": {5: {"S": "x"}, "a": {"L": 7}}}),
    ("update_item", {"TableName": "t", "Key": {"id": 5}}),
    ("update_item", {"TableName": "t", "Key": {}, "AttributeUpdates": {"a": 5}}),
    (
        "update_item",
        {"TableName": "t", "Key": {}, "UpdateExpression": 7, "ExpressionAttributeNames": {5: 5}},
    ),
    ("batch_write_item", {"RequestItems": {"t": [{"PutRequest": {"Item": {"id": 5}}}]}}),
    ("transact_write_items", {"TransactItems": [{"Put": {"TableName": "t", "Item": {"id": 5}}}]}),
]


@pytest.mark.parametrize(("operation", "params"), WRONG)
def test_botocore_tells_the_caller_what_is_wrong(context, aws, operation, params):
    """In the words that it has without us; no line of ours speaks of it."""
    from botocore.exceptions import ParamValidationError

    client = aws.client("dynamodb")

    def said():
        with pytest.raises(ParamValidationError) as caught:
            getattr(client, operation)(**params)
        return str(caught.value)

    alone = said()

    assert traced(lambda event, context: said())({}, context) == alone
    assert reporter.count == 0 or not reporter.waiting
    assert aws.sent == []
