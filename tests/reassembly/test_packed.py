"""Compressed files, archives and folders: read whole, bounded, and never written anywhere."""

import gzip
import io
import json
import os
import tracemalloc
import zipfile
from pathlib import Path

import pytest

from lumitrace.reassembly.events import Counts
from lumitrace.reassembly.problem import Problem
from lumitrace.reassembly.sources import file, packed, text, values
from lumitrace.reassembly.sources.file import files_of, read_file


def messages(path, counts=None):
    """Return the messages that *path* holds."""
    counts = Counts() if counts is None else counts
    return [
        event.message
        for one in files_of(str(path))
        for source in read_file(one, counts, found=one != str(path))
        for event in source
    ]


def zipped(members):
    """Return a zip file of *members*."""
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return written.getvalue()


@pytest.mark.parametrize(
    "pack",
    [
        gzip.compress,
        lambda content: gzip.compress(content[:999]) + gzip.compress(content[999:]) + bytes(512),
        lambda content: gzip.compress(gzip.compress(content)),
        lambda content: zipped({"a.log": content, "empty/": b"", "b.log": b""}),
        lambda content: zipped({"a.gz": gzip.compress(content)}),
        lambda content: gzip.compress(zipped({"a": content})),
        lambda content: content.decode().encode("utf-16"),
        lambda content: content.decode().encode("utf-16-le"),
        lambda content: gzip.compress(content.decode().encode("utf-16-be")),
    ],
)
def test_however_it_is_packed_it_answers_the_same(pack, night, tmp_path, answer):
    """By content: the name says nothing."""
    night.sale(1, 0, bad=True)
    (tmp_path / "plain").write_bytes(night.lines().encode())
    (tmp_path / "packed").write_bytes(pack(night.lines().encode()))

    assert answer("why", tmp_path / "packed") == answer("why", tmp_path / "plain")


@pytest.mark.parametrize("pack", [gzip.compress, lambda content: zipped({"a": content})])
def test_standard_input_may_be_compressed(pack, night, command):
    """What a pipe brings is recognised as a file is."""
    night.sale(1, 0, bad=True)

    done = command("why", "-", "--json", stdin=pack(night.lines().encode()))

    assert json.loads(done.stdout)["impact"]["lost"] == 1


