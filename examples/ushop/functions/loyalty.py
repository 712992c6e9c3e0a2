"""Gives customers points for what they bought."""

import logging
import os

import boto3

from lumitrace import traced

logger = logging.getLogger("ushop")
logger.setLevel(logging.INFO)

dynamodb = boto3.client("dynamodb")
TABLE = os.environ["POINTS_TABLE"]


@traced
def handler(event, context):
    """Take one event ``sale.confirmed``: a point for each whole unit of money."""
    sale = event["detail"]
    points = int(sale["amount"] * sale["quantity"])
    dynamodb.update_item(
        TableName=TABLE,
        Key={"customerId": {"S": sale["customerId"]}},
        UpdateExpression="ADD points :points",
        ExpressionAttributeValues={":points": {"N": str(points)}},
    )
    logger.info("Points given. saleId = %s, points = %d", sale["saleId"], points)
