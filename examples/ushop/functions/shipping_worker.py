"""Takes what was sold off the stock, up to ten sales at a time."""

import json
import logging
import os

import boto3

from lumitrace import traced

logger = logging.getLogger("ushop")
logger.setLevel(logging.INFO)

stock = boto3.resource("dynamodb").Table(os.environ["STOCK_TABLE"])


@traced
def handler(event, context):
    """Ship the sales of one batch; the queue holds SNS notifications, each with one sale."""
    for record in event["Records"]:
        ship(json.loads(json.loads(record["body"])["Message"]))


def ship(sale):
    """Take one sale off the stock and hand it to the packers."""
    stock.update_item(
        Key={"product": sale["product"]},
        UpdateExpression="ADD inStock :sold",
        ExpressionAttributeValues={":sold": -sale["quantity"]},
    )
    logger.info("Shipping. saleId = %s", sale["saleId"])
