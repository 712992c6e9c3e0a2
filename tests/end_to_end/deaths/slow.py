"""A function whose module takes its time."""

import os
import time

import lumitrace

time.sleep(float(os.environ["SLOW_S"]))


@lumitrace.traced
def handler(_event, _context):
    """Answer at once."""
    return {}
