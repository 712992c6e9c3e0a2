"""Ushop on the stage: what becomes of a healthy sale, and of one whose amount is text."""

import http.client
import json
import re
from dataclasses import replace
from decimal import Decimal
from urllib.parse import urlsplit

import pytest

from local_aws.customers import STOCK, Sale, post
from local_aws.logs import log_events, messages

TYPE_MISMATCH = (
    "[ERROR] ClientError: An error occurred (ValidationException) when calling the PutItem "
    "operation: One or more parameter values were invalid: "
    "Type mismatch for key amount expected: N actual: S\n"
)
KINDS = {"INIT_START": "I", "START": "S", "END": "E", "REPORT": "R"}
CONFIRMATIONS = "ushop_sale-confirmations"
SALE = Sale(
    sale_id="5a1e0001",
    department="WOMEN",
    customer_id="customer-007",
    product="silk-scarf",
    quantity=2,
    amount=Decimal("42.50"),
    as_text=False,
    after_s=0,
)


def attempts_at(lines, request_id):
    """Return the lines of each attempt at one request, without START and END."""
    text = "\0".join(lines)
    pattern = rf"START RequestId: {request_id} [^\0]*\0(.*?)\0END RequestId: {request_id}"
    return [found.split("\0") for found in re.findall(pattern, text, re.DOTALL)]


@pytest.fixture(scope="module")
def night(stage):
    """Sell twice, once well and once badly, and wait until everything has been done."""
    post(stage.api_url, SALE)
    post(stage.api_url, replace(SALE, sale_id="5a1e0bad", as_text=True))
    stage.drain()
    return stage


@pytest.mark.parametrize(
    ("function", "message"),
    [
        ("ushop_new-sale-processing", "New sale processing. saleId = 5a1e0001"),
        (CONFIRMATIONS, "Sale confirmed. saleId = 5a1e0001"),
        ("ushop_shipping-worker", "Shipping. saleId = 5a1e0001"),
        ("ushop_sale-analytics", "Sale analysed. saleId = 5a1e0001, department = WOMEN"),
        ("ushop_receipt-email", "Receipt sent. saleId = 5a1e0001"),
        ("ushop_receipt-archive", "Receipt archived. key = receipts/5a1e0001.txt"),
        ("ushop_loyalty", "Points given. saleId = 5a1e0001, points = 85"),
    ],
)
def test_a_healthy_sale_reaches_every_function(night, function, message):
    """Each function that learns of the sale logs it once."""
    lines = [line for line in messages(night.clients.logs, function) if message in line]

    assert len(lines) == 1


def test_every_sale_has_its_price_checked_and_its_click_counted(night):
    """The function asks over HTTP, and the clicks come in batches."""
    checks = "".join(messages(night.clients.logs, "ushop_price-check"))
    counts = "".join(messages(night.clients.logs, "ushop_clickstream"))

    assert checks.count("Price checked. product = silk-scarf, discount = 0 %") >= 2
    assert sum(map(int, re.findall(r"department = WOMEN, clicks = (\d+)", counts))) >= 2


def test_a_healthy_sale_stands_in_the_table_and_is_off_the_stock(night):
    """The amount is a number there, and for each of two sales two scarves fewer are in stock."""
    sales = night.clients.dynamodb.query(
        TableName="ushop_sales",
        KeyConditionExpression="saleId = :id",
        ExpressionAttributeValues={":id": {"S": "5a1e0001"}},
    )["Items"]
    stock = night.clients.dynamodb.get_item(
        TableName="ushop_stock", Key={"product": {"S": "silk-scarf"}}
    )["Item"]

    assert [sale["amount"] for sale in sales] == [{"N": "42.5"}]
    assert int(stock["inStock"]["N"]) <= STOCK - 4


