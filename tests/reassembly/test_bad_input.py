"""Whatever a command is given: one clear sentence on stderr, an exit code, never a traceback."""

import io
import json
import os
import signal
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import lumitrace

MISUSED = [
    ([], "COMMAND"),
    (["why", "night.jsonl", "--since", "yesterday"], "--since 'yesterday' is no time"),
    (["why", "night.jsonl", "--since", "1h", "--until", "2h"], "nothing lies between"),
    (["transactions", "night.jsonl", "--limit", "none"], "no number above 0"),
    (["why", "--log-group", "g", "--profile", "nobody"], "nobody"),
    (["why", "--log-group", "g", "--region", "us-east-1", "--endpoint-url", "x"], "--endpoint-url"),
    (["why", "--log-group", "g"], "no region"),
    (["setup", "--since", "3"], "unrecognized arguments: --since"),
    (["setup", "chek"], "setup does nothing called 'chek'"),
]
FAILED = [
    (["why", "missing.log"], "missing.log: there is no such file"),
    (["why", "nothing"], "is a folder without files"),
    (["why", "encrypted.zip"], "is encrypted; unpack it first"),
    (["why", "archive.tar"], "is a tar archive; unpack it first"),
    (["why", "night.zst"], "is compressed"),
    (["why", "empty.log"], "empty.log is empty"),
    (["why", "noise.bin"], "noise.bin holds no text"),
    (["why", "night.gz"], "is compressed"),
    (["why", "plain.log"], "no span lines in 2 log events"),
    (["why", "forged.log"], "no span lines in 3 log events (1 untrusted)"),
    (["show", "nobody", "night.jsonl"], "nothing here is called 'nobody'"),
    (["why", "night.jsonl", "--since", "2h"], "no log events in this window: those that were read"),
    (["why", "--log-group", "g", "--region", "us-east-1"], "no AWS credentials"),
]


@pytest.fixture
def folder(night, tmp_path, monkeypatch):
    """A folder with one good file and several that are of no use."""
    night.sale(1, 0)
    night.write(tmp_path / "night.jsonl")
    (tmp_path / "empty.log").write_text("\n")
    (tmp_path / "noise.bin").write_bytes(bytes(range(256)) * 20)
    (tmp_path / "night.gz").write_bytes(b"\x1f\x8b\x08\x00")
    (tmp_path / "night.zst").write_bytes(b"(\xb5/\xfd\x04\x00")
    (tmp_path / "archive.tar").write_bytes(bytes(257) + b"ustar" + bytes(250))
    (tmp_path / "encrypted.zip").write_bytes(encrypted())
    (tmp_path / "nothing").mkdir()
    (tmp_path / "plain.log").write_text("hello\nworld\n")
    forged = 'START RequestId: a Version: 1\n{"lumitrace":1,"record":"start","requestId":"b"}\n'
    (tmp_path / "forged.log").write_text(forged + "END RequestId: a\n")
    monkeypatch.setenv("PYTHONPATH", str(Path(lumitrace.__file__).parent.parent))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def encrypted():
    """Return a zip file whose only member says that it is encrypted."""
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as archive:
        archive.writestr("night.log", "hello")
    content = written.getvalue()
    for header, flags_at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = content.index(header) + flags_at
        content = content[:at] + b"\x01" + content[at + 1 :]
    return content


@pytest.fixture
def nobody(folder):
    """The environment of somebody without any AWS settings."""
    aws = {"AWS_EC2_METADATA_DISABLED": "true", "HOME": str(folder)}
    kept = {name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ}
    return {**kept, **aws}


@pytest.mark.parametrize(("arguments", "sentence"), MISUSED)
@pytest.mark.usefixtures("folder")
def test_misuse_is_told_in_one_sentence_and_ends_with_2(command, nobody, arguments, sentence):
    """How the command was called is wrong."""
    needs_boto3(arguments)
    done = command(*arguments, env=nobody, stdin=b"")

    told(done, 2, sentence)


@pytest.mark.parametrize(("arguments", "sentence"), FAILED)
@pytest.mark.usefixtures("folder")
def test_a_failure_is_told_in_one_sentence_and_ends_with_1(command, nobody, arguments, sentence):
    """What was found is of no use."""
    needs_boto3(arguments)
    done = command(*arguments, env=nobody, stdin=b"")

    told(done, 1, sentence)


def needs_boto3(arguments):
    """Skip where a log group cannot be read at all."""
    if "--log-group" in arguments:
        pytest.importorskip("boto3")


