"""A handler whose code does not know of lumitrace, and that imports what nobody has loaded."""

import httpcore
from calls import put, send


def handler(event, context):
    """Call AWS and another server, and fail where *event* says so."""
    print("begun", httpcore.ConnectionPool.__name__)
    answers = [send(), put()]
    if event.get("fails"):
        raise ValueError("no such sale")
    return answers


def fails(event, context):
    """Stand in for a handler whose module is imported and that fails."""
    raise ValueError(event)
