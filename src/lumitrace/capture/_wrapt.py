"""The one door to wrapt.

A function that installs lumitrace has wrapt as a dependency. The layer brings its own copy under
our name and uses no other: what a function or another layer brings as ``wrapt``, of whatever
version, is theirs.
"""

import sys

from lumitrace.capture.guard import Guard
from lumitrace.capture.origin import IN_LAYER

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

PACKAGE = "wrapt"
SPLIT = "wrapt.__wrapt__"  # since 1.17 this asks for the part in C, and the second below no more
PARTS = ("wrapt.exceptions", "wrapt.wrappers")  # the second needs the first from wrapt 2 on

guard = Guard("capture.wrapt")


def proxy() -> "Any":
    """Return wrapt's ``ObjectProxy``: to be paid only where botocore is."""
    if IN_LAYER:
        from lumitrace._vendor import wrapt as vendored  # noqa: PLC0415  # see above

        return vendored.ObjectProxy
    found = None
    if PACKAGE not in sys.modules:
        with guard:
            found = _alone()
    if found is None:
        import wrapt  # noqa: PLC0415  # see above

        found = wrapt.ObjectProxy
    return found


def _alone() -> "Any":
    """Return it from its own file, without the package around it; None where that is not known.

    1 ms of CPU; all of wrapt 2, which imports asyncio, takes 14, and wrapt 1 takes 3. Nothing is
    left in `sys.modules`: the function's own ``import wrapt`` goes as without us.
    """
    from importlib.machinery import PathFinder  # noqa: PLC0415  # botocore has loaded both
    from importlib.util import find_spec, module_from_spec  # noqa: PLC0415  # as above

    package = find_spec(PACKAGE)
    folder = None if package is None else package.submodule_search_locations
    if folder is None or PathFinder.find_spec(SPLIT, folder) is None:
        return None
    loaded: dict[str, Any] = {}
    try:
        for name in PARTS:
            spec = PathFinder.find_spec(name, folder)
            if spec is not None and spec.loader is not None:
                loaded[name] = sys.modules[name] = module_from_spec(spec)
                spec.loader.exec_module(loaded[name])
    finally:
        for name, module in loaded.items():
            if sys.modules.get(name) is module:
                del sys.modules[name]
    return loaded[PARTS[-1]].ObjectProxy
