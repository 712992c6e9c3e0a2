"""Sends a customer the receipt of a sale, and keeps a copy."""

import logging
import os

import boto3

from lumitrace import traced

logger = logging.getLogger("ushop")
logger.setLevel(logging.INFO)

s3 = boto3.client("s3")
BUCKET = os.environ["RECEIPTS_BUCKET"]


@traced
def handler(event, context):
    """Send one receipt; whoever invokes us waits for the answer."""
    receipt = f"Receipt for sale {event['saleId']}: {event['amount']}\n"
    s3.put_object(Bucket=BUCKET, Key=f"receipts/{event['saleId']}.txt", Body=receipt.encode())
    logger.info("Receipt sent. saleId = %s", event["saleId"])
    return {"saleId": event["saleId"], "sentTo": event["customerId"]}
