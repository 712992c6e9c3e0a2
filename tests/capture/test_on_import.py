"""Waiting for a module: importing it, or only asking for it, is as it would be without us."""

import builtins
import importlib.util
import sys
import traceback
import zipfile

import pytest

from lumitrace.capture import on_import


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A directory that modules are imported from; they are forgotten afterwards."""
    monkeypatch.syspath_prepend(tmp_path)
    yield tmp_path
    for names in (on_import.finder.waiting, sys.modules):
        for name in [name for name in names if name.startswith("lumi_")]:
            del names[name]


def test_a_module_that_is_only_looked_for_breaks_no_other(place, monkeypatch):
    """All modules of a zip file have one loader: a library may ask whether another is there."""
    archive = place / "function.zip"
    with zipfile.ZipFile(archive, "w") as file:
        for name in ("lumi_a", "lumi_b", "lumi_c"):
            file.writestr(f"{name}.py", "")
    monkeypatch.syspath_prepend(archive)
    told = []
    for name in ("lumi_a", "lumi_b"):
        on_import.call(lambda module: told.append(module.__name__), name)
        assert importlib.util.find_spec(name) is not None
        assert importlib.util.find_spec(name) is not None

    for name in ("lumi_c", "lumi_a", "lumi_b"):
        importlib.import_module(name)

    assert told == ["lumi_a", "lumi_b"]
    assert not vars(sys.modules["lumi_c"].__loader__).get("exec_module")


def test_a_module_that_cannot_be_imported_fails_as_before(place):
    """Frame by frame; importlib takes its own off the traceback, and finds ours nowhere."""
    frames = []
    on_import.call(print, "lumi_broken")
    for name in ("lumi_plain", "lumi_broken"):
        (place / f"{name}.py").write_text("1 / 0\n")
        with pytest.raises(ZeroDivisionError) as caught:
            builtins.__import__(name)
        frames.append([frame.name for frame in traceback.extract_tb(caught.tb)])

    if sys.version_info >= (3, 11):  # before, one frame stays where something stands outside ours
        assert frames[0] == frames[1]


def test_a_loader_for_all_builtin_modules_is_left_alone():
    """What is put into a class would be there for every module."""
    from importlib.machinery import BuiltinImporter

    before = dict(vars(BuiltinImporter))

    on_import.finder.tell(BuiltinImporter, "lumi_builtin")

    assert dict(vars(BuiltinImporter)) == before