def test_a_sale_with_text_for_an_amount_fails_three_times_with_one_request_id(night):
    """Lambda tries an asynchronous event three times, and each time DynamoDB says why not."""
    lines = messages(night.clients.logs, CONFIRMATIONS)

    tried = [line.split("\t")[2] for line in lines if "Confirming sale. saleId = 5a1e0bad" in line]
    attempts = attempts_at(lines, tried[0])
    assert (len(tried), len(set(tried)), len(attempts)) == (3, 1, 3)
    for attempt in attempts:
        assert any(line.startswith(TYPE_MISMATCH) for line in attempt)
        assert any(line.endswith("Failed writing to DDB table: ushop_sales\n") for line in attempt)


@pytest.mark.parametrize(
    "function", ["ushop_receipt-email", "ushop_receipt-archive", "ushop_loyalty"]
)
def test_a_sale_with_text_for_an_amount_gets_no_receipt_and_no_points(night, function):
    """What was never written down makes no stream record, and nobody is told of it."""
    lines = "".join(messages(night.clients.logs, function))

    assert "5a1e0001" in lines
    assert "5a1e0bad" not in lines


def test_the_shop_logs_what_the_story_says(night):
    """The messages that people search for are spelt so."""
    lines = "".join(messages(night.clients.logs, "ushop_new-sale-processing"))

    topic = "arn:aws:sns:us-east-1:123456789012:ushop_new-sales"
    assert "\tNew sale processing. saleId = 5a1e0001\n" in lines
    assert f"\tPublished successfully to SNS topic: {topic}\n" in lines


def test_log_lines_stand_between_start_and_end_of_their_invocation(night):
    """Each log stream is INIT_START, then START, lines, END and REPORT, again and again."""
    streams = {}
    for event in log_events(night.clients.logs, f"/aws/lambda/{CONFIRMATIONS}"):
        streams.setdefault(event["logStreamName"], []).append(event["message"])

    for lines in streams.values():
        kinds = "".join(KINDS.get(line.split()[0], ".") for line in lines)
        assert re.fullmatch(r"I(S\.+ER)+", kinds)


def test_a_product_that_is_not_in_the_catalog_is_answered_with_404(stage):
    """The handler's own status reaches the customer."""
    assert post(stage.api_url, replace(SALE, product="nothing")) == 404


def test_the_api_answers_with_the_ids_that_it_gave_the_function(stage):
    """A caller can find its request again: both ids of API Gateway are in the answer."""
    connection = http.client.HTTPConnection(urlsplit(stage.api_url).netloc)
    connection.request("POST", "/sales", replace(SALE, product="nothing").body())
    answer = connection.getresponse()
    answer.read()
    connection.close()

    assert re.fullmatch(r"[0-9a-f-]{36}", answer.headers["x-amzn-RequestId"])
    assert re.fullmatch(r"[A-Za-z0-9+/]{15}=", answer.headers["x-amz-apigw-id"])
    assert re.fullmatch(r"Root=1-[0-9a-f]{8}-[0-9a-f]{24}", answer.headers["X-Amzn-Trace-Id"])


def test_the_api_answers_502_when_the_function_fails(stage):
    """A body that is no sale makes the handler raise; API Gateway shows nothing of it."""
    connection = http.client.HTTPConnection(urlsplit(stage.api_url).netloc)
    connection.request("POST", "/sales", b"{}")
    answer = connection.getresponse()
    body = answer.read()
    connection.close()

    assert (answer.status, json.loads(body)) == (502, {"message": "Internal server error"})


def test_the_endpoint_remembers_the_x_ray_root_that_a_message_was_published_under(stage):
    """SNS hands it on to whom it notifies; moto alone forgets it. It is told once."""
    header = "Root=1-67891233-abcdef012345678912345678;Parent=53995c3f42cd8ad8;Sampled=0"
    sns = stage.clients.sns
    sns.meta.events.register("before-send.sns.Publish", add_header := _adding(header))
    topic = sns.create_topic(Name="nobody-listens")["TopicArn"]

    message_id = sns.publish(TopicArn=topic, Message="{}")["MessageId"]

    sns.meta.events.unregister("before-send.sns.Publish", add_header)
    assert stage._endpoint.trace_header(message_id) == header
    assert stage._endpoint.trace_header(message_id) is None


def _adding(header):
    def add(request, **_):
        request.headers["X-Amzn-Trace-Id"] = header

    return add
