"""Counts the clicks of a batch, department by department."""

import base64
import json
import logging
from collections import Counter

from lumitrace import traced

logger = logging.getLogger("ushop")
logger.setLevel(logging.INFO)


@traced
def handler(event, context):
    """Read the records of a Kinesis stream; each holds one click as JSON."""
    clicks = [json.loads(base64.b64decode(it["kinesis"]["data"])) for it in event["Records"]]
    for department, count in Counter(click["department"] for click in clicks).items():
        logger.info("Clicks counted. department = %s, clicks = %d", department, count)
