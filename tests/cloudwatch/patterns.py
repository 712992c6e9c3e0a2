r"""Filter patterns, as TestMetricFilter, FilterLogEvents and metric filters read them.

Terms, JSON and space-delimited patterns:
https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html
Regular expressions: letters, digits, ``:_#=@/;,-``, the operators ``^$?[]{}|\*+.``, no parentheses
and no other character; two in one pattern at most.
https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/regex-expressions.html
Array wildcards (``$.a[*]``) are refused here: nothing that is read or written needs them.
"""

import json
import operator
import re

from tests.cloudwatch import limits

TERM = re.compile(r'\s*([?-]?)(?:"((?:[^"\\]|\\.)*)"|%((?:[^%\\]|\\.)*)%|([\w.:/@$#+*=,;-]+))')
TOKEN = re.compile(
    r'\s*(&&|\|\||\(|\)|!=|>=|<=|=|>|<|"(?:[^"\\]|\\.)*"|%(?:[^%\\]|\\.)*%|[^\s()=!<>&|"%]+)'
)
REGEX_CHARACTERS = re.compile(r"[A-Za-z0-9:_#=@/;,\-^$?\[\]{}|\\*+.]+\Z")
REGEX = re.compile(r"%((?:[^%\\]|\\.)*)%")
QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"')
COMPARE = {
    "=": operator.eq,
    "!=": operator.ne,
    ">": operator.gt,
    "<": operator.lt,
    ">=": operator.ge,
    "<=": operator.le,
}
COLUMN = re.compile(r'\[[^\]]*\]|"[^"]*"|\S+')


class Invalid(ValueError):  # noqa: N818  # it is an answer
    """The pattern is not one that AWS takes, or one that is not played."""


def compiled(pattern):
    """Return a function that tells whether a message matches *pattern*.

    Raises:
        Invalid: it is no pattern.
    """
    text = pattern.strip()
    if not text:
        return lambda message: True
    if len(REGEX.findall(QUOTED.sub("", text))) > limits.FILTER_PATTERN_REGEXES:
        message = "Invalid filter pattern: too many regular expressions"
        raise Invalid(message)
    if text.startswith("{"):
        return _json(text)
    if text.startswith("["):
        return _columns(text)
    return _terms(text)


def _terms(text):
    needed, excluded, either, at = [], [], [], 0
    while at < len(text):
        term = TERM.match(text, at)
        if not term:
            if not text[at:].strip():
                break
            message = f"Invalid character(s) in term {text[at:]!r}"
            raise Invalid(message)
        at = term.end()
        sign, quoted, regex, bare = term.groups()
        if quoted is None and regex is None and not re.fullmatch(r"\w+", bare):
            message = f"Invalid character(s) in term {bare!r}"  # needs quotes
            raise Invalid(message)
        found = _regex(regex) if regex is not None else _word(quoted, bare)
        {"?": either, "-": excluded, "": needed}[sign].append(found)
    # "?" beside other terms is ignored by AWS: the pattern then asks for those alone.
    if either and not needed:
        needed = [lambda message: any(one(message) for one in either)]
    return lambda message: (
        all(one(message) for one in needed) and not any(one(message) for one in excluded)
    )


def _word(quoted, bare):
    word = bare if quoted is None else re.sub(r"\\(.)", r"\1", quoted)
    return lambda message: word in message


def _regex(text):
    if not REGEX_CHARACTERS.match(text):
        message = f"Invalid regular expression {text!r}"
        raise Invalid(message)
    try:
        search = re.compile(text, re.ASCII).search
    except re.error as error:
        message = f"Invalid regular expression {text!r}: {error}"
        raise Invalid(message) from None
    return lambda message: search(message) is not None


def _json(text):
    if not text.endswith("}"):
        message = "Invalid filter pattern: } is missing"
        raise Invalid(message)
    tokens = TOKEN.findall(text[1:-1])
    test, rest = _either(tokens)
    if rest:
        message = f"Invalid filter pattern at {rest[0]!r}"
        raise Invalid(message)

    def matches(message):
        try:
            found = json.loads(message)
        except ValueError:
            return False
        return isinstance(found, dict) and test(found)

    return matches


def _either(tokens):
    test, tokens = _both(tokens)
    while tokens and tokens[0] == "||":
        other, tokens = _both(tokens[1:])
        test = _joined(any, test, other)
    return test, tokens


def _both(tokens):
    test, tokens = _condition(tokens)
    while tokens and tokens[0] == "&&":
        other, tokens = _condition(tokens[1:])
        test = _joined(all, test, other)
    return test, tokens


def _joined(how, *tests):
    return lambda found: how(test(found) for test in tests)


