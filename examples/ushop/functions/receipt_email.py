"""Sends a customer the receipt of a sale."""

import logging

from lumitrace import traced

logger = logging.getLogger("ushop")
logger.setLevel(logging.INFO)


@traced
def handler(event, context):
    """Send one receipt; whoever invokes us waits for the answer."""
    logger.info("Receipt sent. saleId = %s", event["saleId"])
    return {"saleId": event["saleId"], "sentTo": event["customerId"]}
