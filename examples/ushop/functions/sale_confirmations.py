"""Writes each new sale into the table of sales: from here on it counts, and others are told."""

import json
import logging
import os
from decimal import Decimal

import boto3
from botocore.exceptions import ClientError

from lumitrace import traced

logger = logging.getLogger("ushop")
logger.setLevel(logging.INFO)

sales = boto3.resource("dynamodb").Table(os.environ["SALES_TABLE"])
events = boto3.client("events")


@traced
def handler(event, context):
    """Confirm the sales that an SNS notification brings."""
    for record in event["Records"]:
        confirm(json.loads(record["Sns"]["Message"], parse_float=Decimal))


def confirm(sale):
    """Write one sale; a failure is logged and raised, so that Lambda tries again."""
    logger.info("Confirming sale. saleId = %s", sale["saleId"])
    try:
        sales.put_item(
            Item={
                "saleId": sale["saleId"],
                "amount": sale["amount"],
                "quantity": sale["quantity"],
                "product": sale["product"],
                "department": sale["department"],
                "customerId": sale["customerId"],
            },
        )
    except ClientError:
        logger.error("Failed writing to DDB table: %s", sales.name)  # noqa: TRY400  # one line
        raise
    confirmed = {
        "Source": "ushop",
        "DetailType": "sale.confirmed",
        "Detail": json.dumps(sale, default=float),
    }
    events.put_events(Entries=[confirmed])
    logger.info("Sale confirmed. saleId = %s", sale["saleId"])
