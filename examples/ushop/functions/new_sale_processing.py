"""Takes a sale at the till's HTTP door and tells the rest of the shop about it."""

import json
import logging
import os
from decimal import Decimal
from urllib.request import urlopen

import boto3

import lumitrace
from lumitrace import traced

logger = logging.getLogger("ushop")
logger.setLevel(logging.INFO)

catalog = boto3.resource("dynamodb").Table(os.environ["CATALOG_TABLE"])
sns = boto3.client("sns")
kinesis = boto3.client("kinesis")
TOPIC = os.environ["NEW_SALES_TOPIC"]


@traced
def handler(event, context):
    """Answer ``POST /sales``: 202 once the sale is published, 404 for a product we do not sell."""
    sale = json.loads(event["body"], parse_float=Decimal)
    logger.info("New sale processing. saleId = %s", sale["saleId"])
    lumitrace.tag(
        saleId=sale["saleId"],
        total=Decimal(str(sale["amount"])) * sale["quantity"],
        department=sale["department"],
        customerId=sale["customerId"],
    )

    product = catalog.get_item(Key={"product": sale["product"]}).get("Item")
    if product is None:
        logger.warning("Not in the catalog: %s", sale["product"])
        return {"statusCode": 404, "body": json.dumps({"message": "No such product"})}
    click = {"customerId": sale["customerId"], "department": sale["department"]}
    kinesis.put_record(
        StreamName=os.environ["CLICKS_STREAM"],
        PartitionKey=sale["customerId"],
        Data=json.dumps(click),
    )
    url = f"{os.environ['PRICES_URL']}/prices/{sale['product']}?amount={sale['amount']}"
    with urlopen(url, timeout=5) as answer:  # noqa: S310  # ours, not the caller's
        discount = json.load(answer)["discountPercent"]
    message = {**sale, "name": product["name"], "discountPercent": discount}

    sns.publish(
        TopicArn=TOPIC,
        Subject="New sale",
        Message=json.dumps(message, default=float),
        MessageAttributes={
            "department": {"DataType": "String", "StringValue": sale["department"]},
        },
    )
    logger.info("Published successfully to SNS topic: %s", TOPIC)
    return {"statusCode": 202, "body": json.dumps({"saleId": sale["saleId"]})}
