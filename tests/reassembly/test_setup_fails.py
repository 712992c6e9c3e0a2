"""A stack that CloudFormation does not make: what is said, and when lumitrace stops waiting."""

import pytest
from tests.aws import stacks
from tests.aws.stacks import ABSENT, CREATED, answering, events, stack

from lumitrace.reassembly.deploy.setup import stack as made

FAILED = events(
    ("lumitrace", "DELETE_COMPLETE", ""),
    ("Delivery", "CREATE_FAILED", "Resource creation cancelled"),
    ("Subscription", "CREATE_FAILED", "Could not deliver test message to Firehose"),
    ("LogsBucket", "CREATE_COMPLETE", ""),
)


@pytest.fixture
def apply(answer, monkeypatch):
    """``lumitrace setup --apply`` at an address; nothing is waited for."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    monkeypatch.setattr(made, "EVERY_S", 0)
    return lambda address: answer("setup", "--apply", "--endpoint-url", address)


def test_the_first_failure_is_the_reason(apply):
    """What failed later, failed because of it; and the stack is gone."""
    looks = [ABSENT, stack("CREATE_IN_PROGRESS"), stack("DELETE_COMPLETE")]
    with answering(
        DescribeStacks=looks, CreateStack=[CREATED], DescribeStackEvents=[FAILED]
    ) as address:
        code, said = apply(address)

    assert code == 1
    assert said.splitlines()[-1] == (
        "lumitrace: the stack lumitrace failed: Subscription: Could not deliver test message to "
        "Firehose; CloudFormation has taken back what it made"
    )
    assert "lumitrace: CREATE_IN_PROGRESS" in said


def test_an_update_that_was_rolled_back_is_told(apply):
    """The stack is as it was before."""
    looks = [stack("UPDATE_COMPLETE"), stack("UPDATE_ROLLBACK_COMPLETE")]
    with answering(
        DescribeStacks=looks, UpdateStack=[CREATED], DescribeStackEvents=[FAILED]
    ) as address:
        code, said = apply(address)

    assert (code, "failed: Subscription: Could not deliver" in said) == (1, True)


@pytest.mark.parametrize(
    ("status", "said"),
    [
        ("UPDATE_IN_PROGRESS", "is being changed (UPDATE_IN_PROGRESS); try again later"),
        ("ROLLBACK_COMPLETE", "is broken (ROLLBACK_COMPLETE); remove it first: aws cloudformation"),
        ("DELETE_FAILED", "is broken (DELETE_FAILED); remove it first: aws cloudformation"),
    ],
)
def test_a_stack_that_cannot_be_changed_is_told(apply, status, said):
    """With what to do next."""
    with answering(DescribeStacks=[stack(status)]) as address:
        code, found = apply(address)

    assert (code, said in found) == (1, True), found


def test_waiting_ends(apply, monkeypatch):
    """After half an hour somebody else may look."""
    monkeypatch.setattr(made, "LONGEST_S", -1)
    looks = [ABSENT, stack("CREATE_IN_PROGRESS")]
    with answering(DescribeStacks=looks, CreateStack=[CREATED]) as address:
        code, said = apply(address)

    assert code == 1
    assert "is still CREATE_IN_PROGRESS; see its events in the console" in said


def test_an_answer_that_is_none_of_aws_is_told(apply):
    """An endpoint that is a web server: one sentence, and no traceback."""
    with answering(DescribeStacks=["<!doctype html><title>Welcome</title>"]) as address:
        code, said = apply(address)

    assert code == 1
    assert said.splitlines()[-1].endswith("what answers is not AWS; check --endpoint-url")
    assert stacks.NAMESPACE not in said
