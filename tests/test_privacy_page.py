"""docs/privacy.md has a row for every field and attribute that can stand in a line."""

import ast
import re
from pathlib import Path

import pytest

from lumitrace.wire import semconv

ROOT = Path(__file__).resolve().parent.parent
CAPTURE = ROOT / "src" / "lumitrace" / "capture"
PAGE = (ROOT / "docs" / "privacy.md").read_text("utf-8")
CONTRACT = (ROOT / "docs" / "span-line.md").read_text("utf-8").partition("\n## Link keys")[0]
WORD = re.compile(r"`([a-z][A-Za-z]*)`")
NO_LINES = {
    "handler",
    "outgoing",
    "partial",
    "resend",
    "suspicion",
}  # modules that build no part of a line
ANSWERS = {"no", "id", "your choice", "may"}
# What stands in code style in the contract and is the value of a field, or a word of AWS's.
VALUES = {
    *("alb", "dynamodb", "lambda", "other", "sns", "sqs", "replay", "copy", "replica", "ttl"),
    *("health", "invocation", "span", "start", "write", "batchItemFailures"),
    *("bodies", "bytes", "outside", "payloads", "all", "errors", "spans", "time", "unwritten"),
    "units",  # named for readers, written by nobody yet
}


def rows():
    """Return what each row of the page says, by the field."""
    found = {}
    for line in PAGE.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("| `") and len(cells) == 4:
            found.update(dict.fromkeys(re.findall(r"`([^`]+)`", cells[0]), cells[1:]))
    return found


def written():
    """Return the keys of every dictionary that capture builds, and what is put into one."""
    found = set()
    for path in CAPTURE.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            keys = node.keys if isinstance(node, ast.Dict) else []
            if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Store):
                keys = [node.slice]
            if path.stem not in NO_LINES:
                found |= {key.value for key in keys if isinstance(key, ast.Constant)}
    return {key for key in found if isinstance(key, str) and key[:1].islower()}


def attributes():
    """Return every attribute that semconv.py spells."""
    values = [value for name, value in vars(semconv).items() if name.isupper()]
    return {value for value in values if isinstance(value, str) and "." in value}


def documented():
    """Return the fields that the contract of the span line names."""
    return set(WORD.findall(CONTRACT)) - VALUES


@pytest.mark.parametrize("fields", [written, attributes, documented])
def test_every_field_has_a_row(fields):
    """A new field fails here until the page says what it can hold."""
    assert len(fields()) > 10
    assert fields() - set(rows()) == set()


def test_every_row_has_a_field():
    """The page speaks of nothing that no line can have."""
    assert set(rows()) - written() - attributes() - documented() == set()


def test_every_row_answers():
    """Where it comes from, whether it can be personal, how to switch it off."""
    for field, (source, personal, _) in rows().items():
        assert source, field
        assert re.split(r"[;:,]", personal)[0] in {*ANSWERS, "as those"}, field
