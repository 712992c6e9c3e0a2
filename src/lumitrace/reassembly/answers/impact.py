"""Whom it hurts: how many are lost, their sum, their ids."""

from collections import Counter
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
from lumitrace.reassembly.answers.tag_choice import ID_NAME, choose_id, choose_sum, money, noun
from lumitrace.reassembly.transaction import Assembled, Transaction

EXACT = 100  # digits: of a sum of numbers of 30 digits none is rounded away

Tags = dict[str, str]


def impact(
    assembled: Assembled, judged: list[Judged], id_tag: str = "", sum_tag: str = ""
) -> dict[str, Any]:
    """Return who is hurt; *id_tag* and *sum_tag* are found by a rule where they are ""."""
    tags = [describe.tags(assembled, one) for one, _ in judged]
    entries = [describe.entry(one) for one, _ in judged]
    id_tag = id_tag or choose_id(tags, [_entry_tags(one) for one, _ in judged], entries)
    sum_tag = sum_tag or choose_sum(tags)
    ended = list(zip(judged, tags, strict=True))
    lost = [own for (_, result), own in ended if result.state == FAILED]
    pending = [own for (_, result), own in ended if result.state == PENDING]
    states = Counter(result.state for _, result in judged)
    return {
        "noun": noun(id_tag),
        "idTag": id_tag,
        "sumTag": sum_tag,
        "lost": states[FAILED],
        "pending": states[PENDING],
        "recovered": states[RECOVERED],
        "shared": states[SHARED],
        "unfinished": states[UNFINISHED],
        "healthy": states[OK],
        "transactions": len(judged),
        **_sum(lost, sum_tag),
        "distinct": _distinct(lost, id_tag),
        "ids": _ids(lost, id_tag),
        "pendingIds": _ids(pending, id_tag),
        "withoutSpanLines": sum(
            result.state in {FAILED, PENDING} and _unknown(one) for one, result in judged
        ),
        "lostTransactions": [one.id for (one, result) in judged if result.state == FAILED],
    }


def _unknown(transaction: Transaction) -> bool:
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


def _entry_tags(transaction: Transaction) -> Tags:
    attempt = describe.entry_attempt(transaction)
    return attempt.invocation.tags if attempt and attempt.invocation else {}
