"""What `lumitrace layer build` writes."""

import io
import json
import marshal
import os
import subprocess
import sys
import types
import zipfile
from pathlib import Path

import pytest

from lumitrace.reassembly.cli import main
from lumitrace.reassembly.deploy import layer as deploy

MAX_BYTES = 150_000  # with bytecode
MAX_SOURCE_BYTES = 100_000


def names(layer):
    """Return what lies in the zip."""
    return zipfile.ZipFile(io.BytesIO(layer.content)).namelist()


def unpacked(layer):
    """Return the module that holds the others, as it is in *layer*."""
    archive = zipfile.ZipFile(io.BytesIO(layer.content))
    [name] = [name for name in archive.namelist() if "_code.cpython" in name]
    content = archive.read(name)
    module = types.SimpleNamespace()
    exec(marshal.loads(content[16:]), module.__dict__)  # noqa: S102, S302  # the layer's own
    return module


def test_nothing_lies_at_the_top_but_what_bears_our_name(layer):
    """Layers are merged into one folder: whatever else is there would be in somebody's way."""
    shown = {"/".join(name.split("/")[:2]) for name in names(layer)}

    assert shown == {"lumitrace", "python/lumitrace", "python/lumitrace.pth"}


def test_what_reads_logs_stays_at_home(layer):
    """In: capture, wire and wrapt with its licence. Out: reassembly and testing."""
    code = unpacked(layer)

    assert {name.split("/")[0] for name in [*code.CODE, *code.SOURCE]} == {
        "capture",
        "wire",
        "_vendor",
    }
    assert "python/lumitrace/LICENSE.wrapt" in names(layer)


def test_it_is_small(layer):
    """A layer is loaded at each cold start."""
    assert len(layer.content) < MAX_BYTES


def test_the_same_bytes_come_out_twice(layer):
    """Whoever builds it again can compare the hashes."""
    program = "import sys; from lumitrace.reassembly.deploy.layer import build; "
    program += "print(build(sys.argv[1]).sha256)"
    other = [sys.executable, "-c", program, layer.python]
    environment = {**os.environ, "PYTHONHASHSEED": "7"}
    environment["PYTHONPATH"] = str(Path(deploy.__file__).parents[3])

    again = subprocess.run(
        other, capture_output=True, text=True, check=True, env=environment, cwd="/"
    )

    assert again.stdout.strip() == layer.sha256


def test_the_bytecode_is_used_and_never_checked(layer):
    """Every module has bytecode; it is marked to be taken as it is, PEP 552."""
    archive = zipfile.ZipFile(io.BytesIO(layer.content))
    compiled = [name for name in archive.namelist() if name.endswith(".pyc")]

    assert len(compiled) == len([name for name in archive.namelist() if name.endswith(".py")])
    assert {archive.read(name)[4:8] for name in compiled} == {b"\1\0\0\0"}


def test_the_bytecode_is_what_runs(run):
    """Docstrings are left out of it alone."""
    told = run(
        """
        import lumitrace

        def handler(event, context):
            return [lumitrace.__cached__, lumitrace.__doc__]
        """,
        LUMITRACE_AUTO="1",
    )

    [(_, (cached, docstring))] = told.said
    assert Path(cached).exists()
    assert docstring is None


def test_without_that_python_it_is_source_only(monkeypatch, tmp_path, capsys):
    """It says so; and a python3.x that does not run, or is another, counts as none."""
    fake = tmp_path / "python3.9"
    fake.write_text("#!/bin/sh\nexit 127\n", "utf-8")
    fake.chmod(0o755)
    (tmp_path / "python3.14").symlink_to(sys.executable)
    version = "3.14" if sys.version_info[:2] != (3, 14) else "3.13"
    fake.rename(tmp_path / f"python{version}")
    monkeypatch.setenv("PATH", str(tmp_path))

    code = main(["layer", "build", "--python", version, "--out", str(tmp_path / "l.zip")])

    assert code == 0
    assert f"source only: no python{version} on PATH" in capsys.readouterr().out
    content = (tmp_path / "l.zip").read_bytes()
    assert len(content) < MAX_SOURCE_BYTES
    assert not [name for name in zipfile.ZipFile(io.BytesIO(content)).namelist() if "cache" in name]


def test_the_command_says_what_it_has_built(tmp_path, capsys):
    """Path, size and hashes, also as JSON."""
    out = tmp_path / "layer.zip"
    version = f"{sys.version_info[0]}.{sys.version_info[1]}"

    code = main(["layer", "build", "--python", version, "--out", str(out), "--json"])

    told = json.loads(capsys.readouterr().out)
    assert (code, told["bytes"], told["bytecode"]) == (0, out.stat().st_size, True)
    hashed = deploy.Layer(out.read_bytes(), "", "")
    assert (told["sha256"], told["codeSha256"]) == (hashed.sha256, hashed.code_sha256)


@pytest.mark.parametrize(
    ("arguments", "code"), [(["--python", "2.7"], 2), (["--out", "/gone/layer.zip"], 1)]
)
def test_what_cannot_be_built_is_said(arguments, code, capsys):
    """One sentence, and the exit code for misuse or failure."""
    assert main(["layer", "build", *arguments]) == code
    assert capsys.readouterr().err.startswith("lumitrace: ")
