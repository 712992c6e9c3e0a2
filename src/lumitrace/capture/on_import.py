"""Doing something right after a module is imported, without importing it ourselves."""

import importlib
import sys

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
        for finder in sys.meta_path:
            if isinstance(finder, Finder) and finder.name == name:
                finder.patches.append(patch)
                return
        sys.meta_path.insert(0, Finder(patch, name))


class Finder:
    """Waits for one module to be imported, and then takes itself away."""

    def __init__(self, patch: "Patch", name: str) -> None:
        self.patches = [patch]
        self.name = name

    def find_spec(self, name: str, path: "Any" = None, target: "Any" = None) -> "Any":
        """Return the spec that the other finders give, its loader telling us when it is done."""
        if name != self.name:
            return None
        others = [f for f in sys.meta_path if f is not self and hasattr(f, "find_spec")]
        for finder in others:
            spec = finder.find_spec(name, path, target)
            if spec is not None:
                with guard:
                    self.tell(spec.loader)
                return spec
        return None

    def tell(self, loader: "Any") -> None:
        """Have *loader* call us right after it has run the module, this once."""
        execute = loader.exec_module

        def exec_module(module: "Any") -> None:
            del loader.exec_module
            if self in sys.meta_path:
                sys.meta_path.remove(self)
            execute(module)
            for patch in self.patches:
                with guard:
                    patch(module)

        loader.exec_module = exec_module
