"""The one door to wrapt.

A function that installs lumitrace has wrapt as a dependency. The layer brings its own copy under
our name and uses no other: what a function or another layer brings as ``wrapt``, of whatever
version, is theirs.
"""

from lumitrace.capture.origin import IN_LAYER

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def load() -> "Any":
    """Return the module wrapt: 7 to 45 ms, to be paid only where botocore is."""
    if IN_LAYER:
        from lumitrace._vendor import wrapt as vendored  # noqa: PLC0415  # see above

        return vendored
    import wrapt  # noqa: PLC0415  # see above

    return wrapt
