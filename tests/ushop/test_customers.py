"""The customers know the truth, and buy the same again for the same seed."""

import json
from decimal import Decimal

from local_aws.customers import DEPARTMENTS, plan, sell

NIGHT = {"seconds": 20, "broken_after": 10, "rate": 25, "seed": 3}


def test_the_same_seed_buys_the_same():
    """Another seed buys something else."""
    assert list(plan(**NIGHT)) == list(plan(**NIGHT))
    assert list(plan(**NIGHT)) != list(plan(**{**NIGHT, "seed": 4}))


def test_all_departments_sell_and_most_sales_break_at_the_given_moment():
    """Before it no amount is text; after it, four fifths are."""
    sales = list(plan(**NIGHT))

    late = [sale for sale in sales if sale.after_s >= 10]
    assert {sale.department for sale in sales} == set(DEPARTMENTS)
    assert len({sale.sale_id for sale in sales}) == len(sales) == 500
    assert not any(sale.as_text for sale in sales if sale.after_s < 10)
    assert sum(sale.as_text for sale in late) == 0.8 * len(late)


def test_the_amount_is_the_same_as_a_number_and_as_text():
    """Only its type breaks, never its value."""
    for sale in plan(**NIGHT):
        told = json.loads(sale.body(), parse_float=Decimal)["amount"]

        assert isinstance(told, str) is sale.as_text
        assert Decimal(told) == sale.amount


def test_the_truth_tells_sold_from_refused_and_good_from_bad(stage):
    """A short night at the real shop: every sale is taken, and the truth adds up."""
    truth = sell(stage.api_url, seconds=1, broken_after=0.4, rate=10, seed=1)

    assert (len(truth.sales), truth.refused) == (10, [])
    assert len(truth.healthy) + len(truth.failed) == 10
    assert truth.failed_total == sum(sale.amount * sale.quantity for sale in truth.failed)
    assert 0 < truth.failed_customers <= len(truth.failed)


def test_a_shop_that_is_closed_refuses_everything():
    """Nothing is raised: the customers go home."""
    truth = sell("http://127.0.0.1:9", seconds=0.1, rate=20, seed=1)

    assert [status for _, status in truth.refused] == [0, 0]
    assert truth.sales == []
