"""``lumitrace assemble``: logs in, tables out."""

import gzip
import re
import shutil
from pathlib import Path

import duckdb
import pytest

from lumitrace.reassembly.cli import assemble as cli
from lumitrace.reassembly.pipeline import sources
from lumitrace.reassembly.pipeline.duckdb import DuckDb

NIGHT = Path(__file__).parents[2] / "examples" / "ushop" / "recorded" / "night.jsonl"


def table(folder, name, columns="*"):
    """Return the rows of a table that was written."""
    query = f"SELECT {columns} FROM '{folder / name}.parquet' ORDER BY ALL"  # noqa: S608
    return duckdb.connect().execute(query).fetchall()


def plain(night, path):
    """Write the messages of *night* alone, as a function prints them, and return the path."""
    path.write_text("".join(f"{one['message'].rstrip()}\n" for one in night.events), "utf-8")
    return path


def test_a_recorded_night_becomes_tables(command, answer, tmp_path):
    """The tables hold the transactions that ``lumitrace transactions`` lists."""
    out = tmp_path / "out"

    done = command("assemble", NIGHT, "--out", out)

    assert done.returncode == 0, done.stderr
    _, listed = answer("transactions", NIGHT, "--limit", "100000")
    entries = {row[0] for row in table(out, "members", "entry_trace")}
    assert entries == {one["id"] for one in listed["transactions"]}
    assert {row[0] for row in table(out, "spans", "role")} >= {"invocation", "call"}
    assert b"MB/s" in done.stderr
    assert not (out / "spill").exists()


def test_the_figures_of_a_night_are_those_of_the_list(command, answer, tmp_path):
    """A transaction takes as long in the tables as in the list, and every number is an integer."""
    out = tmp_path / "out"

    assert command("assemble", NIGHT, "--out", out).returncode == 0

    _, listed = answer("transactions", NIGHT, "--limit", "100000")
    said = [(one["id"], one["startUs"], one["durationUs"]) for one in listed["transactions"]]
    assert table(out, "transactions", "entry_trace, start_us, end_us - start_us") == sorted(said)
    assert sum(row[0] for row in table(out, "functions", "failed")) == 45
    functions = {row[0] for row in table(out, "functions", "function_name")}
    reached = {row[0] for row in table(out, "edges", "receiver_function")}
    assert functions - reached == {"ushop_new-sale-processing"}
    written = [path.stem for path in out.iterdir()]
    kinds = {kind for name in written for kind in types_of(out, name)}
    assert kinds <= {"BIGINT", "INTEGER", "VARCHAR"}


def types_of(folder, name):
    """Return the types of a table's columns."""
    query = f"DESCRIBE FROM '{folder / name}.parquet'"
    return {row[1] for row in duckdb.connect().execute(query).fetchall()}


@pytest.mark.parametrize("memory", [[], ["--memory", "500MB"]])
def test_plain_files_are_joined_with_each_other(command, night, tmp_path, memory):
    """A sale whose two functions wrote two files is one transaction, within any memory."""
    night.sale(1, 0)
    both = plain(night, tmp_path / "all.log").read_text("utf-8").splitlines(keepends=True)
    half = next(place for place, line in enumerate(both) if line.startswith("END ")) + 2
    (tmp_path / "till.log").write_text("".join(both[:half]), "utf-8")
    (tmp_path / "confirm.log").write_text("".join(both[half:]), "utf-8")
    out = tmp_path / "out"

    done = command(
        "assemble", tmp_path / "till.log", tmp_path / "confirm.log", "--out", out, *memory
    )

    assert done.returncode == 0, done.stderr
    assert len(table(out, "members")) == 1
    assert len(table(out, "hops", "DISTINCT sender_span")) == 1
    assert len(table(out, "invocations")) == 2


def test_a_death_in_a_plain_file_is_a_failure(command, night, tmp_path):
    """The file is read a second time where an invocation was killed."""
    run = night.begin("pay", 0)
    night.say(
        "pay",
        "s1",
        3000,
        f"2026-11-21T02:00:03.000Z {run.request} Task timed out after 3.00 seconds",
    )
    night.say("pay", "s1", 3001, f"END RequestId: {run.request}\n")
    out = tmp_path / "out"

    done = command("assemble", plain(night, tmp_path / "pay.log"), "--out", out)

    assert done.returncode == 0, done.stderr
    assert table(out, "invocations", "status, error_type") == [(2, "Sandbox.Timedout")]


