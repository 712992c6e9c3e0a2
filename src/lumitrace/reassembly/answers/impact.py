"""Whom it hurts: how many are lost, their sum, their ids."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Context, Decimal, localcontext
from typing import Any

from lumitrace.reassembly.answers import describe
from lumitrace.reassembly.answers.cause import Judged
from lumitrace.reassembly.answers.outcome import (
    FAILED,
    OK,
    PENDING,
    RECOVERED,
    SHARED,
    UNFINISHED,
)
from lumitrace.reassembly.answers.tag_choice import (
    ID_NAME,
    choose_id,
    choose_sum,
    money,
    noun,
    uses,
)
from lumitrace.reassembly.transaction import Assembled, Transaction

EXACT = 100  # digits: of a sum of numbers of 30 digits none is rounded away

Tags = dict[str, str]


@dataclass(slots=True)
class Ended:
    """A transaction as the impact sees it.

    Attributes:
        unknown: Lambda's lines alone tell of it.
    """

    id: str
    state: str
    tags: Tags
    unknown: bool


def impact(
    assembled: Assembled, judged: list[Judged], id_tag: str = "", sum_tag: str = ""
) -> dict[str, Any]:
    """Return who is hurt; *id_tag* and *sum_tag* are found by a rule where they are ""."""
    tags = [describe.tags(assembled, one) for one, _ in judged]
    used = uses(tags, [entry_tags(one) for one, _ in judged])
    id_tag = id_tag or choose_id(used, [describe.entry(one) for one, _ in judged])
    sum_tag = sum_tag or choose_sum(used)
    ended = [
        Ended(one.id, result.state, own, is_unknown(one))
        for (one, result), own in zip(judged, tags, strict=True)
    ]
    return hurt(ended, Counter(one.state for one in ended), id_tag, sum_tag)


def hurt(
    ended: list[Ended], states: Mapping[str, int], id_tag: str, sum_tag: str
) -> dict[str, Any]:
    """Return who is hurt.

    Args:
        ended: the transactions that are lost or pending, and any others, the oldest first.
        states: how many transactions ended how.
        id_tag: the tag that names them.
        sum_tag: the tag that is summed up.
    """
    lost = [one.tags for one in ended if one.state == FAILED]
    pending = [one.tags for one in ended if one.state == PENDING]
    return {
        "noun": noun(id_tag),
        "idTag": id_tag,
        "sumTag": sum_tag,
        "lost": states.get(FAILED, 0),
        "pending": states.get(PENDING, 0),
        "recovered": states.get(RECOVERED, 0),
        "shared": states.get(SHARED, 0),
        "unfinished": states.get(UNFINISHED, 0),
        "healthy": states.get(OK, 0),
        "transactions": sum(states.values()),
        **_sum(lost, sum_tag),
        "distinct": _distinct(lost, id_tag),
        "ids": _ids(lost, id_tag),
        "pendingIds": _ids(pending, id_tag),
        "withoutSpanLines": sum(one.state in {FAILED, PENDING} and one.unknown for one in ended),
        "lostTransactions": [one.id for one in ended if one.state == FAILED],
    }


def is_unknown(transaction: Transaction) -> bool:
    """Tell whether Lambda's lines alone tell of *transaction*: whose it was is not known."""
    return not any(attempt.objects for attempt in transaction.attempts)


def _sum(lost: list[Tags], sum_tag: str) -> dict[str, Any]:
    said = (money(own[sum_tag]) for own in lost if sum_tag in own)
    amounts = [amount for amount in said if amount is not None]
    with localcontext(Context(prec=EXACT)):
        total = sum(amounts, Decimal(0))
    return {
        "total": f"{total:f}" if amounts else None,
        "withoutTotal": len(lost) - len(amounts),
    }


def _ids(lost: list[Tags], id_tag: str) -> list[str]:
    return list(dict.fromkeys(own[id_tag] for own in lost if id_tag in own))


def _distinct(lost: list[Tags], id_tag: str) -> dict[str, int]:
    """Return how many different values the other ids have: customers, for example."""
    names = sorted({name for own in lost for name in own if ID_NAME.match(name)} - {id_tag})
    return {name: len(_ids(lost, name)) for name in names}


def entry_tags(transaction: Transaction) -> Tags:
    """Return the tags that the entry's own handler set."""
    attempt = describe.entry_attempt(transaction)
    return attempt.invocation.tags if attempt and attempt.invocation else {}
