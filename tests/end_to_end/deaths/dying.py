"""A function that dies as its own name says, each time after a call that went well."""

import ctypes
import decimal
import os
import sys
import urllib.request

import lumitrace

DEATH = os.environ["AWS_LAMBDA_FUNCTION_NAME"].partition("-")[0]


@lumitrace.traced
def handler(event, _context):
    """Ask for a price, then die."""
    with urllib.request.urlopen(event["shop"]) as answer:  # noqa: S310  # the test's own
        answer.read()
    match DEATH:
        case "eating":
            eaten = []
            while True:
                eaten.append(bytearray(b"x") * (8 << 20))
        case "exiting":
            sys.exit(3)
        case "leaving":
            os._exit(1)
        case "crashing":
            ctypes.string_at(0)
        case "raising":
            message = f"no stock for {event['saleId']}"
            raise LookupError(message)
        case "unserialisable":
            return {"total": decimal.Decimal("42.50"), "file": sys.stderr}
    return {}
