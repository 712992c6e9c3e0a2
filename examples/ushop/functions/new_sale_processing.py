"""Takes a sale at the till's HTTP door and tells the rest of the shop about it."""

import json
import logging
import os
from decimal import Decimal

import boto3

import lumitrace
from lumitrace import traced

logger = logging.getLogger("ushop")
logger.setLevel(logging.INFO)

catalog = boto3.resource("dynamodb").Table(os.environ["CATALOG_TABLE"])
sns = boto3.client("sns")
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

    sns.publish(
        TopicArn=TOPIC,
        Subject="New sale",
        Message=json.dumps({**sale, "name": product["name"]}, default=float),
        MessageAttributes={
            "department": {"DataType": "String", "StringValue": sale["department"]},
        },
    )
    logger.info("Published successfully to SNS topic: %s", TOPIC)
    return {"statusCode": 202, "body": json.dumps({"saleId": sale["saleId"]})}