@pytest.mark.parametrize(
    "wrong", [["--memory", "much"], ["--memory", "-1GB"], ["--engine", "ibis"], ["--engin"]]
)
def test_what_is_misspelt_is_misuse(command, tmp_path, wrong):
    """One sentence and exit code 2."""
    done = command("assemble", NIGHT, "--out", tmp_path / "out", *wrong)

    assert done.returncode == 2
    assert done.stderr.startswith(b"lumitrace: ")
    assert done.stderr.count(b"\n") == 1


def test_a_folder_that_holds_something_is_left_alone(command, tmp_path):
    """Nothing is written over."""
    (tmp_path / "kept").write_text("mine", "utf-8")

    done = command("assemble", NIGHT, "--out", tmp_path)

    assert done.returncode == 2
    assert [one.name for one in tmp_path.iterdir()] == ["kept"]


@pytest.fixture
def mute(tmp_path):
    """A log without a span line."""
    path = tmp_path / "mute.log"
    path.write_text("START RequestId: a Version: 1\nhello\n", "utf-8")
    return path


@pytest.mark.parametrize(
    ("wrong", "code", "sentence"),
    [
        (["--out", NIGHT], 1, b"cannot be written: File exists; give another folder as --out"),
        (["--out", "/proc/none"], 1, b"cannot be written"),
        (["--memory", "1MB"], 1, b"the memory does not suffice"),
        (["s3://logs/2026/"], 2, b"aws s3 sync s3://logs/2026/"),
    ],
)
def test_what_cannot_be_written_or_held_is_told(command, tmp_path, wrong, code, sentence):
    """A file as the folder, one that cannot be made, too little memory, a bucket."""
    done = command("assemble", NIGHT, "--out", tmp_path / "out", *wrong)

    assert done.returncode == code
    assert sentence in done.stderr
    assert done.stderr.count(b"\n") == 1


def test_logs_without_span_lines_make_no_tables(command, mute, tmp_path):
    """As why says it of them: no answer, exit code 1."""
    done = command("assemble", mute, "--out", tmp_path / "out")

    assert done.returncode == 1
    assert b"no span lines in" in done.stderr.splitlines()[-1]
    assert list((tmp_path / "out").iterdir()) == []


def test_what_cannot_be_read_is_told_beside_the_tables_of_the_rest(command, tmp_path):
    """A broken object, one without log events, a file that is not there: the night is assembled."""
    logs = tmp_path / "logs"
    logs.mkdir()
    shutil.copy(NIGHT, logs / "b.jsonl")
    (logs / "a.gz").write_bytes(gzip.compress(b"hello\n" * 99)[:-9])
    (logs / "c.bin").write_bytes(bytes(range(256)))
    out, bare = tmp_path / "out", tmp_path / "bare"

    done = command("assemble", logs, tmp_path / "no.log", "--out", out)
    command("assemble", NIGHT, "--out", bare)

    assert done.returncode == 1
    said = done.stderr.decode()
    assert f"{logs}/a.gz is compressed and breaks off; what came before was read" in said
    assert "no.log: there is no such file" in said
    assert "1 piece is no log event, and left out" in said
    assert table(out, "members") == table(bare, "members")


def test_while_one_waits_it_says_how_far_it_is(monkeypatch, capsys, tmp_path):
    """Of a statement of DuckDB's the percentage, of what Python unpacks the log events."""
    monkeypatch.setattr(cli, "EVERY_S", 0.01)
    monkeypatch.setattr(sources, "TOLD", 100)
    progress = cli.Progress()

    with DuckDb.bounded("", tmp_path / "spill") as engine, progress.watching(engine):
        sources.load(engine, [str(NIGHT)], progress.part)
        progress.part("counting")
        engine.connection.execute("CREATE TABLE numbers AS SELECT range AS n FROM range(600000)")
        engine.number("SELECT COUNT(DISTINCT sha256(CAST(n AS TEXT))) FROM numbers")

    said = capsys.readouterr().err
    assert re.search(r"^lumitrace: \d+ s: reading, [1-9]00 log events$", said, re.MULTILINE)
    assert re.search(r"^lumitrace: \d s: counting, \d+ % of this step$", said, re.MULTILINE)
