"""The words around the code say what it does: lists are compared, samples run, links lead on."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
STAGE = ("tests/ushop", "tests/end_to_end")
PACKAGE = ROOT / "src" / "lumitrace"
DOCS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("examples/**/*.md")])

FENCE = re.compile(
    r"^(?P<indent> *)```(?P<kind>\S*)[^\n]*\n(?P<body>.*?)^(?P=indent)```$",
    re.MULTILINE | re.DOTALL,
)
LINK = re.compile(r"(?<!!)\[[^\]]+\]\((?P<target>[^)\s]+)\)")
HEADING = re.compile(r"^#{1,6} +(?P<text>.+?) *#*$", re.MULTILINE)
TWO_WORDS = {"dynamodb", "layer", "store"}  # commands that are followed by an action
VARIABLE = re.compile(r"\bLUMITRACE_[A-Z_]*[A-Z]\b")


def fences(*kinds):
    """Return a parameter for every code block of one of *kinds* in the docs."""
    return [
        pytest.param(path, found["body"], id=f"{path.relative_to(ROOT)}:{_line(path, found)}")
        for path in DOCS
        for found in FENCE.finditer(path.read_text("utf-8"))
        if found["kind"] in kinds
    ]


def _line(path, found):
    return path.read_text("utf-8").count("\n", 0, found.start()) + 2


def _anchor(heading):
    """Return the anchor that a Markdown page gives *heading*."""
    text = re.sub(r"[^\w\- ]", "", heading.replace("`", "").lower())
    return text.replace(" ", "-")


def _needs(path):
    if not path.exists():
        pytest.skip(f"{path.relative_to(ROOT)} is not there yet")


@pytest.mark.parametrize(("path", "code"), fences("python", "py"))
def test_a_python_sample_runs(path, code, tmp_path):
    """What a reader copies into a file runs as it stands, outside Lambda and without an account."""
    _needs(PACKAGE / "__init__.py")
    if "import local_aws" in code or "from local_aws" in code:
        compile(code, str(path), "exec")  # takes the stage 20 s; its own tests run the same
        return
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("AWS_")},
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_DEFAULT_REGION": "eu-west-1",
        "PYTHONPATH": str(ROOT / "src"),
    }
    sample = tmp_path / "sample.py"
    sample.write_text(code, "utf-8")

    answer = subprocess.run(
        [sys.executable, "-W", "error", str(sample)],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        env=environment,
    )

    assert (answer.returncode, answer.stderr) == (0, ""), f"in {path}"


@pytest.mark.parametrize(("path", "code"), fences("json", "jsonl"))
def test_a_json_sample_is_json(path, code):
    """A sample of what is written can be read by what reads it."""
    texts = [code] if code.lstrip().startswith("{\n") else code.splitlines()

    assert [json.loads(text) for text in texts if text.strip()], f"in {path}"


@pytest.mark.parametrize(("path", "code"), fences("console", "sh", "bash", "shell"))
def test_a_command_in_the_docs_exists(path, code):
    """A script that the docs name is there, can be run, and knows the options they give it."""
    for command in _commands(code):
        words = command.split()
        if not words[0].startswith(("scripts/", ".ci/")):
            continue
        script = ROOT / words[0]
        assert os.access(script, os.X_OK), f"{path}: {command}"
        options = {word.partition("=")[0] for word in words if word.startswith("--")}
        program = script.with_name(f"_{script.name}.py").read_text("utf-8") if options else ""
        assert [x for x in sorted(options) if f'"{x}"' not in program] == [], f"{path}: {command}"


def _commands(code):
    """Return the command lines of *code*: those after a prompt, or all where there is none."""
    lines = [line.partition(" #")[0].strip() for line in code.splitlines()]
    prompted = [line[2:].strip() for line in lines if line.startswith("$ ")]
    return [line for line in prompted or lines if line]


@pytest.mark.parametrize(("path", "code"), fences("console", "sh", "bash", "shell"))
def test_a_lumitrace_command_in_the_docs_exists(path, code):
    """A subcommand that the docs name is one that the program knows, with the options they give."""
    _needs(PACKAGE / "reassembly" / "cli" / "__init__.py")
    for command in _commands(code):
        words = command.split(" | ")[0].split()
        if words[0] != "lumitrace" or len(words) < 2:
            continue
        named = words[1 : 3 if words[1] in TWO_WORDS else 2]
        known = _help(*(word for word in named if not word.startswith("-")))
        options = [word.partition("=")[0] for word in words if word.startswith("--")]
        assert [x for x in options if x not in known] == [], f"{path}: {command}"


def _help(*subcommand):
    """Return what ``lumitrace SUBCOMMAND --help`` prints."""
    pytest.importorskip("duckdb")
    call = "import sys; from lumitrace.reassembly.cli import main; sys.exit(main())"
    arguments = [*subcommand, "--help"]
    answer = subprocess.run(
        [sys.executable, "-c", call, *arguments],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
    )
    assert answer.returncode == 0, answer.stderr
    return answer.stdout


def test_every_subcommand_is_named_in_the_readme():
    """A command that nobody can find might as well not be there."""
    _needs(PACKAGE / "reassembly" / "cli" / "__init__.py")
    commands = re.findall(r"^    ([a-z]\S*)", _help(), re.MULTILINE)
    assert commands, "lumitrace --help lists no subcommands"
    readme = (ROOT / "README.md").read_text("utf-8")

    assert [command for command in commands if f"lumitrace {command}" not in readme] == []


@pytest.mark.parametrize("path", DOCS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(path):
    """A link within the project leads to a file that is there, and to a heading that it has."""
    assert broken_links(path) == []


def broken_links(path):
    """Return the links of *path* that lead nowhere within the project."""
    text = FENCE.sub("", path.read_text("utf-8"))
    return [
        target
        for target in (found["target"] for found in LINK.finditer(text))
        if not target.startswith(("https://", "http://", "mailto:")) and not _leads(path, target)
    ]


def _leads(path, target):
    name, _, anchor = target.partition("#")
    file = (path.parent / name).resolve() if name else path
    if not anchor or not file.is_file():
        return file.exists()
    headings = HEADING.findall(FENCE.sub("", file.read_text("utf-8")))
    return anchor in {_anchor(heading) for heading in headings}


def test_a_link_that_leads_nowhere_is_seen(tmp_path):
    """The check of the links is itself seen to fail."""
    page = tmp_path / "page.md"
    page.write_text("# One head\n[a](#one-head) [b](#two) [c](gone.md) [d](page.md#One)\n", "utf-8")

    assert broken_links(page) == ["#two", "gone.md", "page.md#One"]


def test_every_variable_is_in_the_docs():
    """docs/settings.md has a row for each variable that capture reads, and for no other."""
    _needs(PACKAGE / "capture" / "variables.py")
    read = set(VARIABLE.findall((PACKAGE / "capture" / "variables.py").read_text("utf-8")))
    rows = (ROOT / "docs" / "settings.md").read_text("utf-8").splitlines()
    documented = set(VARIABLE.findall("\n".join(row for row in rows if row.startswith("| `"))))

    assert documented == read


def test_the_docs_name_no_variable_that_is_not_read():
    """A variable in any page is one that the package knows."""
    _needs(PACKAGE / "capture" / "variables.py")
    sources = "\n".join(path.read_text("utf-8") for path in PACKAGE.rglob("*.py"))
    known = set(VARIABLE.findall(sources))
    named = {name for path in DOCS for name in VARIABLE.findall(path.read_text("utf-8"))}

    assert named - known == set()


def test_every_service_is_in_the_docs():
    """docs/services.md names each row of the table of services, and every file is in a row."""
    _needs(PACKAGE / "capture" / "services" / "__init__.py")
    from lumitrace.capture.services import ROWS

    page = (ROOT / "docs" / "services.md").read_text("utf-8")
    files = {path.stem for path in (PACKAGE / "capture" / "services").glob("[!_]*.py")}

    assert [row.name for row in ROWS if f"`{row.name}`" not in page] == []
    assert files == {row.module for row in ROWS if row.module}


def test_every_word_of_ours_is_in_the_glossary():
    """The fields of the wire and the words of an answer are explained where words are explained."""
    glossary = (ROOT / "docs" / "glossary.md").read_text("utf-8")

    assert [
        word
        for word in ("span line", "link key", "witness", "transaction", "answer", "entry", "claim")
        if f"| {word} |" not in glossary
    ] == []


def test_ci_runs_the_tests_as_the_readme_says():
    """Who follows the README runs what CI runs, which leaves no file to nobody."""
    readme = (ROOT / "README.md").read_text("utf-8")
    section = readme.partition("\n## Tests\n")[2].partition("\n## ")[0]
    block = FENCE.search(section)
    assert block, "README.md has no command under the heading Tests"
    [command, *_] = _commands(block["body"])
    ci = (ROOT / ".ci" / "run").read_text("utf-8").replace("\\\n", "")
    files, others = re.findall(rf"^{re.escape(command)} (.+?) \|\|", ci, re.MULTILINE)
    house = re.search(r"HOUSE = \((.+)\)", (ROOT / "scripts" / "_check.py").read_text("utf-8"))

    checked = re.findall(r'"(.+?)"', house[1])
    assert "\nscripts/check ||" in ci
    assert files.split()[0] == "tests"
    assert {*re.findall(r"--ignore=(\S+)", files)} == {*checked, *STAGE}
    assert "--only stage" in others


def test_the_version_is_one():
    """What pip installs and what the package says of itself are the same version."""
    _needs(PACKAGE / "__init__.py")
    import lumitrace

    project = (ROOT / "pyproject.toml").read_text("utf-8")

    assert re.findall(r'^version = "(.+)"$', project, re.MULTILINE) == [lumitrace.__version__]


def test_the_changelog_has_room_for_what_is_new():
    """The changelog has the form of Keep a Changelog, and a place for the next change."""
    changelog = (ROOT / "CHANGELOG.md").read_text("utf-8")

    assert "\n## [Unreleased]\n" in changelog
    assert set(re.findall(r"^### (\w+)", changelog, re.MULTILINE)) <= {
        "Added",
        "Changed",
        "Deprecated",
        "Fixed",
        "Removed",
        "Security",
    }
