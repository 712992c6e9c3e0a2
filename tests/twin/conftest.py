"""One interpreter for all twins of a session."""

import sys
from importlib.util import find_spec

import pytest

NEEDED = ("awslambdaric", "botocore", "wrapt")

if not sys.platform.startswith("linux") or not all(map(find_spec, NEEDED)):
    collect_ignore_glob = ["test_*.py"]


@pytest.fixture(scope="session")
def twins(tmp_path_factory):
    """Return what runs a function twice."""
    from tests.twin.twins import Twins

    twins = Twins(tmp_path_factory.mktemp("twins"))
    yield twins
    twins.stop()
