"""Which tag is the business id, and which the money: asked for, or found by a stated rule."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

ID_NAME = re.compile(r"(?:.*[a-z0-9]I[dD]|.*_id|.*-id|id)\Z")
SUM_NAMES = ("total", "amount", "price", "value", "revenue")
NUMERIC_SHARE = 0.9  # of the transactions that have the tag
MAX_DIGITS = 30  # before or after the point; beyond it a number is no money

Tags = dict[str, str]


@dataclass(slots=True)
class TagUse:
    """How one tag is used.

    Attributes:
        having: transactions that have it.
        values: different values.
        numeric: transactions in which it is a number.
        at_entry: it is set at an entry.
    """

    having: int = 0
    values: int = 0
    numeric: int = 0
    at_entry: bool = False


def uses(tags: list[Tags], entry_tags: list[Tags]) -> dict[str, TagUse]:
    """Return how each tag is used in transactions of these *tags*."""
    found: dict[str, TagUse] = {}
    values: dict[str, set[str]] = {}
    for one in tags:
        for name, value in one.items():
            use = found.setdefault(name, TagUse())
            use.having += 1
            use.numeric += money(value) is not None
            values.setdefault(name, set()).add(value)
    for name, several in values.items():
        found[name].values = len(several)
    for name in {name for one in entry_tags for name in one} & found.keys():
        found[name].at_entry = True
    return found


def choose_id(used: dict[str, TagUse], entries: Iterable[str]) -> str:
    """Return the tag that names what a transaction is about, or "".

    Of the tags whose name ends in Id: one that is set at the entry comes first, then the one with
    the most different values for its number of transactions, then the one that most transactions
    have, then the one whose name the route or the entry's function bears, then the alphabet.
    """
    places = " ".join(sorted(set(entries))).lower()
    names = [name for name in used if ID_NAME.match(name)]

    def rank(name: str) -> tuple[bool, float, int, bool]:
        use = used[name]
        return use.at_entry, round(use.values / use.having, 6), use.having, noun(name) in places

    return max(sorted(names, reverse=True), key=rank, default="")


def choose_sum(used: dict[str, TagUse]) -> str:
    """Return the tag that holds the money, or "".

    The first of total, amount, price, value, revenue that a numeric tag is called, or ends in.
    """
    names = sorted(name for name, use in used.items() if use.numeric >= NUMERIC_SHARE * use.having)
    for wanted in SUM_NAMES:
        fitting = [name for name in names if name.lower().endswith(wanted)]
        if fitting:
            return min(fitting, key=lambda name: (len(name), name))
    return ""


def money(text: str) -> Decimal | None:
    """Return the exact number that *text* spells, or None."""
    try:
        number = Decimal(text.strip())
    except InvalidOperation:
        return None
    if not number.is_finite() or abs(number.adjusted()) > MAX_DIGITS:
        return None
    return number if len(number.as_tuple().digits) <= MAX_DIGITS else None


def noun(id_tag: str) -> str:
    """Return what *id_tag* names: ``saleId`` names a sale."""
    return re.sub(r"[_-]?i[dD]\Z|Id\Z|ID\Z", "", id_tag).lower() or "transaction"
