"""A module's source without what only people and type checkers read; every line keeps its number.

Docstrings, comments, annotations and ``if TYPE_CHECKING:`` blocks become blanks: what is left runs
the same, and a traceback names the same lines.
"""

import ast
import io
import tokenize

TYPES_ONLY = "TYPE_CHECKING"
NOTHING = "0"  # stands where a statement has to


def blank(source: str) -> str:
    """Return *source*, a module, with what does not run taken off its lines."""
    page = _Page(source)
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            _docstring(page, node)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.returns is not None:
            page.blank_from(page.arrow(node.returns), node.returns)
        elif isinstance(node, ast.arg) and node.annotation is not None:
            start = page.start(node)
            page.blank_from((start[0], start[1] + len(node.arg)), node.annotation)
        elif isinstance(node, ast.AnnAssign):
            if node.value is None:
                page.blank_from(page.start(node), node, NOTHING)
            else:
                page.blank_from(page.end(node.target), node.annotation)
        elif isinstance(node, ast.If) and getattr(node.test, "id", "") == TYPES_ONLY:
            page.blank_from(page.start(node), node, NOTHING)
    return _without_comments(page.text())


def _docstring(page: "_Page", node: ast.AST) -> None:
    body: list[ast.stmt] = node.body  # type: ignore[attr-defined]  # all that come here have one
    first = body[0].value if body and isinstance(body[0], ast.Expr) else None
    if isinstance(first, ast.Constant) and isinstance(first.value, str):
        alone = len(body) == 1 and not isinstance(node, ast.Module)
        page.blank_from(page.start(first), first, NOTHING if alone else "")


def _without_comments(source: str) -> str:
    lines = source.splitlines()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            row, column = token.start
            lines[row - 1] = lines[row - 1][:column]
    return "".join(f"{line.rstrip()}\n" for line in lines)


class _Page:
    """The characters of a source, each in its place: (line from 0, character in it)."""

    def __init__(self, source: str) -> None:
        self.lines = source.splitlines()
        self.characters = [list(line) for line in self.lines]

    def start(self, node: ast.AST) -> tuple[int, int]:
        """Return the place where *node* begins."""
        return self._place(node.lineno, node.col_offset)  # type: ignore[attr-defined]  # it has one

    def end(self, node: ast.AST) -> tuple[int, int]:
        """Return the place behind *node*."""
        return self._place(node.end_lineno, node.end_col_offset)  # type: ignore[attr-defined]  # so

    def arrow(self, returns: ast.AST) -> tuple[int, int]:
        """Return the place of the ``->`` before what a function *returns*."""
        line, column = self.start(returns)
        return line, self.lines[line].rindex("->", 0, column)

    def blank_from(self, start: tuple[int, int], node: ast.AST, instead: str = "") -> None:
        """Blank everything from *start* to the end of *node*; put *instead* there."""
        end = self.end(node)
        for line in range(start[0], end[0] + 1):
            begin = start[1] if line == start[0] else 0
            until = end[1] if line == end[0] else len(self.characters[line])
            self.characters[line][begin:until] = [""] * (until - begin)
        if instead:
            self.characters[start[0]][start[1]] = instead

    def text(self) -> str:
        """Return the source as it is now."""
        return "".join("".join(line) + "\n" for line in self.characters)

    def _place(self, line: int, byte: int) -> tuple[int, int]:
        """Turn ast's line from 1 and byte into a place: a byte is no character."""
        before = self.lines[line - 1].encode()[:byte]
        return line - 1, len(before.decode())
