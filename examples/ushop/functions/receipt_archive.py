"""Enters each receipt that is stored into the archive's list."""

import logging
from urllib.parse import unquote_plus

from lumitrace import traced

logger = logging.getLogger("ushop")
logger.setLevel(logging.INFO)


@traced
def handler(event, context):
    """Take S3's word for it: the name of an object comes as a form would spell it."""
    for record in event["Records"]:
        stored = record["s3"]["object"]
        key = unquote_plus(stored["key"])
        logger.info("Receipt archived. key = %s, %d bytes", key, stored["size"])
