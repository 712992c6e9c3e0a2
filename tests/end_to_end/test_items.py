"""The items that a night left in the tables lead back to the sales that wrote them."""


def test_an_item_leads_back_to_the_sale_that_wrote_it(night):
    """The function, its call and the transaction with its tags; the partition key is enough."""
    told, sale = night.items["blame"], night.truth.healthy[0]

    (transaction,) = told["transactions"]
    assert transaction["tags"]["saleId"] == sale.sale_id
    assert told["writer"]["function"] == "ushop_sale-confirmations"
    assert told["writer"]["call"] == "DynamoDB PutItem ushop_sales"
    assert not told["writer"]["failed"]
    assert not told["elsewhere"]


def test_every_sale_bears_a_mark_until_they_are_taken_off(night):
    """As many items as sales that were confirmed; clean leaves the items and none of the marks."""
    marks, clean, left = (night.items[name] for name in ("marks", "clean", "left"))

    sold = len(night.truth.healthy)
    assert (marks["items"], marks["marked"], marks["elsewhere"]) == (sold, sold, 0)
    assert (clean["removed"], clean["changed"]) == (sold, 0)
    assert (left["items"], left["marked"]) == (sold, 0)
