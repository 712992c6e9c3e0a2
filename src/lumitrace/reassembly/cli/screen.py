"""What reaches a terminal: text that cannot command it, times and sums as people read them."""

import re
import sys
import textwrap
from datetime import datetime, timezone
from decimal import Decimal

from lumitrace.reassembly.problem import Problem

try:
    from rich.console import Console
    from rich.text import Text
except ImportError:
    _sentence = "lumitrace needs rich to print: pip install 'lumitrace[tools]'"
    raise Problem(_sentence) from None

_INDENT = "    "
PICTURES = 0x2400  # U+2400 to U+241F show C0; U+2421 shows DEL
# C0 and C1 controls, what turns the direction of text, what breaks a line, halves of a pair.
_COMMANDING = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]"
)


def safe(text: str) -> str:
    """Return *text* with everything shown that would command a terminal; newline and tab stay.

    A carriage return is a new line: the runtime joins the lines of a traceback with it.
    """
    return _COMMANDING.sub(_picture, text.replace("\r\n", "\n").replace("\r", "\n"))


def _picture(match: re.Match[str]) -> str:
    code = ord(match[0])
    if code < 0x20:
        return chr(PICTURES + code)
    return "\u2421" if code == 0x7F else f"<U+{code:04X}>"


def one_line(text: str) -> str:
    """Return *text* safe, on one line."""
    return " ".join(safe(text).split())


class Screen:
    """Standard output: as wide as it is, coloured where it is a terminal and NO_COLOR is unset."""

    def __init__(self) -> None:
        reconfigure = getattr(sys.stdout, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="replace")
        self.console = Console(highlight=False, emoji=False, markup=False)

    @property
    def width(self) -> int | None:
        """Return the columns of the terminal, or None where output goes to a file or a pipe."""
        return self.console.width if self.console.is_terminal else None

    def line(self, *parts: str | tuple[str, str], hang: int | None = None) -> None:
        """Print a line of *parts*, each a text or a text and its style; none is cut.

        Where *hang* is said, what is too long for a terminal goes on in the next lines, behind so
        many blanks; words stay whole. In a file or a pipe a line stays one line.
        """
        text = Text()
        for part in parts:
            if isinstance(part, str):
                text.append(safe(part))
            else:
                text.append(safe(part[0]), style=part[1])
        for folded in self._folded(text, hang):
            self.console.print(folded, soft_wrap=True)

    def _folded(self, text: Text, hang: int | None) -> list[Text]:
        width = self.width
        if hang is None or width is None or len(text) <= width or "\n" in text.plain:
            return [text]
        hang = min(hang, width // 2)
        first, *rest = text.divide(_breaks(text.plain, width, hang))
        lines = [first, *(Text(" " * hang) + one for one in rest)]
        for one in lines:
            one.rstrip()
        return lines

    def columns(self, rows: list[list[str]], styles: list[str]) -> None:
        """Print *rows* in columns, each as wide as it needs; the last as long as it is."""
        rows, widths = _measured(rows)
        for row in rows:
            self._row(row, widths, styles)

    def table(self, rows: list[list[str]], styles: list[str]) -> None:
        """Print *rows*, the first of them names, in columns.

        On a terminal that is too narrow for them, the last columns stand below each row, by name.
        """
        rows, widths = _measured(rows)
        width = self.width
        fit = len(widths) if width is None else max(1, _fitting(widths, width))
        for row in rows:
            self._row(row[:fit], widths, styles)
            if row is not rows[0]:
                for text, style in _below(rows[0][fit:], row[fit:], styles[fit:], width or 0):
                    self.line((text, style))

    def _row(self, row: list[str], widths: list[int], styles: list[str]) -> None:
        cells = [cell.ljust(width) for cell, width in zip(row[:-1], widths, strict=False)]
        parts = [(f"{cell}  ", style) for cell, style in zip(cells, styles, strict=False)]
        self.line(*parts, (row[-1], styles[len(row) - 1]))


def _breaks(text: str, width: int, hang: int) -> list[int]:
    """Return where the words begin that stand first in a line of their own."""
    found: list[int] = []
    begin, room = 0, width
    words = [match.span() for match in re.finditer(r"(?:✗ )?\S+", text)]
    for start, end in words[1:]:
        if end - begin > room and end - start <= width - hang:
            found.append(start)
            begin, room = start, width - hang
    return found


def _measured(rows: list[list[str]]) -> tuple[list[list[str]], list[int]]:
    rows = [[one_line(cell) for cell in row] for row in rows]
    return rows, [max(map(len, column)) for column in zip(*rows, strict=True)]


def _fitting(widths: list[int], width: int) -> int:
    """Return how many columns, two blanks apart, stand beside one another in *width*."""
    return sum(1 for count in range(len(widths)) if sum(widths[: count + 1]) + 2 * count <= width)


def _below(
    names: list[str], cells: list[str], styles: list[str], width: int
) -> list[tuple[str, str]]:
    """Return the lines, and their styles, that name *cells*: several a line where they fit."""
    lines: list[tuple[str, str]] = []
    for name, cell, style in zip(names, cells, styles, strict=True):
        if cell in {"", "-"}:
            continue
        told = f"{name} {cell}".strip()
        if lines and len(lines[-1][0]) + 2 + len(told) <= width and style == lines[-1][1]:
            lines[-1] = (f"{lines[-1][0]}  {told}", style)
            continue
        wrapped = textwrap.wrap(
            told,
            max(width, 2 * len(_INDENT)),
            initial_indent=_INDENT,
            subsequent_indent=_INDENT * 2,
            break_long_words=False,
            break_on_hyphens=False,
        )
        lines += [(line, style) for line in wrapped]
    return lines


def clock(time_us: int) -> str:
    """Return the time of day, UTC, to the millisecond."""
    if not time_us:
        return ""
    moment = datetime.fromtimestamp(time_us / 1_000_000, timezone.utc)
    return f"{moment:%H:%M:%S}.{moment.microsecond // 1000:03d}"


def date(time_us: int) -> str:
    """Return the date and the time of day, UTC."""
    moment = datetime.fromtimestamp(time_us / 1_000_000, timezone.utc)
    return f"{moment:%Y-%m-%d} {clock(time_us)}"


def milliseconds(time_us: int | None) -> str:
    """Return a duration in milliseconds."""
    return "…" if time_us is None else f"{time_us / 1000:,.1f} ms"


def percent(part: int, whole: int) -> str:
    """Return *part* of *whole* in percent, with a tenth where it is not round."""
    if not whole:
        return "0 %"
    tenths = round(part * 1000 / whole)
    return f"{tenths // 10} %" if tenths % 10 == 0 else f"{tenths / 10:.1f} %"


def total(text: str) -> str:
    """Return an exact number with at least two digits behind the point and its thousands parted."""
    number = Decimal(text)
    digits = max(2, -int(number.as_tuple().exponent))
    return f"{number:,.{digits}f}"


def plural(count: int, noun: str) -> str:
    """Return *count* and the *noun*, in the plural where it is one."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"
