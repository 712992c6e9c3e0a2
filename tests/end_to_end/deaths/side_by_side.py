"""A function of which several invocations run at a time, each in a process of its own."""

import sys
import urllib.request

import lumitrace


@lumitrace.traced
def handler(event, _context):
    """Meet the others at the shop, so that all are under way at once; then one is gone."""
    lumitrace.tag(saleId=event["saleId"])
    with urllib.request.urlopen(event["shop"]) as answer:  # noqa: S310  # the test's own
        answer.read()
    sys.stdout.write(f"{event['saleId']} says nothing of its request\n")
    if event["saleId"] == "sale-2":
        message = "no stock"
        raise LookupError(message)
    return {}
