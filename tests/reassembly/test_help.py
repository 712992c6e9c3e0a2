"""What somebody sees who does not know the commands yet."""

import argparse
import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

import lumitrace
from lumitrace.reassembly.cli.arguments import _parser, parse
from lumitrace.reassembly.cli.examples import EXAMPLES


def commands(parser):
    """Yield *parser* and all parsers of its commands."""
    yield parser
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for inner in action.choices.values():
                yield from commands(inner)


@pytest.mark.parametrize("parser", list(commands(_parser())), ids=lambda one: one.prog)
def test_each_help_says_what_the_command_is_for_and_shows_one(parser):
    """A sentence at the top, an example at the end, no line wider than a small terminal."""
    said = parser.format_help()

    assert parser.description.endswith(".")
    assert f"examples:\n  {EXAMPLES[parser.prog][0]}\n" in said
    assert [line for line in said.splitlines() if len(line) > 80] == []


@pytest.mark.parametrize("example", sorted({one for all_ in EXAMPLES.values() for one in all_}))
def test_each_example_is_a_command(example):
    """It asks for something."""
    words = shlex.split(example.partition(" >")[0])

    assert parse(words[1:]).command == words[1]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["why", "--bogus"], "--bogus; see lumitrace why --help"),
        (["store", "info", "--bogus"], "--bogus; see lumitrace store info --help"),
        (["fetch", "--store", "s", "x", "--by", "insights"], "--by; see lumitrace fetch --help"),
        (["blame", "t", "a=b", "--budget-usd", "1"], "see lumitrace blame --help"),
        (["functions", "a.log"], "fill one: lumitrace fetch --store FOLDER a.log"),
        (["why", "--log-group", ""], "an empty text is no name; see lumitrace why --help"),
        (["why", "--execution", "x"], "--state-machine takes names; see lumitrace why --help"),
    ],
)
def test_what_a_command_does_not_take_is_told_with_its_own_help(command, arguments, told):
    """Not with the list of all commands, and never left out of sight."""
    done = command(*arguments)

    assert done.returncode == 2
    assert told in done.stderr.decode()
    assert done.stderr.count(b"\n") == 1


def test_files_may_stand_behind_options(tmp_path):
    """As of why: argparse takes them in one run only."""
    asked = parse(["assemble", "a.log", "--out", str(tmp_path), "b.log"])

    assert asked.paths == ["a.log", "b.log"]


def test_the_version_is_told(capsys):
    """As other programs do."""
    with pytest.raises(SystemExit) as ended:
        parse(["--version"])

    assert ended.value.code == 0
    assert capsys.readouterr().out == f"lumitrace {lumitrace.__version__}\n"


def test_ctrl_c_while_the_program_starts_is_quiet(tmp_path):
    """Modules come in for a while before anything is read."""
    (tmp_path / "argparse.py").write_text("raise KeyboardInterrupt")
    path = os.pathsep.join([str(tmp_path), str(Path(lumitrace.__file__).parents[1])])
    done = subprocess.run(
        [sys.executable, "-m", "lumitrace.reassembly.cli", "why"],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        check=False,
    )

    assert (done.returncode, done.stderr) == (130, b"")


def test_a_command_line_is_read_without_what_other_commands_use():
    """Importing was a third of the time of a small log."""
    said = (
        "import sys, lumitrace.reassembly.cli.arguments; print(*(name for name in sys.modules "
        "if 'cloudwatch' in name or name.endswith(('deploy.layer', 'items.table', 'duckdb'))))"
    )
    done = subprocess.run(
        [sys.executable, "-c", said], capture_output=True, text=True, check=True, timeout=300
    )

    assert done.stdout.split() == []
