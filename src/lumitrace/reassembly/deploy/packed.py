"""In a layer, ``lumitrace._packed``: finds the package's modules in one file.

To find and read a file a module took half of the time that loading them takes: 15 ms of CPU for 46
modules, 7 ms out of one file (Python 3.13, a busy machine of two cores, 2026-11-23).

``_code`` has their bytecode, and the source of what has none: of modules that few functions need,
and under another Python than the bytecode's of `inert` alone.
"""

import marshal
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any

PACKAGE = "lumitrace."
FOLDER = __file__.replace("\\", "/").rpartition("/")[0]
ModuleSpec: "Any" = type(__spec__)


class Packed:
    """Finds and loads modules of this package, and nothing else.

    It stands last among the finders: what is no module of ours never gets here, unless it is
    nowhere.

    Attributes:
        code: marshalled bytecode, by the module's file.
        source: of modules without.
    """

    def __init__(self, code: dict[str, bytes], source: dict[str, str]) -> None:
        self.code = code
        self.source = source

    def find_spec(self, name: str, path: "Any" = None, target: "Any" = None) -> "Any":
        """Return the spec of the module *name*, None where it is not ours."""
        del path, target
        if not name.startswith(PACKAGE):
            return None
        stem = name[len(PACKAGE) :].replace(".", "/")
        for file, is_package in ((f"{stem}.py", False), (f"{stem}/__init__.py", True)):
            if file in self.code or file in self.source:
                spec = ModuleSpec(name, self, origin=f"{FOLDER}/{file}", is_package=is_package)
                spec.loader_state = file
                return spec
        return None

    def create_module(self, spec: "Any") -> None:
        """Let Python make the module."""

    def exec_module(self, module: "ModuleType") -> None:
        """Run the module's code in it."""
        spec: Any = module.__spec__
        module.__file__ = spec.origin
        known = self.code.get(spec.loader_state)
        if known is not None:
            code = marshal.loads(known)  # noqa: S302  # the layer's own
        else:
            code = compile(self.source[spec.loader_state], spec.origin, "exec", dont_inherit=True)
        exec(code, module.__dict__)  # noqa: S102  # as every import does

    def get_source(self, name: str) -> str | None:
        """Return the source of the module *name*, for a traceback, where there is one."""
        spec: Any = sys.modules[name].__spec__
        return self.source.get(spec.loader_state)


def install(code: dict[str, bytes], source: dict[str, str]) -> None:
    """Find and load from now on the modules that `Packed` is told of."""
    sys.meta_path.append(Packed(code, source))