def test_what_came_before_the_damage_is_used(night, tmp_path, command):
    """A file that breaks off, and one with rubbish in it: the answer, a sentence, exit code 1."""
    for number in range(40):
        night.sale(number, number * 1000)
    whole = gzip.compress(night.lines().encode())
    (tmp_path / "half.gz").write_bytes(whole[: len(whole) // 2])

    done = command("transactions", tmp_path / "half.gz")

    assert done.returncode == 1
    assert "half.gz is compressed and breaks off; what came before was read" in done.stderr.decode()
    assert "saleId=sale-0001" in done.stdout.decode()


def test_rubbish_behind_compressed_data_is_told(tmp_path):
    """It is not gzip: what came before it was read."""
    (tmp_path / "a.gz").write_bytes(gzip.compress(b"hello\n") + b"rubbish" * 99)

    with pytest.raises(Problem, match="its data are damaged; what came before was read"):
        messages(tmp_path / "a.gz")


# Bombs


BOMBS = {
    "gzip": lambda zeros: gzip.compress(zeros),
    "gzip in gzip": lambda zeros: gzip.compress(gzip.compress(zeros)),
    "zip": lambda zeros: zipped({"a": zeros}),
    "many in a zip": lambda zeros: zipped({f"{n}": zeros[: len(zeros) // 10] for n in range(10)}),
    "gzip in a zip": lambda zeros: zipped({"a": gzip.compress(zeros)}),
}


@pytest.mark.parametrize("bomb", BOMBS.values(), ids=BOMBS)
def test_a_bomb_is_told_in_one_sentence(bomb, tmp_path, monkeypatch, command):
    """What unpacks to far more than logs do is left at the limit, once."""
    monkeypatch.setattr(packed, "FREE", 1024 * 1024)
    (tmp_path / "bomb").write_bytes(bomb(b"x" * 12_000_000))

    done = command("why", tmp_path / "bomb")

    assert done.returncode == 1
    assert done.stderr.decode().count("which no log does") == 1


def test_a_bomb_takes_no_memory(tmp_path, monkeypatch):
    """64 MB of one line, compressed to 64 KB: read in pieces."""
    monkeypatch.setattr(text, "MAX_LINE", 1024 * 1024)
    (tmp_path / "bomb.gz").write_bytes(gzip.compress(b"x" * 64_000_000))

    tracemalloc.start()
    try:
        with pytest.raises(Problem, match="which no log does"):
            with_limit(tmp_path / "bomb.gz", monkeypatch)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert peak < 8_000_000


def with_limit(path, monkeypatch):
    """Read *path* where nothing is free."""
    monkeypatch.setattr(packed, "FREE", 1024 * 1024)
    return messages(path)


def test_what_is_packed_too_often_is_told(tmp_path):
    """A file within a file within a file: at some depth nobody meant it."""
    content = b"hello\n"
    for _ in range(packed.MAX_DEPTH + 2):
        content = gzip.compress(content)
    (tmp_path / "deep.gz").write_bytes(content)

    with pytest.raises(Problem, match="packed more than 4 times"):
        messages(tmp_path / "deep.gz")


# Archives and folders


def test_the_names_in_an_archive_are_written_nowhere(tmp_path, monkeypatch):
    """Names that lead out of it, control characters, a link: shown at most."""
    names = ["../../out.log", "/out.log", "C:\\out.log", "a\x1b]0;b\x07.log", "x" * 300]
    archive = io.BytesIO(zipped(dict.fromkeys(names, b"hello\n")))
    with zipfile.ZipFile(archive, "a") as opened:
        link = zipfile.ZipInfo("link.log")
        link.external_attr = 0o120777 << 16
        opened.writestr(link, b"../secret")
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.zip").write_bytes(archive.getvalue())
    monkeypatch.chdir(tmp_path / "in")
    counts = Counts()

    found = messages("a.zip", counts)

    assert found == ["hello"] * 5
    assert counts.skipped == 1
    assert sorted(one.name for one in tmp_path.rglob("*")) == ["a.zip", "in"]


def test_a_folder_is_walked_and_not_left(tmp_path):
    """Files at any depth, in the order of their names; no link out, no hidden file, no pipe."""
    inside, outside = tmp_path / "in", tmp_path / "out"
    (inside / "b").mkdir(parents=True)
    outside.mkdir()
    for path, said in (("a.log", "1"), ("b/c.log", "2"), (".hidden", "no"), ("../out/no", "no")):
        (inside / path).write_text(f"{said}\n")
    (inside / "z.bin").write_bytes(bytes(999))
    (inside / "empty").touch()
    (inside / "link").symlink_to(outside / "no")
    (inside / "folder").symlink_to(outside)
    (inside / "ring").symlink_to(inside)
    (inside / "own").symlink_to(inside / "a.log")
    os.mkfifo(inside / "pipe")
    counts = Counts()

    found = messages(inside, counts)

    assert found == ["1", "2", "1"]
    assert counts.skipped == 1


def test_a_folder_without_end_is_told(tmp_path, monkeypatch):
    """Too many files, or too deep: give the folder that you mean."""
    monkeypatch.setattr(file, "MAX_FILES", 2)
    monkeypatch.setattr(file, "MAX_DEPTH", 1)
    for path in ("many/1", "many/2", "many/3", "deep/a/b/c"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text("hello\n")

    with pytest.raises(Problem, match="more than 2 files"):
        list(files_of(str(tmp_path / "many")))
    with pytest.raises(Problem, match="more than 1 folders within each other"):
        list(files_of(str(tmp_path / "deep")))


# Memory


@pytest.mark.parametrize("form", ["lines", "document", "envelopes", "stamped", "csv", "no end"])
def test_memory_does_not_grow_with_the_file(form, tmp_path, monkeypatch):
    """32 MB pass in less than 4: no form holds more than an event, an envelope, a piece of text."""
    monkeypatch.setattr(text, "MAX_LINE", 512 * 1024)
    monkeypatch.setattr(values, "MAX_VALUE", 1024 * 1024)
    path = tmp_path / "large"
    size = write_large(path, form)
    counts = Counts()

    tracemalloc.start()
    try:
        found = sum(1 for source in read_file(str(path), counts) for _ in source)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert size > 32_000_000
    assert found == (0 if form == "no end" else 1000)
    assert counts.skipped == (form == "no end")
    assert peak < 4_000_000


def write_large(path, form):
    """Write 1,000 events of 32 KB into *path*, and return how many bytes they take."""
    said = "x" * 32_768
    event = json.dumps({"logStreamName": "s", "timestamp": 1, "message": said})
    envelope = {"messageType": "DATA_MESSAGE", "logGroup": "g", "logStream": "s"}
    one = json.dumps({**envelope, "logEvents": [{"id": "", "timestamp": 1, "message": said}]})
    head, each, end = {
        "lines": ("", f"{said}\n", ""),
        "document": ('{"events": [', f"{event},", event + "]}"),
        "envelopes": ("", one, ""),
        "stamped": ("", f"2026-11-21T02:00:00.000Z {said}\n", ""),
        "csv": ("@timestamp,@message\n", f'2026-11-21 02:00:00.000,"{said}"\n', ""),
        "no end": ("", said, ""),
    }[form]
    with Path(path).open("w", encoding="utf-8") as written:
        written.write(head)
        written.writelines(each for _ in range(999 if form == "document" else 1000))
        written.write(end)
    return path.stat().st_size