def _condition(tokens):
    if not tokens:
        message = "Invalid filter pattern: a condition is missing"
        raise Invalid(message)
    if tokens[0] == "(":
        test, tokens = _either(tokens[1:])
        if not tokens or tokens[0] != ")":
            message = "Invalid filter pattern: ) is missing"
            raise Invalid(message)
        return test, tokens[1:]
    if len(tokens) < 3 or not re.fullmatch(r"\$(\.[\w-]+(\[\d+\])*)+", tokens[0]):
        message = f"Invalid filter pattern at {tokens[0]!r}"
        raise Invalid(message)
    select = _selector(tokens[0])
    word = " ".join(tokens[1:3]).upper()
    if word in {"IS NULL", "IS TRUE", "IS FALSE", "NOT EXISTS"}:
        return _is(select, word), tokens[3:]
    if tokens[1] not in COMPARE:
        message = f"Invalid filter pattern at {tokens[1]!r}"
        raise Invalid(message)
    return _compares(select, tokens[1], tokens[2]), tokens[3:]


MISSING = object()


def _selector(path):
    steps = re.findall(r"\.([\w-]+)|\[(\d+)\]", path)

    def select(found):
        for name, index in steps:
            if name and isinstance(found, dict) and name in found:
                found = found[name]
            elif index and isinstance(found, list) and int(index) < len(found):
                found = found[int(index)]
            else:
                return MISSING
        return found

    return select


def _is(select, word):
    wanted = {"IS NULL": None, "IS TRUE": True, "IS FALSE": False, "NOT EXISTS": MISSING}[word]
    return lambda found: select(found) is wanted


def _compares(select, sign, word):
    value = _value(word)
    if sign not in {"=", "!="} and not isinstance(value, float):
        message = f"Invalid filter pattern: {sign} compares numbers"
        raise Invalid(message)

    def test(found):
        own = select(found)
        if own is MISSING or isinstance(own, (dict, list)) or own is None:
            return False  # a selector points to a value
        return _fits(own, sign, value)

    return test


def _value(word):
    if word.startswith("%"):
        return _regex(word[1:-1])
    if word.startswith('"'):
        return re.sub(r"\\(.)", r"\1", word[1:-1])
    try:
        return float(word)
    except ValueError:
        return word


def _fits(own, sign, value):
    if callable(value):
        return value(str(own)) is (sign == "=")
    if isinstance(value, float):
        if isinstance(own, bool) or not isinstance(own, (int, float)):
            return sign == "!=" if sign in {"=", "!="} else False
        return COMPARE[sign](own, value)
    pattern = ".*".join(map(re.escape, value.split("*")))
    return (re.fullmatch(pattern, str(own), re.DOTALL) is not None) is (sign == "=")


def _columns(text):
    if not text.endswith("]"):
        message = "Invalid filter pattern: ] is missing"
        raise Invalid(message)
    columns = [column.strip() for column in text[1:-1].split(",")]
    before = columns.index("...") if "..." in columns else len(columns)
    tests = [None if column == "..." else _column(column) for column in columns]

    def matches(message):
        found = [cell.strip('"') for cell in COLUMN.findall(message)]
        fixed = [test for test in tests if test is not None]
        if len(found) < len(fixed) or ("..." not in columns and len(found) != len(fixed)):
            return False
        behind = len(columns) - before - 1
        cells = found[:before] + (found[-behind:] if behind > 0 else [])
        return all(test(cell) for test, cell in zip(fixed, cells, strict=False))

    return matches


def _column(text):
    tokens = TOKEN.findall(text)
    name = tokens[0] if tokens else ""
    conditions = re.split(r"\s*(&&|\|\|)\s*", text)
    test = None
    for sign, part in zip(["&&", *conditions[1::2]], conditions[::2], strict=False):
        said = TOKEN.findall(part)
        if len(said) == 1 and said[0] == name and test is None:
            return lambda cell: True
        if len(said) != 3 or said[0] != name or said[1] not in COMPARE:
            message = f"Invalid filter pattern at {part!r}"
            raise Invalid(message)
        one = _cell(said[1], said[2])
        test = one if test is None else _joined(all if sign == "&&" else any, test, one)
    return test or (lambda cell: True)


def _cell(sign, word):
    value = _value(word)
    if sign not in {"=", "!="} and not isinstance(value, float):
        message = f"Invalid filter pattern: {sign} compares numbers"
        raise Invalid(message)

    def test(cell):
        own = cell
        if isinstance(value, float):
            try:
                own = float(cell)
            except ValueError:
                return False
        return _fits(own, sign, value)

    return test
