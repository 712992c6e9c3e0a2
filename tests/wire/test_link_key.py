"""Link keys."""

import pytest

from lumitrace.wire.link_key import SNS, link_key


def test_a_key_names_its_kind():
    """Ids of different services never meet."""
    assert link_key(SNS, "95df01b4") == "sns:95df01b4"


@pytest.mark.parametrize("identifier", [None, "", 17, {}, "x" * 321])
def test_what_is_no_id_gives_no_key(identifier):
    """A stranger's event cannot make a key of anything but a short text."""
    assert link_key(SNS, identifier) is None
