"""Which tag is the business id, and which the money: asked for, or found by a stated rule."""

import re
from collections import Counter
from collections.abc import Iterable
from decimal import Decimal, InvalidOperation

ID_NAME = re.compile(r"(?:.*[a-z0-9]I[dD]|.*_id|.*-id|id)\Z")
SUM_NAMES = ("total", "amount", "price", "value", "revenue")
NUMERIC_SHARE = 0.9  # of the transactions that have the tag
MAX_DIGITS = 30  # before or after the point; beyond it a number is no money

Tags = dict[str, str]


def choose_id(tags: list[Tags], entry_tags: list[Tags], entries: Iterable[str]) -> str:
    """Return the tag that names what a transaction is about, or "".

    Of the tags whose name ends in Id: one that is set at the entry comes first, then the one with
    the most different values for its number of transactions, then the one that most transactions
    have, then the one whose name the route or the entry's function bears, then the alphabet.
    """
    places = " ".join(sorted(set(entries))).lower()
    having = Counter(name for one in tags for name in one if ID_NAME.match(name))
    at_entry = Counter(name for one in entry_tags for name in one)
    values = {name: {one[name] for one in tags if name in one} for name in having}

    def rank(name: str) -> tuple[bool, float, int, bool]:
        unique = len(values[name]) / having[name]
        return at_entry[name] > 0, round(unique, 6), having[name], noun(name) in places

    return max(sorted(having, reverse=True), key=rank, default="")


def choose_sum(tags: list[Tags]) -> str:
    """Return the tag that holds the money, or "".

    The first of total, amount, price, value, revenue that a numeric tag is called, or ends in.
    """
    having = Counter(name for one in tags for name in one)
    numeric = Counter(
        name for one in tags for name, value in one.items() if money(value) is not None
    )
    names = sorted(name for name in having if numeric[name] >= NUMERIC_SHARE * having[name])
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
