"""The grammar of an UpdateExpression, as far as a section has to be found and added to.

Grammar:   https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.UpdateExpressions.html
"""

import re

SPACES = " \t\r\n"
# One token: a placeholder or a word, a number, or one sign.
TOKEN = re.compile(r"[ \t\r\n]*([#:]?[A-Za-z0-9_]+|[^ \t\r\n])")
TOUCHING = re.compile(r"[A-Za-z0-9_][#:]")  # two words without a space: not everybody takes that
WORD = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
SECTIONS = ("SET", "REMOVE", "ADD", "DELETE")
FUNCTIONS = {"if_not_exists": 2, "list_append": 2}  # and how many operands each takes
MAX_DEPTH = 16  # parentheses


class Expression:
    """An update expression that is whole.

    Attributes:
        names, values: the placeholders in it.
        added: those of the values that ``ADD`` adds.
        counts: whether it has a sum or appends to a list.
        only_removes: whether it has no section but REMOVE and DELETE.
    """

    __slots__ = ("added", "at", "counts", "names", "only_removes", "text", "values")

    def __init__(self, text: str) -> None:
        self.text = text
        self.at: int | None = None  # where the first assignment may stand
        self.names: set[str] = set()
        self.values: set[str] = set()
        self.added: list[str] = []
        self.counts = False
        self.only_removes = False

    def assigning(self, alias: str, value: str) -> str:
        """Return the text, with one more assignment: *alias* gets *value*."""
        if self.at is None:
            return f"{self.text}{' SET' if self.text else 'SET'} {alias} = {value}"
        return f"{self.text[: self.at]} {alias} = {value},{self.text[self.at :]}"


class _NotWholeError(ValueError):
    """The text is no update expression that we know."""


def read(text: str) -> Expression | None:
    """Return what *text* says, or None where it is not whole."""
    try:
        reader = _Reader(text)
        reader.sections()
    except _NotWholeError:
        return None
    return reader.found


class _Reader:
    """One walk over the tokens."""

    __slots__ = ("ends", "found", "place", "tokens")

    def __init__(self, text: str) -> None:
        matches = list(TOKEN.finditer(text.rstrip(SPACES)))  # a search in trailing ones is slow
        self.tokens = [match[1] for match in matches] + [""]
        self.ends = [match.end() for match in matches]
        if TOUCHING.search(text):
            raise _NotWholeError
        self.place = 0
        self.found = Expression(text)

    def take(self, wanted: str = "") -> str:
        """Return the next token, which has to be *wanted* where that is said."""
        token = self.tokens[self.place]
        if not token or (wanted and token != wanted):
            raise _NotWholeError
        self.place += 1
        return token

    def goes_on(self, sign: str) -> bool:
        """Take the next token if it is one of *sign*."""
        token = self.tokens[self.place]
        if not token or token not in sign:
            return False
        self.place += 1
        return True

    def sections(self) -> None:
        """Read it all: each section once, in any order."""
        seen: set[str] = set()
        while not seen or self.tokens[self.place]:
            section = self.take().upper()
            if section not in SECTIONS or section in seen:
                raise _NotWholeError
            seen.add(section)
            if section == "SET":
                self.found.at = self.ends[self.place - 1]
            self.clause(section)
            while self.goes_on(","):
                self.clause(section)
        self.found.only_removes = not seen & {"SET", "ADD"}

    def clause(self, section: str) -> None:
        """Read one clause of *section*."""
        self.path()
        if section == "SET":
            self.take("=")
            self.value(MAX_DEPTH)
        elif section != "REMOVE":
            token = self.take()
            self.placeholder(token)
            if section == "ADD":
                self.found.added.append(token)

    def path(self) -> None:
        """Read a document path: ``a.#b[0].c``."""
        self.name(self.take())
        while self.goes_on(".["):
            if self.tokens[self.place - 1] == ".":
                self.name(self.take())
            else:
                if not self.take().isdecimal():
                    raise _NotWholeError
                self.take("]")

    def name(self, token: str) -> None:
        """Read a name, or what stands for one."""
        if token[0] == "#" and len(token) > 1:
            self.found.names.add(token)
        elif not WORD.fullmatch(token) or token.upper() in SECTIONS:
            raise _NotWholeError

    def placeholder(self, token: str) -> None:
        """Read what stands for a value."""
        if token[0] != ":" or len(token) < 2:
            raise _NotWholeError
        self.found.values.add(token)

    def value(self, depth: int) -> None:
        """Read operands with ``+`` or ``-`` between them."""
        self.operand(depth)
        while self.goes_on("+-"):
            self.found.counts = True
            self.operand(depth)

    def operand(self, depth: int) -> None:
        """Read a path, a value, a function or something in parentheses."""
        token = self.tokens[self.place]
        if token[:1] == "(":
            self.inner(depth)
        elif token[:1] == ":":
            self.placeholder(self.take())
        elif token in FUNCTIONS and self.tokens[self.place + 1] == "(":
            self.found.counts = self.found.counts or token == "list_append"  # noqa: S105
            self.take()
            self.inner(depth, FUNCTIONS[token])
        else:
            self.path()

    def inner(self, depth: int, count: int = 1) -> None:
        """Read *count* values in parentheses."""
        if depth == 0:
            raise _NotWholeError
        self.take("(")
        for number in range(count):
            if number:
                self.take(",")
            self.value(depth - 1)
        self.take(")")
