"""Follows the table of sales and has a receipt sent for each new one."""

import json
import logging
import os

import boto3

import lumitrace
from lumitrace import traced

logger = logging.getLogger("ushop")
logger.setLevel(logging.INFO)

functions = boto3.client("lambda")
RECEIPT_EMAIL = os.environ["RECEIPT_EMAIL_FUNCTION"]


@traced
def handler(event, context):
    """Look at each change of the table; only what is new is a sale."""
    for record in lumitrace.records(event):
        if record["eventName"] == "INSERT":
            analyse(record["dynamodb"]["NewImage"])


def analyse(image):
    """Count one sale and wait until its receipt is on its way."""
    sale_id, department = image["saleId"]["S"], image["department"]["S"]
    logger.info("Sale analysed. saleId = %s, department = %s", sale_id, department)
    receipt = {
        "saleId": sale_id,
        "customerId": image["customerId"]["S"],
        "amount": image["amount"]["N"],
    }
    answer = functions.invoke(FunctionName=RECEIPT_EMAIL, Payload=json.dumps(receipt))
    if "FunctionError" in answer:
        message = f"No receipt for sale {sale_id}"
        raise RuntimeError(message)
