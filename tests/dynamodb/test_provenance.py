"""From a real write over a real read to the answer: who wrote what a failing request read."""

import contextlib

import pytest
from tests.dynamodb.stream_room import TABLE, Room

moto = pytest.importorskip("moto")
boto3 = pytest.importorskip("boto3")
pytest.importorskip("duckdb")

PRICE = {"saleId": {"S": "1"}, "price": {"S": "free"}}
WELL = {"saleId": {"S": "2"}, "price": {"N": "5"}}


@pytest.fixture
def room(captured, monkeypatch):
    """Writers and readers, and moto's tables."""
    with moto.mock_aws():
        room = Room(captured, monkeypatch, boto3)
        room.begin("`inject`")
        room.table()
        yield room


def read(room, key, request):
    """Read an item as a shop does: a price that is no number breaks it."""

    def work(_):
        item = room.client().get_item(TableName=TABLE, Key={"saleId": key})["Item"]
        float(item["price"].get("N", "free"))

    with contextlib.suppress(ValueError):
        room._run(work, {}, request, "checkout")


def test_a_failing_request_leads_to_who_wrote_what_it_read(room):
    """The import wrote a price that breaks the checkout; the healthy item is another writer's."""
    from lumitrace.reassembly.answers.show import show
    from lumitrace.reassembly.answers.why import why
    from lumitrace.reassembly.assemble import assemble

    for number, item in enumerate((PRICE, WELL)):
        put = room.client().put_item
        work = lambda _, item=item, put=put: put(TableName=TABLE, Item=item)  # noqa: E731
        room._run(work, {}, f"writer-{number}", ("price-import", "admin")[number])
    for number in range(6):
        read(room, (PRICE, WELL)[number % 2]["saleId"], f"reader-{number}")

    assembled = assemble(list(room._log()))
    told = why(assembled)["readFrom"]
    (one,) = show(assembled, "reader-0")["readFrom"]

    assert (told["function"], told["call"]) == ("price-import", f"DynamoDB PutItem {TABLE}")
    assert (told["failing"]["having"], told["healthy"]["having"]) == (3, 0)
    assert (one["writer"]["function"], one["items"]) == ("price-import", 1)
    assert one["transactions"] == show(assembled, "writer-0")["traces"]
