"""Tells what discount a sale gets: a small service with an HTTP door of its own."""

import json
import logging
import os
from decimal import Decimal

from lumitrace import traced

logger = logging.getLogger("ushop")
logger.setLevel(logging.INFO)

FROM = Decimal(os.environ["DISCOUNT_FROM"])


@traced
def handler(event, context):
    """Answer ``GET /prices/{product}?amount=42.50`` with the discount, in percent."""
    product = event["pathParameters"]["product"]
    amount = Decimal(event["queryStringParameters"]["amount"])
    percent = 5 if amount >= FROM else 0
    logger.info("Price checked. product = %s, discount = %d %%", product, percent)
    return {
        "statusCode": 200,
        "headers": {"Content-Type": "application/json"},
        "body": json.dumps({"product": product, "discountPercent": percent}),
    }
