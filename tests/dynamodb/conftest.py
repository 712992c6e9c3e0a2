"""AWS in small, from the room of capture, with the real clock; and moto behind its proxy."""

import pytest
from tests.aws.proxy import before_moto
from tests.capture import conftest as capture
from tests.capture.conftest import _fresh, captured, context, event

__all__ = ["_fresh", "captured", "context", "event"]


@pytest.fixture(scope="session")
def _session():
    """One botocore session for all tests of this room: each reads its models anew, 0.2 s."""
    return pytest.importorskip("botocore.session").Session()


@pytest.fixture
def aws(captured, _session):
    """AWS in small, botocore patched."""
    from lumitrace.capture import botocore

    aws = capture.AWS()
    aws.session, aws.refuse = _session, capture.refuse
    botocore.install()
    return aws


@pytest.fixture(scope="session")
def _behind():
    """One moto for all tests of this room."""
    pytest.importorskip("moto")
    with before_moto() as proxy:
        yield proxy


@pytest.fixture
def proxy(_behind):
    """The proxy before moto, with nothing in its memory."""
    _behind.forget()
    return _behind
