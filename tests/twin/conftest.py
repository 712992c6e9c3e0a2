"""One interpreter for all twins of a session."""

import pytest

pytest.importorskip("awslambdaric")
pytest.importorskip("botocore")

from tests.twin.twins import Twins


@pytest.fixture(scope="session")
def twins(tmp_path_factory):
    """Return what runs a function twice."""
    twins = Twins(tmp_path_factory.mktemp("twins"))
    yield twins
    twins.stop()
