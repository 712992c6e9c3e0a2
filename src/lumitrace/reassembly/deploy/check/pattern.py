"""Filter patterns of others: how each would leave our lines out, and lines that it is meant for.

What comes from here are proposals: `judge` asks AWS's own TestMetricFilter about each.
https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html
https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/regex-expressions.html
"""

import json
import re
from collections.abc import Iterator
from typing import Any

MAX_PATTERN = 1024  # characters
# Exact where AWS takes an escaped quotation mark within a term; else every line with the word.
OURS = ('-"\\"lumitrace\\":1,"', "-lumitrace")
WORD = "lumitrace"

_TERM = re.compile(r'\s*([?-]?)("(?:[^"\\]|\\.)*"|%(?:[^%\\]|\\.)*%|[^\s"%]+)')
_CONDITION = re.compile(r'\$((?:\.[\w-]+)+)\s*=\s*("(?:[^"\\]|\\.)*"|[^\s()&|%"]+)')
_PLAIN = re.compile(r"[A-Za-z0-9:_#=@/;,-]\Z")
_OPERATORS = frozenset("^$?[]{}|\\*+.")


def exclusions(pattern: str) -> Iterator[tuple[str, ...]]:
    """Yield what might stand for *pattern* without our lines, the most exact first.

    Each is one pattern, or several of which at most one takes a line.
    """
    text = pattern.strip()
    if text.startswith("{"):
        found = _of_json(text)
    elif text.startswith("["):
        found = _of_columns(text)
    else:
        found = _of_terms(text)
    for one in found:
        if all(len(each) <= MAX_PATTERN for each in one):
            yield one


def _of_terms(text: str) -> Iterator[tuple[str, ...]]:
    terms = _TERM.findall(text)
    if not terms or any(sign != "?" for sign, _ in terms):  # "?" beside other terms is ignored
        yield from (((f"{text} {ours}").strip(),) for ours in OURS)
        return
    words = [word for _, word in terms]
    if len(words) == 1:
        yield from ((f"{words[0]} {ours}",) for ours in OURS)
        return
    bodies = [_regex(word) for word in words]
    if all(bodies):
        either = "|".join(bodies)
        yield from ((f"%{either}% {ours}",) for ours in OURS)
    for ours in OURS:  # each without those before it, so that no line is counted twice
        yield tuple(
            " ".join([word, *(f"-{before}" for before in words[:number]), ours])
            for number, word in enumerate(words)
        )


def _regex(word: str) -> str:
    """Return the regular expression for *word*, or nothing where it has a character that none has.

    Letters, digits and ``:_#=@/;,-`` stand for themselves; operators are escaped.
    """
    if word.startswith("%"):
        return word[1:-1]
    made = ""
    for character in _unquoted(word):
        if _PLAIN.match(character):
            made += character
        elif character in _OPERATORS:
            made += f"\\{character}"
        elif character == " ":
            made += r"\s"
        else:
            return ""
    return made


def _of_json(text: str) -> Iterator[tuple[str, ...]]:
    inner = text.removeprefix("{").removesuffix("}").strip()
    condition = f"($.{WORD} NOT EXISTS)"
    yield (f"{{ ({inner}) && {condition} }}",)
    if "||" not in inner:
        yield (f"{{ {inner} && $.{WORD} NOT EXISTS }}",)


def _of_columns(text: str) -> Iterator[tuple[str, ...]]:
    """Put the condition on one column; which of them our mark lies in, TestMetricFilter shows."""
    columns = [column.strip() for column in text.removeprefix("[").removesuffix("]").split(",")]
    for number, column in enumerate(columns):
        named = re.match(r"\w+", column)
        if not named:
            continue
        condition = f"{named[0]} != *{WORD}*"
        if named[0] == column:
            own = condition
        else:
            own = " || ".join(f"{one.strip()} && {condition}" for one in column.split("||"))
        yield (f"[{', '.join([*columns[:number], own, *columns[number + 1 :]])}]",)


def _unquoted(word: str) -> str:
    return re.sub(r"\\(.)", r"\1", word[1:-1]) if word.startswith('"') else word


# Lines as applications write them, in both log formats of Lambda.
_TIME, _REQUEST = "2026-11-22T23:29:07.577Z", "8cf72f15-1d49-4d5e-8b8d-9d7a9bd1c3f4"
_TRACEBACK = 'Traceback (most recent call last):\r  File "/var/task/app.py", line 8, in handler'
_FAILED = '"level":"ERROR","message":"Failed writing","errorType":"KeyError","status":500'
APPLICATION = (
    f"[ERROR]\t{_TIME}\t{_REQUEST}\tFailed writing",
    f"[WARNING]\t{_TIME}\t{_REQUEST}\tSlow answer",
    f"[INFO]\t{_TIME}\t{_REQUEST}\tSale confirmed",
    f"[ERROR] KeyError: 'size'\r{_TRACEBACK}",
    f"{_TIME} {_REQUEST} Task timed out after 3.00 seconds",
    f"RequestId: {_REQUEST} Error: Runtime exited with error: signal: killed",
    f"REPORT RequestId: {_REQUEST}\tDuration: 12.10 ms\tMemory Size: 256 MB\tStatus: error",
    f'{{"timestamp":"{_TIME}",{_FAILED},"requestId":"{_REQUEST}"}}',
    f'{{"timestamp":"{_TIME}","level":"error","msg":"Exception in worker","error":"x"}}',
    "FATAL CRITICAL exception: out of memory",
    # One that speaks of us is the application's all the same.
    f"[ERROR]\t{_TIME}\t{_REQUEST}\tlumitrace Exception",
)


def examples(pattern: str) -> list[str]:
    """Return lines that *pattern* may be meant for, made of its own words."""
    text = pattern.strip()
    if text.startswith("{"):
        return [_json_example(text)]
    if text.startswith("["):
        cells = [
            found[1].replace("*", "x") if (found := re.search(r"=\s*([^\s&|]+)", column)) else "x"
            for column in text.strip("[]").split(",")
        ]
        return [" ".join(cells)]
    words = [(sign, _unquoted(word)) for sign, word in _TERM.findall(text) if word[0] != "%"]
    wanted = " ".join(word for sign, word in words if sign != "-")
    return [line for line in (wanted, f"{wanted} {WORD}") if wanted]


def _json_example(text: str) -> str:
    made: dict[str, Any] = {}
    for path, value in _CONDITION.findall(text):
        at = made
        *steps, last = path.strip(".").split(".")
        for step in steps:
            inner = at.setdefault(step, {})
            at = inner if isinstance(inner, dict) else {}
        word = _unquoted(value).replace("*", "x")
        at[last] = int(word) if word.isdigit() and value == word else word
    return json.dumps(made)
