"""Doing something right after a module is imported, without importing it ourselves."""

import importlib
import sys

from lumitrace.capture.frame import cut
from lumitrace.capture.guard import Guard

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    Patch = Callable[[Any], None]

guard = Guard("capture.on_import")


def call(patch: "Patch", name: str) -> None:
    """Call *patch* with the module *name*: now if it is loaded, else when it has been.

    A module that is being imported at this moment, by a thread or by itself, counts as loaded when
    its import ends.
    """
    module = sys.modules.get(name)
    spec = getattr(module, "__spec__", None)
    if module is not None:
        with guard:
            if getattr(spec, "_initializing", False):
                module = importlib.import_module(name)  # waits for the thread that imports it
            patch(module)
    else:
        finder.waiting.setdefault(name, []).append(patch)
        if finder not in sys.meta_path:
            sys.meta_path.insert(0, finder)


class Finder:
    """Waits for modules to be imported, and takes itself away after the last.

    One for all: each import of the function asks every finder (80 ns).
    """

    def __init__(self) -> None:
        self.waiting: dict[str, list[Patch]] = {}

    def find_spec(self, name: str, path: "Any" = None, target: "Any" = None) -> "Any":
        """Return the spec that the other finders give, its loader telling us when it is done."""
        if name not in self.waiting:
            return None
        others = [f for f in sys.meta_path if f is not self and hasattr(f, "find_spec")]
        for other in others:
            spec = other.find_spec(name, path, target)
            if spec is not None:
                with guard:
                    self.tell(spec.loader, name)
                return spec
        return None

    def tell(self, loader: "Any", name: str) -> None:
        """Have *loader* call us right after it has run the module *name*, this once."""
        if isinstance(loader, type):
            return  # one for all builtin or frozen modules: nothing is put into it
        execute = loader.exec_module

        def exec_module(module: "Any") -> None:
            if vars(loader).get("exec_module") is exec_module:
                del loader.exec_module
            try:
                execute(module)
            except BaseException as error:
                cut(error)
                raise
            if module.__spec__.name != name:  # a zip file's loader, which was only asked before
                return
            patches = self.waiting.pop(name, [])
            if not self.waiting and self in sys.meta_path:
                sys.meta_path.remove(self)
            for patch in patches:
                with guard:
                    patch(module)

        loader.exec_module = exec_module


finder = Finder()
