"""The night with three of ten traces in detail: the answers are what the customers know."""

from collections import Counter
from decimal import Decimal

from tests.end_to_end.test_story import CHAIN, CONFIRMED, RECEIPTS, TAKEN

from lumitrace.capture.config import Settings


def test_impact_and_cause_are_those_of_the_whole_night(night_sampled):
    """Each sale that failed, their sum, and the call that failed, in no healthy one."""
    answer, truth = night_sampled.lumitrace("why"), night_sampled.truth

    impact, cause = answer["impact"], answer["cause"]
    assert truth.failed
    assert sorted(impact["ids"]) == sorted(sale.sale_id for sale in truth.failed)
    assert Decimal(impact["total"]) == truth.failed_total
    assert (impact["healthy"], impact["withoutSpanLines"]) == (len(truth.healthy), 0)
    assert (cause["function"], cause["call"]) == (CHAIN[1], "PutItem ushop_sales")
    assert cause["failing"]["having"] == cause["failing"]["of"] == len(truth.failed)
    assert cause["healthy"] == {"having": 0, "of": len(truth.healthy)}
    issue = answer["issue"]
    assert (issue["function"], issue["all"]["failed"]) == (CHAIN[1], 3 * len(truth.failed))
    assert issue["all"]["invocations"] == 3 * len(truth.failed) + len(truth.healthy)


def test_every_sale_reaches_what_it_reached(night_sampled):
    """One transaction each, with its tags, through every function."""
    failed = {sale.sale_id for sale in night_sampled.truth.failed}
    rows = night_sampled.transactions()

    ids = [row["tags"].get("saleId") for row in rows]
    assert sorted(ids) == sorted(sale.sale_id for sale in night_sampled.truth.sales)
    for row in rows:
        reached = TAKEN if row["tags"]["saleId"] in failed else CONFIRMED | RECEIPTS
        assert set(row["functions"]) == reached


def test_every_function_decides_alike_and_says_so(night_sampled):
    """By the trace id: in detail, or in one line; what fails is always told."""
    seen = night_sampled.lumitrace("why")["seen"]
    settings, told = Settings(), Counter()
    settings.load({"LUMITRACE_SAMPLE": "0.3"})
    for _, line in night_sampled.span_lines():
        if line["record"] == "invocation" and "status" not in line:
            in_detail = line.get("detail") is not False
            told[in_detail] += 1
            assert in_detail == settings.keeps(line["traceId"])

    assert seen["toldInSums"] == told[False]
    assert min(told[False], told[True]) > 0
    assert (seen["broken"], seen["untrusted"], seen["dropped"]) == (0, 0, 0)
    assert seen["withoutSpanLines"] == seen["health"] == []