def told(done, code, sentence):
    """Check that *done* ended with *code* and one line on stderr that holds *sentence*."""
    error = done.stderr.decode()
    assert done.returncode == code, error
    assert error.count("\n") == 1
    assert error.startswith("lumitrace: ")
    assert sentence in error
    assert done.stdout == b""


@pytest.mark.usefixtures("folder")
def test_an_endpoint_that_is_down_is_told(command, nobody):
    """Nobody listens on this port of the loopback."""
    pytest.importorskip("boto3")
    keys = {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "AWS_REGION": "us-east-1"}
    endpoint = ["--endpoint-url", "http://127.0.0.1:9"]

    done = command("why", "--log-group", "g", *endpoint, env={**nobody, **keys})

    told(done, 1, "http://127.0.0.1:9 does not answer")


@pytest.mark.usefixtures("folder")
def test_what_can_be_read_is_used_and_what_cannot_is_told(command):
    """A missing file beside a good one: the answer, the sentence, exit code 1."""
    done = command("transactions", "missing.log", "night.jsonl")

    assert done.returncode == 1
    assert "there is no such file" in done.stderr.decode()
    assert "saleId=sale-0001" in done.stdout.decode()


@pytest.mark.parametrize(
    ("module", "arguments"),
    [
        ("duckdb", ["why", "night.jsonl"]),
        ("rich", ["why", "night.jsonl"]),
        ("boto3", ["why", "--log-group", "g"]),
    ],
)
def test_a_missing_extra_is_told_with_the_command_that_installs_it(
    folder, command, module, arguments
):
    """The base install has wrapt alone."""
    missing = folder / "missing"
    missing.mkdir()
    for name in (module, f"_{module}"):  # the package, and the compiled module within
        (missing / f"{name}.py").write_text(f"raise ModuleNotFoundError(name={name!r})")
    path = os.pathsep.join([str(missing), os.environ["PYTHONPATH"]])

    done = command(*arguments, env={**os.environ, "PYTHONPATH": path})

    told(done, 1, "pip install 'lumitrace[tools]'")


@pytest.mark.usefixtures("folder")
def test_a_reader_that_has_seen_enough_ends_the_command_quietly():
    """A pager that quits: no complaint about a broken pipe."""
    show = [sys.executable, "-m", "lumitrace.reassembly.cli", "show", "sale-0001", "night.jsonl"]
    with subprocess.Popen(show, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as running:
        running.stdout.close()
        error = running.stderr.read()

    assert error == b""


# What a shell starts in the background ignores SIGINT; this listens to it all the same.
LISTENING = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
from lumitrace.reassembly.cli import main
sys.exit(main())
"""


def test_ctrl_c_ends_the_command_quietly(folder):
    """Interrupted while it waits for a pipe: nothing is said, exit code 130."""
    os.mkfifo(folder / "pipe")
    why = [sys.executable, "-c", LISTENING, "why", "pipe"]
    with subprocess.Popen(why, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as running:
        writing = os.open(folder / "pipe", os.O_WRONLY)  # waits until the command reads
        running.send_signal(signal.SIGINT)
        try:
            said = running.communicate(timeout=120)
        finally:
            running.kill()
            os.close(writing)

    assert (running.returncode, said) == (130, (b"", b""))


def test_half_a_document_is_used_as_far_as_it_goes(night, tmp_path, answer):
    """A filter-log-events document that breaks off: whole events count, the half one is counted."""
    night.sale(1, 0)
    night.sale(2, 1000)
    whole = json.dumps({"events": night.events, "searchedLogStreams": []}, indent=4)
    path = tmp_path / "half.json"
    path.write_text(whole[: len(whole) - 600])

    code, said = answer("why", path)

    assert code == 0
    assert said["seen"]["broken"] == 1
    assert said["impact"]["transactions"] == 2


def test_where_none_is_in_the_window_the_answer_says_when_the_events_lie(night, log_file, command):
    """The first and the last of them, whatever their order; the option to copy."""
    for ms in (90_000, 0, 300_000):
        night.sale(1, ms)
    when = "between 2026-11-21T02:00:00 and 2026-11-21T02:05:00 (UTC); ask without --since, or "

    done = command("why", night.write(log_file), "--since", "2h")

    assert done.returncode == 1
    assert f"{when}--since 2026-11-21T02:00:00" in done.stderr.decode()
