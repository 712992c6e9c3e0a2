"""A function whose module raises while it is imported."""

import os

import lumitrace

BUCKET = os.environ["NO_SUCH_VARIABLE"]


@lumitrace.traced
def handler(_event, _context):
    """Never run."""
    return BUCKET
